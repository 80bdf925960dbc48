import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LatencyCounts } from './counts.ts';
import { sumOf } from './histogram.ts';

const ends = new Float64Array(1);
const begins = new Float64Array(4);

function countsOf(values: readonly number[]): LatencyCounts {
  const counts = new LatencyCounts();
  for (const [i, ns] of values.entries()) {
    begins[i % 4] = 1e15 + i;
    ends[0] = 1e15 + i + ns;
    counts.record(ends, begins, i % 4);
  }
  return counts;
}

/** Both sides of every doubling, and of where values stop fitting an integer. */
const edges = [0, 1, 2047, 2048, 2049, 4095, 4096, 2 ** 30, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 2 ** 20, 5e12, 86_400e9];
for (const ns of edges)
  test(`latency counts: ${ns} ns comes back within three digits`, () => {
    const histogram = sumOf([countsOf([ns]).encoded()!]);
    assert.equal(histogram.totalCount, 1);
    assert.ok(Math.abs(histogram.maxValue - ns) <= ns / 1000, `${histogram.maxValue}`);
    assert.equal(countsOf([ns]).maxNs, ns);
  });

test('latency counts: percentiles are those of the values', () => {
  const values = Array.from({ length: 10_000 }, (_, i) => 1000 * (i + 1));
  const histogram = sumOf([countsOf(values).encoded()!]);
  assert.equal(histogram.totalCount, 10_000);
  for (const percentile of [50, 90, 99, 99.9]) {
    const expected = percentile * 1e5;
    const found = histogram.getValueAtPercentile(percentile);
    assert.ok(Math.abs(found - expected) <= expected / 500, `p${percentile}: ${found}`);
  }
});

test('latency counts: a clock that goes back, and more than a day, lose no sample', () => {
  const counts = countsOf([-5, 1e18]);
  assert.equal(sumOf([counts.encoded()!]).totalCount, 2);
});

test('latency counts: nothing counted is no histogram, also after a reset', () => {
  const counts = countsOf([5, 6]);
  counts.reset();
  assert.equal(counts.encoded(), null);
  assert.equal(counts.maxNs, 0);
});
