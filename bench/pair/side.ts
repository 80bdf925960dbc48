/**
 * One side of a pair, from the start of its thread's task to its report: pin, build, warm up, meet, measure, report.
 * Guest or host thread.
 */

import { CostlyDoorbell } from '../../src/doorbell/costly.ts';
import { type Doorbell, type DoorbellHandle, SilentDoorbell, type WaitSet } from '../../src/doorbell/doorbell.ts';
import { DOORBELLS } from '../../src/doorbell/index.ts';
import { Request } from '../../src/host/queue.ts';
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import { WORKLOADS } from '../workloads/index.ts';
import { FastHostLoop, GuestLoop, HostLoop, type Loop } from '../workloads/loops.ts';
import { Runner } from '../workloads/runner.ts';
import { calibrate } from './calibration.ts';
import { type Fault, FaultyLoop, MuteDoorbell } from './faults.ts';
import { LAYOUTS, splitHost } from './layouts.ts';
import { niceValue, type Pinning, PinningFailed, pinThread, yieldToPeer } from './pinning.ts';
import { Rendezvous } from './rendezvous.ts';
import { bindPair, type PairSetup } from './setup.ts';
import { collector, GcCounter, threadStats } from './thread-stats.ts';

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
  /** Where an adaptive doorbell's looking time settled, microseconds; else 0. */
  spinUs: number;
  lostWakeups: number;
  /** Transfers of the window that this side finished with. */
  transfers: number;
  gcCount: number;
  /** The thread's claim on its CPU: higher yields more. */
  nice: number;
  /** Null where /proc does not tell. */
  thread: { cpuNs: number; asleepNs: number; voluntarySwitches: number; involuntarySwitches: number } | null;
  /** Median round trip of a word between the CPUs before and after the window, nanoseconds. */
  crossCpuNs: [number | null, number | null];
  /** The guest's only: the window as the process saw it. */
  window: { wallNs: number; cpuUserNs: number; cpuSystemNs: number; tenths: number[] } | null;
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

interface Half {
  loop: Loop;
  waits: WaitSet;
  bell: Doorbell;
}

/** Serves requests that carry nothing. */
const IDLE_HOST = WORKLOADS.single.host();

function waitSet(setup: PairSetup, handle: DoorbellHandle): WaitSet {
  const { doorbell, spinUs, apart } = setup.config;
  return DOORBELLS[doorbell].waitSet(handle, { spinUs, yields: !apart });
}

function buildGuest(setup: PairSetup, bell: Doorbell): Half {
  const { config } = setup;
  const { slots } = bindPair(setup);
  const layout = LAYOUTS[config.layout];
  const workload = WORKLOADS[config.workload].guest(slots);
  const verify = layout.carries && !config.fastVringh;
  const loop = new GuestLoop(layout.guest(setup, bell), workload, slots.count, verify, config.knobs);
  return { loop, waits: waitSet(setup, setup.guestHandle), bell };
}

function buildHost(setup: PairSetup, bell: Doorbell): Half {
  return { loop: hostLoop(setup, bell), waits: waitSet(setup, setup.hostHandle), bell };
}

function hostLoop(setup: PairSetup, bell: Doorbell): Loop {
  const { config } = setup;
  if (config.fastVringh) return new FastHostLoop(splitHost(setup), bell);
  const layout = LAYOUTS[config.layout];
  const request = new Request(new GuestMemory([bindPair(setup).region]));
  const workload = layout.carries ? WORKLOADS[config.workload].host() : IDLE_HOST;
  return new HostLoop(layout.host(setup), request, workload, bell);
}

function build({ side, setup, fault }: SideTask): Half {
  const { config } = setup;
  const strategy = DOORBELLS[config.doorbell];
  const peer = side === 'guest' ? setup.hostHandle : setup.guestHandle;
  const plain = side === 'guest' && config.fastVringh ? new SilentDoorbell() : strategy.doorbell(peer);
  const bell = config.exitCostNs === 0 ? plain : new CostlyDoorbell(plain, config.exitCostNs);
  const make = side === 'guest' ? buildGuest : buildHost;
  return fault?.side === side ? buildFaulty(make, setup, bell, fault) : make(setup, bell);
}

function buildFaulty(make: typeof buildGuest, setup: PairSetup, bell: Doorbell, fault: Fault): Half {
  const muted = new MuteDoorbell(bell, fault);
  const half = make(setup, fault.kind === 'mute' ? muted : bell);
  muted.doneSoFar = () => half.loop.done;
  const { region, offset, count } = bindPair(setup).slots;
  const at = offset + (fault.transfer % count) * WORKLOADS[setup.config.workload].slotBytes;
  const corrupt = () => {
    region.u8[at] = region.u8[at]! ^ 0xff;
  };
  return { ...half, loop: new FaultyLoop(half.loop, fault, corrupt) };
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
  const collect = collector();
  const pinning = pinThread(task.cpu, task.unpinnedReason);
  if (task.cpuRequired && !pinning.pinned) throw new PinningFailed(side, task.cpu, pinning.reason);
  if (!serving && pinning.pinned && !config.apart) yieldToPeer();
  const rendezvous = new Rendezvous(setup.rendezvous, side);
  const { loop, waits, bell } = build(task);
  const runner = new Runner(side, loop, waits, config.timeoutMs, config.warmup);

  rendezvous.meet();
  await runner.run(config.warmup, true);
  rendezvous.meet();
  // Nobody rings now: what warm-up left would count as a wake-up without a ring.
  waits.drain();
  const crossBefore = config.apart ? calibrate(rendezvous, serving) : null;
  runner.resetCounters();
  waits.resetCounters();
  bell.resetCounters();
  const collections = new GcCounter();
  const limit = config.warmup + config.transfers;
  const stamps = new BigInt64Array(11);
  // What code left behind before it was optimized would be collected in the window.
  collect();
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
    spins: runner.spins + waits.spins,
    spinUs: waits.spinUs,
    lostWakeups: runner.lostWakeups,
    transfers: loop.done - config.warmup,
    gcCount,
    nice: niceValue(),
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
