import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalDeviate, normalTail } from './normal.ts';

const close = (actual: number, expected: number, relative = 1e-12) =>
  assert.ok(Math.abs(actual - expected) <= relative * Math.abs(expected), `${actual}, not ${expected}`);

// R 4: pnorm(z, lower.tail = FALSE) and qnorm; 2.99 by C's erfc. To fewer digits: Abramowitz & Stegun, table 26.1.
const tails: [z: number, tail: number][] = [
  [1, 0.158655253931457],
  [1.2815515655446, 0.1],
  [1.95996398454005, 0.025],
  [2.99, 0.0013948872354922],
  [3, 0.0013498980316301],
  [5, 2.86651571879194e-7],
  [10, 7.61985302416053e-24],
];
for (const [z, tail] of tails)
  test(`normal: above ${z}`, () => {
    close(normalTail(z), tail, 1e-9);
    close(normalTail(-z), 1 - tail);
    close(normalDeviate(tail), z, 1e-9);
  });

test('normal: the middle, the ends, and what is none', () => {
  assert.deepEqual([normalTail(0), normalDeviate(0.5)], [0.5, 0]);
  assert.deepEqual([normalTail(Infinity), normalTail(-Infinity), normalTail(Number.NaN)], [0, 1, Number.NaN]);
  assert.ok(normalDeviate(0) > 37);
  for (const tail of [-0.1, 0.6, Number.NaN]) assert.throws(() => normalDeviate(tail), new RegExp(`not ${tail}`));
});

test('normal: the two ways to a tail meet', () => close(normalTail(3 - 1e-12), normalTail(3), 1e-10));
