import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BUCKETS, highestOf, LATENCY_NS_MAX, lowestOf } from './buckets.ts';
import { readCounts } from './encoded-histogram.ts';
import { encodedCounts, encodedHistogram, sumOf } from './histogram.ts';
import { BROKEN_HISTOGRAMS, EMPTY_HISTOGRAM, histogramOf } from './test-histograms.ts';

function countsOf(text: string): [bucket: number, count: number][] {
  const counts: [number, number][] = [];
  const read = readCounts(text, (bucket, count) => counts.push([bucket, count]));
  assert.deepEqual(read, { samples: counts.reduce((sum, [, count]) => sum + count, 0) });
  return counts;
}

const samples: [what: string, values: number[], counts: [bucket: number, count: number][]][] = [
  ['nothing', [], []],
  ['zero', [0], [[0, 1]]],
  [
    'what has a bucket each',
    [1, 1, 2047],
    [
      [1, 2],
      [2047, 1],
    ],
  ],
  [
    'what shares one',
    [2048, 2049, 2050],
    [
      [2048, 2],
      [2049, 1],
    ],
  ],
  ['the longest', [LATENCY_NS_MAX], [[38_121, 1]]],
];
for (const [what, values, counts] of samples)
  test(`encoded histogram: the counts of ${what} come back`, () =>
    assert.deepEqual(countsOf(encodedHistogram(Float64Array.from(values))), counts));

test('encoded histogram: what the encoder writes for any values is read, bucket by bucket', () => {
  let state = 1;
  const values = Array.from({ length: 3000 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(2 ** (47 * (state / 2 ** 32)) % LATENCY_NS_MAX);
  });
  const counts = countsOf(encodedHistogram(Float64Array.from(values)));
  for (const [bucket, count] of counts) {
    const within = values.filter((value) => value >= lowestOf(bucket) && value <= highestOf(bucket));
    assert.equal(within.length, count, `bucket ${bucket}`);
  }
  assert.equal(
    counts.reduce((sum, [, count]) => sum + count, 0),
    values.length,
  );
});

test('encoded histogram: counts that need more than 32 bits are kept, also in a sum', () => {
  const many = 3e9;
  const text = encodedCounts([[5000, many]])!;
  const { totalCount, maxValue } = sumOf([text, text]);
  assert.deepEqual([totalCount, maxValue], [2 * many, 5003]);
});

test('encoded histogram: buckets follow each other without a gap', () => {
  for (let bucket = 1; bucket <= BUCKETS; bucket++) assert.ok(lowestOf(bucket) > lowestOf(bucket - 1), `${bucket}`);
});

test('encoded histogram: one by hand is like one of the encoder', () => {
  assert.deepEqual(countsOf(histogramOf(0, 3, -5, 7)), [
    [1, 3],
    [7, 7],
  ]);
  assert.deepEqual(countsOf(EMPTY_HISTOGRAM), []);
});

for (const [what, text, why] of BROKEN_HISTOGRAMS) {
  test(`encoded histogram: ${what} is none`, () => {
    const read = readCounts(text, () => {});
    assert.match('why' in read ? read.why : 'read', why);
  });
  test(`histogram: no sum of ${what}`, () => assert.throws(() => sumOf([text]), { message: why }));
}
