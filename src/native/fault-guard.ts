/**
 * A guard for a thread that touches ranges of a userfaultfd which a peer serves. However the peer is gone, and whatever
 * process still has the userfaultfd, the thread does not sleep in a fault any longer: what was not served reads as zeroes then.
 * Where the peer lives and serves nothing, a signal that this process listens to ends it all the same. `fault-watch.ts`
 * is the guard's thread.
 */
import { constants } from 'node:os';
import { isMainThread, Worker } from 'node:worker_threads';
import { needThreads } from './address-space.ts';
import { closeDescriptor, duplicateDescriptor } from './descriptors.ts';
import { addEventfd, openEventfd } from './eventfd.ts';
import type { FaultWatchMessage, FaultWatchTask } from './fault-watch.ts';
import { errorOf, terminateThread, watchEnd, within } from './threads.ts';
import { WATCHER_WORD_SIZE } from './watcher.ts';

const ENTRY = new URL('../../workers/fault-watch.js', import.meta.url);

/** Of the guard's thread, to begin and to end: long enough for a machine that is busy. Milliseconds. */
const TURN_TIMEOUT_MS = 15_000;

/** Those that end a program. */
const ENDING = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const;

/** One without a listener ends the process by itself. Their listeners are the main thread's. */
function signalsListenedTo(): number[] {
  if (!isMainThread) return [];
  return ENDING.filter((name) => process.listenerCount(name) > 0).map((name) => constants.signals[name]);
}

export interface FaultGuardOptions {
  /** Of the peer that serves the faults. It stays the caller's, as the userfaultfd does. */
  readonly socket: number;
  readonly userfaultfd: number;
  /** Ranges at a time, at most. */
  readonly rangesMax: number;
}

export class FaultGuard {
  private readonly worker: Worker;
  private readonly exited: Promise<void>;
  private readonly descriptors: readonly number[];
  private readonly stop: number;
  private readonly ranges: BigUint64Array;
  private ending: Promise<void> | null = null;
  private failToStart: (error: Error) => void = () => {};

  private constructor(task: FaultWatchTask, descriptors: readonly number[]) {
    this.descriptors = descriptors;
    this.stop = task.stop;
    this.ranges = new BigUint64Array(task.ranges);
    this.worker = new Worker(ENTRY, { workerData: task, name: 'fault guard' });
    // One that fails does not end the process: it guards no more, and `ready` tells of it.
    this.exited = watchEnd(this.worker, (death) => this.failToStart(errorOf(death, 'the guard')));
    const answered = new Int32Array(task.answered);
    this.worker.on('message', (message: FaultWatchMessage) => {
      if ('question' in message) Atomics.store(answered, 0, message.question);
    });
  }

  /** Resolves once it guards. @throws Error that says why there can be none */
  static async start({ socket, userfaultfd, rangesMax }: FaultGuardOptions): Promise<FaultGuard> {
    needThreads(1);
    const descriptors: number[] = [];
    const own = (descriptor: number): number => {
      descriptors.push(descriptor);
      return descriptor;
    };
    let guard: FaultGuard;
    try {
      const task: FaultWatchTask = {
        socket: own(duplicateDescriptor(socket)),
        userfaultfd: own(duplicateDescriptor(userfaultfd)),
        stop: own(openEventfd()),
        ranges: new SharedArrayBuffer(16 * rangesMax),
        answered: new SharedArrayBuffer(4),
        signals: signalsListenedTo(),
      };
      guard = new FaultGuard(task, descriptors);
    } catch (error) {
      descriptors.forEach(closeDescriptor);
      throw error;
    }
    try {
      await guard.ready();
      return guard;
    } catch (error) {
      await guard.end();
      throw error;
    }
  }

  private async ready(): Promise<void> {
    const ready = new Promise<void>((resolve, reject) => {
      this.failToStart = reject;
      this.worker.once('message', () => resolve());
    });
    const late = new Error(`a thread did not begin within ${TURN_TIMEOUT_MS} ms`);
    const timer = setTimeout(this.failToStart, TURN_TIMEOUT_MS, late);
    try {
      await ready;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Guards a range, too, before it is registered. @throws RangeError for one too many */
  add(address: number, sizeBytes: number): void {
    const { ranges } = this;
    for (let i = 0; i < ranges.length; i += 2) {
      if (ranges[i + 1] !== 0n) continue;
      Atomics.store(ranges, i, BigInt(address));
      Atomics.store(ranges, i + 1, BigInt(sizeBytes));
      return;
    }
    throw new RangeError(`more than ${ranges.length / 2} ranges`);
  }

  /** The range is unmapped: nothing sleeps there. */
  remove(address: number): void {
    const { ranges } = this;
    for (let i = 0; i < ranges.length; i += 2) if (ranges[i] === BigInt(address)) Atomics.store(ranges, i + 1, 0n);
  }

  /** The ranges are ordinary memory from now on, and nothing is guarded. */
  end(): Promise<void> {
    this.ending ??= this.finish();
    return this.ending;
  }

  private async finish(): Promise<void> {
    addEventfd(this.stop);
    if (!(await within(TURN_TIMEOUT_MS, this.exited))) {
      // It has published no watcher. What it may still use stays open.
      if (!(await terminateThread(this.worker, new SharedArrayBuffer(WATCHER_WORD_SIZE)))) return;
    }
    this.descriptors.forEach(closeDescriptor);
  }
}
