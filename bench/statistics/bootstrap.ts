/** How much two samples differ, and how sure that is: Efron, Bootstrap Methods (Annals of Statistics 7, 1979). */
import { randomFrom } from './random.ts';
import { medianDrawer } from './resampled-median.ts';
import { median, quantileOfSorted } from './sample.ts';

export interface RatioOptions {
  /** Of the resampling; the same seed gives the same interval. 1 if not given. */
  seed?: number;
  /** How often the samples are drawn anew: 10,000 if not given. */
  resamples?: number;
  /** Of the interval, from 0 to 1: 0.95 if not given. */
  level?: number;
}

export interface Ratio {
  /** median(b) / median(a). */
  ratio: number;
  /** Ends of the interval. */
  low: number;
  high: number;
}

const RESAMPLES = 10_000;
const LEVEL = 0.95;
const SEED = 1;

/**
 * The ratio of the medians, `b` to `a`, of positive values, with a percentile bootstrap interval: both sides are
 * resampled independently, repetitions as a whole.
 *
 * Simulated with 3 % normal scatter (4,000 pairs of samples), an interval of 95 % holds the true ratio in 97 % of cases
 * at 5 repetitions a side and in 95 to 97 % at 6 to 30, so that no variant of the method is needed there. Fewer do not
 * suffice for any interval within the range of what was seen: 93 % at 4, 89 % at 3, 66 % at 2, where the interval is as
 * wide as the values allow. One value tells of no scatter: with one on a side the interval is from 0 to Infinity.
 */
export function ratioOfMedians(a: readonly number[], b: readonly number[], options: RatioOptions = {}): Ratio {
  const { seed = SEED, resamples = RESAMPLES, level = LEVEL } = options;
  if (a.length === 0 || b.length === 0) throw new RangeError(`nothing to compare: ${a.length} and ${b.length} values`);
  const wrong = [...a, ...b].find((value) => !(value > 0 && value < Infinity));
  if (wrong !== undefined) throw new RangeError(`a ratio is of positive numbers, not of ${wrong}`);
  if (!(level > 0 && level < 1)) throw new RangeError(`a level is between 0 and 1, not ${level}`);
  if (!(resamples >= 1)) throw new RangeError(`at least one resample, not ${resamples}`);
  const ratio = median(b) / median(a);
  if (a.length === 1 || b.length === 1) return { ratio, low: 0, high: Infinity };
  const random = randomFrom(seed);
  const [drawA, drawB] = [medianDrawer(a, random), medianDrawer(b, random)];
  const ratios = Float64Array.from({ length: resamples }, () => drawB() / drawA()).sort();
  return { ratio, low: quantileOfSorted(ratios, (1 - level) / 2), high: quantileOfSorted(ratios, (1 + level) / 2) };
}
