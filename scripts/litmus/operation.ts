/**
 * What a side does to what it shares, one step each: the alphabet of the checker. Everything between two of these is a
 * side's own and depends on nothing but the answers it got.
 */

/**
 * `store` may wait in a store buffer; `store-ordered`, `exchange`, `compare-exchange` and `fence` wait until that is
 * empty. `asleep` is where a `wait` has found the value that it expected: only a `notify` of that place ends it.
 */
export type Kind =
  | 'load'
  | 'store'
  | 'store-ordered'
  | 'fence'
  | 'exchange'
  | 'compare-exchange'
  | 'wait'
  | 'asleep'
  | 'notify';

export interface Operation {
  readonly kind: Kind;
  /** Number of the place, by `Locations`; -1 for a fence. */
  readonly location: number;
  /** What is stored. */
  readonly value: number;
  /** What a compare-exchange or a wait compares with. */
  readonly expected: number;
  /** The method of the queue or the doorbell that does it; '' for the workload's own. */
  readonly site: string;
}

/** The answer of an operation that has none. */
export const NO_ANSWER = 0;

/** What a wait answers. The last one is the checker's alone: the side is asleep. */
export const NOT_EQUAL = 0;
export const WOKEN = 1;
export const SLEEPS = 2;

/** Operations whose answer is known beforehand: a side goes on behind them without asking. */
export const answersNothing = (kind: Kind) => kind === 'store' || kind === 'store-ordered' || kind === 'fence';

/** Whoever decides what an access answers. */
export interface Performer {
  perform(operation: Operation): number;
}
