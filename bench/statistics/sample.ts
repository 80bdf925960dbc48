/** What one sample of measurements comes to. Everything takes the values in any order and leaves them as they are. */

/** From the smallest to the greatest. A copy. */
export const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

/** The middle value; the mean of the two middle ones of an even count. NaN of nothing. */
export function median(values: readonly number[]): number {
  const inOrder = sorted(values);
  const middle = inOrder.length >> 1;
  return inOrder.length % 2 === 1 ? inOrder[middle]! : (inOrder[middle - 1]! + inOrder[middle]!) / 2;
}

/**
 * The value below which the part `p` (0 to 1) of the sample lies, between two values by a straight line: type 7 of
 * Hyndman & Fan, Sample Quantiles in Statistical Packages (The American Statistician 50, 1996). NaN of nothing.
 */
export const quantile = (values: readonly number[], p: number): number => quantileOfSorted(sorted(values), p);

/** `quantile` of values that are in order. */
export function quantileOfSorted(inOrder: ArrayLike<number>, p: number): number {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`a quantile is from 0 to 1, not ${p}`);
  if (inOrder.length === 0) return Number.NaN;
  const place = p * (inOrder.length - 1);
  const below = inOrder[Math.floor(place)]!;
  return below + (place % 1) * (inOrder[Math.ceil(place)]! - below);
}

/**
 * The smallest and the greatest value; of nothing Infinity and -Infinity. As `Math.min(...values)` and `Math.max`, whose
 * arguments a hundred thousand values are too many for.
 */
export function extremesOf(values: Iterable<number>): [least: number, greatest: number] {
  let [least, greatest] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  return [least, greatest];
}

/** Median absolute deviation from the median, as it is: not scaled to a normal distribution's standard deviation. */
export function mad(values: readonly number[]): number {
  const middle = median(values);
  return median(values.map((value) => Math.abs(value - middle)));
}

export const least = (values: Iterable<number>): number => extremesOf(values)[0];
export const greatest = (values: Iterable<number>): number => extremesOf(values)[1];

/** NaN of nothing. */
export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Of the population the sample is from (divided by n − 1). NaN of fewer than two values. */
export function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return Number.NaN;
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1));
}
