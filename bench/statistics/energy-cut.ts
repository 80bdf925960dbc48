/**
 * Where a series is best cut in two: the cut with the greatest energy distance between what is before and after it.
 * E-divisive by Matteson & James, A Nonparametric Approach for Multiple Change Point Analysis of Multivariate Data
 * (Journal of the American Statistical Association 109, 2014), with distances to the power alpha = 1.
 */
import { mad, median } from './sample.ts';

export interface Cut {
  /** Place of the first value after it. */
  place: number;
  /** Place behind the last value that is compared with those before the cut: a change may be undone there. */
  end: number;
  /** The statistic Q of the paper, greater for a clearer cut. */
  distance: number;
}

export const NO_CUT: Cut = { place: 0, end: 0, distance: -Infinity };

/** Values farther from the middle than this are cut off, in standard deviations. */
export const CUT_OFF = 3;
/** A normal distribution's standard deviation, in median and in mean absolute deviations. */
const OF_MEDIAN = 1.4826;
const OF_MEAN = 1.2533;

/**
 * The standard deviation that a normal distribution with this median absolute deviation has; by the mean of the
 * deviations where more than half are 0, and 0 where all are.
 */
export function standardScatter(medianDeviation: number, deviations: Float64Array): number {
  if (medianDeviation > 0) return OF_MEDIAN * medianDeviation;
  return (OF_MEAN * deviations.reduce((sum, value) => sum + value, 0)) / Math.max(1, deviations.length);
}

/** Deviations from the median in standard deviations, cut off. */
export function deviations(values: readonly number[]): Float64Array {
  const middle = median(values);
  const sizes = Float64Array.from(values, (value) => Math.abs(value - middle));
  const scatter = standardScatter(mad(values), sizes) || Number.MIN_VALUE;
  return Float64Array.from(values, (value) => Math.max(-CUT_OFF, Math.min(CUT_OFF, (value - middle) / scatter)));
}

/** What `bestCut` works in, for series of up to so many values: it is called hundreds of times for one cut. */
const scratchFor = (length: number) => ({
  within: new Float64Array(length + 1),
  /** The sum of all distances between two of the first values, by their count. */
  first: new Float64Array(length + 1),
  /** 1 / (count - 1), by count: a division costs more than a look. */
  shares: Float64Array.from({ length: length + 1 }, (_, count) => 1 / (count - 1)),
});
let scratch = scratchFor(0);

/**
 * The best cut of a piece: among all places for it, and all ends of what is compared with the values before it (so that
 * a change that was undone is found), each side of at least `minSegment` values. In quadratic time: `within[i]` is the
 * sum of all distances between two of the values from `i` on, up to the end that is looked at.
 */
export function bestCut(values: Float64Array, minSegment: number): Cut {
  const length = values.length;
  if (scratch.first.length <= length) scratch = scratchFor(2 * length);
  const { within, first, shares } = scratch;
  within.fill(0, 0, length);
  let [bestPlace, bestEnd, greatest] = [0, 0, -Infinity];
  for (let end = 1; end <= length; end++) {
    const added = values[end - 1]!;
    let distances = 0;
    for (let i = end - 2; i >= 0; i--) {
      distances += Math.abs(values[i]! - added);
      within[i]! += distances;
    }
    const all = within[0]!;
    first[end] = all;
    for (let before = minSegment; before <= end - minSegment; before++) {
      const after = end - before;
      const insideBefore = first[before]!;
      const insideAfter = within[before]!;
      const between = all - insideBefore - insideAfter;
      const inside = insideBefore * after * shares[before]! + insideAfter * before * shares[after]!;
      const distance = (2 * (between - inside)) / end;
      if (distance > greatest) {
        greatest = distance;
        bestPlace = before;
        bestEnd = end;
      }
    }
  }
  return bestEnd === 0 ? NO_CUT : { place: bestPlace, end: bestEnd, distance: greatest };
}
