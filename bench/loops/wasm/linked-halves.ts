/** The ring's halves as they are compiled into the modules of the loops: the same code, optimised once more. For fuzzers. */
import { type GuestEngineExports, WasmVirtqueue } from '../../../src/guest/wasm-virtqueue.ts';
import { type HostEngineExports, WasmVringh } from '../../../src/host/wasm-vringh.ts';
import type { SharedMemory } from '../../../src/memory/region.ts';
import { bindModule } from '../../../src/memory/wasm-module.ts';
import { ALL_HALVES, type Halves } from '../../../src/ring-fuzz/halves.ts';

/** What a loop calls outside; a half alone calls nothing. */
const NOTHING = () => 0;
const OUTSIDE = {
  ...{ ring: NOTHING, giveWay: NOTHING },
  ...{ sent: NOTHING, returned: NOTHING, due: NOTHING, report: NOTHING },
};

const linked =
  <Exports>(name: string) =>
  (memory: SharedMemory) =>
    bindModule<Exports>(new URL(`./${name}.wasm`, import.meta.url), memory, OUTSIDE);

export const LINKED_HALVES: Halves = {
  watched: false,
  host: {
    ...ALL_HALVES.wasm.host,
    vringh: (options) => new WasmVringh({ ...options, bind: linked<HostEngineExports>('host') }),
  },
  guest: (options) => new WasmVirtqueue({ ...options, bind: linked<GuestEngineExports>('guest') }),
};
