/** What runs a guest, and how a guest ends. */
import type { GuestBoot } from '../guest-boot.ts';

export type GuestEnding =
  /** By its own wish, all well. */
  | { readonly how: 'halted' }
  /** Of a reason: its own, or a hypercall that no guest may make. */
  | { readonly how: 'died'; readonly reason: string }
  /** Its thread could not start, threw (a GuestFault), or ended without a word. */
  | { readonly how: 'failed'; readonly error: Error }
  /** By `stop`. */
  | { readonly how: 'stopped' };

export interface CpuEvents {
  /**
   * The guest says this before it has a console: a piece of text. A promise, which never rejects, holds a guest that
   * talks without end until there is room.
   */
  print(text: Uint8Array): Promise<void> | undefined;
  /** The same of what its code writes by `console` or to a standard stream of its thread. Left out: it is lost. */
  logged?(text: Uint8Array): Promise<void> | undefined;
  /** The guest notified this address. Left out where nobody wants to know: it costs a message each. */
  notified?(address: number): void;
}

/** A guest on its way. */
export interface RunningGuest {
  /** When nothing of it runs any more, or it is left behind: within a bound once it is to end. Never rejects. */
  readonly ended: Promise<GuestEnding>;
  /** Once it has ended: what people must know of how it was left. Null: nothing of it runs any more. */
  readonly warning: string | null;
  /** Ends it wherever it is, in an endless loop too; one that ended before has ended as it did. */
  stop(): Promise<GuestEnding>;
}

/**
 * What runs guests of the launcher's own bus. QEMU is none: it makes the guest's memory itself, and its devices stand on
 * a PCI bus behind sockets; `launchQemu` is its run.
 */
export interface Cpu {
  /** Its name on the command line. */
  readonly name: string;
  start(boot: GuestBoot, events: CpuEvents): RunningGuest;
}
