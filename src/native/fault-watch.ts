/**
 * The work of the thread that guards another one against page faults that are never served. The other one may sleep in
 * such a fault with its event loop: it then sees neither its peer's end nor a signal. This thread sees both, and touches
 * none of the memory.
 *
 *     the peer is gone                       the ranges are ordinary memory from now on: who sleeps there wakes
 *     a signal, and the loop does not turn   the process ends at once: the peer lives, and its memory is not to be guessed
 */
import type { MessagePort } from 'node:worker_threads';
import { CaughtSignals } from './caught-signals.ts';
import { waitForAny } from './poll.ts';
import { exitAtOnce } from './threads.ts';
import { unregister } from './userfaultfd.ts';

/** What the thread gets: plain data. The descriptors are open until it has ended. */
export interface FaultWatchTask {
  /** Of the peer that serves the faults. */
  readonly socket: number;
  readonly userfaultfd: number;
  /** An event descriptor: can be read once it is time to end. */
  readonly stop: number;
  /** Pairs of 64-bit words, address and size; a size of 0 is no range. */
  readonly ranges: SharedArrayBuffer;
  /** A 32-bit word: the number of the last question that the other thread's loop has answered. */
  readonly answered: SharedArrayBuffer;
  /** Signals, by their numbers, that the other thread's loop ends the process for. */
  readonly signals: readonly number[];
}

/** The thread is there; or the other one's loop is asked whether it turns. */
export type FaultWatchMessage = { readonly ready: true } | { readonly question: number };

/** A thread that was told to end the process turns its loop within this time. Milliseconds. */
const LEAVING_TURN_MS = 5000;
/** A wait is no longer than this: a thread that is terminated ends after it. Milliseconds. */
const WAIT_MS = 500;
/** Between two looks once something has happened. Milliseconds. */
const LOOK_AGAIN_MS = 100;
/** Of a process that failed. */
const EXIT_FAILED = 1;

const POLLIN = 1;
const POLLRDHUP = 0x2000;
const NONE = -1;
/** Words of the entries that are waited for. */
const [STOP_EVENTS, PEER, PEER_EVENTS, SIGNAL, SIGNAL_EVENTS] = [1, 2, 3, 4, 5] as const;

class FaultWatch {
  private readonly port: MessagePort;
  private readonly task: FaultWatchTask;
  private readonly caught: CaughtSignals;
  private readonly entries: Int32Array;
  private readonly ranges: BigUint64Array;
  private readonly answered: Int32Array;
  /** A signal has come. */
  private leaving = false;
  private question = 0;
  private askedAt = 0;

  constructor(port: MessagePort, task: FaultWatchTask) {
    this.port = port;
    this.task = task;
    this.caught = new CaughtSignals(task.signals);
    const { stop, socket } = task;
    this.entries = Int32Array.of(stop, POLLIN, socket, POLLRDHUP, this.caught.descriptor, POLLIN);
    this.ranges = new BigUint64Array(task.ranges);
    this.answered = new Int32Array(task.answered);
  }

  run(): void {
    const { entries } = this;
    this.tell({ ready: true });
    try {
      while (!this.hasCome(STOP_EVENTS)) {
        waitForAny(entries, this.leaving || entries[PEER] === NONE ? LOOK_AGAIN_MS : WAIT_MS);
        if (this.hasCome(PEER_EVENTS)) entries[PEER] = NONE;
        if (this.hasCome(SIGNAL_EVENTS)) this.leave();
        // Again and again: a range may be registered while they are gone through.
        if (entries[PEER] === NONE) this.unregisterAll();
        if (this.leaving) this.demandTurns();
      }
      this.unregisterAll();
    } finally {
      this.caught.close();
    }
  }

  private hasCome(events: number): boolean {
    return this.entries[events]! >> 16 !== 0;
  }

  private tell(message: FaultWatchMessage): void {
    this.port.postMessage(message);
  }

  /** The next signal is the engine's alone: the default of one that it no longer listens to is to end the process. */
  private leave(): void {
    this.leaving = true;
    this.entries[SIGNAL] = NONE;
    this.entries[SIGNAL_EVENTS] = 0;
    this.caught.close();
  }

  private demandTurns(): void {
    const now = performance.now();
    if (Atomics.load(this.answered, 0) === this.question) {
      this.askedAt = now;
      this.tell({ question: ++this.question });
    } else if (now - this.askedAt > LEAVING_TURN_MS) exitAtOnce(EXIT_FAILED);
  }

  private unregisterAll(): void {
    const { ranges, task } = this;
    for (let i = 0; i < ranges.length; i += 2) {
      const sizeBytes = Number(Atomics.load(ranges, i + 1));
      if (sizeBytes === 0) continue;
      try {
        unregister(task.userfaultfd, Number(Atomics.load(ranges, i)), sizeBytes);
      } catch {
        // It is mapped no more: nothing sleeps there.
      }
    }
  }
}

export function watchFaults(port: MessagePort, task: FaultWatchTask): void {
  new FaultWatch(port, task).run();
}
