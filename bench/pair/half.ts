/**
 * What one side of a pair is made of: its loop over its half of the ring, what it waits on and what it rings, its
 * latency meters; and the fault that a test planted. Guest or host thread.
 */
import { CostlyDoorbell } from '../../src/doorbell/costly.ts';
import { type Doorbell, SilentDoorbell, type WaitSet } from '../../src/doorbell/doorbell.ts';
import { DOORBELLS } from '../../src/doorbell/index.ts';
import type { LoopName } from '../axes/loops.ts';
import { WORKLOADS } from '../axes/workloads.ts';
import { type Clock, openClock } from '../latency/clock.ts';
import { FixedRate, type Pace, UNPACED } from '../latency/pace.ts';
import { NO_PROBE, type Probe, RoundTripProbe, ScheduledRoundTripProbe } from '../latency/round-trip.ts';
import { strideOf } from '../latency/samples.ts';
import { StampedDoorbell, StampedWaitSet } from '../latency/wake.ts';
import { jsLoops } from '../loops/js/maker.ts';
import type { Loop } from '../loops/loop.ts';
import { isPolling, type LoopMaker, type Report, type Timing } from '../loops/maker.ts';
import { wasmLoops } from '../loops/wasm/maker.ts';
import { type Fault, FaultyLoop, Misreporter, MuteDoorbell } from './faults.ts';
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
export const latencyStride = ({ latency, transfers }: Pick<PairConfig, 'latency' | 'transfers'>) =>
  latency === 0 ? 0 : strideOf(latency, transfers);

const NO_TIMING: Timing = { probe: NO_PROBE, pace: UNPACED, sampleEvery: 0 };

/** A schedule has its latency measured, too. */
function makeTiming(config: PairConfig, clock: Clock): Timing {
  const sampleEvery = latencyStride(config);
  if (config.rate === 0)
    return { pace: UNPACED, probe: new RoundTripProbe(clock, config.transfers, sampleEvery), sampleEvery };
  const pace = new FixedRate(clock, config.rate);
  return { pace, probe: new ScheduledRoundTripProbe(clock, config.transfers, sampleEvery, pace), sampleEvery };
}

const LOOP_MAKERS: Record<LoopName, LoopMaker> = { js: jsLoops, wasm: wasmLoops };

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
  const strategyBell =
    (serving && config.fastVringh) || isPolling(config) ? new SilentDoorbell() : strategy.doorbell(peer);
  const plainBell = config.exitCost === 0 ? strategyBell : new CostlyDoorbell(strategyBell, config.exitCost);

  const clock = config.latency === 0 ? null : openClock(setup.clockBase);
  const timing = serving && clock !== null ? makeTiming(config, clock) : NO_TIMING;
  const maker = LOOP_MAKERS[config.loop];
  const makeLoop = (bell: Doorbell, report: Report | null) =>
    serving ? maker.guest(pair, bell, timing) : maker.host(pair, bell, report);
  const build = (bell: Doorbell) =>
    fault?.side === side ? faulty(makeLoop, pair, bell, fault) : { bell, loop: makeLoop(bell, null) };
  const { pace, probe } = timing;
  if (clock === null) return { waits: plainWaits, ...build(plainBell), pace, latency: null };
  const waits = new StampedWaitSet(plainWaits, clock, wakeLines, side, config.transfers);
  const stamped = new StampedDoorbell(plainBell, clock, wakeLines, serving ? 'host' : 'guest');
  return { waits, ...build(stamped), pace, latency: { clock, probe, waits } };
}

/** The same loop and doorbell, with a fault in one of them, or in the queue. */
function faulty(
  makeLoop: (bell: Doorbell, report: Report) => Loop,
  pair: BoundPair,
  plain: Doorbell,
  fault: Fault,
): Pick<Half, 'bell' | 'loop'> {
  const muted = new MuteDoorbell(plain, fault, 1000 * pair.config.timeout);
  const bell = fault.kind === 'mute' ? muted : plain;
  const reporter = new Misreporter();
  const loop = makeLoop(bell, reporter.report);
  muted.doneSoFar = () => loop.done;
  const { region, offset, count } = pair.slots;
  const { workload, size } = pair.config;
  const at = offset + (fault.transfer % count) * WORKLOADS[workload].slotBytes(size);
  const corrupt = () => {
    region.u8[at] = region.u8[at]! ^ 0xff;
  };
  return { bell, loop: new FaultyLoop(loop, fault, { corrupt, misreport: (told) => reporter.misreport(told) }) };
}
