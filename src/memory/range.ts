/**
 * Range callbacks: how far the host may go from a guest address without asking again.
 * Host side. They only answer; the chain reader checks and splits.
 */
import { type GuestMemory, NO_REGION } from './guest-memory.ts';

/** An answer of a range callback: guest addresses [start, end) lie at `offset` of region number `region`. */
export class MemoryRange {
  start = 0;
  end = 0;
  /** Index into `GuestMemory.regions`. */
  region = 0;
  /** Where `start` lies in that region, bytes. */
  offset = 0;

  /** Makes the range empty, so that the next address asks the callback again. */
  clear(): void {
    this.start = 0;
    this.end = 0;
  }
}

/**
 * Fills `range` with guest addresses around `address` that may be accessed in one piece.
 * False: the address lies outside of memory; `range` is then as it was.
 */
export type RangeCallback = (address: number, range: MemoryRange) => boolean;

/** Answers with the whole region around an address (the kernel test's `getrange_iov`). */
export function wholeRange(memory: GuestMemory): RangeCallback {
  return (address, range) => {
    const index = memory.find(address);
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
  return (address, range) => {
    const index = memory.find(address);
    if (index === NO_REGION) return false;
    range.start = address;
    range.end = address + 1;
    range.region = index;
    range.offset = address - memory.regions[index]!.guestBase;
    return true;
  };
}
