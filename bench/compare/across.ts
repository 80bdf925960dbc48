/** Sets of two machines: their speeds say nothing of each other, but how the cells of each relate to one of them does. */
import { type CellPair, Incomparable, type Observation } from './cells.ts';

export interface Related {
  pairs: CellPair[];
  /** The cell that all others are divided by. */
  reference: string;
}

/**
 * Each repetition as a multiple of the reference cell's repetition of the same round, so that the reference's own
 * scatter is in the figures. Rounds without both are left out. @throws Incomparable
 */
export function relate(pairs: readonly CellPair[]): Related {
  const reference = pairs.find(({ a, b }) => a.observations.length > 0 && b.observations.length > 0);
  if (reference === undefined || pairs.length === 1)
    throw new Incomparable('machines are compared by how their cells relate, and there is only one in both');
  const related = (observations: readonly Observation[], side: 'a' | 'b') => {
    const units = reference[side].observations;
    // The way between the CPUs is the machine's own, too.
    return observations.slice(0, units.length).map((of, round) => ({
      ...of,
      transfersPerSecond: of.transfersPerSecond / units[round]!.transfersPerSecond,
      crossings: null,
    }));
  };
  return {
    reference: reference.name,
    pairs: pairs
      .filter((pair) => pair !== reference)
      .map((pair) => ({
        ...pair,
        a: { ...pair.a, observations: related(pair.a.observations, 'a') },
        b: { ...pair.b, observations: related(pair.b.observations, 'b') },
      })),
  };
}
