/** Random numbers that come again: whoever shuffles or resamples takes its numbers from a seed. */

/** The largest seed. */
export const SEED_MAX = 2 ** 32 - 1;

/** Numbers from 0 up to 1, always the same for a seed: the generator known as mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Puts what stands from `start` to before `end` into a random order, each as likely (Fisher & Yates). */
export function shuffle(values: { [index: number]: unknown }, start: number, end: number, random: () => number): void {
  for (let last = end - 1; last > start; last--) {
    const other = start + Math.floor(random() * (last - start + 1));
    [values[last], values[other]] = [values[other], values[last]];
  }
}
