/**
 * What puts one queue of a device into service, in whatever thread, as a session sees it. A session has one runner a
 * queue, starts it with plain data and stops it to change anything but the call.
 */
import type { QueueState } from '../../host/queue.ts';
import type { Handle } from '../messages/handle.ts';
import type { QueueSetup } from './queue-setup.ts';

/** What a runner tells its session, from within no call of it. */
export interface RunnerEvents {
  /** The ring cannot be trusted, or its thread is gone: nothing is served until `stop` and `start`. Once a start. */
  broken(error: Error): void;
  /** The guest is to be called, and no call handle is there: only where `QueueSetup.byMessage`. */
  called(): void;
}

/** Counted since the device was opened, over all sessions. */
export interface QueueStats {
  /** Requests completed, those that could not be read included. */
  requests: number;
  /** Requests whose chain could not be read. */
  brokenRequests: number;
  /** Requests answered with an error, packets dropped. */
  failures: number;
  /** Data moved, without headers and status. */
  bytes: number;
  /** Kicks taken. */
  kicks: number;
  /** Calls rung. */
  calls: number;
  /** Times the queue was put into service. */
  starts: number;
}

export const NO_STATS: QueueStats = {
  requests: 0,
  brokenRequests: 0,
  failures: 0,
  bytes: 0,
  kicks: 0,
  calls: 0,
  starts: 0,
};

export interface QueueRunner {
  /**
   * Maps, and serves what is there already. The setup's handles stay the session's, which keeps them until `stop`.
   * @throws Error if the queue cannot be served: nothing of it is then held.
   */
  start(setup: QueueSetup, events: RunnerEvents): Promise<void>;
  /** Rings `call` from now on, and once at once: what was called through the old one may be lost. Null as in the setup. */
  setCall(call: Handle | null): Promise<void>;
  /** Kicks a queue that is kicked by messages. */
  kick(): void;
  /**
   * Ends service and lets go of everything. Where the queue stands; for a ring that broke, where it stood at last. From
   * `availIdx` on no entry was used, whatever order requests were finished in: nothing is served twice. What was in
   * flight before it, of a ring that broke or a thread that died, is known to the in-flight area alone.
   */
  stop(): Promise<QueueState>;
  readonly stats: QueueStats;
}

/** A device with what runs its queues: all that a session knows of it. Outlives sessions. */
export interface ServedDevice {
  /** Virtio device number [virtio-v1.2 §5]. */
  readonly id: number;
  readonly name: string;
  readonly features: bigint;
  readonly queueCount: number;
  readonly config: Uint8Array;
  /** True if every queue runs in the thread of the session, whose mappings are then the only ones. */
  readonly oneThread: boolean;
  acknowledge(features: bigint): void;
  /** False: refused. */
  writeConfig(offset: number, bytes: Uint8Array): boolean | Promise<boolean>;
  /** The device is set up from its start, by this frontend or another: nothing of a request is kept. */
  reset?(): void;
  /** As `Device.announce` and `.setMtu`, where the device has them. */
  readonly announce?: ((macAddress: Uint8Array) => boolean) | undefined;
  readonly setMtu?: ((mtuBytes: number) => boolean) | undefined;
  runner(index: number): QueueRunner;
  close(): Promise<void>;
}
