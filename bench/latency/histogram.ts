/** Histograms of nanoseconds, made after the window: encoded for the record, decoded and added up for the report. */
import { createRequire } from 'node:module';
import type { Histogram, JsHistogram } from 'hdr-histogram-js';
import { BUCKETS, highestOf, LATENCY_NS_MAX, lowestOf, SIGNIFICANT_DIGITS } from './buckets.ts';
import { readCounts } from './encoded-histogram.ts';

const require = createRequire(import.meta.url);
/** Loaded when it is used: it would be a quarter of what a thread of a run takes to start. */
const hdr = (): typeof import('hdr-histogram-js') => require('hdr-histogram-js');

/** Steps of the percentile distribution per halving of the distance to 100 %, as other HDR tools write it. */
const TICKS_PER_HALF = 5;
const NS_PER_US = 1000;
const ROUNDING = 1e-6;

/** All histograms have this one range, so that they can be added; counts of 32 bits would begin anew in a sum. */
function emptyHistogram(): JsHistogram {
  return hdr().build({
    bitBucketSize: 64,
    lowestDiscernibleValue: 1,
    highestTrackableValue: LATENCY_NS_MAX,
    numberOfSignificantValueDigits: SIGNIFICANT_DIGITS,
    autoResize: false,
    useWebAssembly: false,
  }) as JsHistogram;
}

/** Samples in nanoseconds as an HDR histogram: V2, compressed, base64. */
export function encodedHistogram(samplesNs: Float64Array): string {
  const histogram = emptyHistogram();
  for (const sampleNs of samplesNs) histogram.recordValue(Math.min(LATENCY_NS_MAX, Math.max(0, Math.round(sampleNs))));
  return hdr().encodeIntoCompressedBase64(histogram);
}

/** The same of values and how often each was; null if there are none. */
export function encodedCounts(entries: Iterable<[valueNs: number, count: number]>): string | null {
  const histogram = emptyHistogram();
  for (const [valueNs, count] of entries) histogram.recordValueWithCount(Math.min(LATENCY_NS_MAX, valueNs), count);
  return histogram.totalCount === 0 ? null : hdr().encodeIntoCompressedBase64(histogram);
}

/**
 * The sum of encoded histograms.
 * @throws Error for a text that is none. Those of records were looked at when the record was read.
 */
export function sumOf(encoded: readonly string[]): Histogram {
  const sum = emptyHistogram();
  let first = BUCKETS;
  let last = 0;
  // By the bucket: to find it by a value takes ten times as long.
  const add = (bucket: number, count: number) => {
    sum.addToCountAtIndex(bucket, count);
    if (bucket < first) first = bucket;
    if (bucket > last) last = bucket;
  };
  for (const text of encoded) {
    const read = readCounts(text, add);
    if ('why' in read) throw new Error(read.why);
    sum.addToTotalCount(read.samples);
  }
  if (first === BUCKETS) return sum;
  sum.updateMinAndMax(lowestOf(first));
  sum.updateMinAndMax(highestOf(last));
  return sum;
}

export const PERCENTILES = [50, 90, 99, 99.9, 99.99] as const;

/**
 * The value below which `percentile` % of the samples lie, nanoseconds; null where there are too few samples for one
 * to lie above it, so that it would only be the maximum.
 */
export function percentileNs(histogram: Histogram, percentile: number): number | null {
  const above = (histogram.totalCount * (100 - percentile)) / 100;
  // Of 1000 samples one lies above 99.9 %, but 100 - 99.9 is a little less than 0.1.
  return above < 1 - ROUNDING ? null : histogram.getValueAtPercentile(percentile);
}

/** The percentile distribution in microseconds, in the text format that HDR plotters read. */
export function hgrmText(histogram: Histogram): string {
  return histogram.outputPercentileDistribution(TICKS_PER_HALF, NS_PER_US);
}
