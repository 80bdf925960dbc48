/** Both halves of a ring on either engine, for the tests that hold for both; and memory with room for either. */
import type { Doorbell } from './doorbell/doorbell.ts';
import { IndirectPool, type IndirectPoolOptions, NO_TABLE } from './guest/indirect-pool.ts';
import { SplitVirtqueue, type SplitVirtqueueOptions } from './guest/split-virtqueue.ts';
import { WasmVirtqueue } from './guest/wasm-virtqueue.ts';
import type { SplitHostQueueOptions } from './host/split-host-queue.ts';
import { Vringh } from './host/vringh.ts';
import { WasmVringh } from './host/wasm-vringh.ts';
import { PrivateArea } from './memory/private-area.ts';
import { allocateShared, MemoryRegion, type SharedMemory } from './memory/region.ts';

export type Engine = 'js' | 'wasm';
export const ENGINES: readonly Engine[] = ['js', 'wasm'];

let current: Engine = 'js';

/** Tests imported from now on run on `engine`: a file of tests runs on the other one by being imported again. */
export function useEngine(engine: Engine): void {
  current = engine;
}

/** What tests run on if they do not say. */
export const engineInUse = (): Engine => current;

/** Where the next private area of a memory starts: behind its regions. */
const privateFrom = new WeakMap<SharedMemory, number>();

/** Regions of `sizeBytes` each, at these guest addresses, in one memory with `privateBytes` behind them. */
export function makeRegions(guestBases: readonly number[], sizeBytes: number, privateBytes = 2 ** 23): MemoryRegion[] {
  const buffer = allocateShared(guestBases.length * sizeBytes + privateBytes);
  privateFrom.set(buffer, guestBases.length * sizeBytes);
  return guestBases.map(
    (guestBase, i) => new MemoryRegion({ guestBase, buffer, byteOffset: i * sizeBytes, sizeBytes }),
  );
}

export const makeRegion = (guestBase: number, sizeBytes: number): MemoryRegion =>
  makeRegions([guestBase], sizeBytes)[0]!;

/** The next private area of a region's memory. */
export function nextArea({ memory }: MemoryRegion, sizeBytes: number): PrivateArea {
  const byteOffset = privateFrom.get(memory!)!;
  privateFrom.set(memory!, byteOffset + sizeBytes);
  return new PrivateArea({ memory: memory!, byteOffset, sizeBytes });
}

export interface GuestOptions extends Omit<SplitVirtqueueOptions, 'indirectPool'> {
  doorbell: Doorbell;
  tables?: IndirectPoolOptions;
}

/** A guest's queue, and how many of its tables are free. */
export function makeGuest(options: GuestOptions, engine = current) {
  const { tables, ...rest } = options;
  if (engine === 'wasm') {
    const privateArea = nextArea(
      options.ring.places.desc.region,
      WasmVirtqueue.privateBytes(options.ring.size, tables?.tableCount),
    );
    const queue = new WasmVirtqueue({ ...options, privateArea });
    return { queue, freeTables: () => queue.freeTables };
  }
  const pool = tables === undefined ? null : new IndirectPool(tables);
  const queue = new SplitVirtqueue(pool === null ? rest : { ...rest, indirectPool: pool });
  return { queue, freeTables: () => (pool === null || !options.features.indirect ? 0 : countFree(pool)) };
}

function countFree(pool: IndirectPool): number {
  const taken: number[] = [];
  for (let table = pool.take(); table !== NO_TABLE; table = pool.take()) taken.push(table);
  for (const table of taken.reverse()) pool.give(table);
  return taken.length;
}

/** A host's queue. Engine wasm has whole ranges only. */
export function makeVringh(options: SplitHostQueueOptions, engine = current): Vringh | WasmVringh {
  if (engine === 'js') return new Vringh(options);
  const { ring, memory } = options;
  const privateBytes = WasmVringh.privateBytes(ring.size, memory.regions.length);
  return new WasmVringh({ ...options, privateArea: nextArea(ring.places.desc.region, privateBytes) });
}
