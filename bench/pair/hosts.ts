/**
 * The table of host halves: faces of the one chain reader, each with its own policy, on the same ring and load. A new
 * one is a function here and a line in the table; command line, help and tests read it. Host thread.
 */
import type { SplitHostQueue, SplitHostQueueOptions } from '../../src/host/split-host-queue.ts';
import { Vringh } from '../../src/host/vringh.ts';
import { LguestQueue } from '../../src/launcher/queue.ts';
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import { slowRange, wholeRange } from '../../src/memory/range.ts';
import type { BoundPair } from './setup.ts';

export interface Host {
  /** One line for the help text. */
  readonly summary: string;
  /** Its rings may have indirect tables and event indices. */
  readonly modern: boolean;
  make(pair: BoundPair): SplitHostQueue;
}

function queueOptions({ config, region, ring, shared }: BoundPair): SplitHostQueueOptions {
  const memory = new GuestMemory([region]);
  const getRange = config.slowRange ? slowRange(memory) : wholeRange(memory);
  return { ring, shared, features: config.features, memory, getRange };
}

/** The kernel's, with the head-only interface that a polling host needs. */
export const vringhHost = (pair: BoundPair): Vringh => new Vringh(queueOptions(pair));

export const HOSTS = {
  vringh: { summary: "the kernel's vringh", modern: true, make: vringhHost },
  lguest: {
    summary: "the lguest Launcher's queue, as of 2007: neither --indirect nor --eventidx",
    modern: false,
    make: (pair) => new LguestQueue(queueOptions(pair)),
  },
} as const satisfies Record<string, Host>;

export type HostName = keyof typeof HOSTS;
