import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalFrom, randomFrom, SEED_MAX, shuffle } from './random.ts';
import { mean, standardDeviation } from './sample.ts';

const take = (count: number, next: () => number) => Array.from({ length: count }, next);

test('random: a seed has one sequence, another seed another', () => {
  assert.deepEqual(take(5, randomFrom(7)), take(5, randomFrom(7)));
  assert.notDeepEqual(take(5, randomFrom(7)), take(5, randomFrom(8)));
});

for (const seed of [0, 1, SEED_MAX])
  test(`random: seed ${seed}: from 0 up to 1, evenly`, () => {
    const values = take(10_000, randomFrom(seed));
    assert.ok(values.every((value) => value >= 0 && value < 1));
    // 1/2 ± 0.003 and 1/√12 for a fair one.
    assert.ok(Math.abs(mean(values) - 0.5) < 0.01);
    assert.ok(Math.abs(standardDeviation(values) - 1 / Math.sqrt(12)) < 0.01);
  });

test('random: a shuffle keeps all values, and those outside where they are', () => {
  const values = [0, 1, 2, 3, 4, 5, 6, 7];
  shuffle(values, 2, 6, randomFrom(3));
  assert.deepEqual(
    [values.slice(0, 2), values.slice(6)],
    [
      [0, 1],
      [6, 7],
    ],
  );
  assert.deepEqual(values.slice(2, 6).sort(), [2, 3, 4, 5]);
});

test('random: the normal numbers of the simulations are normal', () => {
  const values = take(20_000, normalFrom(randomFrom(1)));
  assert.ok(Math.abs(mean(values)) < 0.02);
  assert.ok(Math.abs(standardDeviation(values) - 1) < 0.02);
  const beyond = values.filter((value) => Math.abs(value) > 1.96).length / values.length;
  assert.ok(Math.abs(beyond - 0.05) < 0.005, `${beyond}`);
});
