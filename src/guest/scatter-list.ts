/** A request as the guest describes it: contiguous elements, readable ones before writable ones. Guest thread. */
import type { MemoryRegion } from '../memory/region.ts';
import { REQUEST_SIZE_MAX } from '../ring/constants.ts';

/** Elements in preallocated arrays; `reset` and refill it for each request. */
export class ScatterList {
  /** Elements the host reads; they come first. */
  outCount = 0;
  /** Elements the host writes. */
  inCount = 0;
  /** The lengths of all elements, and of the writable ones, added up. */
  totalBytes = 0;
  writableBytes = 0;
  /** Region of each element. */
  readonly regions: MemoryRegion[] = [];
  /** True once an element lay in another region than the one before it in the same place of the list. */
  strayed = false;
  /** Byte offset of each element in its region. */
  readonly offsets: Uint32Array;
  /** Length of each element, bytes. */
  readonly lengths: Uint32Array;

  /**
   * @param capacity the most elements it can hold.
   * @param kept where offsets and lengths are kept, `capacity` of each. Default: arrays of its own.
   */
  constructor(capacity: number, kept?: { offsets: Uint32Array; lengths: Uint32Array }) {
    this.offsets = kept?.offsets ?? new Uint32Array(capacity);
    this.lengths = kept?.lengths ?? new Uint32Array(capacity);
  }

  get count(): number {
    return this.outCount + this.inCount;
  }

  reset(): this {
    this.outCount = 0;
    this.inCount = 0;
    this.totalBytes = 0;
    this.writableBytes = 0;
    return this;
  }

  /** Appends bytes for the host to read. @throws RangeError also after a writable one. */
  addOut(region: MemoryRegion, offset: number, length: number): this {
    if (this.inCount !== 0) throw new RangeError('a readable element cannot follow a writable one');
    this.append(this.outCount, region, offset, length);
    this.outCount++;
    return this;
  }

  /** Appends room for the host to write. @throws RangeError */
  addIn(region: MemoryRegion, offset: number, length: number): this {
    this.append(this.outCount + this.inCount, region, offset, length);
    this.inCount++;
    this.writableBytes += length;
    return this;
  }

  /** @throws RangeError if full, outside the region, or more than 2^32 bytes in all [virtio-v1.2 §2.7.5.2]. */
  private append(at: number, region: MemoryRegion, offset: number, length: number): void {
    if (at >= this.offsets.length) throw new RangeError('the scatter list is full');
    if (offset >>> 0 !== offset || length >>> 0 !== length)
      throw new RangeError('offset and length of an element are integers from 0 below 2^32');
    if (offset + length > region.sizeBytes) throw new RangeError('an element leaves its region');
    if (this.totalBytes + length > REQUEST_SIZE_MAX) throw new RangeError('a request is longer than 2^32 bytes');
    this.totalBytes += length;
    if (this.regions[at] !== region) {
      this.regions[at] = region;
      this.strayed = true;
    }
    this.offsets[at] = offset;
    this.lengths[at] = length;
  }
}
