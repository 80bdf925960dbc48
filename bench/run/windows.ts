/** What the windows of all pairs of a repetition come to: its part of the record. */

import { LAYOUTS } from '../axes/layouts.ts';
import { latencyStride } from '../pair/half.ts';
import type { PairReport } from '../pair/running-pair.ts';
import type { Instant } from '../pair/side.ts';
import type { Repetition, RunConfig } from '../records/record.ts';

type Pair = Repetition['pairs'][0];

const windowOf = ({ guest }: PairReport) => guest.window!;

/** From the first start to the last end, of pairs in one process or all together. */
function span(pairs: readonly PairReport[]): { start: Instant; end: Instant } {
  const windows = pairs.map(windowOf);
  return {
    start: windows.map(({ start }) => start).reduce((first, other) => (other.atNs < first.atNs ? other : first)),
    end: windows.map(({ end }) => end).reduce((last, other) => (other.atNs > last.atNs ? other : last)),
  };
}

const cpuNs = ({ cpuUserNs, cpuSystemNs }: Instant) => cpuUserNs + cpuSystemNs;

/** What is known of a repetition besides the windows. */
export interface Circumstances {
  load: number | null;
  /** Of all processes together. */
  peakRssBytes: number;
  /** Of the process that was stopped longest. */
  stoodStillNs: number;
}

export function toRepetition(
  config: RunConfig,
  reports: readonly PairReport[],
  circumstances: Circumstances,
): Repetition {
  const { start, end } = span(reports);
  // Of threads the process tells the sum.
  const processes = config.pairsIn === 'process' ? reports.map((report) => span([report])) : [{ start, end }];
  const sumOf = (of: (instant: Instant) => number) =>
    processes.reduce((sum, process) => sum + of(process.end) - of(process.start), 0);
  const only = reports.length === 1 ? windowOf(reports[0]!).wallNs : null;
  const wallNs = only ?? end.atNs - start.atNs;
  const machine = start.machine !== null && end.machine !== null ? { from: start.machine, to: end.machine } : null;
  // Each process takes only itself for none of the others.
  const others = machine && machine.to.otherCpuNs + cpuNs(end) - machine.from.otherCpuNs - cpuNs(start) - sumOf(cpuNs);
  return {
    wallNs,
    cpuUserNs: sumOf(({ cpuUserNs }) => cpuUserNs),
    cpuSystemNs: sumOf(({ cpuSystemNs }) => cpuSystemNs),
    transfersPerSecond: (config.transfers * reports.length * 1e9) / wallNs,
    tenths: sumOfTenths(reports.map((report) => windowOf(report).tenths)),
    crossCpuNs: reports[0]!.guest.crossCpuNs,
    crossedBy: 'wasm',
    stealNs: machine && machine.to.stolenNs - machine.from.stolenNs,
    otherCpuNs: others && Math.max(0, others),
    ...circumstances,
    pairs: reports.map((report) => toPair(config, report)),
  };
}

/** All pairs have the same tenths. */
const sumOfTenths = ([first, ...others]: readonly number[][]) =>
  first!.map((speed, tenth) => others.reduce((sum, tenths) => sum + (tenths[tenth] ?? 0), speed));

function toPair(config: RunConfig, report: PairReport): Pair {
  const { guest, host } = report;
  const { wallNs, warmUp } = windowOf(report);
  return {
    guest: guest.record,
    host: host.record,
    lostWakeups: guest.lostWakeups + host.lostWakeups,
    verifiedTransfers: config.fastVringh || !LAYOUTS[config.layout].carries ? 0 : guest.transfers,
    wallNs,
    transfersPerSecond: (config.transfers * 1e9) / wallNs,
    warmUp,
    latency: latencyOf(config, report),
  };
}

function latencyOf({ latency, transfers }: RunConfig, { guest, host }: PairReport): Pair['latency'] {
  if (guest.latency === null || host.latency === null) return null;
  return {
    every: latencyStride({ latency, transfers }),
    clock: guest.latency.clock,
    clockNs: Math.max(guest.latency.clockNs, host.latency.clockNs),
    kickToWake: host.latency.wakes,
    callToWake: guest.latency.wakes,
    roundTrip: guest.latency.roundTrip,
  };
}
