/**
 * All memory of a guest: regions in the order of their guest addresses, none overlapping another.
 * Either thread. It finds the region of an address; how far an access may go is the range callback's answer.
 */
import type { DirtyLog } from './dirty-log.ts';
import type { MemoryRegion } from './region.ts';

/** A region whose views are made when it is first used. */
export interface RegionPlace {
  /** As of the region. */
  readonly guestBase: number;
  readonly sizeBytes: number;
  /** The region; the same each time. */
  open(): MemoryRegion;
}

/** A region cannot be opened in this turn any more: what was asked for is asked again in the next one. */
export class OpenLater extends Error {
  constructor() {
    super('memory that is not used yet is opened in a later turn');
    this.name = 'OpenLater';
  }
}

/** What `GuestMemory.find` answers for an address outside every region. */
export const NO_REGION = -1;

/** Element lists keep region indices in 16 bits. */
const REGION_COUNT_MAX = 65536;

/** Stands for the bytes of a region that is not used yet. */
const NO_BYTES = new Uint8Array(0);

const isOpen = (place: MemoryRegion | RegionPlace): place is MemoryRegion => !('open' in place);

export class GuestMemory {
  /**
   * In ascending order of guest address; the index into it is the "region index" of element lists. One that was given
   * as a place stands here from when `find` has named it.
   */
  readonly regions: readonly MemoryRegion[];
  /** The byte view of each region, by region index; as `regions`. */
  readonly bytes: readonly Uint8Array[];
  /** Where the host notes what it writes, or null; may be set and taken away at any time. */
  dirtyLog: DirtyLog | null = null;

  /** By region index. */
  private readonly bases: Float64Array;
  private readonly sizes: Float64Array;
  /** Regions that are not used yet, by region index; and how many they are. */
  private readonly places: (RegionPlace | null)[];
  private unopened: number;
  /** How many of them may be opened before the next `beginTurn`. */
  private opensLeft = Number.POSITIVE_INFINITY;

  /** @throws RangeError if regions overlap. */
  constructor(regions: readonly (MemoryRegion | RegionPlace)[]) {
    if (regions.length === 0 || regions.length > REGION_COUNT_MAX)
      throw new RangeError(`guest memory has 1 to ${REGION_COUNT_MAX} regions, not ${regions.length}`);
    const sorted = [...regions].sort((a, b) => a.guestBase - b.guestBase);
    for (const [i, region] of sorted.entries()) {
      const before = sorted[i - 1];
      if (before !== undefined && before.guestBase + before.sizeBytes > region.guestBase)
        throw new RangeError(`regions at ${before.guestBase} and ${region.guestBase} overlap`);
    }
    this.bases = Float64Array.from(sorted, ({ guestBase }) => guestBase);
    this.sizes = Float64Array.from(sorted, ({ sizeBytes }) => sizeBytes);
    this.places = sorted.map((place) => (isOpen(place) ? null : place));
    this.unopened = this.places.filter((place) => place !== null).length;
    // A place has base and size as a region has; the rest is asked of what `find` has named.
    this.regions = sorted as MemoryRegion[];
    this.bytes = sorted.map((place) => (isOpen(place) ? place.u8 : NO_BYTES));
  }

  /**
   * Until this is called again `find` opens at most one region: to open one can take 10 ms and more. Never called: any
   * number of them.
   */
  beginTurn(): void {
    this.opensLeft = 1;
  }

  /**
   * The index of the region that holds `address` (any number, also above 2^53), or NO_REGION.
   * @throws OpenLater only where `beginTurn` is called
   */
  find(address: number): number {
    return this.findWanted({ wanted: address });
  }

  /** `find` for the address in a field, without an allocation. */
  findWanted(range: { readonly wanted: number }): number {
    const { bases, sizes } = this;
    const address = range.wanted;
    let low = 0;
    let high = bases.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const base = bases[middle]!;
      if (address < base) high = middle - 1;
      else if (address - base >= sizes[middle]!) low = middle + 1;
      else {
        if (this.unopened > 0) this.open(middle);
        return middle;
      }
    }
    return NO_REGION;
  }

  private open(index: number): void {
    const place = this.places[index]!;
    if (place === null) return;
    if (this.opensLeft === 0) throw new OpenLater();
    this.opensLeft--;
    const region = place.open();
    (this.regions as MemoryRegion[])[index] = region;
    (this.bytes as Uint8Array[])[index] = region.u8;
    this.places[index] = null;
    this.unopened--;
  }
}
