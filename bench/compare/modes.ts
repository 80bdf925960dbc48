/**
 * On virtual machines the way between two CPUs jumps by several times when the hypervisor moves one. Repetitions that
 * were measured in different modes say nothing of each other, so each mode is compared by itself.
 */
import type { Observation } from './cells.ts';

/** A factor between two calibrations from which the machine was in two modes. */
const MODE_FACTOR = 1.5;

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
}

const steady = ({ crossings }: Observation) =>
  crossings === null || Math.max(...crossings) <= MODE_FACTOR * Math.min(...crossings);

const crossingOf = ({ crossings }: Observation) =>
  crossings === null ? Number.NaN : Math.sqrt(crossings[0] * crossings[1]);

export function modesOf(a: readonly Observation[], b: readonly Observation[]): Modes {
  const all = [...a, ...b];
  const sorted = all
    .filter(steady)
    .map(crossingOf)
    .sort((x, y) => x - y);
  const changed = all.length - sorted.length;
  if (sorted.length === 0 || Number.isNaN(sorted[0]!) || sorted.at(-1)! <= MODE_FACTOR * sorted[0]!) {
    const crossingNs = sorted.length === 0 || Number.isNaN(sorted[0]!) ? null : ([sorted[0]!, sorted.at(-1)!] as const);
    return { modes: [{ crossingNs, a: a.filter(steady), b: b.filter(steady) }], changed };
  }
  const modes: Mode[] = [];
  for (let from = 0; from < sorted.length; ) {
    const lowest = sorted[from]!;
    let to = from;
    while (to < sorted.length && sorted[to]! <= MODE_FACTOR * lowest) to++;
    const highest = sorted[to - 1]!;
    const within = (of: Observation) => steady(of) && crossingOf(of) >= lowest && crossingOf(of) <= highest;
    modes.push({ crossingNs: [lowest, highest], a: a.filter(within), b: b.filter(within) });
    from = to;
  }
  return { modes, changed };
}
