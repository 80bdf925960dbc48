/**
 * A device in service in a thread of its own. `DeviceThread` is the launcher's side: it starts the thread and hears of
 * its end; `serveThread` is the thread's whole work. The device is made there, from plain data.
 */
import { type MessagePort, Worker } from 'node:worker_threads';
import type { Device } from '../devices/device.ts';
import { needThreads } from '../native/address-space.ts';
import { errorOf, takeMessages, terminateThread, watchEnd, within } from '../native/threads.ts';
import { publishWatcher, WATCHER_WORD_SIZE } from '../native/watcher.ts';
import type { DevicePlan } from './device-plan.ts';
import {
  type DeviceDescription,
  type DeviceFault,
  type LauncherDevice,
  LocalDevice,
  type QueueStats,
} from './device-service.ts';
import type { BusPlace } from './open-device.ts';

/** What the thread gets: plain data. */
export interface DeviceTask {
  /** URL of a module that exports `openDevice(options, tell, bus)`. */
  readonly factory: string;
  readonly device: unknown;
  /** Requests are timed. */
  readonly timed: boolean;
  /** Lines are told. */
  readonly tells: boolean;
  /** Where the thread publishes its watcher, to be muted before it is terminated. */
  readonly watcher: SharedArrayBuffer;
}

type ThreadRequest = { readonly serve: DevicePlan } | { readonly stop: { readonly drains: boolean } };

type ThreadMessage =
  | { readonly opened: DeviceDescription }
  | { readonly serving: true }
  | { readonly told: string }
  | { readonly warned: string }
  | { readonly broken: DeviceFault }
  | { readonly stopped: readonly QueueStats[] };

interface DeviceFactory {
  openDevice(options: unknown, tell: ((line: string) => void) | null, bus: BusPlace): Device | Promise<Device>;
}

const ENTRY = new URL('../../workers/launch-device.js', import.meta.url);

/** A thread that was told to do something does it within this time, or is ended: more than its device may take. Milliseconds. */
const ANSWER_TIMEOUT_MS = 15_000;

export interface DeviceThreadOptions {
  /** What the factory makes the device of: plain data. */
  readonly device: unknown;
  readonly factory: string;
  readonly timed: boolean;
  /** It serves no more, or its thread has ended. Once, and not before it serves. */
  readonly broken: (fault: DeviceFault) => void;
  /** How long the thread may take to open, to begin to serve, and to stop, each. Milliseconds. Default 15,000. */
  readonly answerTimeoutMs?: number;
  readonly tell?: (line: string) => void;
  /** Takes lines that must be known. */
  readonly warn?: (line: string) => void;
}

/** Somebody waits for the thread's next answer. */
interface Waiting {
  resolve(): void;
  reject(error: Error): void;
}

export class DeviceThread implements LauncherDevice {
  description: DeviceDescription = { id: 0, name: 'device', queueCount: 0, offered: 0n, fields: [] };
  private readonly worker: Worker;
  private readonly watcher = new SharedArrayBuffer(WATCHER_WORD_SIZE);
  private readonly broken: DeviceThreadOptions['broken'];
  private readonly exited: Promise<void>;
  private readonly answerTimeoutMs: number;
  private stats: readonly QueueStats[] = [];
  /** While it starts; afterwards what goes wrong is told by `broken`, once, and at the end by `stop`. */
  private waiting: Waiting | null = null;
  private serving = false;
  private stopped = false;
  /** Its end was told. */
  private dead = false;
  private lastError: Error | null = null;

  private constructor({ broken, answerTimeoutMs = ANSWER_TIMEOUT_MS, tell, warn, ...task }: DeviceThreadOptions) {
    this.broken = broken;
    this.answerTimeoutMs = answerTimeoutMs;
    const workerData: DeviceTask = { ...task, tells: tell !== undefined, watcher: this.watcher };
    needThreads(1);
    const worker = new Worker(ENTRY, { workerData, name: 'device' });
    this.worker = worker;
    worker.on('message', (message: ThreadMessage) => {
      if ('told' in message) tell?.(message.told);
      else if ('warned' in message) warn?.(message.warned);
      else if ('broken' in message) this.fail(message.broken);
      else if ('stopped' in message) {
        this.stopped = true;
        this.stats = message.stopped;
      } else {
        if ('opened' in message) this.description = message.opened;
        else this.serving = true;
        // At once: the thread's end may come before the answer's promise settles.
        const { waiting } = this;
        this.waiting = null;
        waiting?.resolve();
      }
    });
    this.exited = watchEnd(worker, (death) => {
      if ('thrown' in death || !this.stopped) this.die(errorOf(death, 'its thread'));
      this.dead = true;
    });
  }

  /** Starts the thread, which opens the device. @throws what the factory throws; Error if it takes too long */
  static async open(options: DeviceThreadOptions): Promise<DeviceThread> {
    const thread = new DeviceThread(options);
    await thread.answer();
    return thread;
  }

  /** @throws Error that says why it cannot serve there */
  async serve(plan: DevicePlan): Promise<void> {
    this.post({ serve: plan });
    await this.answer();
  }

  async stop(drains: boolean): Promise<readonly QueueStats[]> {
    this.serving = false;
    this.post({ stop: { drains } });
    if (!(await within(this.answerTimeoutMs, this.exited))) {
      this.lastError = this.late('end');
      await terminateThread(this.worker, this.watcher);
    }
    if (this.lastError !== null) throw this.lastError;
    return this.stats;
  }

  private post(request: ThreadRequest): void {
    this.worker.postMessage(request);
  }

  private async answer(): Promise<void> {
    if (this.dead) throw this.lastError ?? new Error(`${this.description.name}: its thread has ended`);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.waiting?.resolve();
    }, this.answerTimeoutMs);
    try {
      await new Promise<void>((resolve, reject) => {
        this.waiting = { resolve, reject };
      });
    } finally {
      clearTimeout(timer);
      this.waiting = null;
    }
    if (!late) return;
    // Its end is the answer's, and told by nothing else.
    this.serving = false;
    this.stopped = true;
    await terminateThread(this.worker, this.watcher);
    throw this.late('answer');
  }

  private late(toDo: string): Error {
    return new Error(`${this.description.name}: its thread did not ${toDo} within ${this.answerTimeoutMs} ms`);
  }

  private die(error: Error): void {
    if (this.waiting !== null) {
      this.waiting.reject(error);
      this.waiting = null;
    } else if (this.serving) this.fail({ reason: `${this.description.name}: ${error.message}`, byGuest: false });
    else this.lastError ??= new Error(`${this.description.name}: ${error.message}`);
  }

  private fail(fault: DeviceFault): void {
    if (!this.serving) return;
    this.serving = false;
    this.broken(fault);
  }
}

export async function serveThread(port: MessagePort, task: DeviceTask): Promise<void> {
  publishWatcher(task.watcher);
  const post = (message: ThreadMessage) => port.postMessage(message);
  const { openDevice } = (await import(task.factory)) as DeviceFactory;
  const tell = task.tells ? (told: string) => post({ told }) : null;
  const bus: BusPlace = { warn: (warned) => post({ warned }), isDriven: () => local?.isDriven ?? false };
  let local: LocalDevice | null = null;
  const device = await openDevice(task.device, tell, bus);
  local = new LocalDevice({
    device,
    timed: task.timed,
    broken: (broken) => post({ broken }),
    ...(tell === null ? {} : { tell }),
  });
  const served = local;
  // What fails in here is an uncaught rejection: it ends the thread, and its launcher hears of it.
  const answer = async (request: ThreadRequest) => {
    if ('serve' in request) {
      await served.serve(request.serve);
      post({ serving: true });
      return;
    }
    try {
      post({ stopped: await served.stop(request.stop.drains) });
    } finally {
      port.close();
    }
  };
  takeMessages(port, answer);
  post({ opened: served.description });
}
