/**
 * The table of ring layouts: what each side builds over the pair's shared memory. A new one is a function here and a
 * line in the table; command line, help and tests read it. Either thread.
 */
import type { Doorbell } from '../../src/doorbell/doorbell.ts';
import { NullGuestQueue } from '../../src/guest/null-queue.ts';
import type { GuestQueue } from '../../src/guest/queue.ts';
import { NullHostQueue } from '../../src/host/null-queue.ts';
import type { HostQueue } from '../../src/host/queue.ts';
import { requestsOf } from '../workloads/shapes.ts';
import { ENGINES } from './engines.ts';
import { HOSTS } from './hosts.ts';
import type { BoundPair } from './setup.ts';

export interface Layout {
  /** One line for the help text. */
  readonly summary: string;
  /** The two sides meet, so that payloads arrive and can be checked. */
  readonly carries: boolean;
  guest(pair: BoundPair, bell: Doorbell): GuestQueue;
  host(pair: BoundPair): HostQueue;
}

export const LAYOUTS = {
  split: {
    summary: 'split virtqueue, legacy alignment',
    carries: true,
    guest: (pair, bell) => ENGINES[pair.config.engine].guest(pair, bell),
    host: (pair) => HOSTS[pair.config.host].make(pair),
  },
  null: {
    summary: "no ring, two sides that never meet: the harness's own cost; what is verified need not be right",
    carries: false,
    guest: ({ config }) => new NullGuestQueue(config.ringSize),
    host: ({ config }) => new NullHostQueue(config.ringSize, requestsOf(config)),
  },
} as const satisfies Record<string, Layout>;

export type LayoutName = keyof typeof LAYOUTS;
