/**
 * One side of a pair, from the start of its thread's task to its report: pin, build, warm up, meet, measure, report.
 * Guest or host thread.
 */
import type { DoorbellStrategy } from '../../src/doorbell/doorbell.ts';
import { DOORBELLS } from '../../src/doorbell/index.ts';
import { Runner } from '../loops/runner.ts';
import { type MachineTimes, machineTimes } from '../records/machine.ts';
import type { SideRecord } from '../records/record.ts';
import { calibrate } from './calibration.ts';
import { codeBytes, compiledBetween } from './code-size.ts';
import type { Fault } from './faults.ts';
import { buildHalf, type Side } from './half.ts';
import { Legs } from './legs.ts';
import { niceValue, PinningFailed, pinningNow, pinThread, yieldToPeer } from './pinning.ts';
import { Rendezvous } from './rendezvous.ts';
import { ballOf, type PairConfig, type PairSetup } from './setup.ts';
import { GcCounter, threadDelta, threadStats } from './thread-stats.ts';
import { type WarmUp, warmUpSide } from './warm-up.ts';

/** What one side tells of the measured window. */
export interface SideReport {
  /** Its part of the record. */
  record: SideRecord;
  lostWakeups: number;
  /** Transfers of the window that this side finished with. */
  transfers: number;
  /** Median round trip of a word between the CPUs before and after the window, nanoseconds. */
  crossCpuNs: [number | null, number | null];
  /** Its clock and what one stamp of it costs, and encoded histograms of what it sampled; null where not asked for. */
  latency: { clock: 'libc' | 'engine'; clockNs: number; roundTrip: string | null; wakes: string | null } | null;
  /** The guest's only: the window as its process saw it. */
  window: { start: Instant; end: Instant; wallNs: number; tenths: number[]; warmUp: WarmUp } | null;
}

/** One end of a window. Only differences mean something. */
export interface Instant {
  /** By the system's monotonic clock, the same in all processes. */
  atNs: number;
  /** CPU time of the process. */
  cpuUserNs: number;
  cpuSystemNs: number;
  machine: MachineTimes | null;
}

/** What a side's thread is given. */
export interface SideTask {
  side: Side;
  setup: PairSetup;
  /** The CPU to run on, or null and why. */
  cpu: number | null;
  unpinnedReason: string;
  /** Not getting that CPU is an error. */
  cpuRequired: boolean;
  /** Planted by tests. */
  fault?: Fault;
}

/**
 * Runs one side of a repetition.
 * @param onReady called once warm-up is over; the window begins when the main thread then releases both sides.
 * @throws PinningFailed, Stopped, Stalled, CheckFailed, RingError
 */
export async function runSide(task: SideTask, onReady: () => void): Promise<SideReport> {
  const { side, setup } = task;
  const { config } = setup;
  const serving = side === 'guest';
  const ball = config.crossing ? ballOf(setup) : null;
  const pinned = pinThread(task.cpu, task.unpinnedReason);
  if (task.cpuRequired && !pinned.pinned) throw new PinningFailed(side, task.cpu, pinned.reason);
  const strategy: DoorbellStrategy = DOORBELLS[config.doorbell];
  if (!serving && pinned.pinned && !config.apart && !strategy.handsOver?.(config.spinUs)) yieldToPeer();
  const rendezvous = new Rendezvous(setup.rendezvous, side);
  const half = await buildHalf(side, setup, task.fault);
  const { loop, waits, bell, latency } = half;
  const clockNs = latency?.clock.costNs() ?? 0;
  const runner = new Runner(side, loop, waits, boundMs(side, config));
  const legs = new Legs(side, half, runner);
  const { transfers } = config;

  const crossBefore = ball && calibrate(rendezvous, ball, serving);
  const warmUp = await warmUpSide(side, { legs, rendezvous, config });
  const first = warmUp.transfers;
  onReady();
  rendezvous.awaitStart();

  legs.reset(first, true);
  const collections = new GcCounter();
  collections.start();
  const machineBefore = serving ? machineTimes() : null;
  const codeBefore = codeBytes();
  const before = threadStats();
  const cpuBefore = process.cpuUsage();
  // These looks are in neither side's window.
  rendezvous.meet();
  await legs.run(first, transfers);
  const cpuAfter = process.cpuUsage();
  const after = threadStats();
  const compiledBytes = compiledBetween(codeBefore, codeBytes());
  const machineAfter = serving ? machineTimes() : null;
  const gcCount = collections.stop();
  const pinning = pinningNow(pinned);
  const { wallNs } = legs;
  const crossAfter = ball && calibrate(rendezvous, ball, serving);
  waits.close();
  const thread = before === null || after === null ? null : threadDelta(before, after);
  return {
    record: {
      cpu: pinning.cpu,
      pinned: pinning.pinned,
      unpinnedReason: pinning.pinned ? null : pinning.reason,
      nice: niceValue(),
      notified: bell.rings,
      suppressed: loop.suppressed,
      wakeSyscalls: bell.wakeSyscalls,
      pinged: runner.pinged,
      spurious: runner.spurious,
      spins: waits.spins,
      spinUs: waits.spinUs,
      looks: loop.looks,
      lookUs: loop.lookUs,
      asleepNs: thread === null ? null : Math.max(0, wallNs - thread.cpuNs - thread.queuedNs),
      cpuNs: thread?.cpuNs ?? null,
      voluntarySwitches: thread?.voluntarySwitches ?? null,
      involuntarySwitches: thread?.involuntarySwitches ?? null,
      gcCount,
      compiledBytes,
    },
    lostWakeups: runner.lostWakeups,
    transfers: loop.done - first,
    crossCpuNs: [crossBefore, crossAfter],
    latency: latency && {
      clock: latency.clock.name,
      clockNs,
      roundTrip: latency.probe.encoded(),
      wakes: latency.waits.encoded(),
    },
    window: serving
      ? {
          start: instant(legs.startNs, cpuBefore, machineBefore),
          end: instant(legs.endNs, cpuAfter, machineAfter),
          wallNs,
          tenths: legs.speeds(transfers),
          warmUp,
        }
      : null,
  };
}

const instant = (atNs: bigint, { user, system }: NodeJS.CpuUsage, machine: MachineTimes | null): Instant => ({
  atNs: Number(atNs),
  cpuUserNs: user * 1000,
  cpuSystemNs: system * 1000,
  machine,
});

/** Bound of a side's waits: the host's is two transfers of a schedule at least, or a slow one would look like a stall. */
const boundMs = (side: Side, { timeout, rate }: PairConfig) =>
  1000 * (side === 'host' && rate > 0 ? Math.max(timeout, 2 / rate) : timeout);
