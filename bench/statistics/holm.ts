/** Many tests at once. */

/**
 * p values adjusted so that the probability of even one false finding among all is below the level they are compared
 * with, whatever hangs together: Holm, A Simple Sequentially Rejective Multiple Test Procedure (Scandinavian Journal of
 * Statistics 6, 1979). In the order given.
 */
export function holm(ps: readonly number[]): number[] {
  const adjusted = new Array<number>(ps.length);
  let greatest = 0;
  const ascending = ps.map((_, place) => place).sort((a, b) => ps[a]! - ps[b]!);
  for (const [rank, place] of ascending.entries()) {
    greatest = Math.max(greatest, Math.min(1, ps[place]! * (ps.length - rank)));
    adjusted[place] = greatest;
  }
  return adjusted;
}
