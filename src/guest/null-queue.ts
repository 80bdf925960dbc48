/**
 * A driver side with no ring behind it: what is added comes back as soon as it is asked for, as long as it may
 * be. Guest thread. It costs what the loop around a queue costs, and carries nothing; its peer is `NullHostQueue`, which it never meets.
 */
import { EMPTY, type GuestQueue } from './queue.ts';
import type { ScatterList } from './scatter-list.ts';

export class NullGuestQueue implements GuestQueue {
  readonly size: number;
  usedLength = 0;
  claimedLength = 0;
  private readonly tokens: Int32Array;
  /** What each could be answered with, bytes. */
  private readonly lengths: Uint32Array;
  private readonly mask: number;
  private added = 0;
  private returned = 0;

  /** @param size a power of two. */
  constructor(size: number) {
    this.size = size;
    this.mask = size - 1;
    this.tokens = new Int32Array(size);
    this.lengths = new Uint32Array(size);
  }

  add(elements: ScatterList, token: number): boolean {
    return this.addDeferred(elements, token);
  }

  addDeferred(elements: ScatterList, token: number): boolean {
    if (((this.added - this.returned) | 0) === this.size) return false;
    const at = this.added & this.mask;
    this.tokens[at] = token;
    this.lengths[at] = elements.writableBytes;
    this.added = (this.added + 1) | 0;
    return true;
  }

  publish(): void {}

  kick(): boolean {
    return false;
  }

  publishAndKick(): boolean {
    return false;
  }

  look(): number {
    return (this.added - this.returned) | 0;
  }

  getBuf(): number {
    if (this.returned === this.added) return EMPTY;
    const at = this.returned & this.mask;
    const token = this.tokens[at]!;
    this.usedLength = this.lengths[at]!;
    this.claimedLength = this.usedLength;
    this.returned = (this.returned + 1) | 0;
    return token;
  }

  disableCalls(): void {}

  enableCalls(): boolean {
    return false;
  }

  enableCallsDelayed(): boolean {
    return false;
  }

  callDue(): boolean {
    return false;
  }
}
