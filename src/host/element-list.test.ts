import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DirtyLog } from '../memory/dirty-log.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { allocateShared, MemoryRegion } from '../memory/region.ts';
import { ElementList } from './element-list.ts';

const SIZE = 65536;

/** Two regions; byte `i` of region `r` is `i * 7 + r`. */
function setUp() {
  const regions = [0, 2 ** 40].map((guestBase) => new MemoryRegion({ guestBase, buffer: allocateShared(SIZE) }));
  for (const [r, region] of regions.entries()) for (let i = 0; i < SIZE; i++) region.u8[i] = i * 7 + r;
  const memory = new GuestMemory(regions);
  return { memory, list: new ElementList(memory) };
}

test('element list: starts with room for two and doubles', () => {
  const { list } = setUp();
  const capacities: number[] = [];
  for (let i = 0; i < 33; i++) {
    list.append(i % 2, 8 * i, i + 1);
    if (list.capacity !== capacities.at(-1)) capacities.push(list.capacity);
  }
  assert.deepEqual(capacities, [2, 4, 8, 16, 32, 64]);
  assert.equal(list.count, 33);
  for (let i = 0; i < 33; i++)
    assert.deepEqual([list.regions[i], list.offsets[i], list.lengths[i]], [i % 2, 8 * i, i + 1]);
  assert.equal(list.totalBytes(), (33 * 34) / 2);
  list.reset();
  assert.deepEqual([list.count, list.position, list.totalBytes(), list.capacity], [0, 0, 0, 64]);
});

const shapes: [string, number[]][] = [
  ['one byte', [1]],
  ['small elements', [1, 2, 1, 3, 5]],
  ['an empty element first, in the middle and last', [0, 2, 0, 0, 3, 0]],
  ['at the border of the bulk copy', [255, 256, 257]],
  ['large elements', [1000, 1, 4096, 300]],
  ['none', []],
];
const chunks = [1, 3, 255, 256, 257, 1000, 10000];

/** Where each byte of the elements lies: region and offset. */
function place(lengths: number[], list: ElementList): [number, number][] {
  const places: [number, number][] = [];
  for (const [i, length] of lengths.entries()) {
    list.append(i % 2, 6000 * i + 5, length);
    for (let k = 0; k < length; k++) places.push([i % 2, 6000 * i + 5 + k]);
  }
  return places;
}

for (const [what, lengths] of shapes)
  for (const chunk of chunks) {
    test(`pull: ${what}, ${chunk} bytes at a time`, () => {
      const { memory, list } = setUp();
      const places = place(lengths, list);
      const target = new Uint8Array(chunk + 4).fill(0xee);
      const got: number[] = [];
      for (;;) {
        const moved = list.pull(target, 2, chunk);
        assert.equal(moved, Math.min(chunk, places.length - got.length));
        if (moved === 0) break;
        got.push(...target.subarray(2, 2 + moved));
      }
      assert.deepEqual(
        got,
        places.map(([region, offset]) => memory.bytes[region]![offset]),
      );
      assert.deepEqual([target[0], target[1], target[chunk + 2], target[chunk + 3]], [0xee, 0xee, 0xee, 0xee]);
      if (places.length > 0) assert.ok(list.lengths.subarray(list.position, list.count).every((left) => left === 0));
    });

    test(`push: ${what}, ${chunk} bytes at a time`, () => {
      const { memory, list } = setUp();
      const expected = memory.bytes.map((bytes) => bytes.slice());
      const places = place(lengths, list);
      for (const [n, [region, offset]] of places.entries()) expected[region]![offset] = n * 13;
      const source = Uint8Array.from({ length: places.length + chunk + 3 }, (_, n) => (n - 3) * 13);
      let sent = 0;
      for (;;) {
        const moved = list.push(source, 3 + sent, chunk);
        assert.equal(moved, Math.min(chunk, places.length - sent));
        if (moved === 0) break;
        sent += moved;
      }
      for (const [r, bytes] of memory.bytes.entries()) assert.deepEqual(bytes, expected[r]);
    });
  }

test('element list: never past the end of the local array', () => {
  const { list } = setUp();
  list.append(0, 0, 100);
  const local = new Uint8Array(10);
  assert.equal(list.pull(local, 4, 100), 6);
  assert.equal(list.pull(local, 10, 100), 0);
  assert.equal(list.pull(local, 11, 100), 0);
  assert.equal(list.push(local, 8, 100), 2);
  assert.equal(list.pull(local, 0, 0), 0);
  assert.deepEqual([...local.subarray(4)], [0, 7, 14, 21, 28, 35]);
});

test('element list: rewind goes back to the first byte', () => {
  const { list } = setUp();
  list.append(0, 10, 3);
  list.append(1, 20, 3);
  const local = new Uint8Array(6);
  list.pull(local, 0, 4);
  assert.equal(list.position, 1);
  list.rewind();
  assert.equal(list.position, 0);
  assert.equal(list.pull(local, 0, 6), 6);
  assert.deepEqual([...local], [70, 77, 84, 141, 148, 155]);
  assert.equal(list.position, list.count);
});

/** A log of the first 16 pages of the first region, whose base is 0; elements of 10, 5000 and 300 bytes in it. */
function logged() {
  const { memory, list } = setUp();
  const bits = new Uint8Array(2);
  const log = new DirtyLog(bits);
  for (const [offset, length] of [
    [4090, 10],
    [8192, 5000],
    [61000, 300],
  ] as const)
    list.append(0, offset, length);
  const pages = () => Array.from({ length: 16 }, (_, i) => i).filter((i) => ((bits[i >> 3]! >> (i & 7)) & 1) === 1);
  return { memory, list, log, pages };
}

const LOGGED: [number, number[]][] = [
  // bytes moved, pages
  [0, []],
  [6, [0]],
  [7, [0, 1]],
  [10, [0, 1]],
  [11, [0, 1, 2]],
  [10 + 4096, [0, 1, 2]],
  [10 + 4097, [0, 1, 2, 3]],
  [5310, [0, 1, 2, 3, 14]],
  [9999, [0, 1, 2, 3, 14]],
];
for (const [bytes, expected] of LOGGED)
  for (const chunk of [1, 100, 300, 9999]) {
    test(`dirty log: ${bytes} bytes pushed or written in place, ${chunk} at a time, note the same pages`, () => {
      for (const call of ['push', 'skipWritten'] as const) {
        const { memory, list, log, pages } = logged();
        memory.dirtyLog = log;
        for (let left = bytes; left > 0; left -= chunk) {
          const wanted = Math.min(left, chunk);
          if (call === 'push') list.push(new Uint8Array(wanted), 0, wanted);
          else list.skipWritten(wanted);
        }
        assert.deepEqual(pages(), expected, call);
      }
    });
  }

test('dirty log: reading notes nothing, and neither does anything once the log is gone', () => {
  const { memory, list, log, pages } = logged();
  memory.dirtyLog = log;
  list.pull(new Uint8Array(9), 0, 9);
  list.skip(3000);
  memory.dirtyLog = null;
  list.push(new Uint8Array(9), 0, 9);
  list.skipWritten(9);
  assert.deepEqual(pages(), []);
});

test('dirty log: guest addresses count, not offsets', () => {
  const memory = new GuestMemory([new MemoryRegion({ guestBase: 5 * 4096, buffer: new ArrayBuffer(8192) })]);
  const list = new ElementList(memory);
  const bits = new Uint8Array(1);
  memory.dirtyLog = new DirtyLog(bits);
  list.append(0, 4095, 2);
  list.push(Uint8Array.of(1, 2), 0, 2);
  assert.equal(bits[0], 0b0110_0000);
});

for (const call of ['skip', 'skipWritten'] as const)
  test(`${call}: the position moves as if the bytes were copied`, () => {
    const { list } = logged();
    assert.equal(list[call](4), 4);
    assert.deepEqual([list.position, list.moved], [0, 4]);
    assert.equal(list[call](6), 6);
    assert.deepEqual([list.position, list.moved], [1, 0]);
    assert.equal(list[call](5001), 5001);
    assert.deepEqual([list.position, list.moved], [2, 1]);
    const rest = new Uint8Array(400);
    assert.equal(list.pull(rest, 0, 400), 299);
    assert.deepEqual([...rest.subarray(0, 2)], [(61001 * 7) & 0xff, (61002 * 7) & 0xff]);
    assert.equal(list[call](1), 0);
    list.rewind();
    assert.equal(list[call](9999), 5310);
    assert.deepEqual([list.position, list.moved], [3, 0]);
  });
