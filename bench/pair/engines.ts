/**
 * The table of engines: what the two hot halves, the guest's split virtqueue and the host's vringh, are made with. A
 * new one is an entry here; command line, help and tests read it. Either thread.
 */
import type { Doorbell } from '../../src/doorbell/doorbell.ts';
import { IndirectPool } from '../../src/guest/indirect-pool.ts';
import type { GuestQueue } from '../../src/guest/queue.ts';
import { SplitVirtqueue } from '../../src/guest/split-virtqueue.ts';
import { WasmVirtqueue } from '../../src/guest/wasm-virtqueue.ts';
import { type HeadQueue, type HostQueue, Request } from '../../src/host/queue.ts';
import { Vringh } from '../../src/host/vringh.ts';
import { WasmVringh } from '../../src/host/wasm-vringh.ts';
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import type { OrderingName } from '../../src/ordering/index.ts';
import type { Slots } from '../workloads/slots.ts';
import { queueOptions } from './hosts.ts';
import type { BoundPair, PairConfig } from './setup.ts';

/** What an engine may refuse. */
type Refusable = Pick<PairConfig, 'layout' | 'host' | 'ordering' | 'slowRange'>;

/** By option: why its value is refused, or null. */
export const WASM_REFUSALS = {
  layout: ({ layout }) => (layout === 'split' ? null : ` ${layout}: its halves are those of a split ring`),
  host: ({ host }) => (host === 'vringh' ? null : ` ${host}: its host half is vringh`),
  ordering: ({ ordering }) => (ordering === 'wasm' ? null : ` ${ordering}: its shared fields are Wasm's own atomics`),
  'slow-range': ({ slowRange }) => (slowRange ? ': it translates by whole regions' : null),
} as const satisfies Record<string, (config: Refusable) => string | null>;

function refusedByWasm(config: Refusable): string | null {
  for (const [name, refusal] of Object.entries(WASM_REFUSALS)) {
    const why = refusal(config);
    if (why !== null) return `--${name}${why}`;
  }
  return null;
}

export interface Engine {
  /** One line for the help text. */
  readonly summary: string;
  /** The one ordering it has; null: any. */
  readonly ordering: OrderingName | null;
  /** What of a configuration it cannot run with, and why; or null. */
  refuses?(config: Refusable): string | null;
  guest(pair: BoundPair, bell: Doorbell): GuestQueue;
  vringh(pair: BoundPair): HeadQueue;
}

export const ENGINES: Record<'js' | 'wasm', Engine> = {
  js: {
    summary: 'JavaScript',
    ordering: null,
    guest: ({ config, ring, shared, tables }, doorbell) => {
      const indirectPool = new IndirectPool(tables);
      return new SplitVirtqueue({ ring, shared, features: config.features, doorbell, indirectPool });
    },
    vringh: (pair) => new Vringh(queueOptions(pair)),
  },
  wasm: {
    summary: 'WebAssembly, with ordering wasm: layout split, host vringh, whole ranges',
    ordering: 'wasm',
    refuses: refusedByWasm,
    guest: ({ config, ring, tables, areas }, doorbell) =>
      new WasmVirtqueue({ ring, privateArea: areas.guest, features: config.features, doorbell, tables }),
    vringh: ({ config, ring, region, areas }) =>
      new WasmVringh({
        ring,
        privateArea: areas.host,
        features: config.features,
        memory: new GuestMemory([region]),
      }),
  },
};

export type EngineName = keyof typeof ENGINES;

/** The list that an engine reads in place, for the guest to describe its transfers in. */
export const slotsOf = ({ slots }: BoundPair, queue: GuestQueue): Slots =>
  queue instanceof WasmVirtqueue ? { ...slots, elements: queue.elements } : slots;

/** The request whose lists an engine fills in place, else a new one. */
export const requestOf = ({ region }: BoundPair, queue: HostQueue): Request =>
  queue instanceof WasmVringh ? queue.request : new Request(new GuestMemory([region]));
