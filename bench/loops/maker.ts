/** What makes the loops of a pair. Either thread. */
import type { Doorbell } from '../../src/doorbell/doorbell.ts';
import type { Pace } from '../latency/pace.ts';
import type { Probe } from '../latency/round-trip.ts';
import type { BoundPair } from '../pair/setup.ts';
import type { Loop } from './loop.ts';

/** What takes part in a guest's loop; there even where it does nothing, so that the loop is the same. */
export interface Timing {
  probe: Probe;
  pace: Pace;
  /** One of how many transfers the probe looks at; 0: none. */
  sampleEvery: number;
}

/** Makes of the bytes that a host has written the used length that it tells: planted by tests. */
export type Report = (writtenBytes: number) => number;

export interface LoopMaker {
  guest(pair: BoundPair, bell: Doorbell, timing: Timing): Loop;
  /** @param report null: the host tells the truth. */
  host(pair: BoundPair, bell: Doorbell, report: Report | null): Loop;
}
