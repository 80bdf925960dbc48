/**
 * The words that a doorbell's two ends share, and what every doorbell built on them has in common. A ring is one
 * atomic exchange; waking is only tried when the exchange tells that the waiter sleeps.
 *
 *     word 0   IDLE (0) | RUNG (1) | ASLEEP (2)
 *     word 1   0 | 1: stop
 *     pad      the next handle's words never share a cache line pair with these
 */
import type { Doorbell, DoorbellHandle, DoorbellStrategy, WaitOptions, WaitSet, Wake } from './doorbell.ts';

export const STATE = 0;
export const STOP = 1;
export const HANDLE_SIZE = 128;

export const IDLE = 0;
export const RUNG = 1;
export const ASLEEP = 2;

export class WordDoorbell implements Doorbell {
  rings = 0;
  wakeSyscalls = 0;
  protected readonly words: Int32Array;

  constructor(words: Int32Array) {
    this.words = words;
  }

  /** The memory of the words, and where the state lies in it. */
  get buffer(): ArrayBufferLike {
    return this.words.buffer;
  }

  get stateOffset(): number {
    return this.words.byteOffset;
  }

  ring(): void {
    this.rings++;
    // E full: what was published before the ring, then the state. Pairs with E full, WordWaitSet.take.
    if (Atomics.exchange(this.words, STATE, RUNG) === ASLEEP) {
      this.wakeSyscalls++;
      this.wake();
    }
  }

  /** Wakes the waiter, which said that it sleeps. */
  protected wake(): void {
    Atomics.notify(this.words, STATE, 1);
  }

  resetCounters(): void {
    this.rings = 0;
    this.wakeSyscalls = 0;
  }
}

/** A waiting end; strategies differ in how they wait for the state to become RUNG. */
export abstract class WordWaitSet implements WaitSet {
  spins = 0;
  protected readonly words: Int32Array;

  constructor(words: Int32Array) {
    this.words = words;
  }

  get spinUs(): number {
    return 0;
  }

  abstract wait(timeoutMs: number): Wake | Promise<Wake>;

  stopped(): boolean {
    return Atomics.load(this.words, STOP) !== 0;
  }

  drain(): void {
    Atomics.store(this.words, STATE, IDLE);
  }

  resetCounters(): void {
    this.spins = 0;
  }

  close(): void {}

  /** Sleeps in the engine's futex until rung, stopped, or the bound has passed. */
  protected sleep(timeoutMs: number): Wake {
    const words = this.words;
    if (this.stopped()) return 'stopped';
    if (Atomics.compareExchange(words, STATE, IDLE, ASLEEP) === IDLE) {
      // The notify of a ring that was taken before we slept may come late: still ASLEEP, so sleep on.
      while (Atomics.wait(words, STATE, ASLEEP, timeoutMs) === 'ok') if (Atomics.load(words, STATE) !== ASLEEP) break;
    }
    return this.take();
  }

  /** Ends a wait: takes the ring, if there is one. */
  protected take(): Wake {
    // E full: takes the ring, then the ring's data is read. Pairs with E full, WordDoorbell.ring.
    const before = Atomics.exchange(this.words, STATE, IDLE);
    if (this.stopped()) return 'stopped';
    return before === RUNG ? 'rung' : 'timed-out';
  }
}

export const wordsOf = ({ words, wordsOffset = 0 }: DoorbellHandle) =>
  new Int32Array(words, wordsOffset, HANDLE_SIZE / Int32Array.BYTES_PER_ELEMENT);

export const DEFAULTS: WaitOptions = { spinUs: 50, yields: false };

/** A strategy whose ends share the words above and which differs in its waiting end alone. */
export function wordStrategy(
  name: string,
  summary: string,
  makeWaitSet: (words: Int32Array, options: WaitOptions) => WaitSet,
): DoorbellStrategy {
  return {
    name,
    summary,
    makeHandle: (place = { words: new SharedArrayBuffer(HANDLE_SIZE), wordsOffset: 0 }) => ({
      strategy: name,
      ...place,
    }),
    waitSet: (handle, options) => makeWaitSet(wordsOf(handle), { ...DEFAULTS, ...options }),
    doorbell: (handle) => new WordDoorbell(wordsOf(handle)),
    stop: stopWords,
  };
}

/** Sets the stop word and ends every wait on either word. */
export function stopWords(handle: DoorbellHandle): void {
  const words = wordsOf(handle);
  Atomics.store(words, STOP, 1);
  Atomics.exchange(words, STATE, RUNG);
  Atomics.notify(words, STATE);
  Atomics.notify(words, STOP);
}
