import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodedHistogram, hgrmText, PERCENTILES, percentileNs, sumOf } from './histogram.ts';

const DAY_NS = 86_400e9;

/** Numbers below 1, the same in every run. */
function* seeded(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

function drawn(count: number, seed: number, draw: (random: number) => number): Float64Array {
  const random = seeded(seed);
  return Float64Array.from({ length: count }, () => draw(random.next().value));
}

/** What the histogram should say, by sorting. */
function sortedPercentile(samples: Float64Array, percentile: number): number {
  const sorted = samples.toSorted();
  const index = Math.ceil(sorted.length * (percentile / 100) - 1e-6) - 1;
  return sorted[Math.max(0, index)]!;
}

const distributions: [what: string, draw: (random: number) => number][] = [
  ['tens of nanoseconds', (random) => 20 + Math.round(random * 60)],
  ['microseconds with a long tail', (random) => 1000 + Math.round(1e6 / (1.0001 - random))],
  ['seconds, above 31 bits', (random) => Math.round(3e9 + random * 7e9)],
  ['hours, above 32 bits by far', (random) => Math.round(random * DAY_NS)],
];
for (const [what, draw] of distributions)
  test(`histogram: percentiles are those of the sorted samples (${what})`, () => {
    const samples = drawn(20_000, 7, draw);
    const histogram = sumOf([encodedHistogram(samples)]);
    assert.equal(histogram.totalCount, samples.length);
    for (const percentile of PERCENTILES) {
      const expected = sortedPercentile(samples, percentile);
      const actual = percentileNs(histogram, percentile)!;
      assert.ok(Math.abs(actual - expected) <= expected / 1000 + 1, `p${percentile}: ${actual}, not ${expected}`);
    }
    const max = Math.max(...samples);
    assert.ok(Math.abs(histogram.maxValue - max) <= max / 1000 + 1);
  });

test('histogram: encoded ones add up to that of all samples', () => {
  const parts = [1, 2, 3].map((seed) => drawn(1000 * seed, seed, (random) => Math.round(random * 1e5 * seed)));
  const sum = sumOf(parts.map(encodedHistogram));
  const whole = sumOf([encodedHistogram(Float64Array.from(parts.flatMap((part) => [...part])))]);
  assert.equal(sum.totalCount, 6000);
  assert.equal(hgrmText(sum), hgrmText(whole));
  assert.equal(sumOf([]).totalCount, 0);
});

const bounds: [what: string, sampleNs: number, expectedNs: number][] = [
  ['longer than a day is a day', 2 * DAY_NS, DAY_NS],
  ['a day', DAY_NS, DAY_NS],
  ['nothing', 0, 0],
  ['less than nothing', -5, 0],
  ['a fraction', 1.6, 2],
];
for (const [what, sampleNs, expectedNs] of bounds)
  test(`histogram: ${what}`, () => {
    const { totalCount, maxValue } = sumOf([encodedHistogram(Float64Array.of(sampleNs))]);
    assert.equal(totalCount, 1);
    assert.ok(Math.abs(maxValue - expectedNs) <= expectedNs / 1000, `${maxValue}`);
  });

const enough: [count: number, percentile: number, known: boolean][] = [
  [1, 50, false],
  [2, 50, true],
  [9, 90, false],
  [10, 90, true],
  [99, 99, false],
  [100, 99, true],
  [999, 99.9, false],
  [1000, 99.9, true],
  [9999, 99.99, false],
  [10_000, 99.99, true],
];
for (const [count, percentile, known] of enough)
  test(`histogram: of ${count} samples p${percentile} is ${known ? 'known' : 'not known'}`, () => {
    const histogram = sumOf([encodedHistogram(new Float64Array(count).fill(1000))]);
    assert.equal(percentileNs(histogram, percentile), known ? 1000 : null);
  });

test('histogram: the distribution for plotters rises in microseconds to all samples', () => {
  const samples = drawn(5000, 3, (random) => Math.round(1e4 + random * 1e6));
  const text = hgrmText(sumOf([encodedHistogram(samples)]));
  const rows = text
    .split('\n')
    .filter((line) => /^ *\d/.test(line))
    .map((line) => line.trim().split(/\s+/).map(Number));
  assert.match(text, /^ *Value +Percentile +TotalCount +1\/\(1-Percentile\)/);
  assert.ok(rows.length > 10);
  for (let i = 1; i < rows.length; i++)
    for (const column of [0, 1, 2]) assert.ok(rows[i]![column]! >= rows[i - 1]![column]!, `row ${i}`);
  const last = rows.at(-1)!;
  assert.deepEqual([last[1], last[2]], [1, samples.length]);
  const maxUs = Math.max(...samples) / 1000;
  assert.ok(Math.abs(last[0]! - maxUs) <= maxUs / 1000 + 0.001, `${last[0]} us, not ${maxUs}`);
  assert.match(text, /Total count += +5000/);
});
