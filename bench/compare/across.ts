/** Sets of two machines: their speeds say nothing of each other, but how the cells of each relate to one of them does. */
import { median } from '../statistics/sample.ts';
import { type CellPair, Incomparable, type Observation } from './cells.ts';

export interface Related {
  pairs: CellPair[];
  /** The cell that all others are divided by. */
  reference: string;
}

/** Each speed as a multiple of its own machine's first cell. @throws Incomparable */
export function relate(pairs: readonly CellPair[]): Related {
  const [reference, ...others] = pairs;
  if (reference === undefined || others.length === 0)
    throw new Incomparable('machines are compared by how their cells relate, and there is only one in both');
  const unitOf = (side: 'a' | 'b') => median(reference[side].observations.map((of) => of.transfersPerSecond));
  const [unitA, unitB] = [unitOf('a'), unitOf('b')];
  // The way between the CPUs is the machine's own, too.
  const by = (unit: number) => (of: Observation) => ({
    ...of,
    transfersPerSecond: of.transfersPerSecond / unit,
    crossings: null,
  });
  return {
    reference: reference.name,
    pairs: others.map((pair) => ({
      ...pair,
      a: { ...pair.a, observations: pair.a.observations.map(by(unitA)) },
      b: { ...pair.b, observations: pair.b.observations.map(by(unitB)) },
    })),
  };
}
