/**
 * What a micro-benchmark is: the same few operations many times in one call, and a check of what they left behind.
 * Its methods run on the cell's thread: `before` and `check` outside the timed part, `timed` as that part.
 */
import { allocateShared, MemoryRegion } from '../../src/memory/region.ts';
import { ORDERINGS, type OrderingName } from '../../src/ordering/index.ts';
import type { SharedFields } from '../../src/ordering/ordering.ts';
import type { Pinning } from '../pair/pinning.ts';
import { GUEST_BASE } from '../pair/setup.ts';

/** Room for what any bench lays into it: a ring, or fields, or a payload. */
const REGION_BYTES = 65536;

/** What a bench is built on; fresh for each cell. */
export interface Stage {
  /** Zeroed shared memory, the bench's own. */
  readonly region: MemoryRegion;
  /** The ordering of the cell over that region. */
  readonly shared: SharedFields;
  /** Where a second thread runs, for benches that have one: a CPU, or null and why. */
  readonly peerCpu: number | null;
  readonly unpinnedReason: string;
}

/** A bench, built. */
export interface Prepared {
  /** Operations of one call of `timed`. */
  readonly operations: number;
  /** Before each timed part: forgets the last result, so that no check can pass by it. */
  before(): void;
  /**
   * The operations. Measured as a whole if it returns nothing; else it returns how much of its time counts,
   * milliseconds by `now`.
   */
  timed(now: () => number): number | undefined;
  /** After each timed part. @throws CheckFailed */
  check(): void;
  /** Where the second thread ran, if the bench has one: after `close`, as the kernel then said. */
  peer?(): Pinning;
  /** Ends the second thread. */
  close?(): Promise<void>;
}

export interface MicroBench {
  /** One line for the help text: what one operation is, and what else it includes. */
  readonly summary: string;
  /** Measured for each ordering; false: once, because it makes no ordered access. */
  readonly ordered: boolean;
  prepare(stage: Stage): Prepared | Promise<Prepared>;
}

/** A stage of its own for one cell. */
export function makeStage(ordering: OrderingName, peerCpu: number | null, unpinnedReason: string): Stage {
  const region = new MemoryRegion({ guestBase: GUEST_BASE, buffer: allocateShared(REGION_BYTES) });
  return { region, shared: ORDERINGS[ordering].bind(region), peerCpu, unpinnedReason };
}
