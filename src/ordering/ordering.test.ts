import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allocateShared, MemoryRegion } from '../memory/region.ts';
import { ORDERINGS } from './index.ts';

for (const [name, ordering] of Object.entries(ORDERINGS)) {
  const memory = allocateShared(65536);
  const region = new MemoryRegion({
    guestBase: 2 ** 40,
    buffer: memory,
    byteOffset: 64,
    sizeBytes: 4096,
  });
  const shared = ordering.bind(region);

  test(`ordering ${name}: its entry tells its name and what it is`, () => {
    assert.equal(ordering.name, name);
    assert.match(ordering.summary, /\S/);
    assert.equal(ordering.summary.includes('\n'), false);
    assert.equal(typeof ordering.sound, 'boolean');
  });

  for (const offset of [0, 2, 4094])
    for (const value of [0, 1, 0x8000, 0xffff])
      test(`ordering ${name}: ${value} at ${offset} comes back, little-endian, and touches nothing else`, () => {
        region.u8.fill(0xa5);
        shared.store16(offset, value);
        shared.fence();
        assert.equal(shared.load16(offset), value);
        const expected = new Uint8Array(4096).fill(0xa5);
        new DataView(expected.buffer).setUint16(offset, value, true);
        assert.deepEqual(region.u8.slice(), expected);
      });

  test(`ordering ${name}: it loads what the peer wrote`, () => {
    const peer = ordering.bind(new MemoryRegion({ guestBase: 0, buffer: memory, byteOffset: 64 }));
    peer.store16(100, 4711);
    assert.equal(shared.load16(100), 4711);
  });
}

test('ordering: one at least is sound', () => {
  assert.ok(Object.values(ORDERINGS).some((ordering) => ordering.sound));
});

test('ordering wasm: refuses a region that is not made of shared memory', () => {
  const region = new MemoryRegion({ guestBase: 0, buffer: new ArrayBuffer(4096) });
  assert.throws(() => ORDERINGS.wasm.bind(region), TypeError);
});
