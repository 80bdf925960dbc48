/**
 * One queue's part of the in-flight area: which requests the backend holds, kept in memory that outlives it, so that
 * its successor serves them again [vhost-user, Inflight I/O tracking]. Serving thread.
 *
 *     +0 features (64 bits)  +8 version  +10 desc_num  +12 last_batch_head  +14 used_idx (16 bits each)
 *     +16 desc_num entries by head: +0 inflight (8 bits)  +6 next (16 bits)  +8 counter (64 bits)
 *
 * A kill may come between any two stores; the order of the stores is the format's. What stands in the area is the
 * peer's to change, and is checked like everything of a peer. It knows no ring: the queue tells it what happens.
 *
 * An area outlives rings, too: with nothing in flight it belongs to the ring that is there now, wherever that one
 * stands and whatever its size is. With something in flight it must fit the ring.
 */
import { RingError, type RingErrorCode } from '../../ring/errors.ts';
import { alignUp } from '../../ring/split-layout.ts';

const VERSION = 1;

const HEADER_SIZE = 16;
const ENTRY_SIZE = 16;
const AREA_ALIGN = 64;

/** Indices of 16-bit fields. */
const VERSION_AT = 4;
const DESC_NUM_AT = 5;
const LAST_BATCH_HEAD_AT = 6;
const USED_IDX_AT = 7;

/** Bytes of one queue's part; each part starts at a multiple of 64 of the area. */
export function inflightBytes(queueSize: number): number {
  return alignUp(HEADER_SIZE + ENTRY_SIZE * queueSize, AREA_ALIGN);
}

const NONE_IN_FLIGHT = new Uint16Array(0);

export class InflightArea {
  private readonly size: number;
  private readonly entries: number;
  private readonly queue: string;
  private readonly u8: Uint8Array;
  private readonly u16: Uint16Array;
  private readonly u32: Uint32Array;
  /** The counter of the next request, in two words. */
  private counterLow = 0;
  private counterHigh = 0;

  /**
   * Over `bytes`, which start at a multiple of 8 of their buffer, for a ring of `size` descriptors. `entries` is what
   * its header says of it (`desc_num`): the area's own number, no less than `size`. `queue` is named in errors.
   * @throws RangeError if `bytes` have no room for the entries.
   */
  constructor(bytes: Uint8Array, size: number, queue: string, entries = size) {
    const needed = HEADER_SIZE + ENTRY_SIZE * entries;
    if (entries < size || bytes.length < needed || bytes.byteOffset % 8 !== 0)
      throw new RangeError(
        `an in-flight area for ${entries} descriptors: ${bytes.length} bytes at ${bytes.byteOffset}`,
      );
    this.size = size;
    this.entries = entries;
    this.queue = queue;
    const length = bytes.length - (bytes.length % 8);
    this.u8 = new Uint8Array(bytes.buffer, bytes.byteOffset, length);
    this.u16 = new Uint16Array(bytes.buffer, bytes.byteOffset, length / 2);
    this.u32 = new Uint32Array(bytes.buffer, bytes.byteOffset, length / 4);
  }

  /** Makes a fresh area of `bytes`, whatever they say. */
  static forget(bytes: Uint8Array): void {
    Atomics.store(new Uint16Array(bytes.buffer, bytes.byteOffset, VERSION_AT + 1), VERSION_AT, 0);
  }

  /**
   * Takes the area over: a fresh one is set up, and says nothing (null); of an old one the last batch is brought to its
   * end. Returns the heads in flight in the order in which they were taken. `usedIdx` is where the used ring stands.
   * @throws RingError if what stands there cannot be a predecessor's, or is in flight in another ring.
   */
  recover(usedIdx: number): Uint16Array | null {
    const version = this.u16[VERSION_AT]!;
    if (version === 0) {
      this.setUp(usedIdx);
      return null;
    }
    const descNum = this.u16[DESC_NUM_AT]!;
    if (version !== VERSION) throw this.error('inflight-version', 0, version);
    if (!this.holdsAny(descNum)) {
      this.adopt(descNum, usedIdx);
      return NONE_IN_FLIGHT;
    }
    if (descNum !== this.entries) throw this.error('inflight-size', 0, descNum);
    this.finishLastBatch(usedIdx);
    return this.inOrder();
  }

  /** A request is in the host's hands from here on. */
  take(head: number): void {
    const word = wordOf(head);
    this.u32[word + 2] = this.counterLow;
    this.u32[word + 3] = this.counterHigh;
    this.counterLow = (this.counterLow + 1) >>> 0;
    if (this.counterLow === 0) this.counterHigh = (this.counterHigh + 1) >>> 0;
    // The counter first: an entry in flight always has its own.
    Atomics.store(this.u8, byteOf(head), 1);
  }

  /** It stands in the available ring again, as if never taken. */
  giveBack(head: number): void {
    Atomics.store(this.u8, byteOf(head), 0);
  }

  /** Just before the used index moves: `head` is one of those that it will show. */
  link(head: number): void {
    this.u16[nextOf(head)] = this.u16[LAST_BATCH_HEAD_AT]!;
    Atomics.store(this.u16, LAST_BATCH_HEAD_AT, head);
  }

  /** The used index has moved: once for each head that was linked, then `finish`. */
  clear(head: number): void {
    Atomics.store(this.u8, byteOf(head), 0);
  }

  /** All heads of the batch are cleared. */
  finish(usedIdx: number): void {
    Atomics.store(this.u16, USED_IDX_AT, usedIdx);
  }

  /** The version comes last: killed before it, the next one starts anew. */
  private setUp(usedIdx: number): void {
    this.u32.fill(0, 0, wordOf(this.entries));
    this.u16[DESC_NUM_AT] = this.entries;
    this.u16[USED_IDX_AT] = usedIdx;
    Atomics.store(this.u16, VERSION_AT, VERSION);
  }

  /** True if one of the first `descNum` entries, of those that there are, is in flight. */
  private holdsAny(descNum: number): boolean {
    const end = Math.min(this.u8.length, byteOf(descNum));
    for (let at = HEADER_SIZE; at < end; at += ENTRY_SIZE) if (this.u8[at] === 1) return true;
    return false;
  }

  /** Nothing is in flight: another ring's area becomes this ring's. Killed at any store, still nothing is. */
  private adopt(descNum: number, usedIdx: number): void {
    if (descNum < this.entries) this.u32.fill(0, wordOf(descNum), wordOf(this.entries));
    this.finish(usedIdx);
    Atomics.store(this.u16, DESC_NUM_AT, this.entries);
  }

  /** The used index moved and the area did not follow: what it showed is not in flight any more. */
  private finishLastBatch(usedIdx: number): void {
    const before = this.u16[USED_IDX_AT]!;
    const count = (usedIdx - before) & 0xffff;
    if (count === 0) return;
    if (count > this.size) throw this.error('inflight-used-index', before, usedIdx);
    let head = this.u16[LAST_BATCH_HEAD_AT]!;
    for (let i = 0; i < count; i++) {
      if (head >= this.size) throw this.error('inflight-head-out-of-range', i, head);
      this.clear(head);
      head = this.u16[nextOf(head)]!;
    }
    this.finish(usedIdx);
  }

  /** The heads in flight by counter; new requests count on from the last of them. */
  private inOrder(): Uint16Array {
    const taken: { head: number; low: number; high: number }[] = [];
    for (let head = 0; head < this.entries; head++) {
      if (this.u8[byteOf(head)] !== 1) continue;
      if (head >= this.size) throw this.error('inflight-head-out-of-range', taken.length, head);
      const word = wordOf(head);
      taken.push({ head, low: this.u32[word + 2]!, high: this.u32[word + 3]! });
    }
    taken.sort((a, b) => a.high - b.high || a.low - b.low);
    const last = taken.at(-1);
    if (last !== undefined) {
      this.counterLow = (last.low + 1) >>> 0;
      this.counterHigh = this.counterLow === 0 ? (last.high + 1) >>> 0 : last.high;
    }
    return Uint16Array.from(taken, ({ head }) => head);
  }

  private error(code: RingErrorCode, index: number, value: number): RingError {
    return new RingError(code, this.queue, index, value);
  }
}

/** Where the entry of a head stands: its first byte, its `next` field, its first word. */
const byteOf = (head: number) => HEADER_SIZE + ENTRY_SIZE * head;
const nextOf = (head: number) => (byteOf(head) + 6) >>> 1;
const wordOf = (head: number) => byteOf(head) >>> 2;
