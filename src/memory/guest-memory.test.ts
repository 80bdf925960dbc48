import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GuestMemory, NO_REGION, OpenLater } from './guest-memory.ts';
import { GUEST_ADDRESS_END, MemoryRegion } from './region.ts';

const SIZE = 4096;
const at = (guestBase: number) => new MemoryRegion({ guestBase, buffer: new ArrayBuffer(SIZE) });

const LOW = 0x1000;
const TOUCHING = LOW + SIZE;
const HIGH = 2 ** 40;
const LAST = GUEST_ADDRESS_END - SIZE;

const found: [string, number, number][] = [
  ['below the first region', LOW - 1, NO_REGION],
  ['address 0', 0, NO_REGION],
  ['a negative address', -1, NO_REGION],
  ['first byte', LOW, 0],
  ['last byte', LOW + SIZE - 1, 0],
  ['first byte of the touching region', TOUCHING, 1],
  ['last byte of the touching region', TOUCHING + SIZE - 1, 1],
  ['first byte of the gap', TOUCHING + SIZE, NO_REGION],
  ['middle of the gap', 2 ** 39, NO_REGION],
  ['last byte of the gap', HIGH - 1, NO_REGION],
  ['first byte behind the gap', HIGH, 2],
  ['last byte behind the gap', HIGH + SIZE - 1, 2],
  ['the last address that is exact', GUEST_ADDRESS_END - 1, 3],
  ['2^53', GUEST_ADDRESS_END, NO_REGION],
  ['2^53 + 2', GUEST_ADDRESS_END + 2, NO_REGION],
  ['2^63', 2 ** 63, NO_REGION],
  ['2^64 - 2^32', 2 ** 64 - 2 ** 32, NO_REGION],
  ['all 64 bits, as two words give it', 0xffffffff * 2 ** 32 + 0xffffffff, NO_REGION],
  ['a base plus 2^64', 2 ** 64 + HIGH, NO_REGION],
  ['infinity', Number.POSITIVE_INFINITY, NO_REGION],
];
const memory = new GuestMemory([at(LAST), at(HIGH), at(TOUCHING), at(LOW)]);
for (const [what, address, index] of found)
  test(`guest memory: ${what}`, () => assert.equal(memory.find(address), index));

test('guest memory: regions are sorted by guest address, their bytes likewise', () => {
  assert.deepEqual(
    memory.regions.map((region) => region.guestBase),
    [LOW, TOUCHING, HIGH, LAST],
  );
  assert.deepEqual(
    memory.bytes,
    memory.regions.map((region) => region.u8),
  );
});

test('guest memory: every address of many regions, against a slow obvious search', () => {
  const bases = Array.from({ length: 33 }, (_, i) => 8 * (i * 3 + (i % 2)));
  const regions = bases.map((guestBase) => new MemoryRegion({ guestBase, buffer: new ArrayBuffer(16) }));
  const many = new GuestMemory(regions);
  for (let address = 0; address < 900; address++) {
    const expected = bases.findIndex((base) => address >= base && address < base + 16);
    assert.equal(many.find(address), expected, `address ${address}`);
  }
});

test('guest memory: overlapping regions are refused', () => {
  assert.throws(() => new GuestMemory([at(0), at(SIZE - 8)]), { name: 'RangeError', message: /overlap/ });
  assert.throws(() => new GuestMemory([at(0), at(0)]), RangeError);
});

test('guest memory: no region, and more than 65,536, are refused', () => {
  assert.throws(() => new GuestMemory([]), RangeError);
  assert.throws(() => new GuestMemory(new Array(65537).fill(at(0))), RangeError);
});

/** Makes places, and notes which of them are opened. */
function places() {
  const opened: number[] = [];
  const place = (guestBase: number) => ({
    guestBase,
    sizeBytes: 4096,
    open() {
      opened.push(guestBase);
      return new MemoryRegion({ guestBase, buffer: new ArrayBuffer(4096) });
    },
  });
  return { opened, place };
}

test('guest memory: a place is opened once, when an address in it is first looked for', () => {
  const { opened, place } = places();
  const memory = new GuestMemory([
    place(8192),
    new MemoryRegion({ guestBase: 0, buffer: new ArrayBuffer(64) }),
    place(65536),
  ]);
  assert.deepEqual([memory.find(0), memory.find(64), memory.find(4096), opened.length], [0, NO_REGION, NO_REGION, 0]);
  assert.deepEqual([memory.find(12287), memory.find(8192), memory.find(12288)], [1, 1, NO_REGION]);
  assert.deepEqual(opened, [8192]);
  assert.equal(memory.bytes[1], memory.regions[1]!.u8);
  assert.equal(memory.bytes[1]!.length, 4096);
  assert.equal(memory.find(65536), 2);
  assert.deepEqual(opened, [8192, 65536]);
  assert.throws(() => new GuestMemory([place(0), place(4088)]), RangeError);
});

test('guest memory: with turns, one place is opened in a turn, and nothing changes for the others', () => {
  const { opened, place } = places();
  const memory = new GuestMemory([place(0), place(4096), place(8192)]);
  memory.beginTurn();
  assert.equal(memory.find(4096), 1);
  assert.throws(() => memory.find(0), OpenLater);
  assert.throws(() => memory.find(8192), OpenLater);
  assert.equal(memory.find(4097), 1, 'what is open is found all the same');
  assert.equal(memory.find(12288), NO_REGION);
  assert.deepEqual(opened, [4096]);
  memory.beginTurn();
  assert.equal(memory.find(8192), 2);
  assert.throws(() => memory.find(0), OpenLater);
  memory.beginTurn();
  assert.equal(memory.find(0), 0);
  assert.deepEqual(opened, [4096, 8192, 0]);
});
