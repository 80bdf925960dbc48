/** Writes descriptors into the ring's own table or an indirect one. Guest thread. */
import { ADDRESS_HIGH_UNIT, type MemoryRegion } from '../memory/region.ts';

/**
 * Writes one descriptor at `word` (32-bit words) of `table`.
 * @param flagsNext flags in the low 16 bits, the next index in the high ones.
 */
export function writeDescriptor(
  table: Uint32Array,
  word: number,
  region: MemoryRegion,
  offset: number,
  length: number,
  flagsNext: number,
): void {
  const address = region.guestBase + offset;
  table[word] = address; // stored modulo 2^32: the low half
  table[word + 1] = address / ADDRESS_HIGH_UNIT; // stored truncated: the high half
  table[word + 2] = length;
  table[word + 3] = flagsNext;
}
