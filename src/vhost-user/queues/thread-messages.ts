/** What the session's thread and a thread that serves queues say to each other. All plain data. */
import type { QueueState } from '../../host/queue.ts';
import type { Handle } from '../messages/handle.ts';
import type { QueueStats } from './queue-runner.ts';
import type { QueueSetup } from './queue-setup.ts';

/** What a thread is started with. */
export interface ThreadTask {
  /** URL of the module whose `openDevice` makes the device, from `options`. */
  readonly factory: string;
  readonly options: unknown;
  readonly pollUs: number;
  /** To run on; null: where the kernel likes. */
  readonly cpus: readonly number[] | null;
  /** Counters of each queue of the device, in the order of STATS; each is written by the thread that serves it. */
  readonly stats: SharedArrayBuffer;
  /** By queue, shared: set with the event `called`, cleared when it is taken. */
  readonly callsDue: Int32Array;
  /** Where the thread publishes its watcher, to be muted before it is terminated. */
  readonly watcher: SharedArrayBuffer;
}

/** Of a device that a thread opened. */
export interface DeviceDescription {
  readonly id: number;
  readonly name: string;
  readonly features: bigint;
  readonly queueCount: number;
  readonly config: Uint8Array;
}

/** What the thread is told to do; each is answered, in order. */
export type ThreadCall =
  | { readonly call: 'describe' }
  | { readonly call: 'acknowledge'; readonly features: bigint }
  | { readonly call: 'writeConfig'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly call: 'reset' }
  | { readonly call: 'start'; readonly setup: QueueSetup; readonly run: number }
  | { readonly call: 'setCall'; readonly index: number; readonly handle: Handle | null }
  | { readonly call: 'kick'; readonly index: number }
  | { readonly call: 'stop'; readonly index: number }
  | { readonly call: 'close' };

export interface ThreadResults {
  describe: DeviceDescription;
  acknowledge: null;
  writeConfig: { readonly taken: boolean; readonly config: Uint8Array };
  reset: null;
  start: null;
  setCall: null;
  kick: null;
  stop: QueueState;
  close: null;
}

export type ThreadRequest = ThreadCall & { readonly id: number };

export interface PlainError {
  readonly name: string;
  readonly message: string;
}

export type ThreadReply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: PlainError }
  /** `run` as in the start that it belongs to. */
  | { readonly event: 'broken'; readonly index: number; readonly run: number; readonly error: PlainError }
  | { readonly event: 'called'; readonly index: number; readonly run: number };

export const STATS = [
  'requests',
  'brokenRequests',
  'failures',
  'bytes',
  'kicks',
  'calls',
  'starts',
] as const satisfies readonly (keyof QueueStats)[];

/** The counters of one queue. */
export function statsOf(stats: SharedArrayBuffer, index: number): Float64Array {
  return new Float64Array(stats, index * STATS.length * Float64Array.BYTES_PER_ELEMENT, STATS.length);
}

export function statsSize(queueCount: number): number {
  return queueCount * STATS.length * Float64Array.BYTES_PER_ELEMENT;
}

export const plainError = ({ name, message }: Error): PlainError => ({ name, message });

/** An error of another thread. */
export function thrownThere({ name, message }: PlainError): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}
