/** Makes what each side has of each ring layout; their names are in `bench/axes`. Either thread. */
import type { Doorbell } from '../../src/doorbell/doorbell.ts';
import { NullGuestQueue } from '../../src/guest/null-queue.ts';
import { NullHostQueue } from '../../src/host/null-queue.ts';
import type { LayoutName } from '../axes/layouts.ts';
import { requestsOf } from '../loops/js/shapes.ts';
import { ENGINE_MAKERS, type GuestHalf, type HostHalf, requestOver } from './engines.ts';
import { HOST_MAKERS } from './hosts.ts';
import type { BoundPair } from './setup.ts';

export interface LayoutMaker {
  guest(pair: BoundPair, bell: Doorbell): GuestHalf;
  host(pair: BoundPair): HostHalf;
}

export const LAYOUT_MAKERS: Record<LayoutName, LayoutMaker> = {
  split: {
    guest: (pair, bell) => ENGINE_MAKERS[pair.config.engine].guest(pair, bell),
    host: (pair) => HOST_MAKERS[pair.config.host](pair),
  },
  null: {
    guest: ({ config }) => ({ queue: new NullGuestQueue(config.ringSize), elements: null }),
    host: (pair) => ({
      queue: new NullHostQueue(pair.config.ringSize, requestsOf(pair.config)),
      request: requestOver(pair),
    }),
  },
};
