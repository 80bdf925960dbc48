/**
 * On virtual machines the way between two CPUs jumps by several times when the hypervisor moves one. Repetitions that
 * were measured in different modes say nothing of each other, so each mode is compared by itself. Where older records
 * measured that way by other means, no mode of theirs can be told to be one of the others'.
 */
import { MODE_FACTOR } from '../pair/calibration.ts';
import type { Observation } from './cells.ts';

export interface Mode {
  /** The lowest and the highest way there and back in it, nanoseconds; null where there is none to measure. */
  crossingNs: readonly [number, number] | null;
  a: Observation[];
  b: Observation[];
}

export interface Modes {
  /** Fastest way first; one, where the machine stayed as it was. */
  modes: Mode[];
  /** Repetitions during which the mode changed: they belong to none. */
  changed: number;
  /** Ways were measured by different means: all are in one mode, because none can be told apart. */
  unlikeWays: boolean;
}

/** A repetition with its way there and back, null where there was none to measure. */
const crossingOf = ({ crossings }: Observation): number | null =>
  crossings === null ? null : Math.sqrt(crossings[0] * crossings[1]);

const steady = ({ crossings }: Observation) =>
  crossings === null || Math.max(crossings[0], crossings[1]) <= MODE_FACTOR * Math.min(crossings[0], crossings[1]);

export function modesOf(a: readonly Observation[], b: readonly Observation[]): Modes {
  const kept = [...a, ...b].filter(steady);
  const changed = a.length + b.length - kept.length;
  const means = new Set(kept.flatMap(({ crossings, crossedBy }) => (crossings === null ? [] : [crossedBy])));
  if (means.size > 1) {
    const together = { crossingNs: null, a: a.filter(steady), b: b.filter(steady) };
    return { modes: [together], changed, unlikeWays: true };
  }
  const ways = kept.map(crossingOf);
  const measured = ways.filter((way) => way !== null).sort((x, y) => x - y);
  const ranges = rangesOf(measured);
  const unmeasured = measured.length < kept.length || kept.length === 0;
  const modeOf = (crossingNs: Mode['crossingNs']): Mode => {
    const belongs = (of: Observation) => steady(of) && isWithin(crossingOf(of), crossingNs);
    return { crossingNs, a: a.filter(belongs), b: b.filter(belongs) };
  };
  return {
    modes: [...(unmeasured ? [modeOf(null)] : []), ...ranges.map(modeOf)],
    changed,
    unlikeWays: false,
  };
}

const isWithin = (way: number | null, range: Mode['crossingNs']) =>
  range === null || way === null ? range === null && way === null : way >= range[0] && way <= range[1];

/** Sorted values in as few ranges as the factor allows, from the lowest on. */
function rangesOf(sorted: readonly number[]): [number, number][] {
  const ranges: [number, number][] = [];
  for (const value of sorted) {
    const last = ranges.at(-1);
    if (last !== undefined && value <= MODE_FACTOR * last[0]) last[1] = value;
    else ranges.push([value, value]);
  }
  return ranges;
}
