/** How far two samples lie apart, whatever their scale. */
import { sorted } from './sample.ts';

/**
 * How much more often a value of `a` is above one of `b` than below it, over all pairs: from −1 (always below) over 0 to
 * 1 (always above). Cliff, Dominance Statistics (Psychological Bulletin 114, 1993). NaN if a side has no values.
 */
export function cliffsDelta(a: readonly number[], b: readonly number[]): number {
  // In order, so that the time does not grow with the number of pairs.
  const others = sorted(b);
  let more = 0;
  let below = 0;
  let notAbove = 0;
  for (const one of sorted(a)) {
    while (below < others.length && others[below]! < one) below++;
    while (notAbove < others.length && others[notAbove]! <= one) notAbove++;
    more += below - (others.length - notAbove);
  }
  return more / (a.length * b.length);
}

export type EffectSize = 'negligible' | 'small' | 'medium' | 'large';

/** Where the next word begins: Romano, Kromrey, Coraggio & Skowronek (Florida Association of Institutional Research, 2006). */
const THRESHOLDS: readonly [below: number, word: EffectSize][] = [
  [0.147, 'negligible'],
  [0.33, 'small'],
  [0.474, 'medium'],
];

/** A word for a `cliffsDelta`, of either sign. */
export const effectSize = (delta: number): EffectSize =>
  THRESHOLDS.find(([below]) => Math.abs(delta) < below)?.[1] ?? 'large';
