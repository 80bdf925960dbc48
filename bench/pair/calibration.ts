/**
 * What one word's way to the other CPU and back costs at this moment. On virtual machines it jumps by several times
 * when the hypervisor moves a CPU, so it is taken before and after each measured window. Both threads call it
 * together; they spin, so on one CPU there is nothing to measure.
 */

import type { SharedMemory } from '../../src/memory/region.ts';
import { bindModule } from '../../src/memory/wasm-module.ts';
import { median } from '../statistics/sample.ts';
import type { Rendezvous } from './rendezvous.ts';

/** A factor between two calibrations from which the machine was in two modes. */
export const MODE_FACTOR = 1.5;

/** Some milliseconds in all: the first batches, not optimised yet, do not reach the median. */
const BATCHES = 101;
const BOUNCES = 500;
/**
 * Looks of one calibration after which the other thread is not running beside us, and the result is not a crossing.
 * Five hundred a bounce, several times what one takes: threads that take turns on one CPU look in vain for a time slice at each.
 */
const LOOKS_MAX = 500 * BATCHES * BOUNCES;

/** The word that is bounced: in a memory that Wasm can import, on lines of its own. */
export interface Ball {
  memory: SharedMemory;
  /** Bytes from the memory's start. */
  offset: number;
}

interface Exports {
  bounce(ball: number, serving: number, bounces: number, looks: number): number;
}

const MODULE = new URL('./bounce.wasm', import.meta.url);

/** One batch over the ball: on the serving (1) or the returning side (0). Returns the looks left; 0: no answer came. */
export function bindBounce({ memory, offset }: Ball): (serving: number, bounces: number, looks: number) => number {
  const { bounce } = bindModule<Exports>(MODULE, memory);
  return (serving, bounces, looks) => bounce(offset, serving, bounces, looks);
}

/** The median round trip of the ball in nanoseconds, or null if the threads did not run at the same time. */
export function calibrate(rendezvous: Rendezvous, ball: Ball, serving: boolean): number | null {
  const bounce = bindBounce(ball);
  const roundTrips: number[] = [];
  if (serving) Atomics.store(new Int32Array(ball.memory.buffer, ball.offset, 1), 0, 0);
  rendezvous.meet();
  let looks = LOOKS_MAX;
  for (let batch = 0; batch < BATCHES && looks > 0; batch++) {
    const start = process.hrtime.bigint();
    looks = bounce(Number(serving), BOUNCES, looks);
    roundTrips.push(Number(process.hrtime.bigint() - start) / BOUNCES);
  }
  rendezvous.meet();
  if (looks === 0) return null;
  return median(roundTrips);
}
