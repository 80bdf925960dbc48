/**
 * Whether one sample of repetitions is faster than another, about the same, or whether there are too few to say.
 *
 * The rules, in this order:
 * - Too few repetitions for any p below alpha, even if all of one side were above all of the other and nothing else were
 *   compared (fewer than 5 a side): not enough data.
 * - The interval of the ratio lies within ± the threshold: the same, however significant the difference, and
 *   however many are judged together: what is adjusted is the chance of a false change.
 * - Faster or slower only if all three agree: the interval does not hold 1, the adjusted p is below alpha, and the ratio
 *   itself is off by the threshold or more. The interval tells of the medians, p of the samples as a whole: a change
 *   of one of them alone is no verdict.
 * - Otherwise: not enough data, with an estimate of how many more repetitions would decide.
 *
 * Simulated with 3 % normal scatter (3,000 pairs, 2 % and 0.025): a false verdict on equals in 1.6, 1.8 and 1.4 % at 5, 10
 * and 15 repetitions, in 0 and about 2 % of whole matrices of 20 cells judged together at 5 and 10 or 15; a slowdown by
 * 5 % found in 37, 84 and 95 %. With alpha 0.05 it is 2.7, 2.6 and 1.9 %, about 4 %, and 51, 86 and 96 %: hardly more is
 * found, twice as much is false.
 *
 * That holds for repetitions that are independent of each other. What differs between two runs of the whole program and
 * stays within each of them is not seen: the sides are to be measured by turns (`areByTurns` says how far they were).
 */
import { type Ratio, type RatioOptions, ratioOfMedians } from './bootstrap.ts';
import { cliffsDelta } from './effect.ts';
import { holm } from './holm.ts';
import { type MannWhitney, mannWhitney, smallestP } from './mann-whitney.ts';
import { normalDeviate } from './normal.ts';
import { classifyOutliers, type Outliers } from './outliers.ts';

export type Verdict = 'faster' | 'slower' | 'same' | 'not enough data';

/** What decides. */
export interface Rules {
  /** Changes of the median by less do not matter. */
  thresholdPercent: number;
  /** The chance of a false 'faster' or 'slower' that is accepted, over all that is adjusted together. */
  alpha: number;
  /** True for throughput, false for times. */
  higherIsBetter: boolean;
}

/** Of the rules those that differ from 2 %, 0.025 and true, and how the bootstrap draws. */
export interface CompareOptions extends Partial<Rules>, Pick<RatioOptions, 'seed' | 'resamples'> {}

export interface Comparison extends Ratio, MannWhitney {
  /** `p`, adjusted to all comparisons that were judged together. */
  adjustedP: number;
  /** Cliff's delta of b against a: above 0 where b tends to be the greater, as a ratio above 1. */
  delta: number;
  /** Repetitions. */
  countA: number;
  countB: number;
  outliersA: Outliers;
  outliersB: Outliers;
  rules: Rules;
  /** Of `b`, compared with `a`. */
  verdict: Verdict;
  /**
   * About how many more repetitions of each side would decide, from the scatter so far: 0 where it is decided,
   * `MORE_MAX` for that many or more, null where one value tells nothing of the scatter.
   */
  moreRepetitions: number | null;
}

/** The most repetitions that are asked for. */
export const MORE_MAX = 1000;

type Measured = Omit<Comparison, 'verdict' | 'moreRepetitions'>;

/** Below so many values a side the bootstrap's interval does not cover what it says. */
const COUNT_MIN = 5;

/** With the smallest p that is possible in the first place of `family` comparisons. */
const decidable = (countA: number, countB: number, { alpha }: Rules, family: number) =>
  Math.min(countA, countB) >= COUNT_MIN && smallestP(countA, countB) * family < alpha;

function verdictOf(measured: Measured): Verdict {
  const { ratio, low, high, adjustedP, countA, countB, rules } = measured;
  const threshold = rules.thresholdPercent / 100;
  if (!decidable(countA, countB, rules, 1)) return 'not enough data';
  if (low > 1 - threshold && high < 1 + threshold) return 'same';
  const excludesOne = low > 1 || high < 1;
  if (!excludesOne || adjustedP >= rules.alpha || Math.abs(ratio - 1) < threshold) return 'not enough data';
  return ratio > 1 === rules.higherIsBetter ? 'faster' : 'slower';
}

/**
 * With the ratio and the dominance staying as they are: the first number of repetitions with which the interval, whose
 * width shrinks with the root of them, and the test's deviate (Mann & Whitney's normal approximation, the distance of u
 * from its mean in standard deviations) decide.
 */
function moreOf({ ratio, low, high, delta, countA, countB, rules }: Measured, family: number): number | null {
  if (countA === 1 || countB === 1) return null;
  const threshold = rules.thresholdPercent / 100;
  const off = Math.abs(ratio - 1);
  const matters = off >= threshold;
  const half = Math.max(high - ratio, ratio - low);
  const variance = (1 / countA + 1 / countB) * ((matters ? off : threshold - off) / half) ** 2;
  const deviate = matters ? normalDeviate(rules.alpha / family / 2) : 0;
  const decides = (more: number) => {
    const [a, b] = [countA + more, countB + more];
    const reached = Math.abs(delta) * Math.sqrt((3 * a * b) / (a + b + 1));
    return 1 / a + 1 / b <= variance && reached >= deviate && decidable(a, b, rules, matters ? family : 1);
  };
  let more = 1;
  while (more < MORE_MAX && !decides(more)) more++;
  return more;
}

function judged(measured: Measured, family: number): Comparison {
  const verdict = verdictOf(measured);
  return { ...measured, verdict, moreRepetitions: verdict === 'not enough data' ? moreOf(measured, family) : 0 };
}

/** Compares `b` with `a`, repetitions of one figure (positive, in any unit), as the only comparison there is. */
export function compareSamples(a: readonly number[], b: readonly number[], options: CompareOptions = {}): Comparison {
  const { thresholdPercent = 2, alpha = 0.025, higherIsBetter = true, ...bootstrap } = options;
  if (!(thresholdPercent > 0)) throw new RangeError(`a threshold is above 0 %, not ${thresholdPercent}`);
  if (!(alpha > 0 && alpha < 1)) throw new RangeError(`alpha is between 0 and 1, not ${alpha}`);
  const test = mannWhitney(a, b);
  const measured = {
    ...ratioOfMedians(a, b, bootstrap),
    ...test,
    adjustedP: test.p,
    delta: cliffsDelta(b, a),
    countA: a.length,
    countB: b.length,
    outliersA: classifyOutliers(a),
    outliersB: classifyOutliers(b),
    rules: { thresholdPercent, alpha, higherIsBetter },
  };
  return judged(measured, 1);
}

/**
 * The comparisons judged together, in the order given: p adjusted by Holm's method over all of them that can be decided,
 * so that the chance of even one false 'faster' or 'slower' among them is below alpha. Judging again changes nothing.
 */
export function adjustVerdicts(comparisons: readonly Comparison[]): Comparison[] {
  const able = comparisons.filter(({ countA, countB, rules }) => decidable(countA, countB, rules, 1));
  const adjusted = holm(able.map(({ p }) => p));
  return comparisons.map((comparison) => {
    const place = able.indexOf(comparison);
    return judged({ ...comparison, adjustedP: place === -1 ? 1 : adjusted[place]! }, Math.max(1, able.length));
  });
}
