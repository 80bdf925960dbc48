/** How far two samples lie apart, whatever their scale. */

/**
 * How much more often a value of `a` is above one of `b` than below it, over all pairs: from −1 (always below) over 0 to
 * 1 (always above). Cliff, Dominance Statistics (Psychological Bulletin 114, 1993). NaN if a side has no values.
 */
export function cliffsDelta(a: readonly number[], b: readonly number[]): number {
  let more = 0;
  for (const one of a) for (const other of b) more += Number(one > other) - Number(one < other);
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
