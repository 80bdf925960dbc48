/** The CPU that is a thread: the guest is an ES module or a Wasm module in a worker of its own. The launcher's thread. */
import { Worker } from 'node:worker_threads';
import { needThreads } from '../../native/address-space.ts';
import type { GuestBoot } from '../guest-boot.ts';
import { plainLine } from '../plain-line.ts';
import type { Cpu, CpuEvents, GuestEnding, RunningGuest } from './cpu.ts';
import { GuestFault } from './guest-fault.ts';
import type { GuestMessage, GuestTask } from './guest-thread.ts';

const ENTRY = new URL('../../../workers/launch-guest.js', import.meta.url);

/** A guest keeps its data in its own memory; what the engine may take for it besides, MiB. */
const HEAP_MIB = 256;

class GuestThread implements RunningGuest {
  readonly ended: Promise<GuestEnding>;
  private readonly worker: Worker;
  /** The first word on how it ended is the last. */
  private ending: GuestEnding | null = null;

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
    worker.on('error', (error: unknown) => {
      this.end({ how: 'failed', error: new GuestFault(error) });
    });
    this.ended = new Promise((resolve) => {
      worker.on('exit', (code) => {
        this.ending ??= { how: 'failed', error: new Error(`the guest's thread ended with code ${code}`) };
        resolve(this.ending);
      });
    });
  }

  stop(): Promise<GuestEnding> {
    this.end({ how: 'stopped' });
    return this.ended;
  }

  /** Its thread ends with it, whatever it still has to do. */
  private end(ending: GuestEnding): void {
    this.ending ??= ending;
    void this.worker.terminate();
  }
}

export const workerCpu: Cpu = {
  name: 'worker',
  start: (boot, events) => new GuestThread(boot, events),
};
