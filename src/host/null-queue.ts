/**
 * A device side with no ring behind it: there is always one more request, out of a few that were made before. Host
 * thread. It costs what the loop around a queue and its device cost; its peer is `NullGuestQueue`, which it never meets.
 */
import type { ElementList } from './element-list.ts';
import type { HostQueue, QueueState, Request } from './queue.ts';

export class NullHostQueue implements HostQueue {
  readonly size: number;
  private readonly requests: readonly Request[];
  private readonly mask: number;
  private taken = 0;

  /**
   * @param requests what it hands out in turn, a power of two of them. Those that it is given are made to show their
   * elements, without a copy: they are not to be grown.
   * @throws RangeError
   */
  constructor(size: number, requests: readonly Request[]) {
    if (requests.length === 0 || (requests.length & (requests.length - 1)) !== 0)
      throw new RangeError('the requests of a null queue are a power of two');
    this.size = size;
    this.requests = requests;
    this.mask = requests.length - 1;
  }

  next(request: Request): boolean {
    const { readable, writable } = this.requests[this.taken & this.mask]!;
    this.taken = (this.taken + 1) | 0;
    request.head = 0;
    show(request.readable, readable);
    show(request.writable, writable);
    return true;
  }

  complete(): void {}

  completeDeferred(): void {}

  publish(): void {}

  rewind(): void {}

  needsCall(): boolean {
    return false;
  }

  disableKicks(): void {}

  enableKicks(): boolean {
    return false;
  }

  look(): number {
    return this.size;
  }

  hasAvailable(): boolean {
    return true;
  }

  state(): QueueState {
    return { availIdx: 0, usedIdx: 0 };
  }
}

/** Makes `list` show the elements of `other`, from the first byte on. */
function show(list: ElementList, other: ElementList): void {
  list.regions = other.regions;
  list.offsets = other.offsets;
  list.lengths = other.lengths;
  list.count = other.count;
  list.rewind();
}
