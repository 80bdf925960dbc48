/** The CPU that is a thread: the guest is an ES module or a Wasm module in a worker of its own. The launcher's thread. */
import { Worker } from 'node:worker_threads';
import { needThreads } from '../../native/address-space.ts';
import { errorOf, terminateUnwatched, watchEnd } from '../../native/threads.ts';
import type { GuestBoot } from '../guest-boot.ts';
import { plainLine } from '../plain-line.ts';
import type { Cpu, CpuEvents, GuestEnding, RunningGuest } from './cpu.ts';
import { GuestFault } from './guest-fault.ts';
import type { GuestMessage, GuestTask } from './guest-thread.ts';

const ENTRY = new URL('../../../workers/launch-guest.js', import.meta.url);

/** A guest keeps its data in its own memory; what the engine may take for it besides, MiB. */
const HEAP_MIB = 256;

/**
 * A guest that was told to end has ended within this time, on a busy machine, too; or its thread is left behind.
 * Milliseconds.
 */
const END_TIMEOUT_MS = 5000;

class GuestThread implements RunningGuest {
  readonly ended: Promise<GuestEnding>;
  warning: string | null = null;
  private readonly worker: Worker;
  private isEnding = false;
  private resolveEnded: (ending: GuestEnding) => void = () => {};

  constructor(boot: GuestBoot, events: CpuEvents) {
    const untold = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    const waiting = new Int32Array(untold);
    const task: GuestTask = { boot, untold, tellsNotify: events.notified !== undefined };
    needThreads(1);
    const worker = new Worker(ENTRY, {
      workerData: task,
      env: {},
      argv: [],
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
      name: 'guest',
    });
    this.worker = worker;
    const handled = () => {
      Atomics.sub(waiting, 0, 1);
      Atomics.notify(waiting, 0);
    };
    const takenBy = (taken: Promise<void> | undefined) => {
      if (taken === undefined) handled();
      else void taken.then(handled);
    };
    // What the engine itself has to say; the guest's words come by messages, in order.
    worker.stdout.resume();
    worker.stderr.resume();
    worker.on('message', (message: GuestMessage) => {
      if ('halted' in message) this.end({ how: 'halted' });
      else if ('died' in message) this.end({ how: 'died', reason: plainLine(message.died) });
      else if ('print' in message) takenBy(events.print(message.print));
      else if ('logged' in message) takenBy(events.logged?.(message.logged));
      else takenBy(void events.notified?.(message.notified));
    });
    this.ended = new Promise((resolve) => {
      this.resolveEnded = resolve;
    });
    void watchEnd(worker, (death) => {
      const error = 'thrown' in death ? new GuestFault(death.thrown) : errorOf(death, "the guest's thread");
      this.end({ how: 'failed', error });
    });
  }

  stop(): Promise<GuestEnding> {
    this.end({ how: 'stopped' });
    return this.ended;
  }

  /** The first word on how it ended is the last. Its thread ends with it, whatever it still has to do. */
  private end(ending: GuestEnding): void {
    if (this.isEnding) return;
    this.isEnding = true;
    void terminateUnwatched(this.worker, END_TIMEOUT_MS).then((isGone) => {
      if (!isGone)
        this.warning =
          `the guest's thread did not end within ${END_TIMEOUT_MS} ms, as one that the kernel holds: ` +
          'it is left behind, and ends with this process';
      this.resolveEnded(ending);
    });
  }
}

export const workerCpu: Cpu = {
  name: 'worker',
  start: (boot, events) => new GuestThread(boot, events),
};
