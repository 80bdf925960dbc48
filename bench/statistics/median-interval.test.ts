import assert from 'node:assert/strict';
import { test } from 'node:test';
import { medianInterval } from './median-interval.ts';
import { samplesFrom } from './test-noise.ts';

/** 1 to `count`, so that a value is its place. */
const places = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

const cases = [
  // count, low, high, level: from tables of the binomial distribution with p = 1/2
  [1, 1, 1, 0],
  [2, 1, 2, 0.5],
  [5, 1, 5, 0.9375],
  [6, 1, 6, 0.96875],
  [8, 1, 8, 0.9921875],
  [9, 2, 8, 0.9609375],
  [15, 4, 12, 0.96484375],
  [30, 10, 21, 0.957226],
] as const;
for (const [count, low, high, level] of cases)
  test(`median interval: of ${count} values`, () => {
    const interval = medianInterval(places(count).reverse());
    assert.deepEqual([interval.median, interval.low, interval.high], [(count + 1) / 2, low, high]);
    assert.ok(Math.abs(interval.level - level) < 1e-6, `${interval.level}`);
  });

test('median interval: it holds the truth as often as it says', () => {
  const TRIES = 2000;
  for (const count of [5, 7, 15]) {
    const samples = samplesFrom(count, 'lognormal');
    let held = 0;
    let level = 0;
    for (let i = 0; i < TRIES; i++) {
      const interval = medianInterval(samples(count, 100, 0.1));
      level = interval.level;
      if (interval.low <= 100 && interval.high >= 100) held++;
    }
    assert.ok(Math.abs(held / TRIES - level) < 0.025, `${count}: ${held / TRIES}, not ${level}`);
  }
});

test('median interval: of nothing is refused', () => assert.throws(() => medianInterval([]), /no values/));
