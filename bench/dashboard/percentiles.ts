/** Encoded histograms as the few values that the page draws, so that it needs no decoder. Main thread. */
import { sumOf } from '../latency/histogram.ts';
import { TAILS, tailsOf } from './page-data.ts';

/** The sum of encoded histograms, packed; null where they hold no sample. @throws what the decoder does */
export function packedPercentiles(encoded: readonly string[]): number[] | null {
  const histogram = sumOf(encoded);
  const { totalCount, maxValue } = histogram;
  if (totalCount === 0) return null;
  const values = TAILS.slice(0, tailsOf(totalCount)).map((tail) =>
    Math.min(maxValue, histogram.getValueAtPercentile(100 * (1 - tail))),
  );
  const packed = [totalCount];
  let before = 0;
  for (const value of [...values, maxValue]) {
    packed.push(value - before);
    before = value;
  }
  return packed;
}
