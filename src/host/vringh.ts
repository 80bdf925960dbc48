/**
 * The device side of a split virtqueue: the kernel's `vringh.c` in behaviour, its known slips left out. Host thread.
 *
 * A complete device, one that answers each request with its own bytes, is this loop:
 *
 *     for (let wake: Wake = 'rung'; wake === 'rung'; ) {
 *       if (vringh.next(request)) {
 *         const length = request.readable.pull(buffer, 0, buffer.length);
 *         vringh.complete(request, request.writable.push(buffer, 0, length));
 *         continue;
 *       }
 *       if (vringh.needsCall()) bell.ring();
 *       if (!vringh.enableKicks()) continue;
 *       wake = await waits.wait(timeoutMs);
 *       vringh.disableKicks();
 *     }
 *
 * One difference shows in counts: without EVENT_IDX the kernel's answers that the guest must be called also when nothing
 * was completed since it answered last. A call for nothing is of no use: `needsCall` is true once for what was completed.
 *
 * What it shares with the other faces stands in `SplitHostQueue`; here is the kernel's own interface.
 */
import { VRINGH_POLICY } from './chain-reader.ts';
import type { ElementList } from './element-list.ts';
import { NO_HEAD, notTaken, SplitHostQueue, type SplitHostQueueOptions } from './split-host-queue.ts';

export type VringhOptions = SplitHostQueueOptions;

/** @throws RangeError unless `used` holds `count` pairs. */
export function checkPairs(used: Uint32Array, count: number): void {
  if (!(Number.isInteger(count) && count >= 0 && 2 * count <= used.length))
    throw new RangeError(`${count} requests to be completed, in an array of ${used.length} words`);
}

export class Vringh extends SplitHostQueue {
  constructor(options: VringhOptions) {
    super(options, VRINGH_POLICY);
  }

  /**
   * The kernel's interface: appends the next request's elements to the lists and returns its head, or NO_HEAD.
   * A list left out (null): an element of that kind is a RingError of the request, whose head is then in `lastHead`.
   */
  getdesc(readable: ElementList | null, writable: ElementList | null): number {
    const head = this.takeHead();
    if (head !== NO_HEAD) this.reader.read(head, readable, writable);
    return head;
  }

  /**
   * Completes `count` requests at once: pairs of head and written bytes, as used elements are laid out. The entries
   * may wrap around the end of the used ring; the guest sees all or none of them.
   * @throws RangeError, nothing changed, if one of them is not to be completed, or stands twice.
   */
  completeMulti(used: Uint32Array, count: number): void {
    if (this.broken !== null) throw this.broken;
    checkPairs(used, count);
    for (let i = 0; i < count; i++) {
      if (this.claim(used[2 * i]!)) continue;
      for (let j = 0; j < i; j++) this.unclaim(used[2 * j]!);
      throw notTaken(used[2 * i]!);
    }
    for (let i = 0; i < count; i++) this.writeUsed(used[2 * i]!, used[2 * i + 1]!);
    this.publish();
  }
}
