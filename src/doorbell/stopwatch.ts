/**
 * Short times on one thread, without leaving anything behind where libc can be called: all of them stay in an array,
 * because a number that a call returns, or is called with, may be boxed.
 */
import { NANOSECONDS, readMonotonic, SECONDS, TIME_WORDS } from '../native/clock.ts';
import { whyUnavailable } from '../native/libc.ts';

const START = 0;
const NOW = 1;
const LIMIT = 2;

export class Stopwatch {
  private readonly byLibc = whyUnavailable() === null;
  private readonly time = new Int32Array(TIME_WORDS);
  /** Microseconds. */
  private readonly us = new Float64Array(3);

  restart(): void {
    this.look(START);
  }

  /** Since the last restart, microseconds. */
  elapsedUs(): number {
    this.look(NOW);
    return this.us[NOW]! - this.us[START]!;
  }

  /** What `isOver` compares with, microseconds. */
  set limitUs(limitUs: number) {
    this.us[LIMIT] = limitUs;
  }

  /** The limit has passed since the last restart. */
  isOver(): boolean {
    const { us } = this;
    this.look(NOW);
    return us[NOW]! - us[START]! >= us[LIMIT]!;
  }

  private look(at: number): void {
    const { us, time } = this;
    if (this.byLibc) {
      readMonotonic(time);
      us[at] = time[SECONDS]! * 1e6 + time[NANOSECONDS]! / 1000;
    } else us[at] = performance.now() * 1000;
  }
}
