/**
 * A pair in two fresh threads of this process, in a pool of their own. While the window lasts nothing runs on the main
 * thread but the event loop's wait for them, and four looks a second at whether the process stood still.
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
import { freshThreads } from './fresh-threads.ts';
import type { Side } from './half.ts';
import { releaseStart, stopRendezvous } from './rendezvous.ts';
import { allDone, type PairEnd, type PairTask, type RunningPair, STOP_GRACE_MS } from './running-pair.ts';
import { hasSession, makePair, type PairSetup } from './setup.ts';
import type { SideTask } from './side.ts';
import type { FailedEnd, ReadyMessage, SideEnd } from './side-end.ts';
import { Standstill } from './standstill.ts';

/**
 * Room for what looks at a clock leave behind that allocates, megabytes, in threads made from now on: left alone, the
 * young generation begins at one and would be collected in the window.
 */
const YOUNG_GENERATION_MB = 64;

function reserveYoungGeneration(): void {
  setFlagsFromString(`--max-semi-space-size=${YOUNG_GENERATION_MB}`);
  setFlagsFromString(`--min-semi-space-size=${YOUNG_GENERATION_MB}`);
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

export function startThreadPair({ config, placement, fault }: PairTask, onReady: () => void): RunningPair {
  const setup = makePair(config);
  if (config.latency > 0 && clockAllocates()) reserveYoungGeneration();
  const pool = freshThreads('side', 2);
  const ready = new Set<Side>();
  pool.on('message', (message: ReadyMessage) => {
    ready.add(message.ready);
    if (ready.size === 2) onReady();
  });
  const doorbell = DOORBELLS[config.doorbell] as DoorbellStrategy;
  const handles = [setup.guestHandle, setup.hostHandle];
  const watches = handles.map((handle) => doorbell.watch?.(handle));
  let closed = false;
  let standstill: Standstill | null = null;
  const stop = () => {
    // A handle that is disposed of may be somebody else's by now.
    if (closed) return;
    for (const handle of handles) doorbell.stop(handle);
    stopRendezvous(setup.rendezvous);
  };
  const setups = sideSetups(setup);
  const { required: cpuRequired, unpinnedReason } = placement;
  const run = (side: Side): Promise<SideEnd> => {
    const own = setups[side];
    const transferList = transfersOf(own);
    const task: SideTask = {
      ...{ side, setup: own, cpu: placement[side], cpuRequired, unpinnedReason },
      ...(fault && { fault }),
    };
    return pool.run(task, { transferList });
  };
  return {
    start() {
      standstill = new Standstill();
      releaseStart(setup.rendezvous);
    },
    stop,
    ended: bothEnds([run('guest'), run('host')], stop, () => standstill?.end() ?? 0),
    async close() {
      for (const unwatch of watches) unwatch?.();
      await pool.destroy();
      closed = true;
      for (const handle of handles) doorbell.dispose?.(handle);
    },
  };
}

/** Waits for both sides; when one fails the other is stopped, and left behind if it does not stop. */
async function bothEnds(
  sides: readonly Promise<SideEnd>[],
  stop: () => void,
  endOfStandstill: () => number,
): Promise<PairEnd> {
  const settled = sides.map((side) =>
    side.catch((error: Error): FailedEnd => ({ ended: 'failed', message: `a thread ended: ${error.message}` })),
  );
  const ends = await allDone(settled, stop, STOP_GRACE_MS);
  const stoodStillNs = endOfStandstill();
  if ('ended' in ends) return ends;
  const [guest, host] = ends.map(({ report }) => report);
  return { ended: 'done', report: { guest: guest!, host: host! }, peakRssBytes: 0, stoodStillNs };
}
