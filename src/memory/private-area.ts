/**
 * A piece of a shared memory that no region covers, where a Wasm engine keeps what its peer must not reach: no guest
 * address leads there. Its thread only.
 */
import type { MemoryRegion, SharedMemory } from './region.ts';

export interface PrivateAreaOptions {
  memory: SharedMemory;
  /** Where the area starts in the memory, bytes; a multiple of 8. */
  byteOffset: number;
  /** Its length, bytes; a multiple of 8. */
  sizeBytes: number;
}

/** Every piece starts at a multiple of this, bytes. */
const ALIGN = 8;

export class PrivateArea {
  readonly memory: SharedMemory;
  readonly byteOffset: number;
  readonly sizeBytes: number;
  private used = 0;

  /** @throws RangeError if the area is not aligned or leaves its memory. */
  constructor({ memory, byteOffset, sizeBytes }: PrivateAreaOptions) {
    for (const number of [byteOffset, sizeBytes])
      if (!Number.isInteger(number) || number < 0 || number % ALIGN !== 0)
        throw new RangeError(`place and size of a private area are multiples of ${ALIGN}, unlike ${number}`);
    if (byteOffset + sizeBytes > memory.buffer.byteLength)
      throw new RangeError(`a private area of ${sizeBytes} bytes at ${byteOffset} passes its memory`);
    this.memory = memory;
    this.byteOffset = byteOffset;
    this.sizeBytes = sizeBytes;
  }

  /** The bytes that `take` needs for pieces of these lengths. */
  static sizeOf(pieces: readonly number[]): number {
    return pieces.reduce((sum, bytes) => sum + padded(bytes), 0);
  }

  /** Hands out the next `bytes`, zeroed: where they start in the memory. @throws RangeError if the area is full. */
  take(bytes: number): number {
    const at = this.byteOffset + this.used;
    this.used += padded(bytes);
    if (this.used > this.sizeBytes)
      throw new RangeError(`a private area of ${this.sizeBytes} bytes is too small: ${this.used} are needed`);
    new Uint8Array(this.memory.buffer, at, bytes).fill(0);
    return at;
  }

  /** @throws TypeError if a region is not made of the area's memory; RangeError if it covers a byte of the area. */
  checkApart(regions: Iterable<MemoryRegion>): void {
    for (const region of regions) {
      if (region.memory !== this.memory)
        throw new TypeError('a Wasm engine needs its ring, its tables and its private area in one shared memory');
      const end = this.byteOffset + this.sizeBytes;
      if (region.byteOffset < end && region.byteOffset + region.sizeBytes > this.byteOffset)
        throw new RangeError(`a region at ${region.byteOffset} covers the private area at ${this.byteOffset}`);
    }
  }
}

const padded = (bytes: number) => Math.ceil(bytes / ALIGN) * ALIGN;
