import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changePoints, median, quantile, ratioOfMedians } from './page/statistics.ts';

test('statistics: quantiles lie between the values', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(quantile([1, 2, 3, 4, 5], 0.25), 2);
  assert.equal(quantile([7], 0.9), 7);
});

test('statistics: the interval holds the ratio, and is the same again', () => {
  const [a, b] = [
    [10, 11, 12, 13, 14],
    [5, 5.5, 6, 6.5, 7],
  ];
  const { ratio, low, high } = ratioOfMedians(a, b);
  assert.equal(ratio, 2);
  assert.ok(low < ratio && ratio < high);
  assert.ok(low > 1);
  assert.deepEqual(ratioOfMedians(a, b), { ratio, low, high });
});

const noisy = (level: number, count: number) => Array.from({ length: count }, (_, i) => level + ((i * 7) % 5) / 100);

test('statistics: a step is found where it is', () => {
  const [change, ...more] = changePoints([...noisy(5, 8), ...noisy(4, 7)]);
  assert.deepEqual(more, []);
  assert.equal(change!.index, 8);
  assert.ok(change!.p <= 0.01);
  assert.ok(change!.before > 5 && change!.after < 4.1);
});

test('statistics: scatter and short series have no step', () => {
  assert.deepEqual(changePoints(noisy(5, 20)), []);
  assert.deepEqual(changePoints([5, 4]), []);
  assert.deepEqual(changePoints([]), []);
});
