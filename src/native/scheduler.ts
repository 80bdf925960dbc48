/** What the calling thread asks of the kernel's scheduler. */
import { lazyCalls, whyUnavailable } from './libc.ts';

interface Calls {
  sched_yield(): number;
}

const calls = lazyCalls<Calls>({ sched_yield: 'int sched_yield(void)' });

/**
 * A function that lets the other threads run that are ready for this thread's CPU, and returns when it is this one's
 * turn again; null where libc cannot be called. It never fails and allocates nothing.
 */
export function cpuYield(): (() => number) | null {
  return whyUnavailable() === null ? calls().sched_yield : null;
}
