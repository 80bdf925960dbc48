/**
 * All that a guest's thread is started with: plain data, cloned into it. Made by the machine, read by the thread's
 * hypercalls, which check what the guest passes; the guest itself never sees it.
 */
import type { DoorbellHandle } from '../doorbell/doorbell.ts';
import type { SharedMemory } from '../memory/region.ts';

/** A ring's memory and what a notify of an address in it rings. */
export interface RingDoorbell {
  readonly address: number;
  readonly sizeBytes: number;
  /** Null: nobody serves this ring; a notify of it does nothing. */
  readonly kick: DoorbellHandle | null;
}

/** The interrupt lines of a guest: set by device threads, taken by the guest's. */
export interface InterruptLines {
  /** One bit a line, line n at bit n % 32 of word n / 32; line 0 is the timer. */
  readonly pending: SharedArrayBuffer;
  /** What the guest waits on. */
  readonly doorbell: DoorbellHandle;
}

export interface GuestBoot {
  readonly memory: SharedMemory;
  readonly ramBytes: number;
  /** End of the device pages: addresses from here on are nowhere. */
  readonly limitBytes: number;
  readonly devicePage: number;
  /** Where the status byte of each device lies, by its place on the bus. */
  readonly statusAddresses: readonly number[];
  /** By the same place: what a status of DRIVER_OK rings. */
  readonly driven: readonly DoorbellHandle[];
  readonly commandLine: string;
  /** URL of the guest's code, a module of Node's (.js, .mjs, .cjs) or a Wasm module (.wasm). */
  readonly entry: string;
  readonly rings: readonly RingDoorbell[];
  readonly interrupts: InterruptLines;
}
