/** The device side of any ring layout. Host loops and devices know nothing else. */
import type { GuestMemory } from '../memory/guest-memory.ts';
import { ElementList } from './element-list.ts';

/** One request as the host took it. Reused for request after request. */
export class Request {
  /** Its head, to complete it with; the queue size if no head could be trusted. */
  head = 0;
  /** What the guest sends. */
  readonly readable: ElementList;
  /** Room for what the host answers. */
  readonly writable: ElementList;

  constructor(memory: GuestMemory, readable = new ElementList(memory), writable = new ElementList(memory)) {
    this.readable = readable;
    this.writable = writable;
  }
}

/** Where a device stands in its ring: with nothing in flight, enough to go on with in another thread or process. */
export interface QueueState {
  /** The next available entry to take. */
  availIdx: number;
  /** The next used entry to write. */
  usedIdx: number;
}

export interface HostQueue {
  /** Descriptors in the ring. */
  readonly size: number;
  /**
   * Takes the next request. False: none.
   * @throws RingError; `request.head` then tells whether one request is bad (a valid head: complete it with 0 bytes
   * and go on) or the ring is (head = size: every later call throws the same error).
   */
  next(request: Request): boolean;
  /** Gives a request back with `writtenBytes` written from the first writable element on. */
  complete(request: Request, writtenBytes: number): void;
  /** The same, but the guest does not see it before `publish`. */
  completeDeferred(request: Request, writtenBytes: number): void;
  /** Shows the guest everything completed since the last time. */
  publish(): void;
  /** Hands the last `count` requests back as if never taken; none of them may be completed. */
  rewind(count: number): void;
  /** True if the guest must be called for what was completed since the last time it was asked. */
  needsCall(): boolean;
  /** A hint: the guest may still kick. */
  disableKicks(): void;
  /** True: nothing came meanwhile, safe to wait. */
  enableKicks(): boolean;
  /** How many requests `next` would take now. @throws RingError on a broken ring. */
  look(): number;
  /** True if the guest made a request available that `next` has not taken. */
  hasAvailable(): boolean;
  /**
   * @throws RangeError while a request is in flight or a completion unpublished: they would be lost. Unless
   * `leaveInFlight` (default false) says that somebody else knows of them, as an in-flight area does.
   */
  state(leaveInFlight?: boolean): QueueState;
}

/** For a host that polls: heads alone, chains unread. */
export interface HeadQueue extends HostQueue {
  /** The next head, or NO_HEAD. @throws RingError, the ring then broken. */
  takeHead(): number;
  /** Gives the request of a head back. */
  completeHead(head: number, writtenBytes: number): void;
}
