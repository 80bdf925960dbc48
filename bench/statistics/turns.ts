/** Whether two sides were measured by turns, so that what the machine did meanwhile happened to both. For the page, too. */

/** The least part of a side's repetitions that come right before or right after one of the other side. */
const BESIDE_MIN = 0.5;

/**
 * True if at least half of each side's repetitions come right before or right after one of the other side, in the order
 * of their times. A, B, B, A, A, B is by turns, as `ab` measures; three of a side at once still are, four are not.
 *
 * Simulated with 15 repetitions a side, 3 % scatter and verdicts on equals (`compareSamples`): where all of one side
 * come first, false in 14 % if the noise correlates by 0.5 from one repetition to the next, in 34 % by 0.8, in 49 %
 * with a drift of 6 %; by fives in 3 to 7 %; by threes in 0.5 to 3.5 %; in the order of `ab` in at most 0.8 %.
 */
export function areByTurns(timesA: readonly number[], timesB: readonly number[]): boolean {
  const inOrder = [
    ...timesA.map((time) => ({ time, side: 'a' as const })),
    ...timesB.map((time) => ({ time, side: 'b' as const })),
  ].sort((one, other) => one.time - other.time);
  const beside = { a: 0, b: 0 };
  for (const [i, { side }] of inOrder.entries()) {
    const [before, after] = [inOrder[i - 1]?.side ?? side, inOrder[i + 1]?.side ?? side];
    if (before !== side || after !== side) beside[side]++;
  }
  return beside.a >= BESIDE_MIN * timesA.length && beside.b >= BESIDE_MIN * timesB.length;
}

/** Said where `inBlocks` of `count` compared cells were not measured by turns; null for none. */
export function turnsNote(inBlocks: number, count: number): string | null {
  if (inBlocks === 0) return null;
  const of = count === 1 ? '' : `${inBlocks} of ${count} cells `;
  return (
    `${of}not measured by turns: most repetitions of a side stand together in time, so that a machine that drifts or ` +
    'wanders meanwhile gives differences, too. `npm run ab` measures two commits by turns. What is compared with records ' +
    'kept from before, as with a baseline, cannot be by turns: let ab confirm what matters'
  );
}
