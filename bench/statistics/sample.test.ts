import assert from 'node:assert/strict';
import { test } from 'node:test';
import { extremesOf, mad, mean, median, quantile, standardDeviation } from './sample.ts';

const medians: [values: number[], expected: number][] = [
  [[3], 3],
  [[9, 1, 5], 5],
  [[4, 1, 3, 2], 2.5],
  [[10, 9, 100], 10],
  [[], Number.NaN],
];
for (const [values, expected] of medians)
  test(`sample: median of [${values}]`, () => assert.equal(median(values), expected));

const toTen = [10, 3, 5, 1, 2, 8, 7, 4, 6, 9];
const quantiles: [values: number[], p: number, expected: number, source: string][] = [
  [toTen, 0.25, 3.25, 'R 4: quantile(1:10)'],
  [toTen, 0.5, 5.5, 'R 4: quantile(1:10)'],
  [toTen, 0.75, 7.75, 'R 4: quantile(1:10)'],
  [[10, 7, 4, 3, 2, 1], 0.5, 3.5, 'NumPy manual: percentile([[10, 7, 4], [3, 2, 1]], 50)'],
  [toTen, 0, 1, 'the smallest'],
  [toTen, 1, 10, 'the greatest'],
  [[7], 0.3, 7, 'the only one'],
  [[], 0.5, Number.NaN, 'of nothing'],
];
for (const [values, p, expected, source] of quantiles)
  test(`sample: quantile ${p} of [${values}] (${source})`, () => assert.equal(quantile(values, p), expected));

for (const p of [-0.1, 1.1, Number.NaN])
  test(`sample: no quantile ${p}`, () => assert.throws(() => quantile([1, 2], p), new RegExp(`not ${p}`)));

const spreads: [what: string, actual: number, expected: number][] = [
  // Wikipedia, Median absolute deviation, the example.
  ['mad of 1 1 2 2 4 6 9', mad([1, 1, 2, 2, 4, 6, 9]), 1],
  // R 4: mad(1:9) = 2.9652, with its constant 1.4826.
  ['mad of 1 to 9', mad([1, 2, 3, 4, 5, 6, 7, 8, 9]) * 1.4826, 2.9652],
  ['mad of one', mad([5]), 0],
  ['mean', mean([1, 2, 6]), 3],
  ['mean of nothing', mean([]), Number.NaN],
  // R 4: sd(1:10) = 3.02765.
  ['standard deviation of 1 to 10', Math.round(standardDeviation(toTen) * 1e5) / 1e5, 3.02765],
  ['standard deviation of one', standardDeviation([5]), Number.NaN],
];
for (const [what, actual, expected] of spreads) test(`sample: ${what}`, () => assert.equal(actual, expected));

test('sample: what was given stays in its order', () => {
  const values = [3, 1, 2];
  median(values);
  quantile(values, 0.5);
  mad(values);
  assert.deepEqual(values, [3, 1, 2]);
});

test('sample: extremes of a million values, of one and of none', () => {
  const million = Float64Array.from({ length: 1_000_000 }, (_, i) => (i * 7919) % 1_000_003);
  assert.deepEqual(extremesOf(million), [0, Math.max(...million.toSorted().subarray(-2))]);
  assert.deepEqual(extremesOf([3]), [3, 3]);
  assert.deepEqual(extremesOf([]), [Infinity, -Infinity]);
});
