/**
 * What the loop of one side is, whatever it is made with. It runs until it reaches its limit or must wait; waiting itself
 * is the caller's, so that the same loop serves doorbells that block and doorbells that return a promise.
 */

/** Why a loop returned. */
export const REACHED = 0;
export const MUST_WAIT = 1;
/** A polling loop looked so often in vain that its caller should look at stop word and clock. */
export const IDLE = 2;
/** Must wait for the peer, but not for longer than until the next transfer is due. */
export const WAIT_UNTIL_DUE = 3;
/** Nothing is outstanding and the next transfer is not due yet: `pause`. */
export const NOT_DUE = 4;
export type LoopState = typeof REACHED | typeof MUST_WAIT | typeof IDLE | typeof WAIT_UNTIL_DUE | typeof NOT_DUE;

/** One side's loop. Transfers are numbered from 0 over warm-up and measured window. */
export interface Loop {
  /** Transfers this side has finished with. */
  readonly done: number;
  /** Times the peer was asked about and wanted no notification. */
  readonly suppressed: number;
  /** Looks at the ring in vain, before it asked for a notification or where it never does. */
  readonly looks: number;
  /** Where the time settled that it looks on before it asks for a notification, microseconds; 0: it does not. */
  readonly lookUs: number;
  /** Forgets what was counted; transfer number `first` is the next. */
  restart(first: number): void;
  /** Goes on to transfer number `limit`; `drain`: until nothing is outstanding either. */
  advance(limit: number, drain: boolean): LoopState;
  /** After a wait that MUST_WAIT or WAIT_UNTIL_DUE asked for. */
  woken(): void;
  /** After WAIT_UNTIL_DUE: how long that is, milliseconds. */
  dueInMs(): number;
  /** After NOT_DUE: sleeps until the next transfer is due, or returns earlier, after a bounded time. */
  pause(): void;
  /** True if there is work that a wait would have overlooked. */
  hasWork(): boolean;
}

/** What a guest loop can be told beyond its workload. */
export interface GuestKnobs {
  /** Adds published and kicked for together. */
  batch: number;
  /** The most transfers in flight. */
  outstanding: number;
  /** Asks for a call only after most of what is outstanding, instead of after the next completion. */
  delayedInterrupt: boolean;
}

/** Looks in vain before a polling loop returns IDLE. */
export const POLLS_MAX = 10_000;
