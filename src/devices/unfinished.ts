/**
 * How far a request got whose bytes cannot be moved twice, while its queue is out of service: kept by the device from
 * one service to the next. On the queue's own thread. For a queue whose requests are finished in their order.
 *
 * A request is known again by its place in the used ring, its head and where its bytes lie: that of a ring that was set
 * up anew is another one. What it holds is not compared.
 */
import type { HostQueue, Request } from '../host/queue.ts';

const NONE = -1;

export class Unfinished {
  /** Its place as a used index, or NONE. */
  private usedIdx = NONE;
  private head = 0;
  private address = 0;
  private totalBytes = 0;
  private movedBytes = 0;

  /** Notes that `movedBytes` were moved of the readable bytes of a request that goes back into its ring. */
  keep(queue: HostQueue, { head, readable }: Request, movedBytes: number): void {
    if (readable.count === 0) return;
    this.usedIdx = queue.state(true).usedIdx;
    this.head = head;
    this.address = readable.addressOf(0);
    this.totalBytes = readable.totalBytes();
    this.movedBytes = movedBytes;
  }

  /** How many bytes of the request were moved by an earlier service; whatever was kept is then forgotten. */
  take(queue: HostQueue, { head, readable }: Request): number {
    if (this.usedIdx === NONE) return 0;
    const isSame =
      queue.state(true).usedIdx === this.usedIdx &&
      head === this.head &&
      readable.count > 0 &&
      readable.addressOf(0) === this.address &&
      readable.totalBytes() === this.totalBytes;
    this.forget();
    return isSame ? this.movedBytes : 0;
  }

  forget(): void {
    this.usedIdx = NONE;
  }
}
