/**
 * One side of a pair, from the start of its thread's task to its report: pin, build, warm up, meet, measure, report.
 * Guest or host thread.
 */
import type { DoorbellStrategy } from '../../src/doorbell/doorbell.ts';
import { DOORBELLS } from '../../src/doorbell/index.ts';
import { type MachineTimes, machineTimes } from '../records/machine.ts';
import type { SideRecord } from '../records/record.ts';
import { Runner } from '../workloads/runner.ts';
import { calibrate } from './calibration.ts';
import type { Fault } from './faults.ts';
import { buildHalf, type Side } from './half.ts';
import { niceValue, PinningFailed, pinThread, yieldToPeer } from './pinning.ts';
import { Rendezvous } from './rendezvous.ts';
import type { PairConfig, PairSetup } from './setup.ts';
import { collector, GcCounter, threadDelta, threadStats } from './thread-stats.ts';

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
  window: { start: Instant; end: Instant; wallNs: number; tenths: number[] } | null;
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
  const calibrated = config.apart && config.alone;
  const collect = collector();
  const pinning = pinThread(task.cpu, task.unpinnedReason);
  if (task.cpuRequired && !pinning.pinned) throw new PinningFailed(side, task.cpu, pinning.reason);
  const strategy: DoorbellStrategy = DOORBELLS[config.doorbell];
  if (!serving && pinning.pinned && !config.apart && !strategy.handsOver?.(config.spinUs)) yieldToPeer();
  const rendezvous = new Rendezvous(setup.rendezvous, side);
  const { loop, waits, bell, pace, latency } = await buildHalf(side, setup, task.fault);
  const clockNs = latency?.clock.costNs() ?? 0;
  const runner = new Runner(side, loop, waits, boundMs(side, config), config.warmup);

  rendezvous.meet();
  await runner.run(config.warmup, true);
  rendezvous.meet();
  // Nobody rings now: what warm-up left would count as a wake-up without a ring.
  waits.drain();
  const crossBefore = calibrated ? calibrate(rendezvous, serving) : null;
  runner.resetCounters();
  waits.resetCounters();
  bell.resetCounters();
  latency?.probe.restart(config.warmup);
  const collections = new GcCounter();
  const limit = config.warmup + config.transfers;
  const stamps = new BigInt64Array(11);
  // What code left behind before it was optimized would be collected in the window.
  collect();
  rendezvous.meet();
  onReady();
  rendezvous.awaitStart();

  collections.start();
  const machineBefore = serving ? machineTimes() : null;
  const before = threadStats();
  const cpuBefore = process.cpuUsage();
  stamps[0] = process.hrtime.bigint();
  pace.restart(config.warmup);
  if (serving) {
    for (let tenth = 1; tenth <= 10; tenth++) {
      await runner.run(config.warmup + tenthEnd(config.transfers, tenth), tenth === 10);
      stamps[tenth] = process.hrtime.bigint();
    }
  } else {
    await runner.run(limit, true);
    stamps[10] = process.hrtime.bigint();
  }
  const cpuAfter = process.cpuUsage();
  const after = threadStats();
  const machineAfter = serving ? machineTimes() : null;
  const gcCount = collections.stop();

  const wallNs = Number(stamps[10]! - stamps[0]!);
  const crossAfter = calibrated ? calibrate(rendezvous, serving) : null;
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
      spins: runner.spins + waits.spins,
      spinUs: waits.spinUs,
      asleepNs: thread === null ? null : Math.max(0, wallNs - thread.cpuNs - thread.queuedNs),
      cpuNs: thread?.cpuNs ?? null,
      voluntarySwitches: thread?.voluntarySwitches ?? null,
      involuntarySwitches: thread?.involuntarySwitches ?? null,
      gcCount,
    },
    lostWakeups: runner.lostWakeups,
    transfers: loop.done - config.warmup,
    crossCpuNs: [crossBefore, crossAfter],
    latency: latency && {
      clock: latency.clock.name,
      clockNs,
      roundTrip: latency.probe.encoded(),
      wakes: latency.waits.encoded(),
    },
    window: serving
      ? {
          start: instant(stamps[0]!, cpuBefore, machineBefore),
          end: instant(stamps[10]!, cpuAfter, machineAfter),
          wallNs,
          tenths: tenthsOf(stamps, config.transfers),
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
const boundMs = (side: Side, { timeoutMs, rate }: PairConfig) =>
  side === 'host' && rate > 0 ? Math.max(timeoutMs, 2000 / rate) : timeoutMs;

/** The number of transfers after which a tenth (1 to 10) of the window ends. */
const tenthEnd = (transfers: number, tenth: number) => Math.floor((transfers * tenth) / 10);

/** Transfers a second in each tenth of the window; tenths without a transfer are left out. */
function tenthsOf(stamps: BigInt64Array, transfers: number): number[] {
  const tenths: number[] = [];
  for (let tenth = 1; tenth <= 10; tenth++) {
    const sent = tenthEnd(transfers, tenth) - tenthEnd(transfers, tenth - 1);
    const ns = Number(stamps[tenth]! - stamps[tenth - 1]!);
    if (sent > 0 && ns > 0) tenths.push((sent * 1e9) / ns);
  }
  return tenths;
}
