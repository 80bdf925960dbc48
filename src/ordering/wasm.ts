/**
 * Ordering by the atomic instructions of a small Wasm module (`shared-fields.wat`) over the region's shared memory:
 * the guarantees of `seqcst`, by calls that the engine compiles to the instruction itself. Either thread.
 */
import type { MemoryRegion, SharedMemory } from '../memory/region.ts';
import { bindModule } from '../memory/wasm-module.ts';
import type { Ordering, SharedFields } from './ordering.ts';

interface Exports {
  load16(address: number): number;
  store16(address: number, value: number): void;
  fence(): void;
}

const MODULE = new URL('./shared-fields.wasm', import.meta.url);

class WasmFields implements SharedFields {
  private readonly base: number;
  private readonly exports: Exports;

  constructor(region: MemoryRegion, memory: SharedMemory) {
    this.base = region.byteOffset;
    this.exports = bindModule<Exports>(MODULE, memory);
  }

  load16(offset: number): number {
    return this.exports.load16(this.base + offset);
  }

  store16(offset: number, value: number): void {
    this.exports.store16(this.base + offset, value);
  }

  fence(): void {
    this.exports.fence();
  }
}

export const wasm: Ordering = {
  name: 'wasm',
  summary: 'atomic instructions of a small Wasm module, and its atomic.fence',
  sound: true,
  /** @throws TypeError over a region that is not made of shared memory (`allocateShared`). */
  bind(region) {
    if (region.memory === null) throw new TypeError('ordering wasm needs a region made of shared memory');
    return new WasmFields(region, region.memory);
  },
};
