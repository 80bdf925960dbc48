/**
 * A guest in Wasm. The guest's thread. It imports from `env` what it wants of
 *
 *     memory                             shared, of the machine's size: declare it with a maximum of 65536 pages
 *     notify(address: i32)
 *     wait(timeoutMs: i32) -> i32        below 0: for ever
 *     set_status(device: i32, status: i32)
 *     halt(reason: i32)                  0: all is well; else the address of a NUL-terminated text
 *
 * and exports `main(devicePage: i32, ramBytes: i32)`. A memory of its own is bounded (`wasm-bound.ts`).
 */
import type { Guest } from '../guest.ts';
import { boundMemories } from './wasm-bound.ts';

// The engine has it, the type library without the DOM does not: the parts of it that are used.
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: { env: Record<string, unknown> }) => { readonly exports: { main?: unknown } };
};

/** As much of a reason's text as is read, bytes. */
const REASON_BYTES_MAX = 1024;

/** Returns when the guest's `main` does. @throws what the engine throws for a module that is no guest, or traps */
export function runWasm(code: Uint8Array, guest: Guest): void {
  const bytes = new Uint8Array(guest.memory.buffer);
  const textAt = (address: number): string => {
    const text = bytes.slice(address, address + REASON_BYTES_MAX);
    const end = text.indexOf(0);
    return new TextDecoder().decode(end < 0 ? text : text.subarray(0, end));
  };
  const env = {
    memory: guest.memory,
    notify: (address: number) => guest.notify(address >>> 0),
    wait: (timeoutMs: number) => guest.waitForInterrupt(timeoutMs < 0 ? Infinity : timeoutMs),
    set_status: (device: number, status: number) => guest.setStatus(device >>> 0, status >>> 0),
    halt: (reason: number) => (reason === 0 ? guest.halt() : guest.halt(textAt(reason >>> 0))),
  };
  const { main } = new WebAssembly.Instance(new WebAssembly.Module(boundMemories(code)), { env }).exports;
  if (typeof main !== 'function') throw new TypeError('a Wasm guest exports a function main');
  main(guest.devicePage, guest.ramBytes);
}
