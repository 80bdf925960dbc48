/**
 * What one word's way to the other CPU and back costs at this moment. On virtual machines it jumps by several times
 * when the hypervisor moves a CPU, so it is taken before and after each measured window. Both threads call it
 * together; they spin, so on one CPU there is nothing to measure.
 */
import type { Rendezvous } from './rendezvous.ts';

/** A factor between two calibrations from which the machine was in two modes. */
export const MODE_FACTOR = 1.5;

/** Some milliseconds in all: the first batches, not compiled yet, do not reach the median. */
const BATCHES = 101;
const BOUNCES = 500;
/** Looks in vain after which the other thread is not running beside us, and the result is not a crossing. */
const LOOKS_MAX = 20_000_000;

/** Spins until the ball shows `value`. False: not within the bound. */
function awaitBall(words: Int32Array, ball: number, value: number): boolean {
  for (let i = 0; i < LOOKS_MAX; i++) if (Atomics.load(words, ball) === value) return true;
  return false;
}

/** One batch on the serving (guest) or returning (host) side. False: the other thread did not answer in time. */
function bounce(words: Int32Array, ball: number, serving: boolean): boolean {
  for (let i = 0; i < BOUNCES; i++) {
    if (serving) Atomics.store(words, ball, 1);
    if (!awaitBall(words, ball, serving ? 2 : 1)) return false;
    if (!serving) Atomics.store(words, ball, 2);
  }
  return true;
}

/** The median round trip of the ball in nanoseconds, or null if the threads did not run at the same time. */
export function calibrate(rendezvous: Rendezvous, serving: boolean): number | null {
  const { words, ball } = rendezvous;
  const roundTrips: number[] = [];
  if (serving) Atomics.store(words, ball, 0);
  rendezvous.meet();
  let together = true;
  for (let batch = 0; batch < BATCHES && together; batch++) {
    const start = process.hrtime.bigint();
    together = bounce(words, ball, serving);
    roundTrips.push(Number(process.hrtime.bigint() - start) / BOUNCES);
  }
  rendezvous.meet();
  if (!together) return null;
  return roundTrips.sort((a, b) => a - b)[BATCHES >> 1]!;
}
