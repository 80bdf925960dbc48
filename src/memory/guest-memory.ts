/**
 * All memory of a guest: regions in the order of their guest addresses, none overlapping another.
 * Either thread. It finds the region of an address; how far an access may go is the range callback's answer.
 */
import type { DirtyLog } from './dirty-log.ts';
import type { MemoryRegion } from './region.ts';

/** What `GuestMemory.find` answers for an address outside every region. */
export const NO_REGION = -1;

/** Element lists keep region indices in 16 bits. */
const REGION_COUNT_MAX = 65536;

export class GuestMemory {
  /** In ascending order of guest address; the index into it is the "region index" of element lists. */
  readonly regions: readonly MemoryRegion[];
  /** The byte view of each region, by region index. */
  readonly bytes: readonly Uint8Array[];
  /** Where the host notes what it writes, or null; may be set and taken away at any time. */
  dirtyLog: DirtyLog | null = null;

  /** @throws RangeError if regions overlap. */
  constructor(regions: readonly MemoryRegion[]) {
    if (regions.length === 0 || regions.length > REGION_COUNT_MAX)
      throw new RangeError(`guest memory has 1 to ${REGION_COUNT_MAX} regions, not ${regions.length}`);
    const sorted = [...regions].sort((a, b) => a.guestBase - b.guestBase);
    for (const [i, region] of sorted.entries()) {
      const before = sorted[i - 1];
      if (before !== undefined && before.guestBase + before.sizeBytes > region.guestBase)
        throw new RangeError(`regions at ${before.guestBase} and ${region.guestBase} overlap`);
    }
    this.regions = sorted;
    this.bytes = sorted.map((region) => region.u8);
  }

  /** The index of the region that holds `address` (any number, also above 2^53), or NO_REGION. */
  find(address: number): number {
    return this.findWanted({ wanted: address });
  }

  /** `find` for the address in a field, without an allocation. */
  findWanted(range: { readonly wanted: number }): number {
    const regions = this.regions;
    const address = range.wanted;
    let low = 0;
    let high = regions.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const region = regions[middle]!;
      if (address < region.guestBase) high = middle - 1;
      else if (address - region.guestBase >= region.sizeBytes) low = middle + 1;
      else return middle;
    }
    return NO_REGION;
  }
}
