/**
 * libvhost-user's queue: a face of the split host queue. Serving thread.
 *
 *     vu_queue_pop     next               vu_queue_rewind            rewind
 *     vu_queue_push    complete           vu_queue_empty             isEmpty
 *     vu_queue_fill    fill               vu_queue_get_avail_bytes   getAvailBytes
 *     vu_queue_flush   flush              vu_queue_avail_bytes       availBytes
 *     vu_queue_notify  needsCall, then the caller rings              vu_queue_set_notification  setNotification
 *
 * On top of the base it notes its writes to the used ring in a dirty log, keeps the in-flight area, and takes what that
 * area hands over before anything new. It differs from the original where that hides what happened: a broken ring is
 * one error that every later call throws, instead of calls that do nothing; a broken request is an error of that
 * request alone, and the device lives; a used element is not written twice; nobody is called for nothing.
 */
import type { ReaderPolicy } from '../../host/chain-reader.ts';
import { type QueueState, Request } from '../../host/queue.ts';
import { NO_HEAD, SplitHostQueue, type SplitHostQueueOptions } from '../../host/split-host-queue.ts';
import { type GuestMemory, OpenLater } from '../../memory/guest-memory.ts';
import type { RingFields } from '../../ordering/ring-fields.ts';
import { RingError } from '../../ring/errors.ts';
import type { SplitRing } from '../../ring/split-layout.ts';
import type { InflightArea } from './inflight.ts';
import type { QueueRecord } from './queue-record.ts';

/** The most elements of a request, whatever the queue's size. */
const ELEMENTS_MAX = 1024;

/** At most one table, at the head and without NEXT; no element of length 0. */
export const VHOST_USER_POLICY: ReaderPolicy = {
  indirectWithNext: false,
  emptyElements: false,
  indirectBehindHead: false,
  elementsMax: ELEMENTS_MAX,
};

/** Nothing of what a predecessor left can be handed back any more. */
const NO_REPLAY = -1;

/** Where the used ring's fields stand in it, bytes: as the log's addresses count. */
const USED_FLAGS = 0;
const USED_IDX = 2;
const USED_RING = 4;
const USED_ELEMENT_SIZE = 8;

export interface VhostUserQueueOptions extends Omit<SplitHostQueueOptions, 'state' | 'heads'> {
  /** The next available entry to take, unless the in-flight area or `inOrder` say otherwise. */
  availIdx: number;
  /** The next used entry to write. Null: where the used ring stands. */
  usedIdx: number | null;
  /** VIRTIO_F_NOTIFY_ON_EMPTY was acknowledged: a call whenever all that was available is finished. Default false. */
  notifyOnEmpty?: boolean;
  /** The device finishes requests in the order it takes them: then a used index of its own says where it stopped. */
  inOrder?: boolean;
  /** Default null. */
  inflight?: InflightArea | null;
  /** Guest address under which writes to the used ring are noted in the memory's dirty log. Default null: they are not. */
  usedLogAddress?: number | null;
  /** What is left of it when its thread dies: a new one. Default: nothing is. */
  record?: QueueRecord;
}

export class VhostUserQueue extends SplitHostQueue {
  /** As the option; a frontend that starts to migrate sets it while the queue runs. */
  usedLogAddress: number | null;

  private readonly memory: GuestMemory;
  private readonly notifyOnEmpty: boolean;
  private readonly inflight: InflightArea | null;
  private readonly record: QueueRecord | null;
  /** By used entry: filled, but not shown yet. */
  private readonly filled: Uint8Array;
  /** Where the requests of a predecessor end, as an available index, while some of them can still be handed back. */
  private replayEnd = NO_REPLAY;
  /** Some of them are to be taken. */
  private replaying = false;
  /** Chains that are only looked at. */
  private readonly glance: Request;
  /** Where avail_event stands in the used ring, with EVENT_IDX. */
  private readonly availEventPlace: number;
  private inBytes = 0;
  private outBytes = 0;

  /** @throws RingError for an in-flight area that cannot be a predecessor's. */
  constructor(options: VhostUserQueueOptions) {
    const { ring, inflight = null } = options;
    const usedIdx = options.usedIdx ?? usedIndexOf(ring, options.shared);
    const left = inflight === null ? null : inflight.recover(usedIdx);
    // What was taken and not finished comes first, so that the first entry not taken is behind both.
    const availIdx = left !== null || options.inOrder === true ? usedIdx : options.availIdx;
    const { record = null } = options;
    super({ ...options, ...(record && { heads: record }), state: { availIdx, usedIdx } }, VHOST_USER_POLICY);
    this.record = record;
    this.memory = options.memory;
    this.notifyOnEmpty = options.notifyOnEmpty ?? false;
    this.inflight = inflight;
    this.usedLogAddress = options.usedLogAddress ?? null;
    this.filled = new Uint8Array(ring.size);
    this.glance = new Request(options.memory);
    this.availEventPlace = USED_RING + USED_ELEMENT_SIZE * ring.size;
    if (left !== null && left.length > 0) {
      for (const [i, head] of left.entries()) this.taken[(usedIdx + i) & this.mask] = head;
      this.replayEnd = (usedIdx + left.length) & 0xffff;
      this.seenAvailIdx = this.replayEnd;
      this.replaying = true;
    }
    // Entries that stand for a predecessor's requests name others: only the area can hand those on.
    record?.begin(this.replaying ? this.replayEnd : availIdx);
    this.noteUsed(USED_FLAGS, 2);
    if (this.eventIdx) this.noteUsed(this.availEventPlace, 2);
  }

  /** With events and notification on it also asks for a kick at the entry behind: as it goes, not only before a wait. */
  override takeHead(): number {
    const replayed = this.replaying && this.broken === null;
    const head = replayed ? this.takeReplayed() : super.takeHead();
    if (head === NO_HEAD) return NO_HEAD;
    if (this.eventIdx && !this.kicksDisabled) {
      this.usedFields.store16(this.ring.availEvent, this.lastAvailIdx);
      // C full: our wish, then their index, read when this is asked for more. Pairs with C full, SplitVirtqueue.kickPrepare.
      this.usedFields.fence();
      this.noteUsed(this.availEventPlace, 2);
    }
    if (!replayed) {
      if (this.record !== null) this.record.take(this.lastAvailIdx);
      if (this.inflight !== null) this.inflight.take(head);
      // Its places in `taken` are used again by now.
      if (this.replayEnd !== NO_REPLAY && ((this.lastAvailIdx - this.replayEnd) & 0xffff) >= this.size)
        this.replayEnd = NO_REPLAY;
    }
    return head;
  }

  /** @throws also OpenLater: the request is in the ring as before, and to be taken in another turn */
  override next(request: Request): boolean {
    try {
      return super.next(request);
    } catch (error) {
      if (error instanceof OpenLater) this.rewind(1);
      throw error;
    }
  }

  /** True if nothing can be taken. The guest's index is read only when all that was seen is taken. @throws RingError */
  isEmpty(): boolean {
    if (this.broken !== null) throw this.broken;
    // A acquire: their index, before its entries. Pairs with A release, SplitVirtqueue.publish.
    return this.lastAvailIdx === this.seenAvailIdx && this.availFields.load16(this.ring.availIdx) === this.lastAvailIdx;
  }

  /** True if the requests to be taken have at least so many writable (`inBytes`) and readable (`outBytes`) bytes. */
  availBytes(inBytes: number, outBytes: number): boolean {
    this.measure(inBytes, outBytes);
    return this.inBytes >= inBytes && this.outBytes >= outBytes;
  }

  /**
   * Counts the writable and readable bytes of the requests to be taken, none of which it takes, and stops after the
   * request with which both limits are reached. One that is broken ends the count: `next` tells what is wrong with it.
   */
  getAvailBytes(inMax: number, outMax: number): { readonly inBytes: number; readonly outBytes: number } {
    this.measure(inMax, outMax);
    return { inBytes: this.inBytes, outBytes: this.outBytes };
  }

  /**
   * Writes the used element of a request `offset` entries behind the used index; `flush` shows it.
   * @throws RangeError if the entry is filled already, or lies a ring away.
   */
  fill(request: Request, writtenBytes: number, offset: number): void {
    if (!(Number.isInteger(offset) && offset >= 0 && offset < this.size))
      throw new RangeError(`a used element ${offset} entries ahead, in a ring of ${this.size}`);
    const { usedIdx } = this;
    this.usedIdx = (this.publishedIdx + offset) & 0xffff;
    try {
      this.putUsed(request.head, writtenBytes);
    } finally {
      this.usedIdx = usedIdx;
    }
  }

  /** Shows the guest the next `count` used elements. @throws RangeError unless they are all filled. */
  flush(count: number): void {
    if (this.broken !== null) throw this.broken;
    if (!(Number.isInteger(count) && count >= 0 && count <= this.size))
      throw new RangeError(`${count} used elements to be shown, of a ring of ${this.size}`);
    for (let i = 0; i < count; i++)
      if (this.filled[(this.publishedIdx + i) & this.mask] === 0)
        throw new RangeError(`used element ${i} of ${count} to be shown is not filled`);
    const ahead = (this.usedIdx - this.publishedIdx) & 0xffff;
    const deferredEnd = this.usedIdx;
    this.usedIdx = (this.publishedIdx + count) & 0xffff;
    this.publish();
    // What `completeDeferred` put behind them waits on.
    if (ahead > count) this.usedIdx = deferredEnd;
  }

  override publish(): void {
    const { inflight, mask, completedHeads } = this;
    const start = this.publishedIdx;
    const end = this.usedIdx;
    if (start === end) return;
    for (let idx = start; idx !== end; idx = (idx + 1) & 0xffff) {
      this.filled[idx & mask] = 0;
      if (inflight !== null) inflight.link(completedHeads[idx & mask]!);
    }
    super.publish();
    this.noteUsed(USED_IDX, 2);
    if (inflight === null) return;
    for (let idx = start; idx !== end; idx = (idx + 1) & 0xffff) inflight.clear(completedHeads[idx & mask]!);
    inflight.finish(end);
  }

  /** What a predecessor had taken is then to be taken again, and stays in the in-flight area meanwhile. */
  override rewind(count: number): void {
    const before = this.lastAvailIdx;
    super.rewind(count);
    const end = this.replayEnd;
    const fresh = end === NO_REPLAY ? count : Math.min(count, this.replaying ? 0 : (before - end) & 0xffff);
    if (this.inflight !== null)
      // The newest first: whoever is killed in between leaves a record without a gap.
      for (let i = 1; i <= fresh; i++) this.inflight.giveBack(this.taken[(before - i) & this.mask]!);
    if (count > fresh) this.replaying = true;
    this.record?.giveBack(fresh, this.replaying ? this.replayEnd : this.lastAvailIdx);
  }

  override needsCall(): boolean {
    if (this.notifyOnEmpty && this.completed !== 0 && this.inFlightCount === 0 && this.isEmpty()) {
      this.completed = 0;
      return true;
    }
    return super.needsCall();
  }

  override disableKicks(): void {
    super.disableKicks();
    if (!this.eventIdx) this.noteUsed(USED_FLAGS, 2);
  }

  override enableKicks(): boolean {
    const safe = super.enableKicks();
    this.noteUsed(this.eventIdx ? this.availEventPlace : USED_FLAGS, 2);
    return safe;
  }

  /**
   * Kicks off, or on from what is there now: for a device that leaves requests where they are and waits for more. Who
   * turns them on looks once more (`isEmpty`, `availBytes`) before it waits.
   */
  setNotification(on: boolean): void {
    if (!on) this.disableKicks();
    else if (this.eventIdx) this.requestKickBehindSeen();
    else this.enableKicks();
  }

  /** With requests of a predecessor still to be taken, only the in-flight area can hand them on: as if in flight. */
  override state(leaveInFlight = false): QueueState {
    if (!this.replaying) return super.state(leaveInFlight);
    if (!leaveInFlight) throw new RangeError('requests of a predecessor are still to be taken');
    return { availIdx: this.replayEnd, usedIdx: this.publishedIdx };
  }

  protected override putUsed(head: number, writtenBytes: number): void {
    const at = this.usedIdx & this.mask;
    if (this.filled[at] !== 0) throw new RangeError(`used entry ${this.usedIdx} is filled already`);
    super.putUsed(head, writtenBytes);
    this.filled[at] = 1;
    this.noteUsed(USED_RING + USED_ELEMENT_SIZE * at, USED_ELEMENT_SIZE);
  }

  private requestKickBehindSeen(): void {
    if (this.broken !== null) throw this.broken;
    this.lookAhead();
    this.kicksDisabled = false;
    this.usedFields.store16(this.ring.availEvent, this.seenAvailIdx);
    // C full: our wish, then their index, read when the caller looks again. Pairs with C full, SplitVirtqueue.kickPrepare.
    this.usedFields.fence();
    this.noteUsed(this.availEventPlace, 2);
  }

  /** The next head that a predecessor had taken: in the area already, no longer in the available ring. */
  private takeReplayed(): number {
    const head = this.taken[this.lastAvailIdx & this.mask]!;
    this.hold(head);
    this.replaying = this.lastAvailIdx !== this.replayEnd;
    return head;
  }

  private measure(inMax: number, outMax: number): void {
    this.inBytes = 0;
    this.outBytes = 0;
    if (this.broken !== null) throw this.broken;
    this.lookAhead();
    for (let idx = this.lastAvailIdx; idx !== this.seenAvailIdx; idx = (idx + 1) & 0xffff) {
      if (!this.count(this.headAt(idx)) || (this.inBytes >= inMax && this.outBytes >= outMax)) break;
    }
  }

  protected override lookAhead(): void {
    const replays = this.replaying ? (this.replayEnd - this.lastAvailIdx) & 0xffff : 0;
    if (this.refreshAvail() && ((this.seenAvailIdx - this.lastAvailIdx) & 0xffff) < replays)
      throw this.breakQueue('avail-index-jump', this.replayEnd, this.seenAvailIdx);
  }

  /** The head at an available index, not taken yet. */
  private headAt(idx: number): number {
    const replayed = this.replaying && ((idx - this.replayEnd) & 0x8000) !== 0;
    return replayed ? this.taken[idx & this.mask]! : this.availRing[idx & this.mask]!;
  }

  /** Adds the bytes of the chain from `head`. False if it is broken. */
  private count(head: number): boolean {
    const { readable, writable } = this.glance;
    readable.reset();
    writable.reset();
    if (head >= this.size) return false;
    try {
      this.reader.read(head, readable, writable);
    } catch (error) {
      if (error instanceof RingError) return false;
      throw error;
    }
    this.outBytes += readable.totalBytes();
    this.inBytes += writable.totalBytes();
    return true;
  }

  private noteUsed(place: number, length: number): void {
    const log = this.memory.dirtyLog;
    if (log !== null && this.usedLogAddress !== null) log.mark(this.usedLogAddress + place, length);
  }
}

/** Where the used ring stands: our own index, that a predecessor wrote. */
const usedIndexOf = (ring: SplitRing, shared: RingFields) => shared.used.load16(ring.usedIdx);
