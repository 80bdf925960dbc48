/** Short times on one thread, without leaving anything behind where libc can be called. */
import { NANOSECONDS, readMonotonic, SECONDS, TIME_WORDS } from '../native/clock.ts';
import { whyUnavailable } from '../native/libc.ts';

export class Stopwatch {
  private readonly byLibc = whyUnavailable() === null;
  private readonly time = new Int32Array(TIME_WORDS);
  private readonly start = new Float64Array(1);

  restart(): void {
    this.start[0] = this.nowUs();
  }

  /** Since the last restart, microseconds. */
  elapsedUs(): number {
    return this.nowUs() - this.start[0]!;
  }

  private nowUs(): number {
    if (!this.byLibc) return performance.now() * 1000;
    readMonotonic(this.time);
    return this.time[SECONDS]! * 1e6 + this.time[NANOSECONDS]! / 1000;
  }
}
