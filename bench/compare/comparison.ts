/** What is said of each cell of a comparison, and of all of them together. */
import { ratioOfMedians } from '../statistics/bootstrap.ts';
import { median } from '../statistics/sample.ts';
import { areByTurns } from '../statistics/turns.ts';
import { adjustVerdicts, type Comparison, compareSamples } from '../statistics/verdict.ts';
import type { CellPair, Observation } from './cells.ts';
import { type Mode, modesOf } from './modes.ts';

/** One mode of one cell. */
export interface ModeComparison {
  /** Null where the machine was in one mode only. */
  crossingNs: readonly [number, number] | null;
  countA: number;
  countB: number;
  /** Transfers a second. */
  speed: Comparison & Medians;
  /** Rings of both sides a transfer. */
  notifications: Medians & { verdict: 'more' | 'fewer' | 'same' | 'not enough data'; low: number; high: number };
  /** How far the median of A would move if A were measured again: half its own interval, a share of it. */
  noise: number | null;
}

export interface Medians {
  medianA: number;
  medianB: number;
}

/** Null where one repetition on a side tells of no scatter, so that any ratio may be the true one. */
export const intervalOf = ({ low, high }: { low: number; high: number }): { low: number; high: number } | null =>
  Number.isFinite(high) ? { low, high } : null;

export interface CellComparison {
  name: string;
  modes: ModeComparison[];
  failuresA: number;
  failuresB: number;
  countA: number;
  countB: number;
  /** Repetitions left out: the machine changed its mode in them; or the other side has none in their mode. */
  changed: number;
  alone: { a: number; b: number };
  /** The machine's modes could not be told apart, because the ways between the CPUs were measured by different means. */
  unlikeWays: boolean;
  /** The sides were measured by turns, as `areByTurns` says; true where only one has been measured. */
  byTurns: boolean;
}

/** A difference of notifications below this, in rings a transfer, is none; nor is one below so many percent. */
const RINGS_MIN = 0.001;
const RINGS_PERCENT = 2;

const speeds = (observations: readonly Observation[]) => observations.map((of) => of.transfersPerSecond);
/** Above 0, as ratios need it. */
const rings = (observations: readonly Observation[]) =>
  observations.map(({ notifications }) => notifications + RINGS_MIN);

/** All cells; the more there are, the more it takes for one to differ (Holm). */
export function compareCells(pairs: readonly CellPair[], thresholdPercent: number): CellComparison[] {
  const cells = pairs.map((pair) => ({ pair, ...modesOf(pair.a.observations, pair.b.observations) }));
  const both = cells.flatMap(({ modes }) => modes.filter(({ a, b }) => a.length > 0 && b.length > 0));
  const places = new Map(both.map((mode, place) => [mode, place]));
  const bySpeed = adjustVerdicts(both.map(({ a, b }) => compareSamples(speeds(a), speeds(b), { thresholdPercent })));
  const byRings = adjustVerdicts(
    both.map(({ a, b }) => compareSamples(rings(a), rings(b), { thresholdPercent: RINGS_PERCENT })),
  );
  return cells.map(({ pair, modes, changed, unlikeWays }) => {
    const lonely = modes.filter((mode) => !places.has(mode));
    return {
      name: pair.name,
      modes: modes.flatMap((mode) => {
        const place = places.get(mode);
        return place === undefined ? [] : [modeComparison(mode, modes.length > 1, bySpeed[place]!, byRings[place]!)];
      }),
      failuresA: pair.a.failures,
      failuresB: pair.b.failures,
      countA: pair.a.observations.length,
      countB: pair.b.observations.length,
      changed,
      alone: {
        a: lonely.reduce((sum, { a }) => sum + a.length, 0),
        b: lonely.reduce((sum, { b }) => sum + b.length, 0),
      },
      unlikeWays,
      byTurns: wereByTurns(pair),
    };
  });
}

function wereByTurns({ a, b }: CellPair): boolean {
  const [timesA, timesB] = [a, b].map(({ observations }) => observations.map(({ atMs }) => atMs)) as [
    number[],
    number[],
  ];
  return timesA.length === 0 || timesB.length === 0 || areByTurns(timesA, timesB);
}

function modeComparison(
  { a, b, crossingNs }: Mode,
  several: boolean,
  bySpeed: Comparison,
  byRings: Comparison,
): ModeComparison {
  const medians = (values: (of: readonly Observation[]) => number[]) => ({
    medianA: median(values(a)),
    medianB: median(values(b)),
  });
  const notified = medians((of) => of.map(({ notifications }) => notifications));
  return {
    crossingNs: several ? crossingNs : null,
    countA: a.length,
    countB: b.length,
    speed: { ...bySpeed, ...medians(speeds) },
    notifications: { ...notified, low: byRings.low, high: byRings.high, verdict: ringsVerdict(byRings, notified) },
    noise: noiseOf(speeds(a)),
  };
}

const RINGS_VERDICTS = { faster: 'more', slower: 'fewer' } as const;

function ringsVerdict(
  { verdict }: Comparison,
  { medianA, medianB }: Medians,
): ModeComparison['notifications']['verdict'] {
  if (verdict !== 'faster' && verdict !== 'slower') return verdict;
  return Math.abs(medianB - medianA) < RINGS_MIN ? 'same' : RINGS_VERDICTS[verdict];
}

function noiseOf(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const { low, high } = ratioOfMedians(values, values);
  return (high - low) / 2;
}
