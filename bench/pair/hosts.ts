/**
 * The table of host halves: faces of the one chain reader, each with its own policy, on the same ring and load. A new
 * one is a function here and a line in the table; command line, help and tests read it. Host thread.
 */
import type { HeadQueue, HostQueue } from '../../src/host/queue.ts';
import type { SplitHostQueueOptions } from '../../src/host/split-host-queue.ts';
import { LguestQueue } from '../../src/launcher/queue.ts';
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import { slowRange } from '../../src/memory/range.ts';
import { MemoryRegion } from '../../src/memory/region.ts';
import { ORDERINGS } from '../../src/ordering/index.ts';
import { bindRing } from '../../src/ordering/ring-fields.ts';
import { featuresFromBits } from '../../src/ring/features.ts';
import { SplitRing } from '../../src/ring/split-layout.ts';
import { VhostUserQueue } from '../../src/vhost-user/queues/queue.ts';
import { ENGINES } from './engines.ts';
import type { BoundPair } from './setup.ts';

export interface Host {
  /** One line for the help text. */
  readonly summary: string;
  /** Its rings may have indirect tables and event indices. */
  readonly modern: boolean;
  /** The queue is set up by a session between the threads. */
  readonly bySession: boolean;
  make(pair: BoundPair): HostQueue;
}

const rangeOf = ({ config }: BoundPair, memory: GuestMemory) =>
  config.slowRange ? { getRange: slowRange(memory) } : {};

export function queueOptions(pair: BoundPair): SplitHostQueueOptions {
  const memory = new GuestMemory([pair.region]);
  const { ring, shared, config } = pair;
  return { ring, shared, features: config.features, memory, ...rangeOf(pair, memory) };
}

/** The kernel's, with the head-only interface that a polling host needs. */
export const vringhHost = (pair: BoundPair): HeadQueue => ENGINES[pair.config.engine].vringh(pair);

/** What the guest asked for, over what it sent: memory, addresses, features. */
function vhostUserHost(pair: BoundPair): VhostUserQueue {
  const { setup } = pair;
  if (setup === null) throw new TypeError('the session has not set up this queue');
  const { guestBase, userBase, sizeBytes, handle } = setup.regions[0]!;
  if (handle.kind !== 'memory') throw new TypeError('the memory of threads is not a file');
  const region = new MemoryRegion({ guestBase, buffer: handle.memory, sizeBytes });
  const place = (address: number) => ({ region, offset: address - userBase });
  const { size, desc, avail, used, features, availIdx, usedIdx } = setup;
  const negotiated = featuresFromBits(features);
  const places = { desc: place(desc), avail: place(avail), used: place(used) };
  const ring = new SplitRing(size, places, 'host queue', negotiated.eventIdx);
  const memory = new GuestMemory([region]);
  return new VhostUserQueue({
    ring,
    shared: bindRing(ORDERINGS[pair.config.ordering], ring),
    features: negotiated,
    memory,
    ...rangeOf(pair, memory),
    availIdx,
    usedIdx,
  });
}

export const HOSTS = {
  vringh: { summary: "the kernel's vringh", modern: true, bySession: false, make: vringhHost },
  'vhost-user': {
    summary: "libvhost-user's queue, set up by that protocol's messages between the threads",
    modern: true,
    bySession: true,
    make: vhostUserHost,
  },
  lguest: {
    summary: "the lguest Launcher's queue, as of 2007: neither --indirect nor --eventidx",
    modern: false,
    bySession: false,
    make: (pair) => new LguestQueue(queueOptions(pair)),
  },
} as const satisfies Record<string, Host>;

export type HostName = keyof typeof HOSTS;
