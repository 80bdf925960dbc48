/** What a transfer carries: how the guest cuts and checks it, how the host serves it. The loops are beside it. */
import type { ScatterList } from '../../../src/guest/scatter-list.ts';
import type { Request } from '../../../src/host/queue.ts';
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

/** What makes both; `sizeBytes` is what a transfer of a sized workload carries. */
export interface Workload {
  guest(slots: Slots, sizeBytes: number): GuestWorkload;
  host(sizeBytes: number): HostWorkload;
}
