/**
 * A device side with no ring behind it: there is always one more request, and it is empty. Host thread. It costs what
 * the loop around a queue costs; its peer is `NullGuestQueue`, which it never meets.
 */
import type { HostQueue, QueueState, Request } from './queue.ts';

export class NullHostQueue implements HostQueue {
  readonly size: number;

  constructor(size: number) {
    this.size = size;
  }

  next(request: Request): boolean {
    request.head = 0;
    request.readable.reset();
    request.writable.reset();
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

  hasAvailable(): boolean {
    return true;
  }

  state(): QueueState {
    return { availIdx: 0, usedIdx: 0 };
  }
}
