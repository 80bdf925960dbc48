/** What the pairs of a repetition come to together. Pure; main thread. */
import type { Repetition, RunConfig, SideRecord } from './record.ts';

export type PairRecord = Repetition['pairs'][0];

/** Transfers of the window, all pairs together. */
export const transfersOf = ({ transfers }: RunConfig, { pairs }: Repetition): number => transfers * pairs.length;

/** A figure of one side, all pairs together; null where one of them does not tell. */
export function sumOfSide(
  { pairs }: Repetition,
  side: 'guest' | 'host',
  figure: (side: SideRecord, pair: PairRecord) => number | null,
): number | null {
  const values = pairs.map((pair) => figure(pair[side], pair));
  const known = values.filter((value) => value !== null);
  return known.length < values.length ? null : known.reduce((sum, value) => sum + value, 0);
}

/** Rings of one side, all pairs together. */
export const ringsOf = (repetition: Repetition, side: 'guest' | 'host'): number =>
  sumOfSide(repetition, side, ({ notified }) => notified)!;

/** CPU time of all sides; where the kernel does not tell of threads, of the processes. */
export const cpuNsOf = (repetition: Repetition): number => sidesCpuNs(repetition) ?? processesCpuNs(repetition);

const processesCpuNs = ({ cpuUserNs, cpuSystemNs }: Repetition) => cpuUserNs + cpuSystemNs;

function sidesCpuNs(repetition: Repetition): number | null {
  const [guests, hosts] = (['guest', 'host'] as const).map((side) => sumOfSide(repetition, side, ({ cpuNs }) => cpuNs));
  return guests == null || hosts == null ? null : guests + hosts;
}

/**
 * CPU time in the window of the processes' other threads: the engine's compiler and collector, the main thread. Null
 * where the kernel does not tell of threads. What both sides spend around their windows is in it, some 0.1 ms.
 */
export function helperCpuNs(repetition: Repetition): number | null {
  const sides = sidesCpuNs(repetition);
  return sides && Math.max(0, processesCpuNs(repetition) - sides);
}

/** The histograms of one kind of latency that these repetitions have. */
export const encodedOf = (
  repetitions: readonly Repetition[],
  kind: 'roundTrip' | 'kickToWake' | 'callToWake',
): string[] => repetitions.flatMap(({ pairs }) => pairs.flatMap(({ latency }) => latency?.[kind] ?? []));
