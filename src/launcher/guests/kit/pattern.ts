/**
 * The words that a place on a disk holds: out of a seed and the place alone, so that data that is old, another's or
 * only half there is found. No allocation.
 */

const SECTOR_SIZE = 512;
const SECTOR_WORDS = SECTOR_SIZE / 4;
const STEP = 0x9e3779b1;

/** No mistake was found. */
export const SAME = -1;

/** Where the words of a sector start: 32 bits (the finalizer of murmur3, over both halves of its number). */
function startOf(seed: number, sector: number): number {
  let bits = (seed ^ Math.imul(sector | 0, STEP) ^ Math.imul(Math.floor(sector / 2 ** 32) + 1, 0x27d4eb2f)) | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}

/** Words of `sectors` sectors from `sector` on, into `words` from `start` on. */
export function fillPattern(words: Int32Array, start: number, seed: number, sector: number, sectors: number): void {
  for (let i = 0, at = start; i < sectors; i++) {
    let word = startOf(seed, sector + i);
    for (const end = at + SECTOR_WORDS; at < end; at++) {
      words[at] = word;
      word = (word + STEP) | 0;
    }
  }
}

/** The first byte, counted from the first sector's, of a word that `fillPattern` would not have written; or SAME. */
export function checkPattern(words: Int32Array, start: number, seed: number, sector: number, sectors: number): number {
  for (let i = 0, at = start; i < sectors; i++) {
    let word = startOf(seed, sector + i);
    for (const end = at + SECTOR_WORDS; at < end; at++) {
      if (words[at] !== word) return 4 * (at - start);
      word = (word + STEP) | 0;
    }
  }
  return SAME;
}
