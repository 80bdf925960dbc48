/**
 * The one reader of descriptor chains: copies each descriptor once, checks the copy, translates, fills the lists.
 * Host thread. It knows a head and nothing of indices or notifications: those belong to the queues, its faces,
 * which differ in a policy.
 */
import type { GuestMemory } from '../memory/guest-memory.ts';
import { MemoryRange, type RangeCallback, wholeRange } from '../memory/range.ts';
import { ADDRESS_HIGH_UNIT } from '../memory/region.ts';
import {
  REQUEST_SIZE_MAX,
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
  /** A table behind other descriptors of a chain, or a second one (true); else only the head may refer to one. */
  readonly indirectBehindHead: boolean;
  /** The most elements of a request, and entries of a table; null: as many as the queue has descriptors. */
  readonly elementsMax: number | null;
}

/** The kernel's vringh: its own test calls tables anywhere in a chain weird but legal. */
export const VRINGH_POLICY: ReaderPolicy = {
  indirectWithNext: true,
  emptyElements: true,
  indirectBehindHead: true,
  elementsMax: null,
};

export interface ChainReaderOptions {
  ring: SplitRing;
  memory: GuestMemory;
  /** Asked anew for each request. Null: every address reaches to the end of its region, and always will. */
  getRange: RangeCallback | null;
  /** VIRTIO_RING_F_INDIRECT_DESC was negotiated. */
  indirect: boolean;
  policy: ReaderPolicy;
  /** Named in errors. */
  queue: string;
}

/** Small enough that the numbers of a window stay integers in the engine. */
const WINDOW_BYTES_MAX = 0x7fffffff;

export class ChainReader {
  private readonly size: number;
  private readonly elementsMax: number;
  private readonly desc: Uint32Array;
  private readonly memory: GuestMemory;
  private readonly getRange: RangeCallback;
  /** A callback may answer otherwise for the next request; memory itself never changes. */
  private readonly asksAnew: boolean;
  private readonly indirect: boolean;
  private readonly policy: ReaderPolicy;
  private readonly queue: string;
  /** The last answer of the range callback, for the rest of the request; of memory itself, for all of them. */
  private readonly range = new MemoryRange();
  /** A table that is cut by ranges or not aligned to words is copied here; made when first needed. */
  private scratch: Uint32Array | null = null;
  private scratchBytes: Uint8Array | null = null;

  /** The part of it that has the high word of the address asked for: where it starts, its length, its place. */
  private windowHigh = 0;
  private windowLow = 0;
  private windowBytes = 0;
  private windowOffset = 0;

  private readable: ElementList | null = null;
  private writable: ElementList | null = null;
  private sawWritable = false;
  private totalBytes = 0;
  private elementCount = 0;
  /** The table that `openTable` found: its words, and the first of them. */
  private tableWords: Uint32Array;
  private tableBase = 0;

  constructor(options: ChainReaderOptions) {
    this.size = options.ring.size;
    this.desc = options.ring.desc;
    this.tableWords = options.ring.desc;
    this.memory = options.memory;
    this.getRange = options.getRange ?? wholeRange(options.memory);
    this.asksAnew = options.getRange !== null;
    this.indirect = options.indirect;
    this.policy = options.policy;
    this.elementsMax = options.policy.elementsMax ?? options.ring.size;
    this.queue = options.queue;
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
    this.elementCount = 0;
    if (this.asksAnew) this.forgetRange();
    const desc = this.desc;
    const size = this.size;
    let index = head;
    // Every direct descriptor counts, those that refer to tables too: a chain longer than the table loops.
    for (let steps = 0; steps < size; steps++) {
      const word = index << 2;
      const flagsNext = desc[word + 3]!;
      if ((flagsNext & VRING_DESC_F_INDIRECT) !== 0) this.readIndirect(index, flagsNext, steps);
      else this.element(desc, word, index, flagsNext);
      if ((flagsNext & VRING_DESC_F_NEXT) === 0) return;
      const next = flagsNext >>> 16;
      if (next >= size) throw this.error('next-out-of-range', index, next);
      index = next;
    }
    throw this.error('descriptor-loop', head, index);
  }

  /** Reads the table of direct descriptor `index`, `steps` behind the head. WRITE on it is ignored [§2.7.5.3.2]. */
  private readIndirect(index: number, flagsNext: number, steps: number): void {
    if (!this.indirect) throw this.error('indirect-not-negotiated', index, flagsNext & 0xffff);
    if ((flagsNext & VRING_DESC_F_NEXT) !== 0 && !this.policy.indirectWithNext)
      throw this.error('indirect-next', index, flagsNext & 0xffff);
    if (steps !== 0 && !this.policy.indirectBehindHead)
      throw this.error('indirect-behind-head', index, flagsNext & 0xffff);
    const length = this.desc[(index << 2) + 2]!;
    const count = length >>> 4;
    if (count === 0 || count > this.elementsMax || count * VRING_DESC_SIZE !== length)
      throw this.error('indirect-table-size', index, length);
    this.openTable(index, length);
    const words = this.tableWords;
    const base = this.tableBase;
    let entry = 0;
    for (let entries = 0; entries < count; entries++) {
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

  /** Finds the table of direct descriptor `index`: where it lies if it can be read there, else a copy of it. */
  private openTable(index: number, length: number): void {
    const range = this.range;
    const word = index << 2;
    const address = this.desc[word + 1]! * ADDRESS_HIGH_UNIT + this.desc[word]!;
    range.wanted = address;
    if (!(address >= range.start && address < range.end)) this.locate(index);
    const offset = range.offset + (address - range.start);
    if (address + length <= range.end && (offset & 3) === 0) {
      this.tableWords = this.memory.regions[range.region]!.u32;
      this.tableBase = offset >>> 2;
    } else {
      this.tableWords = this.copyTable(index, length);
      this.tableBase = 0;
    }
  }

  /** Checks the element at `word` of `table`, its flags read already, and appends it, cut where ranges end. */
  private element(table: Uint32Array, word: number, index: number, flags: number): void {
    const length = table[word + 2]!;
    // Tables may be named again and again: together they are bounded too [virtio-v1.2 §2.7.5.3.1].
    if (++this.elementCount > this.elementsMax) throw this.error('chain-too-long', index, this.elementCount);
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
    const low = table[word]!;
    const high = table[word + 1]!;
    // In integers, where the element lies as a whole in the part of the last answer that its high word names.
    const into = (low - this.windowLow) >>> 0;
    if (high === this.windowHigh && into < this.windowBytes && length <= this.windowBytes - into) {
      list.append(this.range.region, this.windowOffset + into, length);
      return;
    }
    this.translate(list, high * ADDRESS_HIGH_UNIT + low, length, index);
  }

  /** Appends the bytes at `first`, cut where ranges end. */
  private translate(list: ElementList, first: number, length: number, index: number): void {
    const range = this.range;
    let address = first;
    let left = length;
    for (;;) {
      if (!(address >= range.start && address < range.end)) {
        range.wanted = address;
        this.locate(index);
      }
      const room = range.end - address;
      const part = Math.min(left, room);
      list.append(range.region, range.offset + (address - range.start), part);
      left -= part;
      if (left === 0) return;
      address += part;
    }
  }

  /** No address is in it: the callback is asked for the next one. */
  private forgetRange(): void {
    this.range.start = 0;
    this.range.end = 0;
    this.windowBytes = 0;
  }

  /** Asks the callback for the range around `range.wanted`. */
  private locate(index: number): void {
    const range = this.range;
    if (!this.getRange(range)) throw this.error('address-outside-memory', index, range.wanted);
    if (!(range.wanted >= range.start && range.wanted < range.end)) throw new RangeError('the range callback missed');
    const high = Math.floor(range.wanted / ADDRESS_HIGH_UNIT);
    const start = Math.max(range.start, high * ADDRESS_HIGH_UNIT);
    const end = Math.min(range.end, (high + 1) * ADDRESS_HIGH_UNIT);
    // As integers, in which the engine keeps what came of floating point only when it is told to.
    this.windowHigh = high | 0;
    this.windowLow = (start - high * ADDRESS_HIGH_UNIT) >>> 0;
    this.windowBytes = Math.min(end - start, WINDOW_BYTES_MAX) | 0;
    this.windowOffset = (range.offset + (start - range.start)) >>> 0;
  }

  /** Copies the table at `range.wanted` piece by piece, once, so that what is checked is what is used. */
  private copyTable(index: number, length: number): Uint32Array {
    this.scratch ??= new Uint32Array(VRING_DESC_WORDS * this.elementsMax);
    this.scratchBytes ??= new Uint8Array(this.scratch.buffer);
    const scratch = this.scratchBytes;
    const range = this.range;
    const address = range.wanted;
    let done = 0;
    while (done < length) {
      const from = address + done;
      if (!(from >= range.start && from < range.end)) {
        range.wanted = from;
        this.locate(index);
      }
      const bytes = this.memory.bytes[range.region]!;
      const offset = range.offset + (from - range.start);
      const part = Math.min(length - done, range.end - from);
      for (let i = 0; i < part; i++) scratch[done + i] = bytes[offset + i]!;
      done += part;
    }
    return this.scratch;
  }

  private error(code: RingErrorCode, index: number, value: number): RingError {
    return new RingError(code, this.queue, index, value);
  }
}
