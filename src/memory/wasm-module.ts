/** Wasm modules that were built beside the compiled files, bound to a shared memory. Either thread. */
import { readFileSync } from 'node:fs';
import type { SharedMemory } from './region.ts';

// The type library without the DOM lacks it: the part of it that is used.
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: { env: { memory: SharedMemory } }) => { readonly exports: unknown };
};

/** By address; compiled once a thread, when first bound. */
const compiled = new Map<string, object>();

/** A new instance of the module at `url` over `memory`, which must be shared. Its exports, as the caller knows them. */
export function bindModule<Exports>(url: URL, memory: SharedMemory): Exports {
  let module = compiled.get(url.href);
  if (module === undefined) {
    module = new WebAssembly.Module(readFileSync(url));
    compiled.set(url.href, module);
  }
  return new WebAssembly.Instance(module, { env: { memory } }).exports as Exports;
}
