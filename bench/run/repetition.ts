/**
 * One fresh run of one cell: two new threads in a pool of their own, warmed up, measured, and gone afterwards, however
 * it ends. Main thread. While the window lasts nothing runs here but the event loop's wait for the threads.
 */
import { setFlagsFromString } from 'node:v8';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import {
  type DoorbellHandle,
  type DoorbellStrategy,
  portsOf,
  ringingEnd,
  waitingEnd,
} from '../../src/doorbell/doorbell.ts';
import { DOORBELLS } from '../../src/doorbell/index.ts';
import { clockAllocates } from '../latency/clock.ts';
import type { Fault } from '../pair/faults.ts';
import { freshThreads } from '../pair/fresh-threads.ts';
import { latencyStride, type Side } from '../pair/half.ts';
import { LAYOUTS } from '../pair/layouts.ts';
import { releaseStart, stopRendezvous } from '../pair/rendezvous.ts';
import { hasSession, makePair, type PairConfig, type PairSetup } from '../pair/setup.ts';
import type { SideReport, SideTask } from '../pair/side.ts';
import type { ReadyMessage, SideEnd } from '../pair/side-end.ts';
import { loadAverage } from '../records/machine.ts';
import type { Outcome, Repetition, RunConfig } from '../records/record.ts';
import type { Placement } from './placement.ts';

/** How long a side may take to stop by itself before its thread is ended. */
const STOP_GRACE_MS = 500;

/**
 * Room for what looks at a clock leave behind that allocates, megabytes, in threads made from now on: left alone, the
 * young generation begins at one and would be collected in the window.
 */
const YOUNG_GENERATION_MB = 64;

function reserveYoungGeneration(): void {
  setFlagsFromString(`--max-semi-space-size=${YOUNG_GENERATION_MB}`);
  setFlagsFromString(`--min-semi-space-size=${YOUNG_GENERATION_MB}`);
}

export interface RepetitionOptions {
  /** Told when the threads start and when the measured window begins. */
  onPhase?: (phase: 'warm-up' | 'measuring') => void;
  /** Ends the repetition early with outcome `interrupted`. */
  signal?: AbortSignal;
  /** Planted by tests. */
  fault?: Fault | undefined;
}

export type RepetitionResult =
  | { outcome: 'done' | 'lost-wakeups'; repetition: Repetition }
  | { outcome: Exclude<Outcome, 'done' | 'lost-wakeups'>; failure: string };

function pairSetup(config: RunConfig, placement: Placement): PairSetup {
  return makePair({
    features: { indirect: config.indirect, eventIdx: config.eventidx, version1: config.virtio1 },
    slowRange: config.slowRange,
    fastVringh: config.fastVringh,
    ringSize: config.ringSize,
    workload: config.workload,
    layout: config.layout,
    host: config.host,
    engine: config.engine,
    ordering: config.ordering,
    doorbell: config.doorbell,
    transfers: config.transfers,
    warmup: config.warmup,
    timeoutMs: config.timeout * 1000,
    spinUs: config.spinUs,
    knobs: { batch: config.batch, outstanding: config.outstanding, delayedInterrupt: config.delayedInterrupt },
    exitCostNs: config.exitCost,
    latencyEvery: config.latency,
    rate: config.rate,
    apart: placement.apart,
  });
}

/**
 * The setups as the sides get them: each waits on its own handle and rings the other. Where a session sets the queue
 * up, the guest has every end, and sends the host its own.
 */
function sideSetups(setup: PairSetup): Record<Side, PairSetup> {
  const { guestHandle, hostHandle } = setup;
  if (hasSession(setup.config)) {
    const { port1, port2 } = new MessageChannel();
    const bare = { guestHandle: withoutEnds(guestHandle), hostHandle: withoutEnds(hostHandle) };
    return { guest: { ...setup, port: port1 }, host: { ...setup, ...bare, port: port2 } };
  }
  const guest = { guestHandle: waitingEnd(guestHandle), hostHandle: ringingEnd(hostHandle) };
  const host = { guestHandle: ringingEnd(guestHandle), hostHandle: waitingEnd(hostHandle) };
  return { guest: { ...setup, ...guest }, host: { ...setup, ...host } };
}

const withoutEnds = (handle: DoorbellHandle): DoorbellHandle => waitingEnd(ringingEnd(handle));

function transfersOf({ guestHandle, hostHandle, port }: PairSetup): MessagePort[] {
  return [...portsOf(guestHandle), ...portsOf(hostHandle), ...(port === null ? [] : [port])];
}

function stop(setup: PairSetup): void {
  const doorbell = DOORBELLS[setup.config.doorbell];
  doorbell.stop(setup.guestHandle);
  doorbell.stop(setup.hostHandle);
  stopRendezvous(setup.rendezvous);
}

/** Resolves with `both`, or after the grace. */
async function withinGrace(both: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, STOP_GRACE_MS);
  });
  await Promise.race([both, late]);
  clearTimeout(timer);
}

export async function runRepetition(
  config: RunConfig,
  placement: Placement,
  options: RepetitionOptions = {},
): Promise<RepetitionResult> {
  const { onPhase, signal, fault } = options;
  const setup = pairSetup(config, placement);
  if (config.latency > 0 && clockAllocates()) reserveYoungGeneration();
  const pool = freshThreads('side', 2);
  const load = loadAverage();
  const ready = new Set<Side>();
  pool.on('message', (message: ReadyMessage) => {
    ready.add(message.ready);
    if (ready.size < 2) return;
    onPhase?.('measuring');
    releaseStart(setup.rendezvous);
  });
  const interrupt = () => stop(setup);
  signal?.addEventListener('abort', interrupt);
  const doorbell = DOORBELLS[config.doorbell] as DoorbellStrategy;
  const handles = [setup.guestHandle, setup.hostHandle];
  const watches = handles.map((handle) => doorbell.watch?.(handle));
  try {
    onPhase?.('warm-up');
    if (signal?.aborted) stop(setup);
    const { required: cpuRequired, unpinnedReason } = placement;
    const setups = sideSetups(setup);
    const run = (side: Side, cpu: number | null): Promise<SideEnd> => {
      const own = setups[side];
      const transferList = transfersOf(own);
      const task: SideTask = { side, setup: own, cpu, cpuRequired, unpinnedReason, ...(fault && { fault }) };
      return pool.run(task, { transferList });
    };
    const ends = await collect(run('guest', placement.guest), run('host', placement.host), setup);
    if ('failure' in ends) {
      if (signal?.aborted) return { outcome: 'interrupted', failure: 'by a signal' };
      return { outcome: ends.failure.ended, failure: ends.failure.message };
    }
    const { guest, host } = ends;
    const repetition = toRepetition(config, setup, guest, host, load);
    return { outcome: guest.lostWakeups + host.lostWakeups > 0 ? 'lost-wakeups' : 'done', repetition };
  } finally {
    signal?.removeEventListener('abort', interrupt);
    for (const unwatch of watches) unwatch?.();
    await pool.destroy();
    for (const handle of handles) doorbell.dispose?.(handle);
  }
}

type Failure = { ended: 'check-failed' | 'stalled' | 'failed'; message: string };

/** Waits for both sides; when one fails the other is stopped, and left behind if it does not stop. */
async function collect(
  guestRun: Promise<SideEnd>,
  hostRun: Promise<SideEnd>,
  setup: PairSetup,
): Promise<{ guest: SideReport; host: SideReport } | { failure: Failure }> {
  const failures: Failure[] = [];
  const settle = async (run: Promise<SideEnd>): Promise<SideReport | null> => {
    const end = await run.catch(
      (error: Error): SideEnd => ({ ended: 'failed', message: `a thread ended: ${error.message}` }),
    );
    if (end.ended === 'done') return end.report;
    if (end.ended !== 'stopped') failures.push({ ended: end.ended, message: end.message });
    stop(setup);
    return null;
  };
  const sides = [settle(guestRun), settle(hostRun)] as const;
  const both = Promise.all(sides);
  // A side that ended well leaves the other as long as it takes; one that did not has told the other to stop.
  if ((await Promise.race(sides)) === null) await withinGrace(both);
  else await both;
  const first = failures[0];
  if (first !== undefined) return { failure: first };
  const [guest, host] = await both;
  if (guest === null || host === null) return { failure: { ended: 'failed', message: 'stopped' } };
  return { guest, host };
}

function latencyOf(config: PairConfig, guest: SideReport, host: SideReport): Repetition['pairs'][0]['latency'] {
  if (guest.latency === null || host.latency === null) return null;
  return {
    every: latencyStride(config),
    clock: guest.latency.clock,
    clockNs: Math.max(guest.latency.clockNs, host.latency.clockNs),
    kickToWake: host.latency.wakes,
    callToWake: guest.latency.wakes,
    roundTrip: guest.latency.roundTrip,
  };
}

function toRepetition(
  config: RunConfig,
  setup: PairSetup,
  guest: SideReport,
  host: SideReport,
  load: number | null,
): Repetition {
  const window = guest.window!;
  return {
    wallNs: window.wallNs,
    cpuUserNs: window.cpuUserNs,
    cpuSystemNs: window.cpuSystemNs,
    transfersPerSecond: (config.transfers * 1e9) / window.wallNs,
    tenths: window.tenths,
    crossCpuNs: guest.crossCpuNs,
    load,
    stealNs: window.machine?.stolenNs ?? null,
    otherCpuNs: window.machine?.otherCpuNs ?? null,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    pairs: [
      {
        guest: guest.record,
        host: host.record,
        lostWakeups: guest.lostWakeups + host.lostWakeups,
        verifiedTransfers: config.fastVringh || !LAYOUTS[config.layout].carries ? 0 : guest.transfers,
        latency: latencyOf(setup.config, guest, host),
      },
    ],
  };
}
