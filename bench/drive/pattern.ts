/**
 * The bytes that a verifying job writes: for each sector of 512 bytes a sequence of its own, out of the seed and the
 * sector's number. So a sector that is old, that is another's, or that is only half there is found. No allocation.
 */
import { SECTOR_SIZE } from '../../src/formats/block.ts';

const SECTOR_WORDS = SECTOR_SIZE / 4;

/** No mistake was found. */
export const SAME = -1;

/** Where the sequence of a sector starts: 32 bits, never 0 (murmur3's finalizer). */
function startOf(seed: number, sector: number): number {
  let bits = (seed ^ (sector | 0) ^ Math.imul((sector / 2 ** 32) | 0, 0x9e3779b1)) | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  bits ^= bits >>> 16;
  return bits === 0 ? 1 : bits;
}

/** Writes the bytes of `sectors` sectors from `sector` on to `words` from `start` on. */
export function fillPattern(words: Int32Array, start: number, seed: number, sector: number, sectors: number): void {
  let at = start;
  for (let i = 0; i < sectors; i++) {
    let state = startOf(seed, sector + i);
    for (const end = at + SECTOR_WORDS; at < end; at++) {
      words[at] = state;
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
    }
  }
}

/** The first byte, from the first sector's start, that is not as `fillPattern` would write it, to 4; or SAME. */
export function checkPattern(words: Int32Array, start: number, seed: number, sector: number, sectors: number): number {
  let at = start;
  for (let i = 0; i < sectors; i++) {
    let state = startOf(seed, sector + i);
    for (const end = at + SECTOR_WORDS; at < end; at++) {
      if (words[at] !== state) return (at - start) * 4;
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
    }
  }
  return SAME;
}
