/**
 * How late the kernel may end the calling thread's timed sleeps. As it comes that is 50 us, which lets timers share an
 * interrupt.
 */
import { systemError } from './errors.ts';
import { lazyCalls, libc } from './libc.ts';

interface Calls {
  prctl(option: number, value: number): number;
}

const calls = lazyCalls<Calls>({ prctl: 'int prctl(int option, unsigned long value)' });

const PR_SET_TIMERSLACK = 29;

/** Nanoseconds, above 0; or 0: as it comes. */
export function setTimerSlack(slackNs: number): void {
  if (calls().prctl(PR_SET_TIMERSLACK, slackNs) !== 0) throw systemError('prctl', libc().errno());
}
