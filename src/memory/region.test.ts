import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  allocateShared,
  GUEST_ADDRESS_END,
  MemoryRegion,
  type MemoryRegionOptions,
  REGION_SIZE_MAX,
} from './region.ts';

const buffer = new ArrayBuffer(4096);

const refused: [string, MemoryRegionOptions, RegExp][] = [
  ['a negative guest base', { guestBase: -8, buffer }, /guest base.*-8/],
  ['a guest base that is not a multiple of 8', { guestBase: 12, buffer }, /guest base.*12/],
  ['a fractional guest base', { guestBase: 0.5, buffer }, /guest base.*0\.5/],
  ['a guest base that is not a number', { guestBase: Number.NaN, buffer }, /guest base.*NaN/],
  ['a guest base of 2^53', { guestBase: 2 ** 53, buffer }, /guest base/],
  ['an end beyond 2^53', { guestBase: GUEST_ADDRESS_END - 4088, buffer }, /passes guest address/],
  ['a place that is not a multiple of 8', { guestBase: 0, buffer, byteOffset: 4 }, /place in its buffer.*4/],
  ['a negative place', { guestBase: 0, buffer, byteOffset: -8 }, /place in its buffer.*-8/],
  ['a place behind the buffer', { guestBase: 0, buffer, byteOffset: 4104 }, /size must be.*-8/],
  ['a size of 0', { guestBase: 0, buffer, sizeBytes: 0 }, /size must be.*0/],
  ['a size that is not a multiple of 8', { guestBase: 0, buffer, sizeBytes: 100 }, /size must be.*100/],
  ['a size beyond 4 GiB', { guestBase: 0, buffer, sizeBytes: REGION_SIZE_MAX + 8 }, /size must be/],
  ['a size beyond the buffer', { guestBase: 0, buffer, byteOffset: 8, sizeBytes: 4096 }, /passes its 4096 bytes/],
];
for (const [what, options, message] of refused)
  test(`region: ${what} is refused`, () => {
    assert.throws(() => new MemoryRegion(options), { name: 'RangeError', message });
  });

test('region: the default is the whole buffer', () => {
  const region = new MemoryRegion({ guestBase: 64, buffer });
  assert.deepEqual([region.byteOffset, region.sizeBytes, region.guestBase], [0, 4096, 64]);
  assert.equal(region.addressOf(10), 74);
});

test('region: every view covers the region and nothing else', () => {
  const region = new MemoryRegion({ guestBase: 0, buffer, byteOffset: 16, sizeBytes: 64 });
  for (const view of [region.u8, region.u16, region.u32, region.i32]) {
    assert.equal(view.byteOffset, 16);
    assert.equal(view.byteLength, 64);
    assert.equal(view.buffer, buffer);
  }
});

const bases: [number, number, number][] = [
  // base, low word (signed), high word
  [0, 0, 0],
  [0x7ffffff8, 0x7ffffff8, 0],
  [0xfffffff8, -8, 0],
  [2 ** 32, 0, 1],
  [0x1234_8000_0000, -0x80000000, 0x1234],
  [GUEST_ADDRESS_END - 4096, -4096, 0x1fffff],
];
for (const [guestBase, low, high] of bases)
  test(`region: base 0x${guestBase.toString(16)} in two words`, () => {
    const region = new MemoryRegion({ guestBase, buffer });
    assert.deepEqual([region.guestBaseLow, region.guestBaseHigh], [low, high]);
  });

test('region: 4 GiB, the largest, has all its 16-bit fields', () => {
  const region = new MemoryRegion({ guestBase: 0, buffer: allocateShared(REGION_SIZE_MAX) });
  assert.equal(region.sizeBytes, REGION_SIZE_MAX);
  assert.equal(region.u8.length, REGION_SIZE_MAX);
  assert.equal(region.u32.length, REGION_SIZE_MAX / 4);
  assert.equal(region.u16.length, REGION_SIZE_MAX / 2);
});

test('allocateShared: zeroed, shared, at least so long', () => {
  for (const sizeBytes of [1, 65536, 65537, 1 << 20]) {
    const memory = allocateShared(sizeBytes);
    const shared = memory.buffer;
    assert.ok(shared instanceof SharedArrayBuffer);
    assert.ok(shared.byteLength >= sizeBytes && shared.byteLength < sizeBytes + 65536);
    assert.ok(new Uint8Array(shared).every((byte) => byte === 0));
    assert.equal(new MemoryRegion({ guestBase: 0, buffer: memory }).memory, memory);
    assert.equal(new MemoryRegion({ guestBase: 0, buffer: shared }).memory, null);
  }
});
