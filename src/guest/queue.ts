/** The driver side of any ring layout. Guest loops and drivers know nothing else. */
import type { ScatterList } from './scatter-list.ts';

/** What `getBuf` and `detachUnused` return when there is nothing; tokens are integers from 0. */
export const EMPTY = -1;

/**
 * Made with its kick doorbell: a full ring and 65,535 adds without a kick ring it by themselves. After the host broke
 * a rule of the ring, every call that adds, kicks, takes back or is about to wait throws the same RingError.
 */
export interface GuestQueue {
  /** Descriptors in the ring. */
  readonly size: number;
  /** Makes a request of `elements` available. False: no room now. The token, an integer from 0 below 2^31, comes back from `getBuf`. */
  add(elements: ScatterList, token: number): boolean;
  /** The same, but the host does not see it before `publish`. */
  addDeferred(elements: ScatterList, token: number): boolean;
  /** Shows the host everything added since the last time. */
  publish(): void;
  /** Rings the host if it asked for it. True: rung. */
  kick(): boolean;
  /** `publish`, then `kick`. */
  publishAndKick(): boolean;
  /** How many finished requests `getBuf` would return now. @throws RingError on a broken queue. */
  look(): number;
  /** The token of the next finished request, or EMPTY. A broken queue throws its RingError. */
  getBuf(): number;
  /** Bytes written into the request that `getBuf` returned last, as the host says, cut to those that it may write. */
  readonly usedLength: number;
  /** The same as it stood in the ring, uncut: more than the request has room for is a fault of the host. */
  readonly claimedLength: number;
  /** A hint: the host may still call. */
  disableCalls(): void;
  /** True: nothing came meanwhile, safe to wait. */
  enableCalls(): boolean;
  /** The same, asking for a call only after most of what is outstanding. */
  enableCallsDelayed(): boolean;
  /**
   * True if the host has passed the point at which it was asked to call last: by enabling, or with events and calls on
   * by each `getBuf`. What is taken back meanwhile brings the point nearer; it is never behind the next completion.
   */
  callDue(): boolean;
}
