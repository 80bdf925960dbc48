/**
 * Where guest and host thread meet outside the measured window, and where the main thread starts and stops them.
 *
 *     word 0  arrivals at the current meeting
 *     word 1  number of the current meeting; the threads sleep on it
 *     word 2  0, or 1 once the main thread starts the window; the threads sleep on it
 *     word 3  0, or 1 once the run is being stopped
 *     word 4  transfers of the next leg of the warm-up, by the guest; 0: none
 *     word 5  what the host compiled in the last leg, bytes
 */
import { Stalled, Stopped } from '../loops/runner.ts';

const ARRIVALS = 0;
const MEETING = 1;
const START = 2;
const STOP = 3;
const LEG = 4;
const COMPILED = 5;
const SIZE_BYTES = 128;

/** Starting a thread and warming up takes its time; a side that failed is reported long before. */
const MEETING_TIMEOUT_MS = 60_000;

export function makeRendezvous(): SharedArrayBuffer {
  return new SharedArrayBuffer(SIZE_BYTES);
}

/** The main thread lets both sides into the window. */
export function releaseStart(shared: SharedArrayBuffer): void {
  const words = new Int32Array(shared);
  Atomics.store(words, START, 1);
  Atomics.notify(words, START);
}

/** The main thread ends every wait here with `Stopped`. */
export function stopRendezvous(shared: SharedArrayBuffer): void {
  const words = new Int32Array(shared);
  Atomics.store(words, STOP, 1);
  Atomics.store(words, START, 1);
  Atomics.add(words, MEETING, 1);
  Atomics.notify(words, MEETING);
  Atomics.notify(words, START);
}

/** One thread's end. */
export class Rendezvous {
  private readonly words: Int32Array;
  private readonly side: string;

  constructor(shared: SharedArrayBuffer, side: string) {
    this.words = new Int32Array(shared);
    this.side = side;
  }

  /** Returns once both threads have called it. @throws Stopped, Stalled */
  meet(): void {
    const { words } = this;
    const meeting = Atomics.load(words, MEETING);
    // A stop moves the meeting's number last, so it is seen either here or by the wait.
    this.checkStopped();
    if (Atomics.add(words, ARRIVALS, 1) === 1) {
      Atomics.store(words, ARRIVALS, 0);
      Atomics.add(words, MEETING, 1);
      Atomics.notify(words, MEETING);
    } else {
      // The notify of an earlier meeting may come late: wait until the number itself has moved.
      while (Atomics.load(words, MEETING) === meeting) this.sleepOn(MEETING, meeting);
    }
    this.checkStopped();
  }

  /** Returns once the main thread has called `releaseStart`. @throws Stopped, Stalled */
  awaitStart(): void {
    const { words } = this;
    while (Atomics.load(words, START) === 0) this.sleepOn(START, 0);
    this.checkStopped();
  }

  /** What one side tells the other from before a meeting until the next one. */
  get legTransfers(): number {
    return Atomics.load(this.words, LEG);
  }

  set legTransfers(count: number) {
    Atomics.store(this.words, LEG, count);
  }

  get hostCompiledBytes(): number {
    return Atomics.load(this.words, COMPILED);
  }

  set hostCompiledBytes(bytes: number) {
    Atomics.store(this.words, COMPILED, bytes);
  }

  private sleepOn(word: number, value: number): void {
    if (Atomics.wait(this.words, word, value, MEETING_TIMEOUT_MS) === 'timed-out')
      throw new Stalled(this.side, MEETING_TIMEOUT_MS);
  }

  private checkStopped(): void {
    if (Atomics.load(this.words, STOP) !== 0) throw new Stopped();
  }
}
