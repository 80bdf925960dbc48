/** What every host half in TypeScript is made over. Host thread. */
import type { SplitHostQueueOptions } from '../../src/host/split-host-queue.ts';
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import { slowRange } from '../../src/memory/range.ts';
import type { BoundPair } from './setup.ts';

export const rangeOf = ({ config }: BoundPair, memory: GuestMemory) =>
  config.slowRange ? { getRange: slowRange(memory) } : {};

export function queueOptions(pair: BoundPair): SplitHostQueueOptions {
  const memory = new GuestMemory([pair.region]);
  const { ring, shared, config } = pair;
  return { ring, shared, features: config.features, memory, ...rangeOf(pair, memory) };
}
