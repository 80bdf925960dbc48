/**
 * The ways to wait for a doorbell that are explored, by name. The clock stands still, so that what they keep from one
 * wait to the next never changes: otherwise no two states would be equal.
 */
import { adaptive, YieldingWaitSet } from '../../src/doorbell/adaptive.ts';
import type { DoorbellHandle, WaitSet } from '../../src/doorbell/doorbell.ts';
import { futex } from '../../src/doorbell/futex.ts';
import { wordsOf } from '../../src/doorbell/words.ts';
import { CheckerError } from './side-graph.ts';

/** `futex`; `adaptive` on a CPU that it shares, and on one of its own. */
export type WaitName = 'sleeps' | 'hands-over' | 'looks';

/** How long each wait of `looks` looks, microseconds: one round of looks. */
const LOOKS_US = 2;

const WAITS: Readonly<Record<WaitName, (handle: DoorbellHandle) => WaitSet>> = {
  sleeps: (handle) => futex.waitSet(handle),
  'hands-over': (handle) => stopped(new YieldingWaitSet(wordsOf(handle), () => 0), 0),
  looks: (handle) => stopped(adaptive.waitSet(handle, { spinUs: LOOKS_US, yields: false }), LOOKS_US),
};

export const waitSet = (name: WaitName, handle: DoorbellHandle): WaitSet => WAITS[name](handle);

/** With a stopwatch that always shows the same. */
function stopped(waits: WaitSet, us: number): WaitSet {
  if (!Object.hasOwn(waits, 'stopwatch')) throw new CheckerError('there is no stopwatch');
  const stopwatch = { limitUs: 0, restart: () => {}, elapsedUs: () => us, isOver: () => us >= stopwatch.limitUs };
  return Object.assign(waits, { stopwatch });
}
