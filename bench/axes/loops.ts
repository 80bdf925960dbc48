/** Loops: what each side's loop, with its workload, is made with. Names; `bench/loops` has them. Any thread. */

export const LOOPS = {
  js: { summary: 'TypeScript, over the interfaces that every device and driver uses' },
  wasm: { summary: 'in one WebAssembly module with the ring; engine wasm' },
} as const;

export type LoopName = keyof typeof LOOPS;
