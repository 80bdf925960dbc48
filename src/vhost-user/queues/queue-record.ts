/**
 * What a queue's thread leaves when it dies: which entries of the available ring it took, and which of their heads are
 * still in flight. The queue's thread writes it as it goes, in memory that threads share; once that thread is gone, the
 * session's thread asks where the ring can go on.
 *
 * An index says one thing alone: everything before it is done. Requests may be finished in another order. So what is
 * told is the lowest index behind which no entry was used: what is in flight before the last used one is lost, and
 * nothing is done twice. With an in-flight area nothing is lost: it names heads, and the next start goes by it.
 */
import type { HeadRecord } from '../../host/split-host-queue.ts';

/** Words of `stand`: the next entry to take, and how many of those before it this service took, up to a ring full. */
const AVAIL_IDX = 0;
const TAKEN_COUNT = 1;
const STAND_BYTES = 4;

export class QueueRecord implements HeadRecord {
  /** By available index: the head taken there. */
  readonly taken: Uint16Array;
  /** By head: 0 unless it is in flight. */
  readonly inFlight: Uint8Array;
  private readonly stand: Uint16Array;
  private readonly mask: number;

  /** Over `bytes(size)` bytes, all zeros for a queue that begins. */
  constructor(size: number, buffer: SharedArrayBuffer) {
    this.mask = size - 1;
    this.stand = new Uint16Array(buffer, 0, STAND_BYTES / 2);
    this.taken = new Uint16Array(buffer, STAND_BYTES, size);
    this.inFlight = new Uint8Array(buffer, STAND_BYTES + 2 * size, size);
  }

  static bytes(size: number): number {
    return STAND_BYTES + 3 * size;
  }

  /** Service begins with the entry at `availIdx`; none of those before it can be handed back. */
  begin(availIdx: number): void {
    this.stand[TAKEN_COUNT] = 0;
    this.stand[AVAIL_IDX] = availIdx;
  }

  /** An entry was taken; `availIdx` is the next one. */
  take(availIdx: number): void {
    const { stand } = this;
    stand[AVAIL_IDX] = availIdx;
    if (stand[TAKEN_COUNT]! <= this.mask) stand[TAKEN_COUNT]!++;
  }

  /** The last `count` entries are available again; `availIdx` is the next one. */
  giveBack(count: number, availIdx: number): void {
    this.stand[TAKEN_COUNT] = Math.max(0, this.stand[TAKEN_COUNT]! - count);
    this.stand[AVAIL_IDX] = availIdx;
  }

  /** The lowest available index from which on no entry was used. */
  resumeAt(): number {
    const { stand, taken, inFlight, mask } = this;
    const seen = new Set<number>();
    let idx = stand[AVAIL_IDX]!;
    for (let left = stand[TAKEN_COUNT]!; left > 0; left--) {
      const before = (idx - 1) & 0xffff;
      const head = taken[before & mask]!;
      // A head that stands there twice was used in between.
      if (inFlight[head] === 0 || seen.has(head)) break;
      seen.add(head);
      idx = before;
    }
    return idx;
  }
}
