/**
 * Doorbell by Atomics.wait and Atomics.notify on one word. A ring is one atomic exchange; notify is only called
 * when the exchange tells that the waiter sleeps.
 *
 *     word 0   IDLE (0) | RUNG (1) | ASLEEP (2)
 *     word 1   0 | 1: stop
 *     pad      the next handle's words never share a cache line pair with these
 */
import type { Doorbell, DoorbellHandle, DoorbellStrategy, WaitSet, Wake } from './doorbell.ts';

const STATE = 0;
const STOP = 1;
const HANDLE_SIZE = 128;

const IDLE = 0;
const RUNG = 1;
const ASLEEP = 2;

class FutexDoorbell implements Doorbell {
  rings = 0;
  wakeSyscalls = 0;
  private readonly words: Int32Array;

  constructor(words: Int32Array) {
    this.words = words;
  }

  ring(): void {
    this.rings++;
    // E full: what was published before the ring, then the state. Pairs with E full, FutexWaitSet.wait.
    if (Atomics.exchange(this.words, STATE, RUNG) === ASLEEP) {
      this.wakeSyscalls++;
      Atomics.notify(this.words, STATE, 1);
    }
  }

  resetCounters(): void {
    this.rings = 0;
    this.wakeSyscalls = 0;
  }
}

class FutexWaitSet implements WaitSet {
  private readonly words: Int32Array;

  constructor(words: Int32Array) {
    this.words = words;
  }

  wait(timeoutMs: number): Wake {
    const words = this.words;
    if (this.stopped()) return 'stopped';
    if (Atomics.compareExchange(words, STATE, IDLE, ASLEEP) === IDLE) {
      // The notify of a ring that was taken before we slept may come late: still ASLEEP, so sleep on.
      while (Atomics.wait(words, STATE, ASLEEP, timeoutMs) === 'ok') if (Atomics.load(words, STATE) !== ASLEEP) break;
    }
    // E full: takes the ring, then the ring's data is read. Pairs with E full, FutexDoorbell.ring.
    const before = Atomics.exchange(words, STATE, IDLE);
    if (this.stopped()) return 'stopped';
    return before === RUNG ? 'rung' : 'timed-out';
  }

  stopped(): boolean {
    return Atomics.load(this.words, STOP) !== 0;
  }

  drain(): void {
    Atomics.store(this.words, STATE, IDLE);
  }

  close(): void {}
}

const wordsOf = (handle: DoorbellHandle) => new Int32Array(handle.words);

export const futex: DoorbellStrategy = {
  name: 'futex',
  summary: 'Atomics.wait and Atomics.notify; no notify when nobody sleeps',
  makeHandle: () => ({ strategy: 'futex', words: new SharedArrayBuffer(HANDLE_SIZE) }),
  waitSet: (handle) => new FutexWaitSet(wordsOf(handle)),
  doorbell: (handle) => new FutexDoorbell(wordsOf(handle)),
  stop(handle) {
    const words = wordsOf(handle);
    Atomics.store(words, STOP, 1);
    Atomics.exchange(words, STATE, RUNG);
    Atomics.notify(words, STATE);
  },
};
