/**
 * What a guest is: code that runs in a thread of its own and sees nothing but its memory and these hypercalls. An ES
 * module exports it as `default`; a Wasm module imports the calls and exports `main`.
 */

/** The machine as its guest sees it. Physical address = offset in `memory`. */
export interface Guest {
  /** All physical memory, device pages at its end included. */
  readonly memory: { readonly buffer: SharedArrayBuffer };
  /** Memory that is the guest's to use, bytes; from address 0. */
  readonly ramBytes: number;
  /** Address of the page that describes the devices. */
  readonly devicePage: number;
  /** What the boot parameters hold. */
  readonly commandLine: string;
  /** An address in a ring: kicks its queue. Another in memory: the text there, up to a NUL, is printed. */
  notify(address: number): void;
  /** Waits for an interrupt and takes it: its number, from 1; 0 after `timeoutMs` or when the machine is stopped. */
  waitForInterrupt(timeoutMs: number): number;
  /** Writes a device's status byte, by its place on the bus from 0. */
  setStatus(device: number, status: number): void;
  /** Ends the guest. Without a reason all is well; with one it has died of that. Does not return. */
  halt(reason?: string): never;
}

export type GuestMain = (guest: Guest) => void | Promise<void>;
