/**
 * The ends under test, as a case asks for them: a line in the table for each pair of implementations. A test puts broken
 * ones in their place.
 */
import { IndirectPool, type IndirectPoolOptions } from '../guest/indirect-pool.ts';
import type { ScatterList } from '../guest/scatter-list.ts';
import { SplitVirtqueue, type SplitVirtqueueOptions } from '../guest/split-virtqueue.ts';
import { WasmVirtqueue } from '../guest/wasm-virtqueue.ts';
import type { Request } from '../host/queue.ts';
import type { SplitHostQueue, SplitHostQueueOptions } from '../host/split-host-queue.ts';
import { Vringh } from '../host/vringh.ts';
import { WasmVringh } from '../host/wasm-vringh.ts';
import { LguestQueue } from '../launcher/queue.ts';
import type { PrivateArea } from '../memory/private-area.ts';
import type { FaceName } from '../ring-oracle/host-oracle.ts';
import { VhostUserQueue } from '../vhost-user/queues/queue.ts';

/** What callers see of either; an engine may have a request, or elements, of its own that it fills and reads in place. */
export type HostHalf = Pick<SplitHostQueue, keyof SplitHostQueue> & { readonly request?: Request };
export type GuestHalf = Pick<SplitVirtqueue, keyof SplitVirtqueue> & { readonly elements?: ScatterList };

interface ForEngines {
  /** For code that has memory itself. */
  readonly privateArea: PrivateArea;
}

export type HostHalfOptions = SplitHostQueueOptions & ForEngines;
export interface GuestHalfOptions extends Omit<SplitVirtqueueOptions, 'indirectPool'>, ForEngines {
  readonly doorbell: NonNullable<SplitVirtqueueOptions['doorbell']>;
  readonly tables?: IndirectPoolOptions;
}

export interface Halves {
  /**
   * They read and write through the views they are given, so that each access is seen and their peer may act at any of
   * them. Else (code that has memory itself) it acts between calls alone, and what they read is not checked.
   */
  readonly watched: boolean;
  readonly host: Readonly<Record<FaceName, (options: HostHalfOptions) => HostHalf>>;
  readonly guest: (options: GuestHalfOptions) => GuestHalf;
}

const vhostUser = ({ state, ...options }: HostHalfOptions) =>
  new VhostUserQueue({ ...options, availIdx: state?.availIdx ?? 0, usedIdx: state?.usedIdx ?? 0 });

/** With the pool that it takes tables from. */
export const virtqueueOptions = ({ tables, ...options }: GuestHalfOptions): SplitVirtqueueOptions =>
  tables === undefined ? options : { ...options, indirectPool: new IndirectPool(tables) };

const TYPESCRIPT: Halves = {
  watched: true,
  host: {
    vringh: (options) => new Vringh(options),
    'vhost-user': vhostUser,
    lguest: (options) => new LguestQueue(options),
  },
  guest: (options) => new SplitVirtqueue(virtqueueOptions(options)),
};

/** The other faces have no engine: TypeScript again, unwatched. */
const WASM: Halves = {
  watched: false,
  host: { ...TYPESCRIPT.host, vringh: (options) => new WasmVringh(options) },
  guest: (options) => new WasmVirtqueue(options),
};

/** What the fuzzer plays its cases on, in turn. */
export const ALL_HALVES = { typescript: TYPESCRIPT, wasm: WASM } as const satisfies Record<string, Halves>;
