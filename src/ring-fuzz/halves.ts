/** The ends under test, as a case asks for them; a test puts broken ones in their place. */
import { SplitVirtqueue, type SplitVirtqueueOptions } from '../guest/split-virtqueue.ts';
import type { SplitHostQueue, SplitHostQueueOptions } from '../host/split-host-queue.ts';
import { Vringh } from '../host/vringh.ts';
import { LguestQueue } from '../launcher/queue.ts';
import type { FaceName } from '../ring-oracle/host-oracle.ts';
import { VhostUserQueue } from '../vhost-user/queues/queue.ts';

export interface Halves {
  readonly host: Readonly<Record<FaceName, (options: SplitHostQueueOptions) => SplitHostQueue>>;
  readonly guest: (options: SplitVirtqueueOptions) => SplitVirtqueue;
}

const vhostUser = ({ state, ...options }: SplitHostQueueOptions) =>
  new VhostUserQueue({ ...options, availIdx: state?.availIdx ?? 0, usedIdx: state?.usedIdx ?? 0 });

export const HALVES: Halves = {
  host: {
    vringh: (options) => new Vringh(options),
    'vhost-user': vhostUser,
    lguest: (options) => new LguestQueue(options),
  },
  guest: (options) => new SplitVirtqueue(options),
};
