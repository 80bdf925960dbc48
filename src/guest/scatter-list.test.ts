import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allocateShared, MemoryRegion, REGION_SIZE_MAX } from '../memory/region.ts';
import { ScatterList } from './scatter-list.ts';

const region = new MemoryRegion({ guestBase: 2 ** 40, buffer: new ArrayBuffer(4096) });
const other = new MemoryRegion({ guestBase: 2 ** 41, buffer: new ArrayBuffer(64) });

test('scatter list: elements in order, readable ones first, each in its region', () => {
  const list = new ScatterList(4).addOut(region, 0, 1).addOut(other, 60, 4).addIn(region, 4000, 96).addIn(other, 64, 0);
  assert.deepEqual([list.outCount, list.inCount, list.count, list.writableBytes], [2, 2, 4, 96]);
  assert.deepEqual(list.regions, [region, other, region, other]);
  assert.deepEqual([...list.offsets], [0, 60, 4000, 64]);
  assert.deepEqual([...list.lengths], [1, 4, 96, 0]);
});

test('scatter list: reset makes room for the next request', () => {
  const list = new ScatterList(2).addOut(region, 0, 1).addIn(region, 8, 8);
  assert.equal(list.reset(), list);
  assert.deepEqual([list.outCount, list.inCount, list.count, list.writableBytes], [0, 0, 0, 0]);
  list.addOut(region, 16, 2).addOut(region, 24, 3);
  assert.deepEqual([...list.offsets], [16, 24]);
});

const refused: [string, (list: ScatterList) => void, RegExp][] = [
  ['readable after writable', (list) => list.addIn(region, 0, 1).addOut(region, 0, 1), /readable/],
  ['more than it has room for', (list) => list.addOut(region, 0, 1).addOut(region, 0, 1).addIn(region, 0, 1), /full/],
  ['an end behind the region', (list) => list.addOut(region, 4090, 7), /leaves/],
  ['a start behind the region', (list) => list.addIn(region, 4097, 0), /leaves/],
  ['a negative offset', (list) => list.addOut(region, -1, 1), /integers/],
  ['a negative length', (list) => list.addIn(region, 8, -1), /integers/],
  ['an offset that is not a number', (list) => list.addOut(region, Number.NaN, 1), /integers/],
  ['a length that is not a number', (list) => list.addIn(region, 0, Number.NaN), /integers/],
  ['an offset between two bytes', (list) => list.addOut(region, 0.5, 1), /integers/],
];
for (const [what, fill, message] of refused)
  test(`scatter list: ${what} is refused`, () => {
    assert.throws(() => fill(new ScatterList(2)), { name: 'RangeError', message });
  });

test('scatter list: a refused element leaves the list as it was', () => {
  const list = new ScatterList(2).addIn(region, 0, 5);
  assert.throws(() => list.addIn(region, 4096, 1), RangeError);
  assert.throws(() => list.addOut(region, 0, 1), RangeError);
  assert.deepEqual([list.outCount, list.inCount, list.writableBytes], [0, 1, 5]);
});

test('scatter list: 4 GiB in one element are refused, a descriptor has 32 bits for them', () => {
  const huge = new MemoryRegion({ guestBase: 0, buffer: allocateShared(REGION_SIZE_MAX) });
  const list = new ScatterList(1).addOut(huge, 1, REGION_SIZE_MAX - 1);
  assert.equal(list.lengths[0], 0xffffffff);
  assert.throws(() => list.reset().addOut(huge, 0, REGION_SIZE_MAX), RangeError);
});
