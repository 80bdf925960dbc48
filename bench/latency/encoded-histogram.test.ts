import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeFromCompressedBase64 } from 'hdr-histogram-js';
import { Random } from '../../src/fuzz/random.ts';
import { BUCKETS, highestOf, LATENCY_NS_MAX, lowestOf } from './buckets.ts';
import { readCounts } from './encoded-histogram.ts';
import { encodedCounts, encodedHistogram, sumOf } from './histogram.ts';
import { BROKEN_HISTOGRAMS, bytesOf, EMPTY_HISTOGRAM, histogramOf, textOf } from './test-histograms.ts';

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

test('encoded histogram: of any bytes, what is read is what the library reads, and nothing throws', () => {
  const ends = { read: 0, refused: 0 };
  for (let seed = 1; seed <= 2000; seed++) {
    const random = Random.of(seed, 0);
    const counts = Array.from({ length: random.below(12) }, () =>
      random.oneIn(3) ? -1 - random.below(4000) : random.below(2 ** random.below(31)),
    );
    const bytes = bytesOf(counts);
    // Half of them within the counts, where there are any.
    for (let i = random.below(3); i > 0; i--)
      bytes[random.oneIn(2) && bytes.length > 40 ? 40 + random.below(bytes.length - 40) : random.below(bytes.length)] =
        random.below(256);
    const text = textOf(bytes);
    const read = readCounts(text, () => {});
    if ('why' in read) ends.refused++;
    else {
      ends.read++;
      assert.equal(decodeFromCompressedBase64(text, 64).totalCount, read.samples, `seed ${seed}`);
    }
  }
  assert.ok(ends.read > 500 && ends.refused > 200, JSON.stringify(ends));
});
