/**
 * The ends under test, as a case asks for them: a line in the table for each pair of implementations. A test puts broken
 * ones in their place.
 */
import { SplitVirtqueue, type SplitVirtqueueOptions } from '../guest/split-virtqueue.ts';
import type { SplitHostQueue, SplitHostQueueOptions } from '../host/split-host-queue.ts';
import { Vringh } from '../host/vringh.ts';
import { LguestQueue } from '../launcher/queue.ts';
import type { FaceName } from '../ring-oracle/host-oracle.ts';
import { VhostUserQueue } from '../vhost-user/queues/queue.ts';

/** What callers see of either. */
export type HostHalf = Pick<SplitHostQueue, keyof SplitHostQueue>;
export type GuestHalf = Pick<SplitVirtqueue, keyof SplitVirtqueue>;

export interface Halves {
  /**
   * They read and write through the views they are given, so that each access is seen and their peer may act at any of
   * them. Else (code that has memory itself) it acts between calls alone, and what they read is not checked.
   */
  readonly watched: boolean;
  readonly host: Readonly<Record<FaceName, (options: SplitHostQueueOptions) => HostHalf>>;
  readonly guest: (options: SplitVirtqueueOptions) => GuestHalf;
}

const vhostUser = ({ state, ...options }: SplitHostQueueOptions) =>
  new VhostUserQueue({ ...options, availIdx: state?.availIdx ?? 0, usedIdx: state?.usedIdx ?? 0 });

const HALVES: Halves = {
  watched: true,
  host: {
    vringh: (options) => new Vringh(options),
    'vhost-user': vhostUser,
    lguest: (options) => new LguestQueue(options),
  },
  guest: (options) => new SplitVirtqueue(options),
};

/** What the fuzzer plays its cases on, in turn. */
export const ALL_HALVES = { watched: HALVES, unwatched: { ...HALVES, watched: false } } as const satisfies Record<
  string,
  Halves
>;
