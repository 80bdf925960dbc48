/** Medians of resamples: as many values as there are, drawn with replacement. */
import { normalFrom } from './random.ts';
import { sorted } from './sample.ts';

/** From so many values on a resample is not drawn value by value. */
export const MANY = 1000;

/** Makes a function that draws as many of `values` as there are, with replacement, and gives their median. */
export const medianDrawer = (values: readonly number[], random: () => number): (() => number) =>
  values.length < MANY ? drawerOfFew(sorted(values), random) : drawerOfMany(sorted(values), random);

function drawerOfFew(inOrder: readonly number[], random: () => number): () => number {
  const count = inOrder.length;
  const drawn = new Uint32Array(count);
  // Places of the two middle ones, the same for an odd count.
  const [lower, upper] = [(count - 1) >> 1, count >> 1];
  return () => {
    drawn.fill(0);
    for (let i = 0; i < count; i++) drawn[Math.floor(random() * count)]!++;
    let place = 0;
    let passed = drawn[0]!;
    while (passed <= lower) passed += drawn[++place]!;
    const low = inOrder[place]!;
    while (passed <= upper) passed += drawn[++place]!;
    return (low + inOrder[place]!) / 2;
  };
}

/**
 * The same in a time that does not grow with the count. Each value drawn is the one at a number from 0 to 1: of `count`
 * such numbers the k-th smallest has the beta distribution of k and count + 1 − k, and the next one is the smallest of
 * those that lie above it.
 */
export function drawerOfMany(inOrder: readonly number[], random: () => number): () => number {
  const count = inOrder.length;
  const rank = (count + 1) >> 1;
  const valueAt = (share: number) => inOrder[Math.min(count - 1, Math.floor(share * count))]!;
  const [drawBelow, drawAbove] = [gammaFrom(random, rank), gammaFrom(random, count + 1 - rank)];
  return () => {
    const below = drawBelow();
    const share = below / (below + drawAbove());
    if (count % 2 === 1) return valueAt(share);
    const next = 1 - (1 - share) * random() ** (1 / (count - rank));
    return (valueAt(share) + valueAt(next)) / 2;
  };
}

/**
 * Numbers of the gamma distribution with a shape of 1 or more: Marsaglia & Tsang, A Simple Method for Generating Gamma
 * Variables (ACM Transactions on Mathematical Software 26, 2000).
 */
function gammaFrom(random: () => number, shape: number): () => number {
  const deviate = normalFrom(random);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  return () => {
    for (;;) {
      const x = deviate();
      const v = (1 + c * x) ** 3;
      if (v > 0 && Math.log(1 - random()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
    }
  };
}
