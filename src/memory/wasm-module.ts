/** Wasm modules that were built beside the compiled files, bound to a shared memory. Either thread. */
import { readFileSync } from 'node:fs';
import type { SharedMemory } from './region.ts';

// The type library without the DOM lacks it: the part of it that is used.
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (
    module: object,
    imports: { env: Readonly<Record<string, Import | SharedMemory>> },
  ) => { readonly exports: unknown };
};

/** What a module calls outside of itself. */
export type Import = (value: number) => unknown;
export type Imports = Readonly<Record<string, Import>>;

/** By address; compiled once a thread, when first bound. */
const compiled = new Map<string, object>();

/** A new instance of the module at `url` over `memory`, which must be shared. Its exports, as the caller knows them. */
export function bindModule<Exports>(url: URL, memory: SharedMemory, imports: Imports = {}): Exports {
  let module = compiled.get(url.href);
  if (module === undefined) {
    module = new WebAssembly.Module(readFileSync(url));
    compiled.set(url.href, module);
  }
  return new WebAssembly.Instance(module, { env: { ...imports, memory } }).exports as Exports;
}
