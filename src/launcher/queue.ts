/**
 * The launcher's queue: a face of the split host queue with the rules of lguest's Launcher. Serving thread.
 *
 * Its rings are of 2007: no indirect tables, no event indices. A guest that breaks any rule, of one request or of the
 * ring, is a bad guest: the queue ends with the number that was wrong, and whoever runs the guest stops it.
 */
import type { ReaderPolicy } from '../host/chain-reader.ts';
import type { Request } from '../host/queue.ts';
import { SplitHostQueue, type SplitHostQueueOptions } from '../host/split-host-queue.ts';
import { RingError } from '../ring/errors.ts';

/** Elements of length 0 pass; tables cannot come. */
export const LGUEST_POLICY: ReaderPolicy = {
  indirectWithNext: false,
  emptyElements: true,
  indirectBehindHead: false,
  elementsMax: null,
};

export type LguestQueueOptions = SplitHostQueueOptions;

export class LguestQueue extends SplitHostQueue {
  /** @throws RangeError if INDIRECT_DESC or EVENT_IDX was negotiated. */
  constructor(options: LguestQueueOptions) {
    const { indirect, eventIdx } = options.features;
    if (indirect || eventIdx)
      throw new RangeError(`the launcher's queue has no ${indirect ? 'INDIRECT_DESC' : 'EVENT_IDX'}`);
    super(options, LGUEST_POLICY);
  }

  /** @throws RingError: of a bad request too it is the queue's last word, and `request.head` is the queue size. */
  override next(request: Request): boolean {
    try {
      return super.next(request);
    } catch (error) {
      if (error instanceof RingError) this.broken = error;
      request.head = this.size;
      throw error;
    }
  }
}
