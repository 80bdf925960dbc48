/**
 * libc's monotonic clock, read into a buffer: unlike the engine's clocks it leaves nothing behind.
 *
 *     struct timespec   long seconds | long nanoseconds
 */
import { lazyCalls } from './libc.ts';

interface Calls {
  clock_gettime(clock: number, time: Int32Array): number;
}

const calls = lazyCalls<Calls>({ clock_gettime: 'int clock_gettime(int clock, void *time)' });

const CLOCK_MONOTONIC = 1;

/** Words of a time that is read into. */
export const TIME_WORDS = 4;
/** Of these the low words are enough for times since the machine's start. */
export const SECONDS = 0;
export const NANOSECONDS = 2;

/** Reads the time since the machine's start into `time`, of TIME_WORDS words. */
export function readMonotonic(time: Int32Array): void {
  calls().clock_gettime(CLOCK_MONOTONIC, time);
}
