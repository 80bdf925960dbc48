/**
 * How one thread wakes another: a measured variable.
 *
 * A waiting thread owns one handle; any number of doorbells ring it. The handle is made on the main thread and
 * cloned into the threads: the waiter makes its `WaitSet` of it, a ringer its `Doorbell`, the main thread stops it.
 */

import type { MessagePort } from 'node:worker_threads';

/** The ringing end. */
export interface Doorbell {
  /** Wakes the waiter if it sleeps; else its next wait returns at once. */
  ring(): void;
  /** Times rung, whether or not anybody slept. */
  readonly rings: number;
  /** Rings that found the waiter asleep and entered the engine or the kernel to wake it. */
  readonly wakeSyscalls: number;
  resetCounters(): void;
}

/** Why a wait ended: a doorbell rang, the bound passed, or the run is being stopped. */
export type Wake = 'rung' | 'timed-out' | 'stopped';

/** The waiting end of one thread: every doorbell that can wake it, and the stop word, in one wait. */
export interface WaitSet {
  /** Waits for a ring. A ring before it is never lost; several before it are taken at once. */
  wait(timeoutMs: number): Wake | Promise<Wake>;
  /** True once the run is being stopped; cheap enough for a bounded spin. */
  stopped(): boolean;
  /** Forgets rings not taken yet. Only while nobody rings. */
  drain(): void;
  /** Looks at the doorbell in vain. */
  readonly spins: number;
  /** How long a wait looks before it sleeps, where that adapts, microseconds; else 0. */
  readonly spinUs: number;
  resetCounters(): void;
  close(): void;
}

/**
 * What the ends of a doorbell are made of. It reaches another thread as one of its ends: `waitingEnd` and `ringingEnd`
 * give each what it needs, `portsOf` what must be transferred with it. Only its own strategy looks inside.
 */
export interface DoorbellHandle {
  readonly strategy: string;
  readonly words: SharedArrayBuffer;
  /** Where in it they begin, bytes. Default: 0. */
  readonly wordsOffset?: number;
  /** Message ports of the two ends. */
  readonly waitPort?: MessagePort;
  readonly ringPort?: MessagePort;
  /** An open file of this process, by its number: the same for all its threads. */
  readonly descriptor?: number;
}

/** Room for a handle's words. */
export interface WordsPlace {
  readonly words: SharedArrayBuffer;
  /** Bytes; a multiple of 4. */
  readonly wordsOffset: number;
}

/** The handle as the waiting thread gets it. */
export function waitingEnd({ ringPort: _, ...end }: DoorbellHandle): DoorbellHandle {
  return end;
}

/** The handle as a ringing thread gets it. */
export function ringingEnd({ waitPort: _, ...end }: DoorbellHandle): DoorbellHandle {
  return end;
}

/** What must be in the transfer list of a message that carries this end. */
export function portsOf({ waitPort, ringPort }: DoorbellHandle): MessagePort[] {
  return [waitPort, ringPort].filter((port) => port !== undefined);
}

/** The descriptor of a handle whose strategy makes it with one. */
export function descriptorOf({ strategy, descriptor }: DoorbellHandle): number {
  if (descriptor === undefined) throw new TypeError(`a handle of doorbell ${strategy} has no descriptor`);
  return descriptor;
}

/** How a thread wants to wait; strategies ignore what does not concern them. */
export interface WaitOptions {
  /** The longest time to look before sleeping, microseconds. */
  readonly spinUs: number;
  /** The ringer runs on the same CPU: looking must let it run. */
  readonly yields: boolean;
}

export interface DoorbellStrategy {
  /** Its name on the command line and in records. */
  readonly name: string;
  /** One line for the help text. */
  readonly summary: string;
  /** Its waits look, at first at least: a side that finds nothing for a moment is not asleep. */
  readonly looks?: boolean;
  /** Its waits look before they sleep; so does a side, at the ring, before it asks for a notification. */
  readonly looksFirst?: boolean;
  /** Neither side asks for a notification, and none is sent: both look at the ring. */
  readonly polls?: boolean;
  /** Why it cannot be used on this machine (`needs …`), or null if it can. Without it, it always can. */
  unavailable?(): string | null;
  /**
   * On a shared CPU its waits, with so many microseconds to look, let the peer run without a wake-up, so that the
   * threads' priorities decide nothing.
   */
  handsOver?(spinUs: number): boolean;
  /** @param place where its words lie, HANDLE_SIZE zeroed bytes of a shared memory. Default: a memory of their own. */
  makeHandle(place?: WordsPlace): DoorbellHandle;
  /** On the thread that waits; once a handle. */
  waitSet(handle: DoorbellHandle, options?: Partial<WaitOptions>): WaitSet;
  /** On a thread that rings. */
  doorbell(handle: DoorbellHandle): Doorbell;
  /** From any thread: the wait under way and every later one return 'stopped'. */
  stop(handle: DoorbellHandle): void;
  /**
   * For waits that block in the kernel, where no bound can be given: on another thread than the waiter's, ends those
   * that have lasted as long as they may. Returns how to end the watch.
   */
  watch?(handle: DoorbellHandle): () => void;
  /** Where the handle was made, when nobody uses it any more. */
  dispose?(handle: DoorbellHandle): void;
}

/** A doorbell that is not connected: for a peer that polls. It counts nothing, because it notifies nobody. */
export class SilentDoorbell implements Doorbell {
  readonly rings = 0;
  readonly wakeSyscalls = 0;
  ring(): void {}
  resetCounters(): void {}
}
