/** What a soak plants. */

/** Those of bench/pair/faults.ts, and what comes from outside: the end of a pair's process, Ctrl-C. */
export const FAULT_KINDS = [
  'throw',
  'exit',
  'silence',
  'garbage',
  'corrupt',
  'mute',
  'pause',
  'longer',
  'shorter',
  'huge',
  'kill',
  'interrupt',
] as const;
export type PlantedKind = (typeof FAULT_KINDS)[number];

/** What goes wrong on purpose. */
export interface Planted {
  readonly kind: PlantedKind;
  readonly side: 'guest' | 'host';
  /** Before which transfer, counted from the start of warm-up; of what is planted in a side. */
  readonly transfer: number;
  readonly pair: number;
  /** When, after the threads start; of what comes from outside, milliseconds. */
  readonly afterMs: number;
}
