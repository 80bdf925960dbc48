/** Where the payloads of transfers lie in guest memory, and what every guest half that uses them starts from. */
import { ScatterList } from '../../../src/guest/scatter-list.ts';
import type { MemoryRegion } from '../../../src/memory/region.ts';

/** Slot number s lies at `offset + s * slotBytes`. One more slot than the ring has, so that none is reused early. */
export interface Slots {
  region: MemoryRegion;
  /** Bytes; a multiple of 4. */
  offset: number;
  count: number;
  /** The list that transfers are described in, where the queue reads one in place. Default: one of the guest's own. */
  elements?: ScatterList;
}

/** What guest halves have in common. */
export abstract class SlotGuest {
  protected readonly elements: ScatterList;
  protected readonly region: MemoryRegion;
  /** All of the region as 32-bit numbers. */
  protected readonly numbers: Int32Array;
  private readonly offset: number;
  private readonly slotBytes: number;

  constructor(slots: Slots, slotBytes: number, elementsMax: number) {
    this.elements = slots.elements ?? new ScatterList(elementsMax);
    this.region = slots.region;
    this.numbers = slots.region.i32;
    this.offset = slots.offset;
    this.slotBytes = slotBytes;
  }

  /** Byte offset in the region. */
  protected offsetOf(slot: number): number {
    return this.offset + slot * this.slotBytes;
  }
}
