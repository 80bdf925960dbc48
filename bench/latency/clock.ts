/**
 * The clocks of latency samples: nanoseconds, the same in every thread of the process. A stamp goes straight into a
 * typed array: returned, the number would be boxed.
 */
import { NANOSECONDS, readMonotonic, SECONDS, TIME_WORDS } from '../../src/native/clock.ts';
import { whyUnavailable } from '../../src/native/libc.ts';

/** Stamps of a trial, and trials of which the fastest counts: the first are not compiled yet. */
const TRIAL_STAMPS = 1000;
const TRIALS = 200;

export abstract class Clock {
  /** Its name in records. */
  abstract readonly name: 'libc' | 'engine';
  protected readonly baseSeconds: number;

  /** @param baseSeconds what all threads of a pair count from, so that a stamp stays exact. */
  constructor(baseSeconds: number) {
    this.baseSeconds = baseSeconds;
  }

  /** Writes nanoseconds since the base to `stamps[index]`. */
  abstract stampInto(stamps: Float64Array, index: number): void;

  /** What one stamp costs on this thread, nanoseconds. Every interval between two stamps is too long by about it. */
  costNs(): number {
    const stamps = new Float64Array(TRIAL_STAMPS);
    let best = Number.POSITIVE_INFINITY;
    for (let trial = 0; trial < TRIALS; trial++) {
      for (let i = 0; i < TRIAL_STAMPS; i++) this.stampInto(stamps, i);
      best = Math.min(best, (stamps[TRIAL_STAMPS - 1]! - stamps[0]!) / (TRIAL_STAMPS - 1));
    }
    return best;
  }
}

/** libc's: leaves nothing behind. */
export class LibcClock extends Clock {
  readonly name = 'libc';
  private readonly time = new Int32Array(TIME_WORDS);

  stampInto(stamps: Float64Array, index: number): void {
    readMonotonic(this.time);
    stamps[index] = (this.time[SECONDS]! - this.baseSeconds) * 1e9 + this.time[NANOSECONDS]!;
  }
}

/**
 * The engine's, where libc's cannot be had. Of those that Node has it leaves the least behind: nothing where the array
 * of hrtime is taken apart as it is made, else 32 bytes. `performance.now` counts from each thread's own start.
 */
export class EngineClock extends Clock {
  readonly name = 'engine';

  stampInto(stamps: Float64Array, index: number): void {
    const now = process.hrtime();
    stamps[index] = (now[0] - this.baseSeconds) * 1e9 + now[1];
  }
}

/** The better one of those that can be had here. */
export function openClock(baseSeconds: number): Clock {
  return clockAllocates() ? new EngineClock(baseSeconds) : new LibcClock(baseSeconds);
}

/** Looks at the clock leave garbage behind. */
export const clockAllocates = () => whyUnavailable() !== null;

/**
 * Seconds by which a base lies before the clocks that count from it. Less than three seconds in nanoseconds are a small
 * integer of the engine: code that was optimised for those is thrown away in the third second, with all the loops
 * that it is compiled into.
 */
const HEAD_START_S = 4;

/** A base for clocks made from now on; both count from the same start. */
export const clockBase = () => process.hrtime()[0] - HEAD_START_S;
