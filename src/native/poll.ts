/**
 * Waiting for a descriptor, bounded by libc's poll. The waits allocate nothing: their clock is libc's, into a buffer,
 * because a number from the engine's clock is an object.
 *
 *     struct pollfd   int descriptor | short events | short revents
 */
import { constants } from 'node:os';
import { NANOSECONDS, readMonotonic, SECONDS, TIME_WORDS } from './clock.ts';
import { systemError } from './errors.ts';
import { lazyCalls, libc } from './libc.ts';

interface Calls {
  poll(descriptors: Int32Array, count: number, timeoutMs: number): number;
}

const calls = lazyCalls<Calls>({
  poll: 'int poll(void *descriptors, unsigned long count, int timeout)',
});

const { EINTR } = constants.errno;
const POLLIN = 1;
/** The largest int: a wait of 24 days. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1;

const polled = new Int32Array(2);
const started = new Int32Array(TIME_WORDS);
const now = new Int32Array(TIME_WORDS);

/**
 * Waits until `descriptor` can be read, closed at its other end or fails: true; false after `timeoutMs`. The bound is
 * rounded up to whole milliseconds, so that a short wait is not none; at 0 and below it only looks. Signals do not end it.
 */
export function waitReadable(descriptor: number, timeoutMs: number): boolean {
  const { poll } = calls();
  if (timeoutMs > 0) readMonotonic(started);
  for (let leftMs = timeoutMs; ; ) {
    polled[0] = descriptor;
    polled[1] = POLLIN;
    const ready = poll(polled, 1, Math.max(0, Math.min(Math.ceil(leftMs), TIMEOUT_MAX_MS)));
    if (ready >= 0) return ready > 0;
    const errno = libc().errno();
    if (errno !== EINTR) throw systemError('poll', errno);
    leftMs = timeoutMs > 0 ? timeoutMs - elapsedMs() : 0;
  }
}

/**
 * Waits for any of several descriptors: `entries` has two words for each, its number (below 0: none) and the events,
 * whose upper 16 bits then say which have come. A signal ends the wait, too.
 */
export function waitForAny(entries: Int32Array, timeoutMs: number): void {
  if (calls().poll(entries, entries.length / 2, timeoutMs) >= 0) return;
  const errno = libc().errno();
  if (errno !== EINTR) throw systemError('poll', errno);
  for (let i = 1; i < entries.length; i += 2) entries[i]! &= 0xffff;
}

/** Since `started`. */
function elapsedMs(): number {
  readMonotonic(now);
  const seconds = now[SECONDS]! - started[SECONDS]!;
  return seconds * 1000 + (now[NANOSECONDS]! - started[NANOSECONDS]!) / 1e6;
}
