/**
 * How sure a median is, of any distribution: Thompson, On Confidence Ranges for the Median (Annals of Mathematical
 * Statistics 7, 1936). Between the k-th smallest and the k-th greatest of `n` values lies the true median unless fewer
 * than k of them fell on one of its sides, as of `n` fair coins.
 */
import { median, sorted } from './sample.ts';

export interface MedianInterval {
  median: number;
  /** Two of the values. */
  low: number;
  high: number;
  /** How often such an interval holds the true median: the level asked for or more, less where the values are too few. */
  level: number;
}

/** How often so many intervals from the k-th smallest to the k-th greatest value hold the median. */
function levelOf(count: number, k: number): number {
  let outside = 0;
  let ways = 1;
  for (let heads = 0; heads < k; heads++) {
    outside += ways;
    ways *= (count - heads) / (heads + 1);
  }
  return 1 - 2 * outside * 0.5 ** count;
}

/**
 * The narrowest such interval of at least `level`; of fewer than 6 values none reaches 0.95, and it is from the lowest to
 * the highest. @throws RangeError of no values
 */
export function medianInterval(values: readonly number[], level = 0.95): MedianInterval {
  const inOrder = sorted(values);
  const count = inOrder.length;
  if (count === 0) throw new RangeError('no values have no median');
  let k = 1;
  while (2 * (k + 1) <= count && levelOf(count, k + 1) >= level) k++;
  // One value tells of no scatter.
  return {
    median: median(values),
    low: inOrder[k - 1]!,
    high: inOrder[count - k]!,
    level: Math.max(0, levelOf(count, k)),
  };
}
