/**
 * What one word's way to the other CPU and back costs at this moment. On virtual machines it jumps by several times
 * when the hypervisor moves a CPU, so it is taken before and after each measured window. Both threads call it
 * together; they spin, so on one CPU there is nothing to measure.
 */
import { median } from '../statistics/sample.ts';
import type { Rendezvous } from './rendezvous.ts';

/** A factor between two calibrations from which the machine was in two modes. */
export const MODE_FACTOR = 1.5;

/** Some milliseconds in all: the first batches, not compiled yet, do not reach the median. */
const BATCHES = 101;
const BOUNCES = 500;
/**
 * Looks of one calibration after which the other thread is not running beside us, and the result is not a crossing.
 * Five hundred a bounce, several times what one takes: threads that take turns on one CPU look in vain for a time slice at each.
 */
const LOOKS_MAX = 500 * BATCHES * BOUNCES;

/** Spins until the ball shows `value`, and returns the looks that are left of `looks`; 0: none. */
function awaitBall(words: Int32Array, ball: number, value: number, looks: number): number {
  for (let left = looks; left > 0; left--) if (Atomics.load(words, ball) === value) return left;
  return 0;
}

/** One batch on the serving (guest) or returning (host) side. Returns the looks left; 0: the other did not answer. */
function bounce(words: Int32Array, ball: number, serving: boolean, looks: number): number {
  let left = looks;
  for (let i = 0; i < BOUNCES && left > 0; i++) {
    if (serving) Atomics.store(words, ball, 1);
    left = awaitBall(words, ball, serving ? 2 : 1, left);
    if (!serving && left > 0) Atomics.store(words, ball, 2);
  }
  return left;
}

/** The median round trip of the ball in nanoseconds, or null if the threads did not run at the same time. */
export function calibrate(rendezvous: Rendezvous, serving: boolean): number | null {
  const { words, ball } = rendezvous;
  const roundTrips: number[] = [];
  if (serving) Atomics.store(words, ball, 0);
  rendezvous.meet();
  let looks = LOOKS_MAX;
  for (let batch = 0; batch < BATCHES && looks > 0; batch++) {
    const start = process.hrtime.bigint();
    looks = bounce(words, ball, serving, looks);
    roundTrips.push(Number(process.hrtime.bigint() - start) / BOUNCES);
  }
  rendezvous.meet();
  if (looks === 0) return null;
  return median(roundTrips);
}
