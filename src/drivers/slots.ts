/**
 * Equal pieces of guest memory for the requests of one queue, handed out one by one. Guest thread. They start at cache
 * lines: what the device writes into one does not disturb its neighbour.
 */
import { EMPTY, type GuestQueue } from '../guest/queue.ts';
import type { MemoryRegion } from '../memory/region.ts';

const ALIGN = 64;

export interface SlotsOptions {
  region: MemoryRegion;
  /** Where they start in it, a multiple of 64; `Slots.bytesFor` says how long they are. */
  offset: number;
  count: number;
  /** Of each, bytes. */
  slotBytes: number;
}

const strideOf = (slotBytes: number) => Math.ceil(slotBytes / ALIGN) * ALIGN;

export class Slots {
  readonly region: MemoryRegion;
  readonly count: number;
  readonly slotBytes: number;
  private readonly start: number;
  private readonly stride: number;
  private readonly free: Uint16Array;
  private freeCount: number;

  /** @throws RangeError if they do not fit the region */
  constructor({ region, offset, count, slotBytes }: SlotsOptions) {
    if (!Number.isInteger(count) || count < 1 || count > 0xffff || !Number.isInteger(slotBytes) || slotBytes < 1)
      throw new RangeError(`${count} slots of ${slotBytes} bytes are none`);
    if (offset < 0 || offset % ALIGN !== 0 || offset + Slots.bytesFor(count, slotBytes) > region.sizeBytes)
      throw new RangeError(`${count} slots of ${slotBytes} bytes at ${offset} do not fit their region`);
    this.region = region;
    this.count = count;
    this.slotBytes = slotBytes;
    this.start = offset;
    this.stride = strideOf(slotBytes);
    this.free = Uint16Array.from({ length: count }, (_, i) => count - 1 - i);
    this.freeCount = count;
  }

  /** Guest memory that so many slots need, bytes. */
  static bytesFor(count: number, slotBytes: number): number {
    return count * strideOf(slotBytes);
  }

  get inUse(): number {
    return this.count - this.freeCount;
  }

  /** A slot, or EMPTY: all are in use. */
  acquire(): number {
    return this.freeCount === 0 ? EMPTY : this.free[--this.freeCount]!;
  }

  release(slot: number): void {
    this.free[this.freeCount++] = slot;
  }

  /** Where a slot lies in the region. */
  offsetOf(slot: number): number {
    return this.start + slot * this.stride;
  }

  /** All are free, whoever had them. */
  releaseAll(): void {
    for (let i = 0; i < this.count; i++) this.free[i] = this.count - 1 - i;
    this.freeCount = this.count;
  }
}

/** A queue and what its requests lie in. */
export interface QueueWithSlots {
  readonly queue: GuestQueue;
  readonly slots: Slots;
}
