/**
 * One side of a pair, from the start of its thread's task to its report: pin, build, warm up, meet, measure, report.
 * Guest or host thread.
 */
import { type Doorbell, SilentDoorbell, type WaitSet } from '../../src/doorbell/doorbell.ts';
import { DOORBELLS } from '../../src/doorbell/index.ts';
import { IndirectPool } from '../../src/guest/indirect-pool.ts';
import { SplitVirtqueue } from '../../src/guest/split-virtqueue.ts';
import { Request } from '../../src/host/queue.ts';
import { Vringh } from '../../src/host/vringh.ts';
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import { slowRange, wholeRange } from '../../src/memory/range.ts';
import { WORKLOADS } from '../workloads/index.ts';
import { FastHostLoop, GuestLoop, HostLoop, type Loop, Runner } from '../workloads/loops.ts';
import { calibrate } from './calibration.ts';
import { type Pinning, pinThread, yieldToPeer } from './pinning.ts';
import { Rendezvous } from './rendezvous.ts';
import { bindPair, type PairSetup } from './setup.ts';
import { GcCounter, threadStats } from './thread-stats.ts';

export type Side = 'guest' | 'host';

/** What one side counted in the measured window. */
export interface SideReport {
  pinning: Pinning;
  notified: number;
  suppressed: number;
  wakeSyscalls: number;
  pinged: number;
  spurious: number;
  spins: number;
  lostWakeups: number;
  /** Transfers of the window that this side finished with. */
  transfers: number;
  gcCount: number;
  /** Null where /proc does not tell. */
  thread: { cpuNs: number; asleepNs: number; voluntarySwitches: number; involuntarySwitches: number } | null;
  /** Median round trip of a word between the CPUs before and after the window, nanoseconds. */
  crossCpuNs: [number | null, number | null];
  /** The guest's only: the window as the process saw it. */
  window: { wallNs: number; cpuUserNs: number; cpuSystemNs: number; tenths: number[] } | null;
}

interface Half {
  loop: Loop;
  waits: WaitSet;
  bell: Doorbell;
}

function buildGuest(setup: PairSetup): Half {
  const { config } = setup;
  const { ring, shared, slots, tables } = bindPair(setup);
  const strategy = DOORBELLS[config.doorbell];
  const bell = config.fastVringh ? new SilentDoorbell() : strategy.doorbell(setup.hostHandle);
  const queue = new SplitVirtqueue({
    ring,
    shared,
    features: config.features,
    doorbell: bell,
    indirectPool: new IndirectPool(tables),
  });
  const workload = WORKLOADS[config.workload].guest(slots);
  const loop = new GuestLoop(queue, workload, slots.count, !config.fastVringh);
  return { loop, waits: strategy.waitSet(setup.guestHandle), bell };
}

function buildHost(setup: PairSetup): Half {
  const { config } = setup;
  const { region, ring, shared } = bindPair(setup);
  const strategy = DOORBELLS[config.doorbell];
  const bell = strategy.doorbell(setup.guestHandle);
  const memory = new GuestMemory([region]);
  const getRange = config.slowRange ? slowRange(memory) : wholeRange(memory);
  const vringh = new Vringh({ ring, shared, features: config.features, memory, getRange });
  const loop = config.fastVringh
    ? new FastHostLoop(vringh, bell)
    : new HostLoop(vringh, new Request(memory), WORKLOADS[config.workload].host(), bell);
  return { loop, waits: strategy.waitSet(setup.hostHandle), bell };
}

/**
 * Runs one side of a repetition.
 * @param onReady called once warm-up is over; the window begins when the main thread then releases both sides.
 * @throws Stopped, Stalled, CheckFailed, RingError
 */
export async function runSide(
  side: Side,
  setup: PairSetup,
  cpu: number | null,
  onReady: () => void,
): Promise<SideReport> {
  const { config } = setup;
  const pinning = pinThread(cpu);
  if (side === 'host' && pinning.pinned && !config.apart) yieldToPeer();
  const rendezvous = new Rendezvous(setup.rendezvous, side, config.timeoutMs);
  const { loop, waits, bell } = side === 'guest' ? buildGuest(setup) : buildHost(setup);
  const runner = new Runner(side, loop, waits, config.timeoutMs);
  const serving = side === 'guest';

  rendezvous.meet();
  await runner.run(config.warmup, true);
  rendezvous.meet();
  // Nobody rings now: what warm-up left would count as a wake-up without a ring.
  waits.drain();
  const crossBefore = config.apart ? calibrate(rendezvous, serving) : null;
  runner.resetCounters();
  bell.resetCounters();
  const collections = new GcCounter();
  const limit = config.warmup + config.transfers;
  const stamps = new BigInt64Array(11);
  rendezvous.meet();
  onReady();
  rendezvous.awaitStart();

  collections.start();
  const before = threadStats();
  const cpuBefore = process.cpuUsage();
  stamps[0] = process.hrtime.bigint();
  if (serving) {
    for (let tenth = 1; tenth <= 10; tenth++) {
      await runner.run(config.warmup + Math.floor((config.transfers * tenth) / 10), tenth === 10);
      stamps[tenth] = process.hrtime.bigint();
    }
  } else {
    await runner.run(limit, true);
    stamps[10] = process.hrtime.bigint();
  }
  const cpuInWindow = process.cpuUsage(cpuBefore);
  const after = threadStats();
  const gcCount = collections.stop();

  const wallNs = Number(stamps[10]! - stamps[0]!);
  const crossAfter = config.apart ? calibrate(rendezvous, serving) : null;
  waits.close();
  return {
    pinning,
    notified: bell.rings,
    suppressed: loop.suppressed,
    wakeSyscalls: bell.wakeSyscalls,
    pinged: runner.pinged,
    spurious: runner.spurious,
    spins: runner.spins,
    lostWakeups: runner.lostWakeups,
    transfers: loop.done - config.warmup,
    gcCount,
    thread:
      before === null || after === null
        ? null
        : {
            cpuNs: after.cpuNs - before.cpuNs,
            asleepNs: Math.max(0, wallNs - (after.cpuNs - before.cpuNs) - (after.queuedNs - before.queuedNs)),
            voluntarySwitches: after.voluntarySwitches - before.voluntarySwitches,
            involuntarySwitches: after.involuntarySwitches - before.involuntarySwitches,
          },
    crossCpuNs: [crossBefore, crossAfter],
    window: serving
      ? {
          wallNs,
          cpuUserNs: cpuInWindow.user * 1000,
          cpuSystemNs: cpuInWindow.system * 1000,
          tenths: tenthsOf(stamps, config.transfers),
        }
      : null,
  };
}

/** Transfers a second in each tenth of the window; tenths without a transfer are left out. */
function tenthsOf(stamps: BigInt64Array, transfers: number): number[] {
  const tenths: number[] = [];
  for (let tenth = 1; tenth <= 10; tenth++) {
    const sent = Math.floor((transfers * tenth) / 10) - Math.floor((transfers * (tenth - 1)) / 10);
    const ns = Number(stamps[tenth]! - stamps[tenth - 1]!);
    if (sent > 0 && ns > 0) tenths.push((sent * 1e9) / ns);
  }
  return tenths;
}
