/** What cases for either half are made of alike. */
import type { Random } from '../fuzz/random.ts';

export const SIZES = [1, 2, 4, 8, 8, 16, 64];
export const START_INDICES = [0, 0, 1, 32767, 65530, 65535];

/** An index that the peer asks to be told at: soon, or whatever. */
export const anyEvent = (random: Random, startIndex: number): number =>
  random.oneIn(4) ? random.below(65536) : (startIndex + random.below(8) - 1) & 0xffff;
