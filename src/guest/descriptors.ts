/** Writes descriptors into the ring's own table or an indirect one. Guest thread. */
import type { MemoryRegion } from '../memory/region.ts';

/**
 * Writes one descriptor at `word` (32-bit words) of `table`, in integers only: this is the guest's innermost step.
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
  const baseLow = region.guestBaseLow;
  const low = (baseLow + offset) | 0;
  const carry = low >>> 0 < baseLow >>> 0 ? 1 : 0;
  table[word] = low;
  table[word + 1] = region.guestBaseHigh + carry;
  table[word + 2] = length;
  table[word + 3] = flagsNext;
}
