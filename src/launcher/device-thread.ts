/**
 * A device in service in a thread of its own. `DeviceThread` is the launcher's side: it starts the thread and hears of
 * its end; `serveThread` is the thread's whole work. The device is made there, from plain data.
 */
import { type MessagePort, Worker } from 'node:worker_threads';
import type { Device } from '../devices/device.ts';
import type { DevicePlan } from './device-plan.ts';
import { type DeviceFault, DeviceService, type QueueStats, type RunningDevice } from './device-service.ts';

/** What the thread gets: plain data. */
interface DeviceTask {
  readonly plan: DevicePlan;
  /** URL of a module that exports `openDevice(options, tell)`. */
  readonly factory: string;
  readonly device: unknown;
  readonly features: bigint;
  readonly timed: boolean;
  readonly tells: boolean;
}

type ThreadMessage =
  | { readonly serving: string }
  | { readonly told: string }
  | { readonly broken: DeviceFault }
  | { readonly stopped: readonly QueueStats[] };

interface StopMessage {
  readonly drains: boolean;
}

interface DeviceFactory {
  openDevice(options: unknown, tell?: (line: string) => void): Device | Promise<Device>;
}

const ENTRY = new URL('../../workers/launch-device.js', import.meta.url);

/** A thread that was told to stop has so long; then it is ended. More than its device may take. */
const STOP_TIMEOUT_MS = 15_000;

export interface DeviceThreadOptions {
  readonly plan: DevicePlan;
  /** What the factory makes the device of: plain data. */
  readonly device: unknown;
  readonly factory: string;
  readonly features: bigint;
  readonly timed: boolean;
  /** It serves no more, or its thread has ended. Once. */
  readonly broken: (fault: DeviceFault) => void;
  readonly tell?: (line: string) => void;
}

export class DeviceThread implements RunningDevice {
  name = 'device';
  private readonly worker: Worker;
  private readonly broken: DeviceThreadOptions['broken'];
  private readonly exited: Promise<void>;
  private stats: readonly QueueStats[] = [];
  /** What went wrong while it ended. */
  private lastError: Error | null = null;
  /** What its end means: it has not started, it serves, it was told to stop or said that it is broken. */
  private state: 'starting' | 'serving' | 'ending' = 'starting';
  private started: (() => void) | null = null;
  private refused: ((error: Error) => void) | null = null;

  private constructor({ broken, tell, ...task }: DeviceThreadOptions) {
    this.broken = broken;
    const workerData: DeviceTask = { ...task, tells: tell !== undefined };
    const worker = new Worker(ENTRY, { workerData, name: 'device' });
    this.worker = worker;
    worker.on('message', (message: ThreadMessage) => {
      if ('told' in message) tell?.(message.told);
      else if ('serving' in message) {
        this.name = message.serving;
        this.state = 'serving';
        this.started?.();
      } else if ('broken' in message) this.fail(message.broken);
      else this.stats = message.stopped;
    });
    worker.on('error', (error: unknown) => {
      const known = error instanceof Error ? error : new Error(String(error));
      if (this.state === 'starting') {
        this.state = 'ending';
        this.refused?.(known);
      } else if (this.state === 'ending') this.lastError = known;
      else this.fail({ reason: `${this.name}: ${known.message}`, byGuest: false });
    });
    this.exited = new Promise((resolve) => {
      worker.on('exit', (code) => {
        const reason = `${this.name}: its thread ended with code ${code}`;
        if (this.state === 'starting') this.refused?.(new Error(reason));
        else this.fail({ reason, byGuest: false });
        resolve();
      });
    });
  }

  /** Resolves when the device serves. @throws what the factory throws */
  static async start(options: DeviceThreadOptions): Promise<DeviceThread> {
    const thread = new DeviceThread(options);
    try {
      await new Promise<void>((resolve, reject) => {
        thread.started = resolve;
        thread.refused = reject;
      });
    } catch (error) {
      await thread.exited;
      throw error;
    }
    return thread;
  }

  async stop(drains: boolean): Promise<readonly QueueStats[]> {
    this.state = 'ending';
    const message: StopMessage = { drains };
    this.worker.postMessage(message);
    const timer = setTimeout(() => this.worker.terminate(), STOP_TIMEOUT_MS);
    await this.exited;
    clearTimeout(timer);
    if (this.lastError !== null) throw this.lastError;
    return this.stats;
  }

  private fail(fault: DeviceFault): void {
    if (this.state !== 'serving') return;
    this.state = 'ending';
    this.broken(fault);
  }
}

export async function serveThread(port: MessagePort, task: DeviceTask): Promise<void> {
  const { plan, features, timed } = task;
  const post = (message: ThreadMessage) => port.postMessage(message);
  const { openDevice } = (await import(task.factory)) as DeviceFactory;
  const tell = task.tells ? { tell: (told: string) => post({ told }) } : {};
  const device = await openDevice(task.device, tell.tell);
  const service = new DeviceService({ device, plan, features, timed, broken: (broken) => post({ broken }), ...tell });
  port.once('message', async ({ drains }: StopMessage) => {
    try {
      post({ stopped: await service.stop(drains) });
    } finally {
      port.close();
    }
  });
  post({ serving: device.name });
}
