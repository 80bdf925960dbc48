import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sumOf } from './histogram.ts';
import { Samples, strideOf } from './samples.ts';

const MAX = 2 ** 20;

const strides: [wanted: number, events: number, expected: number][] = [
  [1, 1, 1],
  [64, 10_000_000, 64],
  [64, 3, 64],
  [1, MAX, 1],
  [1, MAX + 1, 2],
  [1, 2_000_000_000, 1908],
  [2_000_000_000, 2_000_000_000, 2_000_000_000],
];
for (const [wanted, events, expected] of strides)
  test(`samples: one of ${wanted} of ${events} events is one of ${expected}`, () => {
    const stride = strideOf(wanted, events);
    assert.equal(stride, expected);
    const { capacity, begins, ends } = new Samples(events, stride);
    assert.ok(capacity >= Math.ceil(events / stride) && capacity <= MAX + 1, `room for ${capacity}`);
    assert.deepEqual([begins.length, ends.length], [capacity, capacity]);
  });

test('samples: none is null, some are their differences', () => {
  const samples = new Samples(10, 1);
  assert.equal(samples.encoded(0), null);
  samples.begins.set([1e15, 1e15 + 100, 7]);
  samples.ends.set([1e15 + 5, 1e15 + 130, 1e9]);
  const histogram = sumOf([samples.encoded(2)!]);
  assert.deepEqual([histogram.totalCount, histogram.minNonZeroValue, histogram.maxValue], [2, 5, 30]);
});
