/** Benches of a doorbell's ring: one that nobody waits for, and one that wakes a thread. */
import { Worker } from 'node:worker_threads';
import type { Doorbell } from '../../../src/doorbell/doorbell.ts';
import { DOORBELLS } from '../../../src/doorbell/index.ts';
import { ASLEEP, IDLE, RUNG, STATE, wordsOf } from '../../../src/doorbell/words.ts';
import { needThreads } from '../../../src/native/address-space.ts';
import { errorOf, type ThreadDeath, watchEnd } from '../../../src/native/threads.ts';
import { expectEqual } from '../../check-failed.ts';
import type { Pinning } from '../../pair/pinning.ts';
import type { MicroBench, Prepared, Stage } from '../micro-bench.ts';
import { CountingEnd, makeCount, type WaiterTask } from '../waiter.ts';

const futex = DOORBELLS.futex;

const RINGS_UNHEARD = 4096;

export const notifyWithNobody: MicroBench = {
  summary: 'a ring of doorbell futex while nobody sleeps',
  ordered: false,
  prepare() {
    const handle = futex.makeHandle();
    const bell = futex.doorbell(handle);
    const words = wordsOf(handle);
    return {
      operations: RINGS_UNHEARD,
      before() {
        Atomics.store(words, STATE, IDLE);
        bell.resetCounters();
      },
      timed() {
        ringAll(bell);
        return undefined;
      },
      check() {
        expectEqual('notify-with-nobody: rings', bell.rings, RINGS_UNHEARD);
        expectEqual('notify-with-nobody: rings that found somebody asleep', bell.wakeSyscalls, 0);
        expectEqual('notify-with-nobody: state word', Atomics.load(words, STATE), RUNG);
      },
    };
  },
};

function ringAll(bell: Doorbell): void {
  for (let i = 0; i < RINGS_UNHEARD; i++) bell.ring();
}

const RINGS_HEARD = 8;
/** From the waiter's word that it sleeps until it does: it still has to enter the engine and the kernel. */
const SETTLE_MS = 0.05;
/** Looks before this thread sleeps a moment itself, in case the waiter needs this very CPU. */
const LOOKS_MAX = 20_000;
const NAP_MS = 1;
const ASLEEP_TIMEOUT_MS = 10_000;

/** Returns once the waiter has said that it sleeps. Bounded. */
function awaitAsleep(words: Int32Array, nap: Int32Array, now: () => number): void {
  for (let looks = 0; Atomics.load(words, STATE) !== ASLEEP; looks++) {
    if (looks < LOOKS_MAX) continue;
    if ((looks - LOOKS_MAX) * NAP_MS > ASLEEP_TIMEOUT_MS) throw new Error('the waiter does not fall asleep');
    Atomics.wait(nap, 0, 0, NAP_MS);
  }
  const since = now();
  while (now() - since < SETTLE_MS);
}

export const notifyWithWaiter: MicroBench = {
  summary: 'a ring of doorbell futex that wakes a thread; with reading the clock',
  ordered: false,
  async prepare({ peerCpu, unpinnedReason }: Stage): Promise<Prepared> {
    const handle = futex.makeHandle();
    const bell = futex.doorbell(handle);
    const words = wordsOf(handle);
    const nap = new Int32Array(new SharedArrayBuffer(4));
    const count = makeCount();
    const taken = new CountingEnd(count);
    const task: WaiterTask = { handle, count, cpu: peerCpu, unpinnedReason };
    needThreads(1);
    const waiter = new Worker(new URL('../../../workers/micro-waiter.js', import.meta.url), { workerData: task });
    let end: ThreadDeath | null = null;
    let failToStart: (error: Error) => void = () => {};
    const ended = watchEnd(waiter, (death) => {
      end = death;
      failToStart(errorOf(death, 'the waiter'));
    });
    const pinned = await new Promise<Pinning>((resolve, reject) => {
      waiter.once('message', resolve);
      failToStart = reject;
    });
    let peer = pinned;
    waiter.on('message', (now: Pinning) => {
      peer = now;
    });
    return {
      operations: RINGS_HEARD,
      peer: () => peer,
      before() {
        awaitAsleep(words, nap, () => performance.now());
        bell.resetCounters();
        taken.reset();
      },
      timed(now) {
        let ringingMs = 0;
        for (let i = 0; i < RINGS_HEARD; i++) {
          awaitAsleep(words, nap, now);
          const start = now();
          bell.ring();
          ringingMs += now() - start;
        }
        return ringingMs;
      },
      check() {
        // Asleep again, it has counted every wake-up before.
        awaitAsleep(words, nap, () => performance.now());
        expectEqual('notify-with-waiter: rings that found the waiter asleep', bell.wakeSyscalls, RINGS_HEARD);
        expectEqual('notify-with-waiter: wake-ups taken', taken.count, RINGS_HEARD);
      },
      async close() {
        futex.stop(handle);
        await ended;
        if (end !== null && 'thrown' in end) throw errorOf(end, 'the waiter');
      },
    };
  },
};
