/**
 * The statistics that the page shows, all in this one file: the views know nothing but these functions.
 * Intervals are percentile bootstraps; change points are found by splitting where the means differ most for their
 * sizes and asking by permutation how often chance splits as well.
 */

export function quantile(values: readonly number[], p: number): number {
  const sorted = Float64Array.from(values).sort();
  const place = (sorted.length - 1) * p;
  const below = Math.floor(place);
  const low = sorted[below] ?? Number.NaN;
  return low + ((sorted[below + 1] ?? low) - low) * (place - below);
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Numbers from 0 to 1 that are the same for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Ratio {
  ratio: number;
  low: number;
  high: number;
}

const RESAMPLES = 1000;
const LEVEL = 0.95;
const SEED = 1;

/** The median of `a` over the median of `b`, with an interval that holds it at `level`. */
export function ratioOfMedians(
  a: readonly number[],
  b: readonly number[],
  { seed = SEED, resamples = RESAMPLES, level = LEVEL } = {},
): Ratio {
  const random = randomOf(seed);
  const resampled = (values: readonly number[]) =>
    median(values.map(() => values[Math.floor(random() * values.length)]!));
  const ratios = Array.from({ length: resamples }, () => resampled(a) / resampled(b));
  const outside = (1 - level) / 2;
  return { ratio: median(a) / median(b), low: quantile(ratios, outside), high: quantile(ratios, 1 - outside) };
}

export interface ChangePoint {
  /** The first value after the change. */
  index: number;
  p: number;
  /** Medians of the stretches on both sides. */
  before: number;
  after: number;
}

/** A stretch between changes has at least so many values. */
const STRETCH_MIN = 4;
const PERMUTATIONS = 199;

/** Where a series changed its level, in order. */
export function changePoints(
  series: readonly number[],
  { seed = SEED, permutations = PERMUTATIONS, level = 0.01, stretchMin = STRETCH_MIN } = {},
): ChangePoint[] {
  const random = randomOf(seed);
  const cuts: { index: number; p: number }[] = [];
  const search = (from: number, to: number) => {
    const values = series.slice(from, to);
    const best = bestSplit(values, stretchMin);
    if (best === null) return;
    let asGood = 1;
    for (let i = 0; i < permutations; i++)
      if (bestSplit(shuffled(values, random), stretchMin)!.score >= best.score) asGood++;
    const p = asGood / (permutations + 1);
    if (p > level) return;
    cuts.push({ index: from + best.at, p });
    search(from, from + best.at);
    search(from + best.at, to);
  };
  search(0, series.length);
  cuts.sort((a, b) => a.index - b.index);
  return cuts.map(({ index, p }, i) => ({
    index,
    p,
    before: median(series.slice(cuts[i - 1]?.index ?? 0, index)),
    after: median(series.slice(index, cuts[i + 1]?.index ?? series.length)),
  }));
}

/** The split whose two sides' means differ most for their sizes. */
function bestSplit(values: readonly number[], stretchMin: number): { at: number; score: number } | null {
  const count = values.length;
  const mean = values.reduce((whole, value) => whole + value, 0) / count;
  let best: { at: number; score: number } | null = null;
  let sum = 0;
  for (let at = 1; at <= count - stretchMin; at++) {
    sum += values[at - 1]! - mean;
    if (at < stretchMin) continue;
    const score = (sum * sum) / (at * (count - at));
    if (best === null || score > best.score) best = { at, score };
  }
  return best;
}

function shuffled(values: readonly number[], random: () => number): number[] {
  const made = [...values];
  for (let i = made.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [made[i], made[j]] = [made[j]!, made[i]!];
  }
  return made;
}
