/**
 * Range callbacks: how far the host may go from a guest address without asking again.
 * Host side. They only answer; the chain reader checks and splits.
 */
import { type GuestMemory, NO_REGION } from './guest-memory.ts';

/**
 * A question to a range callback and its answer. The address asked for is a field, not an argument: a number that is
 * no small integer costs an allocation wherever a call is not inlined, and the slow range asks for every byte.
 */
export class MemoryRange {
  /** The guest address asked for: any number up to 2^64. */
  wanted = 0;
  /** The answer: guest addresses [start, end) lie at `offset` of region number `region`. */
  start = 0;
  end = 0;
  /** Index into `GuestMemory.regions`. */
  region = 0;
  /** Where `start` lies in that region, bytes. */
  offset = 0;
}

/**
 * Fills `range` with guest addresses around `range.wanted` that may be accessed in one piece.
 * False: that address lies outside of memory; the answer is then as it was.
 *
 * A queue asks at least once for each request that it takes, and again wherever the request leaves the last answer. An
 * answer holds for the rest of that request: what the callback takes away meanwhile is gone for the next one.
 */
export type RangeCallback = (range: MemoryRange) => boolean;

/** Answers with the whole region around an address (the kernel test's `getrange_iov`). */
export function wholeRange(memory: GuestMemory): RangeCallback {
  return (range) => {
    const index = memory.findWanted(range);
    if (index === NO_REGION) return false;
    const region = memory.regions[index]!;
    range.start = region.guestBase;
    range.end = region.guestBase + region.sizeBytes;
    range.region = index;
    range.offset = 0;
    return true;
  };
}

/** Answers with one byte at a time (the kernel test's `getrange_slow`): every element and every table is cut. */
export function slowRange(memory: GuestMemory): RangeCallback {
  return (range) => {
    const index = memory.findWanted(range);
    if (index === NO_REGION) return false;
    range.start = range.wanted;
    range.end = range.wanted + 1;
    range.region = index;
    range.offset = range.wanted - memory.regions[index]!.guestBase;
    return true;
  };
}
