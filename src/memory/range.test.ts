import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GuestMemory } from './guest-memory.ts';
import { MemoryRange, slowRange, wholeRange } from './range.ts';
import { GUEST_ADDRESS_END, MemoryRegion } from './region.ts';

const SIZE = 4096;
const HIGH = 2 ** 40;
const memory = new GuestMemory(
  [SIZE, 2 * SIZE, HIGH].map((guestBase) => new MemoryRegion({ guestBase, buffer: new ArrayBuffer(SIZE) })),
);

const answers: [string, number, [number, number, number, number], [number, number, number, number]][] = [
  // what, address, the whole range and the slow one: start, end, region, offset
  ['first byte', SIZE, [SIZE, 2 * SIZE, 0, 0], [SIZE, SIZE + 1, 0, 0]],
  ['last byte', 2 * SIZE - 1, [SIZE, 2 * SIZE, 0, 0], [2 * SIZE - 1, 2 * SIZE, 0, SIZE - 1]],
  ['a touching region', 2 * SIZE, [2 * SIZE, 3 * SIZE, 1, 0], [2 * SIZE, 2 * SIZE + 1, 1, 0]],
  ['a high address', HIGH + 7, [HIGH, HIGH + SIZE, 2, 0], [HIGH + 7, HIGH + 8, 2, 7]],
];
for (const [what, address, whole, slow] of answers)
  test(`range: ${what}`, () => {
    for (const [callback, expected] of [
      [wholeRange(memory), whole],
      [slowRange(memory), slow],
    ] as const) {
      const range = new MemoryRange();
      range.wanted = address;
      assert.equal(callback(range), true);
      assert.deepEqual([range.start, range.end, range.region, range.offset], expected);
    }
  });

const outside = [0, SIZE - 1, 3 * SIZE, HIGH - 1, HIGH + SIZE, GUEST_ADDRESS_END, 2 ** 64];
for (const address of outside)
  test(`range: ${address} lies outside, and the answer stays as it was`, () => {
    for (const callback of [wholeRange(memory), slowRange(memory)]) {
      const range = new MemoryRange();
      range.wanted = HIGH + 3;
      callback(range);
      range.wanted = address;
      const before = { ...range };
      assert.equal(callback(range), false);
      assert.deepEqual({ ...range }, before);
    }
  });

test('range: a fresh one holds no address', () => {
  const range = new MemoryRange();
  assert.ok(!(range.start < range.end));
});
