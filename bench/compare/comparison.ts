/** What is said of each cell of a comparison, and of all of them together. */
import { ratioOfMedians } from '../statistics/bootstrap.ts';
import { median } from '../statistics/sample.ts';
import { adjustVerdicts, type Comparison, compareSamples } from '../statistics/verdict.ts';
import type { CellPair, Observation } from './cells.ts';
import { modesOf } from './modes.ts';

/** The speed of one mode of one cell. */
export interface ModeComparison extends Comparison {
  crossingNs: readonly [number, number] | null;
  countA: number;
  countB: number;
  /** Transfers a second. */
  medianA: number;
  medianB: number;
  /** How far the median of A would move if A were measured again: half its own interval, a share of it. */
  noise: number | null;
}

/** Rings of both sides a transfer. */
export interface NotificationComparison {
  a: number;
  b: number;
  /** Only where every repetition of one side lies beyond every one of the other. */
  verdict: 'more' | 'fewer' | 'same';
}

export interface CellComparison {
  name: string;
  modes: ModeComparison[];
  notifications: NotificationComparison;
  failuresA: number;
  failuresB: number;
  /** Repetitions left out, because the machine changed its mode in them. */
  changed: number;
}

/** A relative change of notifications below this is none. */
const NOTIFICATIONS_SAME = 0.02;

const speeds = (observations: readonly Observation[]) => observations.map((of) => of.transfersPerSecond);

/** All cells; the more there are, the more it takes for one to differ (Holm). */
export function compareCells(pairs: readonly CellPair[], thresholdPercent: number): CellComparison[] {
  const cells = pairs.map((pair) => ({ pair, ...modesOf(pair.a.observations, pair.b.observations) }));
  const both = cells.flatMap(({ modes }) => modes.filter(({ a, b }) => a.length > 0 && b.length > 0));
  const adjusted = adjustVerdicts(both.map(({ a, b }) => compareSamples(speeds(a), speeds(b), { thresholdPercent })));
  const verdictOf = new Map(both.map((mode, i) => [mode, adjusted[i]!]));
  return cells.map(({ pair, modes, changed }) => ({
    name: pair.name,
    modes: modes.flatMap((mode): ModeComparison[] => {
      const comparison = verdictOf.get(mode);
      if (comparison === undefined) return [];
      return [
        {
          ...comparison,
          crossingNs: modes.length > 1 ? mode.crossingNs : null,
          countA: mode.a.length,
          countB: mode.b.length,
          medianA: median(speeds(mode.a)),
          medianB: median(speeds(mode.b)),
          noise: noiseOf(speeds(mode.a)),
        },
      ];
    }),
    notifications: compareNotifications(pair.a.observations, pair.b.observations),
    failuresA: pair.a.failures,
    failuresB: pair.b.failures,
    changed,
  }));
}

function noiseOf(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const { low, high } = ratioOfMedians(values, values);
  return (high - low) / 2;
}

function compareNotifications(a: readonly Observation[], b: readonly Observation[]): NotificationComparison {
  const [ofA, ofB] = [a, b].map((of) => of.map(({ notifications }) => notifications)) as [number[], number[]];
  const [medianA, medianB] = [ofA, ofB].map((of) => (of.length === 0 ? Number.NaN : median(of))) as [number, number];
  const far = Math.abs(medianB - medianA) > NOTIFICATIONS_SAME * medianA;
  const more = far && Math.min(...ofB) > Math.max(...ofA);
  const fewer = far && Math.max(...ofB) < Math.min(...ofA);
  return { a: medianA, b: medianB, verdict: more ? 'more' : fewer ? 'fewer' : 'same' };
}
