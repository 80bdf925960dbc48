/** Makes both hot halves of a split ring with each engine; their names are in `bench/axes`. Either thread. */
import type { Doorbell } from '../../src/doorbell/doorbell.ts';
import { IndirectPool } from '../../src/guest/indirect-pool.ts';
import type { GuestQueue } from '../../src/guest/queue.ts';
import type { ScatterList } from '../../src/guest/scatter-list.ts';
import { SplitVirtqueue } from '../../src/guest/split-virtqueue.ts';
import { WasmVirtqueue, type WasmVirtqueueOptions } from '../../src/guest/wasm-virtqueue.ts';
import { type HeadQueue, type HostQueue, Request } from '../../src/host/queue.ts';
import { Vringh } from '../../src/host/vringh.ts';
import { WasmVringh, type WasmVringhOptions } from '../../src/host/wasm-vringh.ts';
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import type { EngineName } from '../axes/engines.ts';
import { queueOptions } from './host-options.ts';
import type { BoundPair } from './setup.ts';

export interface GuestHalf {
  queue: GuestQueue;
  /** The list that the queue reads in place; null: any is as good. */
  elements: ScatterList | null;
}

export interface HostHalf<Queue extends HostQueue = HostQueue> {
  queue: Queue;
  /** The request whose lists the queue fills. */
  request: Request;
}

export interface EngineMaker {
  guest(pair: BoundPair, bell: Doorbell): GuestHalf;
  vringh(pair: BoundPair): HostHalf<HeadQueue>;
}

/** What the Wasm halves are made over. */
export const wasmGuestOptions = (
  { config, ring, tables, areas }: BoundPair,
  doorbell: Doorbell,
): WasmVirtqueueOptions => ({
  ...{ ring, tables, doorbell },
  privateArea: areas.guest,
  features: config.features,
});

export const wasmHostOptions = ({ config, ring, region, areas }: BoundPair): WasmVringhOptions => ({
  ring,
  privateArea: areas.host,
  features: config.features,
  memory: new GuestMemory([region]),
});

/** A request with lists of its own. */
export const requestOver = ({ region }: BoundPair): Request => new Request(new GuestMemory([region]));

export const ENGINE_MAKERS: Record<EngineName, EngineMaker> = {
  js: {
    guest: ({ config, ring, shared, tables }, doorbell) => {
      const indirectPool = new IndirectPool(tables);
      const queue = new SplitVirtqueue({ ring, shared, features: config.features, doorbell, indirectPool });
      return { queue, elements: null };
    },
    vringh: (pair) => ({ queue: new Vringh(queueOptions(pair)), request: requestOver(pair) }),
  },
  wasm: {
    guest: (pair, doorbell) => {
      const queue = new WasmVirtqueue(wasmGuestOptions(pair, doorbell));
      return { queue, elements: queue.elements };
    },
    vringh: (pair) => {
      const queue = new WasmVringh(wasmHostOptions(pair));
      return { queue, request: queue.request };
    },
  },
};
