/** What a transfer carries: how the guest cuts and checks it, how the host serves it. The loops are in `loops.ts`. */
import type { ScatterList } from '../../src/guest/scatter-list.ts';
import type { Request } from '../../src/host/queue.ts';
import type { Slots } from './slots.ts';

/**
 * The guest's half. Transfer number x (from 0) uses slot x mod count, so that no slot is reused early; callers count
 * both, because a division would be a good part of what these take.
 */
export interface GuestWorkload {
  /** Writes the payload of transfer number `x` to its slot and describes it. The list is reused. */
  fill(x: number, slot: number): ScatterList;
  /** True if transfer number `x`, came back with the bytes and the used length, uncut, that it must. */
  verify(x: number, slot: number, usedLength: number): boolean;
  /** Throws the CheckFailed of a transfer that `verify` refused; apart, to keep the hot loop small. */
  explain(x: number, slot: number, usedLength: number): never;
}

/** The host's half. */
export interface HostWorkload {
  /** Serves one request; returns the bytes written. @throws CheckFailed */
  serve(request: Request): number;
}

export interface Workload {
  /** Its name on the command line and in records. */
  readonly name: string;
  /** One line for the help text. */
  readonly summary: string;
  /** It carries as many bytes as it is told to (--size); the others carry what they do. */
  readonly sized: boolean;
  /** Payload of one slot, bytes; a multiple of 4. `sizeBytes` is what a transfer carries, here and below. */
  slotBytes(sizeBytes: number): number;
  /** Elements of the longest request: the smallest ring that can carry it without indirect tables. */
  readonly elementsMax: number;
  guest(slots: Slots, sizeBytes: number): GuestWorkload;
  host(sizeBytes: number): HostWorkload;
}
