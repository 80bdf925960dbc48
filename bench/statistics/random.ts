/** Random numbers that come again: whoever shuffles or resamples takes its numbers from a seed. */
import { Random } from '../../src/fuzz/random.ts';

/** The largest seed. */
export const SEED_MAX = 2 ** 32 - 1;

/** Numbers from 0 up to 1, always the same for a seed. */
export function randomFrom(seed: number): () => number {
  const random = new Random(seed);
  return () => random.bits() / 2 ** 32;
}

/** Numbers of the standard normal distribution (Box & Muller, 1958). */
export function normalFrom(random: () => number): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Puts what stands from `start` to before `end` into a random order, each as likely (Fisher & Yates). */
export function shuffle(values: { [index: number]: unknown }, start: number, end: number, random: () => number): void {
  for (let last = end - 1; last > start; last--) {
    const other = start + Math.floor(random() * (last - start + 1));
    [values[last], values[other]] = [values[other], values[last]];
  }
}
