import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodedHistogram, percentileNs, sumOf } from '../latency/histogram.ts';
import { Columns } from './columns.ts';
import { Records, valueAtTail } from './page/records.ts';
import { TAILS, tailsOf } from './page-data.ts';
import { packedPercentiles } from './percentiles.ts';
import { testRecords } from './test-records.ts';

const encoded = (count: number) => encodedHistogram(Float64Array.from({ length: count }, (_, i) => 1000 + i));

const sizes: [samples: number, least: number][] = [
  [1, 1],
  [2, 0.5],
  [10, 0.1],
  [1000, 0.001],
  [1_000_000, 0.000001],
  [50_000_000, 0.000001],
];
for (const [samples, least] of sizes)
  test(`percentiles: of ${samples} samples the smallest share kept is ${least}`, () =>
    assert.ok(Math.abs(TAILS[tailsOf(samples) - 1]! / least - 1) < 1e-9));

test('percentiles: packed, they are those of the histogram', () => {
  const [samples, ...steps] = packedPercentiles([encoded(1000), encoded(500)])!;
  assert.equal(samples, 1500);
  assert.ok(steps.every((step) => step >= 0));
  const sum = sumOf([encoded(1000), encoded(500)]);
  assert.equal(
    steps.reduce((whole, step) => whole + step, 0),
    sum.maxValue,
  );
});

test('percentiles: an empty histogram has none', () => assert.equal(packedPercentiles([encoded(0)]), null));

test('percentiles: the page reads what the report prints', () => {
  const [record] = testRecords({ commits: 1, repetitions: 1, samples: 5000 });
  const columns = new Columns();
  columns.add(record!);
  const page = new Records(columns.pageData('', '', 0));
  const distribution = page.distribution('roundTrip', 0)!;
  const histogram = sumOf([record!.repetitions[0]!.pairs[0]!.latency!.roundTrip!]);
  for (const [tail, percentile] of [
    [0.5, 50],
    [0.1, 90],
    [0.01, 99],
    [0.001, 99.9],
    [0.0001, 99.99],
  ] as const)
    assert.equal(valueAtTail(distribution, tail), percentileNs(histogram, percentile), `${percentile} %`);
  assert.equal(distribution.maxNs, histogram.maxValue);
  assert.equal(page.distribution('callToWake', 0), null);
});
