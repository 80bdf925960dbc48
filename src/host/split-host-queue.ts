/**
 * What every device side of a split virtqueue does: heads taken, followed while in flight, given back, and when to
 * notify. Host thread. Its faces (vringh, the vhost-user queue, the launcher's) differ in a policy for chains and add
 * their own calls.
 *
 * It trusts nothing the guest wrote: heads in flight are tracked, indices checked, descriptors copied once.
 */
import type { GuestMemory } from '../memory/guest-memory.ts';
import type { RangeCallback } from '../memory/range.ts';
import type { SharedFields } from '../ordering/ordering.ts';
import type { RingFields } from '../ordering/ring-fields.ts';
import { VRING_AVAIL_F_NO_INTERRUPT, VRING_USED_F_NO_NOTIFY } from '../ring/constants.ts';
import { RingError, type RingErrorCode } from '../ring/errors.ts';
import { needEvent } from '../ring/event.ts';
import type { RingFeatures } from '../ring/features.ts';
import type { SplitRing } from '../ring/split-layout.ts';
import { ChainReader, type ReaderPolicy } from './chain-reader.ts';
import type { HostQueue, QueueState, Request } from './queue.ts';

/** What `takeHead` returns when the guest has made nothing available. */
export const NO_HEAD = -1;

/** So many completions at most can be compared with an event; after more the guest is called anyway. */
const COMPLETED_MAX = 0xffff;

/** Where the request of a head is. */
const FREE = 0;
const TAKEN = 1;
const COMPLETED = 2;

/** Where a queue keeps which requests it has: another thread may look at it. */
export interface HeadRecord {
  /** By head, 0: it is not with the host. As many as the ring has descriptors, all 0. */
  readonly inFlight: Uint8Array;
  /** By available index: the head taken there. As many. */
  readonly taken: Uint16Array;
}

export interface SplitHostQueueOptions {
  ring: SplitRing;
  shared: RingFields;
  features: RingFeatures;
  memory: GuestMemory;
  /** How far an address reaches: asked anew for each request. Default: its whole region, which never changes. */
  getRange?: RangeCallback;
  /** Where to go on, after a reconnect; a fresh ring starts at 0. */
  state?: QueueState;
  /** Named in errors. */
  name?: string;
  /** Default: arrays of its own. */
  heads?: HeadRecord;
}

/** A caller's mistake, not the guest's: heads come from `next`. */
export const notTaken = (head: number): RangeError => new RangeError(`no request with head ${head} is to be completed`);

export abstract class SplitHostQueue implements HostQueue {
  readonly size: number;
  readonly name: string;
  /** The head taken last, also of a request that then turned out broken; the queue size if there was none to take. */
  lastHead: number;

  protected readonly mask: number;
  protected readonly ring: SplitRing;
  protected readonly availFields: SharedFields;
  protected readonly usedFields: SharedFields;
  protected readonly eventIdx: boolean;
  protected readonly availRing: Uint16Array;
  protected readonly usedRing: Uint32Array;
  protected readonly reader: ChainReader;

  protected lastAvailIdx: number;
  /** The guest's available index when it was read last: read again only when that many are taken. */
  protected seenAvailIdx: number;
  protected usedIdx: number;
  protected publishedIdx: number;
  /** Completions published since the guest's wish was looked at last. */
  protected completed = 0;
  /** By head: FREE, or with the host, or completed but not published. */
  protected readonly inFlight: Uint8Array;
  /** Heads completed, by used index: what `publish` frees without reading the ring. */
  protected readonly completedHeads: Uint16Array;
  /** The heads taken, by available index: what `rewind` hands back without reading the ring again. */
  protected readonly taken: Uint16Array;
  protected inFlightCount = 0;
  protected kicksDisabled = false;
  protected broken: RingError | null = null;

  constructor(options: SplitHostQueueOptions, policy: ReaderPolicy) {
    const { ring, shared, features, memory, state = { availIdx: 0, usedIdx: 0 } } = options;
    ring.checkFeatures(features);
    this.size = ring.size;
    this.lastHead = ring.size;
    this.mask = ring.size - 1;
    this.name = options.name ?? 'host queue';
    this.ring = ring;
    this.availFields = shared.avail;
    this.usedFields = shared.used;
    this.eventIdx = features.eventIdx;
    this.availRing = ring.availRing;
    this.usedRing = ring.usedRing;
    this.reader = new ChainReader({
      ring,
      memory,
      getRange: options.getRange ?? null,
      indirect: features.indirect,
      policy,
      queue: this.name,
    });
    this.lastAvailIdx = state.availIdx;
    this.seenAvailIdx = state.availIdx;
    this.usedIdx = state.usedIdx;
    this.publishedIdx = state.usedIdx;
    this.inFlight = options.heads?.inFlight ?? new Uint8Array(ring.size);
    this.taken = options.heads?.taken ?? new Uint16Array(ring.size);
    this.completedHeads = new Uint16Array(ring.size);
    if (options.state !== undefined) {
      // Nobody knows what our predecessor asked for, or whether it called: kicks on, and the guest called once.
      this.usedFields.store16(ring.usedFlags, 0);
      if (this.eventIdx) this.usedFields.store16(ring.availEvent, state.availIdx);
      this.completed = COMPLETED_MAX + 1;
    }
  }

  /** True once the guest broke a rule of the ring; every call that takes, completes or asks then throws the same error. */
  get isBroken(): boolean {
    return this.broken !== null;
  }

  next(request: Request): boolean {
    request.head = this.size;
    request.readable.reset();
    request.writable.reset();
    const head = this.takeHead();
    if (head === NO_HEAD) return false;
    request.head = head;
    this.reader.read(head, request.readable, request.writable);
    return true;
  }

  look(): number {
    if (this.broken !== null) throw this.broken;
    this.lookAhead();
    return (this.seenAvailIdx - this.lastAvailIdx) & 0xffff;
  }

  /** The next head, its chain unread, or NO_HEAD. @throws RingError, the ring then broken. */
  takeHead(): number {
    this.lastHead = this.size;
    if (this.broken !== null) throw this.broken;
    if (this.lastAvailIdx === this.seenAvailIdx && !this.refreshAvail()) return NO_HEAD;
    const at = this.lastAvailIdx & this.mask;
    const head = this.availRing[at]!;
    if (head >= this.size) throw this.breakQueue('avail-head-out-of-range', this.lastAvailIdx, head);
    if (this.inFlight[head] !== FREE) throw this.breakQueue('avail-head-in-flight', this.lastAvailIdx, head);
    this.taken[at] = head;
    this.hold(head);
    return head;
  }

  complete(request: Request, writtenBytes: number): void {
    this.completeHead(request.head, writtenBytes);
  }

  completeDeferred(request: Request, writtenBytes: number): void {
    this.putUsed(request.head, writtenBytes);
  }

  /** `complete` by head alone. @throws RangeError if no request with that head is in flight. */
  completeHead(head: number, writtenBytes: number): void {
    this.putUsed(head, writtenBytes);
    this.publish();
  }

  publish(): void {
    const count = (this.usedIdx - this.publishedIdx) & 0xffff;
    if (count === 0) return;
    for (let idx = this.publishedIdx; idx !== this.usedIdx; idx = (idx + 1) & 0xffff)
      this.inFlight[this.completedHeads[idx & this.mask]!] = FREE;
    this.inFlightCount -= count;
    this.publishedIdx = this.usedIdx;
    this.completed += count;
    // B release: used elements and the bytes written first. Pairs with B acquire, SplitVirtqueue.refreshUsed.
    this.usedFields.store16(this.ring.usedIdx, this.usedIdx);
  }

  /** @throws RangeError, nothing changed, if one of them was completed or never taken. */
  rewind(count: number): void {
    if (!(Number.isInteger(count) && count >= 0 && count <= this.inFlightCount))
      throw new RangeError(`${count} requests handed back, but ${this.inFlightCount} are in flight`);
    for (let i = 1; i <= count; i++) {
      const head = this.takenBefore(i);
      // Newest first: a head that is no longer TAKEN was completed since, or stands twice and was handed back just now.
      if (this.inFlight[head] !== TAKEN) {
        for (let j = 1; j < i; j++) this.inFlight[this.takenBefore(j)] = TAKEN;
        throw new RangeError(`the request taken ${i} ago is completed already`);
      }
      this.inFlight[head] = FREE;
    }
    this.inFlightCount -= count;
    this.lastAvailIdx = (this.lastAvailIdx - count) & 0xffff;
  }

  needsCall(): boolean {
    if (this.broken !== null) throw this.broken;
    const completed = this.completed;
    if (completed === 0) return false;
    this.completed = 0;
    // D full: our index, then their wish. Pairs with D full, SplitVirtqueue.poll, .enableCallsDelayed, .requestCallAt.
    this.usedFields.fence();
    if (!this.eventIdx) return (this.availFields.load16(this.ring.availFlags) & VRING_AVAIL_F_NO_INTERRUPT) === 0;
    if (completed > COMPLETED_MAX) return true;
    const event = this.availFields.load16(this.ring.usedEvent);
    return needEvent(event, this.publishedIdx, (this.publishedIdx - completed) & 0xffff);
  }

  disableKicks(): void {
    if (this.kicksDisabled) return;
    this.kicksDisabled = true;
    // With EVENT_IDX avail_event just stays behind: the guest kicks when its index passes it, once in 65,536.
    if (!this.eventIdx) this.usedFields.store16(this.ring.usedFlags, VRING_USED_F_NO_NOTIFY);
  }

  enableKicks(): boolean {
    if (this.broken !== null) throw this.broken;
    if (this.eventIdx) this.usedFields.store16(this.ring.availEvent, this.lastAvailIdx);
    else this.usedFields.store16(this.ring.usedFlags, 0);
    this.kicksDisabled = false;
    // C full: our wish, then their index. Pairs with C full, SplitVirtqueue.kickPrepare.
    // Without it both sides read stale values, and we sleep on work.
    this.usedFields.fence();
    return this.availFields.load16(this.ring.availIdx) === this.lastAvailIdx;
  }

  hasAvailable(): boolean {
    // A acquire: their index, before its entries. Pairs with A release, SplitVirtqueue.publish.
    return this.availFields.load16(this.ring.availIdx) !== this.lastAvailIdx;
  }

  state(leaveInFlight = false): QueueState {
    if (this.inFlightCount !== 0 && !leaveInFlight)
      throw new RangeError(`${this.inFlightCount} requests are in flight`);
    return { availIdx: this.lastAvailIdx, usedIdx: this.publishedIdx };
  }

  /** Reads the guest's index though not all that was seen need be taken. */
  protected lookAhead(): void {
    this.refreshAvail();
  }

  /** Reads the guest's index. True: there is something to take. */
  protected refreshAvail(): boolean {
    // A acquire: their index, before entries and descriptors. Pairs with A release, SplitVirtqueue.publish.
    const seen = this.availFields.load16(this.ring.availIdx);
    if (seen === this.lastAvailIdx) return false;
    const added = (seen - this.lastAvailIdx) & 0xffff;
    if (added > this.size) throw this.breakQueue('avail-index-jump', this.lastAvailIdx, seen);
    if (added + this.inFlightCount > this.size)
      throw this.breakQueue('too-many-in-flight', this.lastAvailIdx, added + this.inFlightCount);
    this.seenAvailIdx = seen;
    return true;
  }

  /** The next available entry is taken, and names `head`. */
  protected hold(head: number): void {
    this.inFlight[head] = TAKEN;
    this.lastHead = head;
    this.inFlightCount++;
    this.lastAvailIdx = (this.lastAvailIdx + 1) & 0xffff;
  }

  protected putUsed(head: number, writtenBytes: number): void {
    if (this.broken !== null) throw this.broken;
    if (writtenBytes >>> 0 !== writtenBytes && this.inFlight[head] === TAKEN)
      throw new RangeError(`a used length has 32 bits, unlike ${writtenBytes}`);
    if (!this.claim(head)) throw notTaken(head);
    this.writeUsed(head, writtenBytes);
  }

  /** From taken to completed: false, nothing changed, if it is not taken. `writeUsed` follows, or `unclaim`. */
  protected claim(head: number): boolean {
    if (this.inFlight[head] !== TAKEN) return false;
    this.inFlight[head] = COMPLETED;
    return true;
  }

  protected unclaim(head: number): void {
    this.inFlight[head] = TAKEN;
  }

  /** The next used entry, of a head that was claimed. */
  protected writeUsed(head: number, writtenBytes: number): void {
    const at = this.usedIdx & this.mask;
    this.completedHeads[at] = head;
    this.usedRing[2 * at] = head;
    this.usedRing[2 * at + 1] = writtenBytes;
    this.usedIdx = (this.usedIdx + 1) & 0xffff;
  }

  /** The head of the request taken `count` requests ago, 1 for the last. */
  protected takenBefore(count: number): number {
    return this.taken[(this.lastAvailIdx - count) & this.mask]!;
  }

  protected breakQueue(code: RingErrorCode, index: number, value: number): RingError {
    this.broken = new RingError(code, this.name, index, value);
    return this.broken;
  }
}
