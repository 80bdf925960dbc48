import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryRegion } from '../memory/region.ts';
import { IndirectPool, NO_TABLE } from './indirect-pool.ts';

const region = new MemoryRegion({ guestBase: 0, buffer: new ArrayBuffer(4096) });

test('indirect pool: tables lie behind each other, none twice', () => {
  const pool = new IndirectPool({ region, offset: 64, tableCount: 3, tableLength: 4 });
  const tables = [pool.take(), pool.take(), pool.take()];
  assert.deepEqual(
    tables.map((table) => pool.offsetOf(table)).sort((a, b) => a - b),
    [64, 128, 192],
  );
  assert.equal(IndirectPool.sizeBytes(3, 4), 192);
  assert.equal(pool.words, region.u32);
  assert.equal(pool.tableLength, 4);
});

test('indirect pool: exhausted, and served again after a table came back', () => {
  const pool = new IndirectPool({ region, offset: 0, tableCount: 2, tableLength: 2 });
  const first = pool.take();
  pool.take();
  assert.equal(pool.take(), NO_TABLE);
  pool.give(first);
  assert.equal(pool.take(), first);
  assert.equal(pool.take(), NO_TABLE);
});

const refused: [string, number, number, number][] = [
  ['an offset that is not a multiple of 16', 8, 1, 1],
  ['a negative offset', -16, 1, 1],
  ['an offset that is not a number', Number.NaN, 1, 1],
  ['an end behind the region', 4096 - 32, 1, 3],
  ['more tables than fit', 0, 65, 4],
];
for (const [what, offset, tableCount, tableLength] of refused)
  test(`indirect pool: ${what} is refused`, () => {
    assert.throws(() => new IndirectPool({ region, offset, tableCount, tableLength }), RangeError);
  });

test('indirect pool: up to the last byte of the region', () => {
  new IndirectPool({ region, offset: 0, tableCount: 64, tableLength: 4 });
});
