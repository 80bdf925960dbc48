/** Preallocated indirect tables in guest memory, handed out and taken back without allocation. Guest thread. */
import type { MemoryRegion } from '../memory/region.ts';
import { VRING_DESC_SIZE } from '../ring/constants.ts';

/** What `take` returns when every table is in use. */
export const NO_TABLE = -1;

export interface IndirectPoolOptions {
  region: MemoryRegion;
  /** Where the first table starts, bytes; a multiple of 16. */
  offset: number;
  tableCount: number;
  /** Descriptors in each table. */
  tableLength: number;
}

export class IndirectPool {
  readonly region: MemoryRegion;
  readonly tableLength: number;
  /** The region's 32-bit words, in which `wordOf` points. */
  readonly words: Uint32Array;
  private readonly offset: number;
  private readonly free: Int32Array;
  private freeCount: number;

  /** @throws RangeError if the tables do not fit the region. */
  constructor(options: IndirectPoolOptions) {
    IndirectPool.check(options);
    const { region, offset, tableCount, tableLength } = options;
    this.region = region;
    this.offset = offset;
    this.tableLength = tableLength;
    this.words = region.u32;
    this.free = Int32Array.from({ length: tableCount }, (_, i) => tableCount - 1 - i);
    this.freeCount = tableCount;
  }

  /** @throws RangeError if the tables do not fit the region. */
  static check({ region, offset, tableCount, tableLength }: IndirectPoolOptions): void {
    const end = offset + IndirectPool.sizeBytes(tableCount, tableLength);
    if (offset % VRING_DESC_SIZE !== 0 || offset < 0 || end > region.sizeBytes)
      throw new RangeError(`${tableCount} indirect tables of ${tableLength} at ${offset} do not fit their region`);
  }

  /** Guest memory that so many tables need, bytes. */
  static sizeBytes(tableCount: number, tableLength: number): number {
    return tableCount * tableLength * VRING_DESC_SIZE;
  }

  /** A free table's number, or NO_TABLE. */
  take(): number {
    return this.freeCount === 0 ? NO_TABLE : this.free[--this.freeCount]!;
  }

  give(table: number): void {
    this.free[this.freeCount++] = table;
  }

  /** Byte offset of a table in the region. */
  offsetOf(table: number): number {
    return this.offset + table * this.tableLength * VRING_DESC_SIZE;
  }
}
