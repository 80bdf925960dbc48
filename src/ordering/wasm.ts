/**
 * Ordering by the atomic instructions of a small Wasm module (`shared-fields.wat`) over the region's shared memory:
 * the guarantees of `seqcst`, by calls that the engine compiles to the instruction itself. Either thread.
 */
import { readFileSync } from 'node:fs';
import type { MemoryRegion, SharedMemory } from '../memory/region.ts';
import type { Ordering, SharedFields } from './ordering.ts';

interface Exports {
  load16(address: number): number;
  store16(address: number, value: number): void;
  fence(): void;
}

// The type library without the DOM lacks it: the part of it that is used.
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: { env: { memory: SharedMemory } }) => { readonly exports: Exports };
};

let compiled: object | null = null;

/** The assembled module; compiled once a thread, when first bound. */
function module(): object {
  compiled ??= new WebAssembly.Module(readFileSync(new URL('./shared-fields.wasm', import.meta.url)));
  return compiled;
}

class WasmFields implements SharedFields {
  private readonly base: number;
  private readonly exports: Exports;

  constructor(region: MemoryRegion, memory: SharedMemory) {
    this.base = region.byteOffset;
    this.exports = new WebAssembly.Instance(module(), { env: { memory } }).exports;
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
