/**
 * The one reader of descriptor chains: copies each descriptor once, checks the copy, translates, fills the lists.
 * Host thread. It knows a head and nothing of indices or notifications: those belong to the queues, its faces,
 * which differ in a policy.
 */
import type { GuestMemory } from '../memory/guest-memory.ts';
import { MemoryRange, type RangeCallback } from '../memory/range.ts';
import { ADDRESS_HIGH_UNIT } from '../memory/region.ts';
import {
  VRING_DESC_F_INDIRECT,
  VRING_DESC_F_NEXT,
  VRING_DESC_F_WRITE,
  VRING_DESC_SIZE,
  VRING_DESC_WORDS,
} from '../ring/constants.ts';
import { RingError, type RingErrorCode } from '../ring/errors.ts';
import type { SplitRing } from '../ring/split-layout.ts';
import type { ElementList } from './element-list.ts';

/** Where readers of different systems differ in what they let pass. */
export interface ReaderPolicy {
  /** INDIRECT with NEXT: the chain goes on behind the table (true), or the request is refused [virtio-v1.2 §2.7.5.3.1]. */
  readonly indirectWithNext: boolean;
  /** An element of length 0: contributes nothing (true), or the request is refused. */
  readonly emptyElements: boolean;
}

/** The kernel's vringh: its own test calls tables anywhere in a chain weird but legal. */
export const VRINGH_POLICY: ReaderPolicy = { indirectWithNext: true, emptyElements: true };

/** Longest request in total, bytes [virtio-v1.2 §2.7.5.2]. */
const REQUEST_SIZE_MAX = 2 ** 32;

export interface ChainReaderOptions {
  ring: SplitRing;
  memory: GuestMemory;
  getRange: RangeCallback;
  /** VIRTIO_RING_F_INDIRECT_DESC was negotiated. */
  indirect: boolean;
  policy: ReaderPolicy;
  /** Named in errors. */
  queue: string;
}

export class ChainReader {
  private readonly size: number;
  private readonly desc: Uint32Array;
  private readonly memory: GuestMemory;
  private readonly getRange: RangeCallback;
  private readonly indirect: boolean;
  private readonly policy: ReaderPolicy;
  private readonly queue: string;
  /** The last answer of the range callback; kept from request to request. */
  private readonly range = new MemoryRange();
  /** A table that is cut by ranges or not aligned to words is copied here; made when first needed. */
  private scratch: Uint8Array | null = null;
  private scratchWords: Uint32Array | null = null;

  private readable: ElementList | null = null;
  private writable: ElementList | null = null;
  private sawWritable = false;
  private totalBytes = 0;

  constructor(options: ChainReaderOptions) {
    this.size = options.ring.size;
    this.desc = options.ring.desc;
    this.memory = options.memory;
    this.getRange = options.getRange;
    this.indirect = options.indirect;
    this.policy = options.policy;
    this.queue = options.queue;
  }

  /** Forgets the range callback's last answer: after the memory table changed. */
  forgetRange(): void {
    this.range.clear();
  }

  /**
   * Reads the chain from `head` (< size). The lists are appended to; null: an element of that kind is an error.
   * @throws RingError for a broken request; every one of its codes leaves the ring itself intact.
   */
  read(head: number, readable: ElementList | null, writable: ElementList | null): void {
    this.readable = readable;
    this.writable = writable;
    this.sawWritable = false;
    this.totalBytes = 0;
    const desc = this.desc;
    const size = this.size;
    let index = head;
    // Every direct descriptor counts, those that refer to tables too: a chain longer than the table loops.
    for (let steps = 0; steps < size; steps++) {
      const word = index << 2;
      const flagsNext = desc[word + 3]!;
      if ((flagsNext & VRING_DESC_F_INDIRECT) !== 0) this.readIndirect(index, flagsNext);
      else this.element(desc, word, index, flagsNext);
      if ((flagsNext & VRING_DESC_F_NEXT) === 0) return;
      const next = flagsNext >>> 16;
      if (next >= size) throw this.error('next-out-of-range', index, next);
      index = next;
    }
    throw this.error('descriptor-loop', head, index);
  }

  /** Reads the table that the direct descriptor number `index` refers to. WRITE on it is ignored [§2.7.5.3.2]. */
  private readIndirect(index: number, flagsNext: number): void {
    if (!this.indirect) throw this.error('indirect-not-negotiated', index, flagsNext & 0xffff);
    if ((flagsNext & VRING_DESC_F_NEXT) !== 0 && !this.policy.indirectWithNext)
      throw this.error('indirect-next', index, flagsNext & 0xffff);
    const word = index << 2;
    const length = this.desc[word + 2]!;
    const count = length / VRING_DESC_SIZE;
    if (count !== count >>> 0 || count === 0 || count > this.size)
      throw this.error('indirect-table-size', index, length);
    const address = this.desc[word + 1]! * ADDRESS_HIGH_UNIT + this.desc[word]!;
    const range = this.locate(index, address);
    const offset = range.offset + (address - range.start);
    let words: Uint32Array;
    let base: number;
    if (address + length <= range.end && (offset & 3) === 0) {
      words = this.memory.regions[range.region]!.u32;
      base = offset >>> 2;
    } else {
      words = this.copyTable(index, address, length);
      base = 0;
    }
    let entry = 0;
    for (let steps = 0; steps < count; steps++) {
      const entryWord = base + (entry << 2);
      const entryFlags = words[entryWord + 3]!;
      if ((entryFlags & VRING_DESC_F_INDIRECT) !== 0) throw this.error('indirect-nested', entry, entryFlags & 0xffff);
      this.element(words, entryWord, entry, entryFlags);
      if ((entryFlags & VRING_DESC_F_NEXT) === 0) return;
      const next = entryFlags >>> 16;
      if (next >= count) throw this.error('next-out-of-range', entry, next);
      entry = next;
    }
    throw this.error('descriptor-loop', index, entry);
  }

  /** Checks the element at `word` of `table`, its flags read already, and appends it, cut where ranges end. */
  private element(table: Uint32Array, word: number, index: number, flags: number): void {
    const length = table[word + 2]!;
    let list = this.readable;
    if ((flags & VRING_DESC_F_WRITE) !== 0) {
      list = this.writable;
      this.sawWritable = true;
      if (list === null) throw this.error('unexpected-writable', index, length);
    } else {
      if (this.sawWritable) throw this.error('readable-after-writable', index, length);
      if (list === null) throw this.error('unexpected-readable', index, length);
    }
    if (length === 0) {
      if (this.policy.emptyElements) return;
      throw this.error('element-of-length-0', index, length);
    }
    this.totalBytes += length;
    if (this.totalBytes > REQUEST_SIZE_MAX) throw this.error('request-too-long', index, this.totalBytes);
    const range = this.range;
    let address = table[word + 1]! * ADDRESS_HIGH_UNIT + table[word]!;
    let left = length;
    for (;;) {
      if (!(address >= range.start && address < range.end)) this.locate(index, address);
      const room = range.end - address;
      const part = Math.min(left, room);
      list.append(range.region, range.offset + (address - range.start), part);
      left -= part;
      if (left === 0) return;
      address += part;
    }
  }

  /** The range around `address`, which may be any number up to 2^64. */
  private locate(index: number, address: number): MemoryRange {
    const range = this.range;
    if (address >= range.start && address < range.end) return range;
    if (!this.getRange(address, range)) throw this.error('address-outside-memory', index, address);
    if (!(address >= range.start && address < range.end))
      throw new RangeError(`the range callback answered [${range.start}, ${range.end}) for ${address}`);
    return range;
  }

  /** Copies a table piece by piece, once, so that what is checked is what is used. */
  private copyTable(index: number, address: number, length: number): Uint32Array {
    if (this.scratch === null || this.scratchWords === null) {
      this.scratchWords = new Uint32Array(VRING_DESC_WORDS * this.size);
      this.scratch = new Uint8Array(this.scratchWords.buffer);
    }
    let done = 0;
    while (done < length) {
      const range = this.locate(index, address + done);
      const bytes = this.memory.bytes[range.region]!;
      const from = range.offset + (address + done - range.start);
      const part = Math.min(length - done, range.end - (address + done));
      for (let i = 0; i < part; i++) this.scratch[done + i] = bytes[from + i]!;
      done += part;
    }
    return this.scratchWords;
  }

  private error(code: RingErrorCode, index: number, value: number): RingError {
    return new RingError(code, this.queue, index, value);
  }
}
