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
import { BadGuest } from './bad-guest.ts';
import type { RequestCheck } from './strict-requests.ts';

/** Elements of length 0 pass; tables cannot come. */
export const LGUEST_POLICY: ReaderPolicy = {
  indirectWithNext: false,
  emptyElements: true,
  indirectBehindHead: false,
  elementsMax: null,
};

export interface LguestQueueOptions extends SplitHostQueueOptions {
  /** What every request must be like, beyond what makes a chain. Default: anything. */
  check?: RequestCheck;
}

const anything: RequestCheck = () => {};

export class LguestQueue extends SplitHostQueue {
  private readonly check: RequestCheck;
  private bad: BadGuest | null = null;

  /** @throws RangeError if INDIRECT_DESC or EVENT_IDX was negotiated. */
  constructor(options: LguestQueueOptions) {
    const { indirect, eventIdx } = options.features;
    if (indirect || eventIdx)
      throw new RangeError(`the launcher's queue has no ${indirect ? 'INDIRECT_DESC' : 'EVENT_IDX'}`);
    super(options, LGUEST_POLICY);
    this.check = options.check ?? anything;
  }

  /** Nothing is available, and all that was taken is completed. */
  get isIdle(): boolean {
    return this.inFlightCount === 0 && !this.hasAvailable();
  }

  /**
   * @throws RingError: of a bad request too it is the queue's last word, and `request.head` is the queue size.
   * BadGuest if the request is not as it must be: nothing more is taken then, but what is in flight can be completed.
   */
  override next(request: Request): boolean {
    if (this.bad !== null) throw this.bad;
    try {
      if (!super.next(request)) return false;
      this.check(request);
      return true;
    } catch (error) {
      if (error instanceof RingError) this.broken = error;
      else if (error instanceof BadGuest) this.bad = error;
      request.head = this.size;
      throw error;
    }
  }
}
