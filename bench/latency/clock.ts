/**
 * The clock of latency samples: nanoseconds, the same in every thread of the process. Of the clocks that Node has it
 * leaves the least behind: nothing where the engine takes the array of hrtime apart as it is made, else 32 bytes, on
 * paths that only sampled transfers take. `performance.now` counts from each thread's own start and is always boxed.
 */

/** Stamps of a trial, and trials of which the fastest counts: the first are not compiled yet. */
const TRIAL_STAMPS = 1000;
const TRIALS = 200;

export class Clock {
  private readonly baseSeconds: number;

  /** @param baseSeconds what all threads of a pair count from, so that a stamp stays exact. */
  constructor(baseSeconds: number) {
    this.baseSeconds = baseSeconds;
  }

  /** Writes nanoseconds since the base to `stamps[index]`: returned, the number would be boxed. */
  stampInto(stamps: Float64Array, index: number): void {
    const now = process.hrtime();
    stamps[index] = (now[0] - this.baseSeconds) * 1e9 + now[1];
  }

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

/** A base for clocks made from now on. */
export const clockBase = () => process.hrtime()[0];
