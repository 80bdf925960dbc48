/** Makes the loops in Wasm. Either thread. */
import type { LoopMaker } from '../maker.ts';
import { WasmGuestLoop } from './guest-loop.ts';
import { WasmHostLoop } from './host-loop.ts';

export const wasmLoops: LoopMaker = {
  guest: (pair, bell, timing) => new WasmGuestLoop(pair, bell, timing),
  host: (pair, bell, report) => new WasmHostLoop(pair, bell, report),
};
