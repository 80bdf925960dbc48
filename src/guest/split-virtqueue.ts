/**
 * The driver side of a split virtqueue: the kernel's `virtio_ring.c` in behaviour. Guest thread only.
 *
 * It keeps private copies of all it needs to take a request back (next, token, length), so nothing the host writes
 * into descriptors matters. It does not wait: that is the caller's, with a WaitSet.
 */
import type { Doorbell } from '../doorbell/doorbell.ts';
import type { SharedFields } from '../ordering/ordering.ts';
import type { RingFields } from '../ordering/ring-fields.ts';
import {
  VRING_AVAIL_F_NO_INTERRUPT,
  VRING_DESC_F_INDIRECT,
  VRING_DESC_F_NEXT,
  VRING_DESC_F_WRITE,
  VRING_DESC_SIZE,
  VRING_DESC_WORDS,
  VRING_USED_F_NO_NOTIFY,
} from '../ring/constants.ts';
import { RingError, type RingErrorCode } from '../ring/errors.ts';
import { needEvent } from '../ring/event.ts';
import type { RingFeatures } from '../ring/features.ts';
import type { SplitRing } from '../ring/split-layout.ts';
import { writeDescriptor } from './descriptors.ts';
import { type IndirectPool, NO_TABLE } from './indirect-pool.ts';
import { EMPTY, type GuestQueue } from './queue.ts';
import type { ScatterList } from './scatter-list.ts';

/** So many adds without a kick and the queue kicks by itself: event arithmetic is 16 bits wide. */
const ADDS_UNKICKED_MAX = 0xffff;

export interface SplitVirtqueueOptions {
  ring: SplitRing;
  shared: RingFields;
  features: RingFeatures;
  /** Rung by `kick`, by a full ring and after 65,535 adds without a kick. */
  doorbell: Doorbell;
  /** Tables for requests of several elements; without one every request goes direct. */
  indirectPool?: IndirectPool;
  /**
   * For a ring whose memory already holds indices: where both stand, nothing outstanding. Without it the ring is set
   * up anew, all fields zeroed, which must happen before the host looks at it.
   */
  startIndex?: number;
  /** Named in errors. */
  name?: string;
}

export class SplitVirtqueue implements GuestQueue {
  readonly size: number;
  readonly name: string;
  usedLength = 0;
  claimedLength = 0;
  /** Used lengths that were larger than the request's writable bytes, and were cut to them. */
  clampedLengths = 0;

  private readonly mask: number;
  private readonly ring: SplitRing;
  private readonly availFields: SharedFields;
  private readonly usedFields: SharedFields;
  private readonly doorbell: Doorbell;
  private readonly eventIdx: boolean;
  private readonly pool: IndirectPool | null;
  private readonly desc: Uint32Array;
  private readonly availRing: Uint16Array;
  private readonly usedRing: Uint32Array;

  /** Private chain of descriptors, and of free ones from `freeHead`. */
  private readonly nextOf: Uint16Array;
  private freeHead = 0;
  private freeCount: number;
  /** By head, for what is outstanding: token or EMPTY, last descriptor, descriptors, indirect table, writable bytes. */
  private readonly tokens: Int32Array;
  private readonly lastOf: Uint16Array;
  private readonly countOf: Uint16Array;
  private readonly tableOf: Int32Array;
  private readonly writableBytes: Uint32Array;

  private availIdx: number;
  private publishedIdx: number;
  private addsUnkicked = 0;
  private lastUsedIdx: number;
  /** The host's used index when it was read last: read again only when that many are taken. */
  private seenUsedIdx: number;
  private callsEnabled = true;
  /** How many more than the next request must be finished before the host has passed where it was asked to call. */
  private callAhead = 0;
  private broken: RingError | null = null;

  constructor(options: SplitVirtqueueOptions) {
    const { ring, shared, features, startIndex = 0 } = options;
    const { size } = ring;
    ring.checkFeatures(features);
    if ((startIndex & 0xffff) !== startIndex) throw new RangeError(`an index has 16 bits, unlike ${startIndex}`);
    this.size = size;
    this.mask = size - 1;
    this.name = options.name ?? 'guest queue';
    this.ring = ring;
    this.availFields = shared.avail;
    this.usedFields = shared.used;
    this.doorbell = options.doorbell;
    this.eventIdx = features.eventIdx;
    this.pool = features.indirect ? (options.indirectPool ?? null) : null;
    this.desc = ring.desc;
    this.availRing = ring.availRing;
    this.usedRing = ring.usedRing;
    this.nextOf = Uint16Array.from({ length: size }, (_, i) => i + 1);
    this.freeCount = size;
    this.tokens = new Int32Array(size).fill(EMPTY);
    this.lastOf = new Uint16Array(size);
    this.countOf = new Uint16Array(size);
    this.tableOf = new Int32Array(size).fill(NO_TABLE);
    this.writableBytes = new Uint32Array(size);
    this.availIdx = startIndex;
    this.publishedIdx = startIndex;
    this.lastUsedIdx = startIndex;
    this.seenUsedIdx = startIndex;
    // Flags and events of an earlier user would be taken for ours: set up [virtio-v1.2 §2.7.7.1, §2.7.10.1].
    this.availFields.store16(ring.availFlags, 0);
    this.usedFields.store16(ring.usedFlags, 0);
    if (this.eventIdx) this.availFields.store16(ring.usedEvent, startIndex);
    if (options.startIndex !== undefined) return;
    this.availFields.store16(ring.availIdx, 0);
    this.usedFields.store16(ring.usedIdx, 0);
    if (this.eventIdx) this.usedFields.store16(ring.availEvent, 0);
  }

  /** Descriptors not in use. */
  get freeDescriptors(): number {
    return this.freeCount;
  }

  /** True once the host broke a rule of the ring. */
  get isBroken(): boolean {
    return this.broken !== null;
  }

  /**
   * @throws RangeError for a request of no element, or of more than the ring has descriptors
   * [virtio-v1.2 §2.7.5.3.1]; RingError on a broken queue.
   */
  add(elements: ScatterList, token: number): boolean {
    if (!this.addDeferred(elements, token)) return false;
    this.publish();
    if (this.addsUnkicked === ADDS_UNKICKED_MAX) this.kick();
    return true;
  }

  addDeferred(elements: ScatterList, token: number): boolean {
    if (this.broken !== null) throw this.broken;
    const count = elements.outCount + elements.inCount;
    if (count === 0 || count > this.size)
      throw new RangeError(`a request has 1 to ${this.size} elements, not ${count}`);
    if ((token | 0) !== token || token < 0) throw new RangeError(`a token is an integer from 0, not ${token}`);
    if (this.addsUnkicked === ADDS_UNKICKED_MAX) {
      this.publish();
      this.kick();
    }
    const head = this.freeHead;
    const table = this.takeTable(count);
    if (table !== NO_TABLE) {
      this.addIndirect(head, table, elements, count);
    } else if (count <= this.freeCount) {
      this.addDirect(head, elements, count);
    } else {
      this.publish();
      // Historical: a driver that cannot send makes the host take what it has already, asked for or not.
      if (elements.outCount !== 0) this.notify();
      else if (this.addsUnkicked !== 0) this.kick();
      return false;
    }
    this.tokens[head] = token;
    this.availRing[this.availIdx & this.mask] = head;
    this.availIdx = (this.availIdx + 1) & 0xffff;
    this.addsUnkicked++;
    return true;
  }

  publish(): void {
    if (this.publishedIdx === this.availIdx) return;
    this.publishedIdx = this.availIdx;
    // A release: descriptors and ring entries first. Pairs with A acquire, SplitHostQueue.refreshAvail.
    this.availFields.store16(this.ring.availIdx, this.availIdx);
  }

  kick(): boolean {
    if (!this.kickPrepare()) return false;
    this.notify();
    return true;
  }

  publishAndKick(): boolean {
    this.publish();
    return this.kick();
  }

  /** True if the host must be kicked for what was published since the last call. */
  kickPrepare(): boolean {
    if (this.broken !== null) throw this.broken;
    // C full: our index, then their wish. Pairs with C full, SplitHostQueue.enableKicks.
    // Without it both sides read stale values, and the host sleeps on work.
    this.availFields.fence();
    const next = this.publishedIdx;
    const previous = (this.availIdx - this.addsUnkicked) & 0xffff;
    this.addsUnkicked = (this.availIdx - next) & 0xffff;
    return this.eventIdx
      ? needEvent(this.usedFields.load16(this.ring.availEvent), next, previous)
      : (this.usedFields.load16(this.ring.usedFlags) & VRING_USED_F_NO_NOTIFY) === 0;
  }

  /** Rings the host, asked for or not. */
  notify(): void {
    this.doorbell.ring();
  }

  look(): number {
    if (this.broken !== null) throw this.broken;
    this.refreshUsed();
    return (this.seenUsedIdx - this.lastUsedIdx) & 0xffff;
  }

  getBuf(): number {
    if (this.broken !== null) throw this.broken;
    if (this.lastUsedIdx === this.seenUsedIdx && !this.refreshUsed()) return EMPTY;
    const at = (this.lastUsedIdx & this.mask) << 1;
    const head = this.usedRing[at]!;
    const length = this.usedRing[at + 1]!;
    if (head >= this.size) throw this.breakQueue('used-id-out-of-range', this.lastUsedIdx, head);
    const token = this.tokens[head]!;
    if (token === EMPTY) throw this.breakQueue('used-id-not-outstanding', this.lastUsedIdx, head);
    this.usedLength = length;
    this.claimedLength = length;
    if (length > this.writableBytes[head]!) this.clampUsedLength(head);
    this.release(head);
    this.lastUsedIdx = (this.lastUsedIdx + 1) & 0xffff;
    if (this.eventIdx && this.callsEnabled) this.requestCallAt(this.lastUsedIdx);
    else if (this.callAhead !== 0) this.callAhead--;
    return token;
  }

  callDue(): boolean {
    // B acquire: their index, before its elements. Pairs with B release, SplitHostQueue.publish.
    const finished = (this.usedFields.load16(this.ring.usedIdx) - this.lastUsedIdx) & 0xffff;
    return finished > this.callAhead;
  }

  disableCalls(): void {
    if (!this.callsEnabled) return;
    this.callsEnabled = false;
    // With EVENT_IDX used_event just stays where it is: the host calls when its index passes it, once in 65,536.
    if (!this.eventIdx) this.availFields.store16(this.ring.availFlags, VRING_AVAIL_F_NO_INTERRUPT);
  }

  enableCalls(): boolean {
    return !this.poll(this.enableCallsPrepare());
  }

  /** Asks for a call at the next completion. Returns what `poll` compares with. */
  enableCallsPrepare(): number {
    this.requestCall(0);
    return this.lastUsedIdx;
  }

  /** True if something was completed since `enableCallsPrepare` returned `prepared`. */
  poll(prepared: number): boolean {
    if (this.broken !== null) throw this.broken;
    // D full: our wish (stored by enableCallsPrepare), then their index. Pairs with D full, SplitHostQueue.needsCall.
    this.availFields.fence();
    return this.usedFields.load16(this.ring.usedIdx) !== prepared;
  }

  enableCallsDelayed(): boolean {
    if (this.broken !== null) throw this.broken;
    const outstanding = (this.publishedIdx - this.lastUsedIdx) & 0xffff;
    this.requestCall((outstanding * 3) >> 2);
    // D full: our wish, then their index. Pairs with D full, SplitHostQueue.needsCall.
    this.availFields.fence();
    return !this.callDue();
  }

  /**
   * Takes back a request that the host has not finished: its token, or EMPTY. Only after the host has stopped; the
   * ring still lists what was taken back (the available index never goes back), so it must be set up anew.
   */
  detachUnused(): number {
    for (let head = 0; head < this.size; head++) {
      const token = this.tokens[head]!;
      if (token === EMPTY) continue;
      this.release(head);
      return token;
    }
    return EMPTY;
  }

  private takeTable(count: number): number {
    const pool = this.pool;
    if (pool === null || count === 1 || this.freeCount === 0 || count > pool.tableLength) return NO_TABLE;
    return pool.take();
  }

  private addDirect(head: number, elements: ScatterList, count: number): void {
    const { regions, offsets, lengths, outCount } = elements;
    const desc = this.desc;
    const nextOf = this.nextOf;
    const lastElement = count - 1;
    let index = head;
    for (let i = 0; i < lastElement; i++) {
      const next = nextOf[index]!;
      const flags = i < outCount ? VRING_DESC_F_NEXT : VRING_DESC_F_NEXT | VRING_DESC_F_WRITE;
      writeDescriptor(desc, index << 2, regions[i]!, offsets[i]!, lengths[i]!, flags | (next << 16));
      index = next;
    }
    const flags = lastElement < outCount ? 0 : VRING_DESC_F_WRITE;
    writeDescriptor(desc, index << 2, regions[lastElement]!, offsets[lastElement]!, lengths[lastElement]!, flags);
    this.take(head, index, count, elements.writableBytes);
  }

  private addIndirect(head: number, table: number, elements: ScatterList, count: number): void {
    const pool = this.pool!;
    const { regions, offsets, lengths, outCount } = elements;
    const words = pool.words;
    const tableOffset = pool.offsetOf(table);
    const lastElement = count - 1;
    let word = tableOffset >>> 2;
    for (let i = 0; i < count; i++) {
      let flags = i < outCount ? 0 : VRING_DESC_F_WRITE;
      if (i < lastElement) flags |= VRING_DESC_F_NEXT | ((i + 1) << 16);
      writeDescriptor(words, word, regions[i]!, offsets[i]!, lengths[i]!, flags);
      word += VRING_DESC_WORDS;
    }
    writeDescriptor(this.desc, head << 2, pool.region, tableOffset, count * VRING_DESC_SIZE, VRING_DESC_F_INDIRECT);
    this.tableOf[head] = table;
    this.take(head, head, 1, elements.writableBytes);
  }

  /** Removes `count` descriptors from `head` to `last` from the free chain. */
  private take(head: number, last: number, count: number, writable: number): void {
    this.freeHead = this.nextOf[last]!;
    this.freeCount -= count;
    this.lastOf[head] = last;
    this.countOf[head] = count;
    this.writableBytes[head] = Math.min(writable, 0xffffffff);
  }

  /** Puts the descriptors, and the table if any, of an outstanding request back. */
  private release(head: number): void {
    this.tokens[head] = EMPTY;
    this.nextOf[this.lastOf[head]!] = this.freeHead;
    this.freeHead = head;
    this.freeCount += this.countOf[head]!;
    const table = this.tableOf[head]!;
    if (table !== NO_TABLE) {
      this.tableOf[head] = NO_TABLE;
      this.pool!.give(table);
    }
  }

  /** A used length larger than the request: breaking the queue would break devices that lie in practice. */
  private clampUsedLength(head: number): void {
    this.clampedLengths++;
    this.usedLength = this.writableBytes[head]!;
  }

  /** Reads the host's index. True: there is something to take. */
  private refreshUsed(): boolean {
    // B acquire: their index, before its elements. Pairs with B release, SplitHostQueue.publish.
    const seen = this.usedFields.load16(this.ring.usedIdx);
    if (seen === this.lastUsedIdx) return false;
    const finished = (seen - this.lastUsedIdx) & 0xffff;
    const outstanding = (this.publishedIdx - this.lastUsedIdx) & 0xffff;
    if (finished > outstanding) throw this.breakQueue('used-index-jump', this.lastUsedIdx, seen);
    this.seenUsedIdx = seen;
    return true;
  }

  /** Asks for a call once `ahead` more than the next request are finished; the caller fences and looks again. */
  private requestCall(ahead: number): void {
    if (this.eventIdx) this.availFields.store16(this.ring.usedEvent, (this.lastUsedIdx + ahead) & 0xffff);
    else if (!this.callsEnabled) this.availFields.store16(this.ring.availFlags, 0);
    this.callsEnabled = true;
    this.callAhead = ahead;
  }

  private requestCallAt(index: number): void {
    this.callAhead = 0;
    this.availFields.store16(this.ring.usedEvent, index);
    // D full: our wish, then their index, read by the next getBuf. Pairs with D full, SplitHostQueue.needsCall.
    this.availFields.fence();
  }

  private breakQueue(code: RingErrorCode, index: number, value: number): RingError {
    this.broken = new RingError(code, this.name, index, value);
    return this.broken;
  }
}
