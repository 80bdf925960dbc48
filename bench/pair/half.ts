/**
 * What one side of a pair is made of: its loop over its half of the ring, what it waits on and what it rings, its
 * latency meters; and the fault that a test planted. Guest or host thread.
 */
import { CostlyDoorbell } from '../../src/doorbell/costly.ts';
import { type Doorbell, SilentDoorbell, type WaitSet } from '../../src/doorbell/doorbell.ts';
import { DOORBELLS } from '../../src/doorbell/index.ts';
import { cpuYield } from '../../src/native/scheduler.ts';
import { type Clock, openClock } from '../latency/clock.ts';
import { FixedRate, type Pace, UNPACED } from '../latency/pace.ts';
import { NO_PROBE, type Probe, RoundTripProbe, ScheduledRoundTripProbe } from '../latency/round-trip.ts';
import { strideOf } from '../latency/samples.ts';
import { StampedDoorbell, StampedWaitSet } from '../latency/wake.ts';
import { WORKLOADS } from '../workloads/index.ts';
import { FastHostLoop, GuestLoop, HostLoop, type Loop } from '../workloads/loops.ts';
import { UncheckedGuest } from '../workloads/unchecked.ts';
import { requestOf, slotsOf } from './engines.ts';
import { type Fault, FaultyLoop, Misreporter, MuteDoorbell } from './faults.ts';
import { vringhHost } from './hosts.ts';
import { LAYOUTS } from './layouts.ts';
import { type BoundPair, bindPair, hasSession, type PairConfig, type PairSetup } from './setup.ts';

export type Side = 'guest' | 'host';

export interface Half {
  loop: Loop;
  waits: WaitSet;
  bell: Doorbell;
  pace: Pace;
  latency: LatencyMeters | null;
}

/** What a side knows of latency when the window is over. */
export interface LatencyMeters {
  clock: Clock;
  /** Of the transfers; the guest's only. */
  probe: Probe;
  /** Of this side's own waits. */
  waits: StampedWaitSet;
}

/** One of how many transfers is sampled; 0: none. */
export const latencyStride = ({ latencyEvery, transfers }: Pick<PairConfig, 'latencyEvery' | 'transfers'>) =>
  latencyEvery === 0 ? 0 : strideOf(latencyEvery, transfers);

/** What takes part in a guest's loop; there even where it does nothing, so that the loop is the same. */
interface Timing {
  probe: Probe;
  pace: Pace;
}

const NO_TIMING: Timing = { probe: NO_PROBE, pace: UNPACED };

/** A schedule has its latency measured, too. */
function makeTiming(config: PairConfig, clock: Clock): Timing {
  const every = latencyStride(config);
  if (config.rate === 0) return { pace: UNPACED, probe: new RoundTripProbe(clock, config.transfers, every) };
  const pace = new FixedRate(clock, config.rate);
  return { pace, probe: new ScheduledRoundTripProbe(clock, config.transfers, every, pace) };
}

/** @param reporter planted by tests between a host's loop and its queue. */
type MakeLoop = (pair: BoundPair, bell: Doorbell, timing: Timing, reporter?: Misreporter) => Loop;

const guestLoop: MakeLoop = (pair, bell, timing) => {
  const { config } = pair;
  const layout = LAYOUTS[config.layout];
  const queue = layout.guest(pair, bell);
  const slots = slotsOf(pair, queue);
  const workload = WORKLOADS[config.workload].guest(slots, config.sizeBytes);
  return new GuestLoop({
    queue,
    workload: layout.carries ? workload : new UncheckedGuest(workload),
    slotCount: slots.count,
    verify: !config.fastVringh,
    knobs: config.knobs,
    ...timing,
  });
};

const hostLoop: MakeLoop = (pair, bell, _timing, reporter) => {
  const { config } = pair;
  if (config.fastVringh) {
    const heads = vringhHost(pair);
    reporter?.watch(heads);
    return new FastHostLoop(heads, bell, config.apart ? null : cpuYield());
  }
  const layout = LAYOUTS[config.layout];
  const queue = layout.host(pair);
  reporter?.watch(queue);
  const request = requestOf(pair, queue);
  const workload = WORKLOADS[config.workload].host(config.sizeBytes);
  return new HostLoop({ queue, request, workload, batch: config.completeBatch, bell });
};

/** Builds one side; its thread only. */
export async function buildHalf(side: Side, given: PairSetup, fault?: Fault): Promise<Half> {
  const { config } = given;
  if (!hasSession(config)) return assemble(side, given, bindPair(given), fault);
  // The protocol's modules are a third of what a thread reads, and most pairs have no session.
  const { connectGuest, connectHost, doorbellOf } = await import('./session.ts');
  if (side === 'host') {
    const queueSetup = await connectHost(given);
    const hostHandle = doorbellOf(queueSetup.kick);
    const guestHandle = doorbellOf(queueSetup.call);
    return assemble(side, { ...given, hostHandle, guestHandle }, bindPair(given, queueSetup), fault);
  }
  const pair = bindPair(given);
  // The ring is zeroed before the host hears of it.
  const half = assemble(side, given, pair, fault);
  await connectGuest(given, pair.ring);
  return half;
}

function assemble(side: Side, setup: PairSetup, pair: BoundPair, fault?: Fault): Half {
  const { config, wakeLines } = setup;
  const serving = side === 'guest';
  const strategy = DOORBELLS[config.doorbell];
  const [own, peer] = serving ? [setup.guestHandle, setup.hostHandle] : [setup.hostHandle, setup.guestHandle];
  const plainWaits = strategy.waitSet(own, { spinUs: config.spinUs, yields: !config.apart });
  const strategyBell = serving && config.fastVringh ? new SilentDoorbell() : strategy.doorbell(peer);
  const plainBell = config.exitCostNs === 0 ? strategyBell : new CostlyDoorbell(strategyBell, config.exitCostNs);

  const clock = config.latencyEvery === 0 ? null : openClock(setup.clockBase);
  const timing = serving && clock !== null ? makeTiming(config, clock) : NO_TIMING;
  const makeLoop = serving ? guestLoop : hostLoop;
  const build = (bell: Doorbell) =>
    fault?.side === side
      ? faulty((inner, reporter) => makeLoop(pair, inner, timing, reporter), pair, bell, fault)
      : { bell, loop: makeLoop(pair, bell, timing) };
  const { pace, probe } = timing;
  if (clock === null) return { waits: plainWaits, ...build(plainBell), pace, latency: null };
  const waits = new StampedWaitSet(plainWaits, clock, wakeLines, side, config.transfers);
  const stamped = new StampedDoorbell(plainBell, clock, wakeLines, serving ? 'host' : 'guest');
  return { waits, ...build(stamped), pace, latency: { clock, probe, waits } };
}

/** The same loop and doorbell, with a fault in one of them, or in the queue. */
function faulty(
  makeLoop: (bell: Doorbell, reporter: Misreporter) => Loop,
  pair: BoundPair,
  plain: Doorbell,
  fault: Fault,
): Pick<Half, 'bell' | 'loop'> {
  const muted = new MuteDoorbell(plain, fault, pair.config.timeoutMs);
  const bell = fault.kind === 'mute' ? muted : plain;
  const reporter = new Misreporter();
  const loop = makeLoop(bell, reporter);
  muted.doneSoFar = () => loop.done;
  const { region, offset, count } = pair.slots;
  const { workload, sizeBytes } = pair.config;
  const at = offset + (fault.transfer % count) * WORKLOADS[workload].slotBytes(sizeBytes);
  const corrupt = () => {
    region.u8[at] = region.u8[at]! ^ 0xff;
  };
  return { bell, loop: new FaultyLoop(loop, fault, { corrupt, misreport: (told) => reporter.misreport(told) }) };
}
