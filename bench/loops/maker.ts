/** What makes the loops of a pair. Either thread. */
import type { Doorbell, DoorbellStrategy } from '../../src/doorbell/doorbell.ts';
import { DOORBELLS } from '../../src/doorbell/index.ts';
import type { Pace } from '../latency/pace.ts';
import type { Probe } from '../latency/round-trip.ts';
import type { BoundPair, PairConfig } from '../pair/setup.ts';
import { LookOn } from './look-on.ts';
import { type Loop, POLLS_MAX } from './loop.ts';

const SHARED_POLLS_MAX = 256;

/** What takes part in a guest's loop; there even where it does nothing, so that the loop is the same. */
export interface Timing {
  probe: Probe;
  pace: Pace;
  /** One of how many transfers the probe looks at; 0: none. */
  sampleEvery: number;
}

/** Makes of the bytes that a host has written the used length that it tells: planted by tests. */
export type Report = (writtenBytes: number) => number;

/** Neither side of the pair asks for a notification. */
export const isPolling = ({ doorbell }: Pick<PairConfig, 'doorbell'>): boolean => {
  const { polls }: DoorbellStrategy = DOORBELLS[doorbell];
  return polls === true;
};

/** Looks at nothing after which a side that polls lets its caller see whether it must stop; 0: it does not poll. */
export const pollsMaxOf = (config: Pick<PairConfig, 'doorbell' | 'apart'>): number => {
  if (!isPolling(config)) return 0;
  // Each look on a shared CPU is a turn of the peer's, or without libc a sleep.
  return config.apart ? POLLS_MAX : SHARED_POLLS_MAX;
};

/** How a side of the pair looks on; its own. */
export const lookOnOf = ({ lookUs, apart }: Pick<PairConfig, 'lookUs' | 'apart'>) => new LookOn(lookUs, !apart);

export interface LoopMaker {
  guest(pair: BoundPair, bell: Doorbell, timing: Timing): Loop;
  /** @param report null: the host tells the truth. */
  host(pair: BoundPair, bell: Doorbell, report: Report | null): Loop;
}
