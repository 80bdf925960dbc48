/**
 * A driver side with no ring behind it: what is added comes back as soon as it is asked for. Guest thread. It costs
 * what the loop around a queue costs, and verifies nothing; its peer is `NullHostQueue`, which it never meets.
 */
import { EMPTY, type GuestQueue } from './queue.ts';
import type { ScatterList } from './scatter-list.ts';

export class NullGuestQueue implements GuestQueue {
  readonly size: number;
  readonly usedLength = 0;
  readonly claimedLength = 0;
  private readonly tokens: Int32Array;
  private readonly mask: number;
  private added = 0;
  private returned = 0;

  /** @param size a power of two. */
  constructor(size: number) {
    this.size = size;
    this.mask = size - 1;
    this.tokens = new Int32Array(size);
  }

  add(elements: ScatterList, token: number): boolean {
    return this.addDeferred(elements, token);
  }

  addDeferred(_elements: ScatterList, token: number): boolean {
    if (((this.added - this.returned) | 0) === this.size) return false;
    this.tokens[this.added & this.mask] = token;
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

  getBuf(): number {
    if (this.returned === this.added) return EMPTY;
    const token = this.tokens[this.returned & this.mask]!;
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
