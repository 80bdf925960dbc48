/** Doorbell by Atomics.wait and Atomics.notify: the waiter sleeps at once. */
import type { Wake } from './doorbell.ts';
import { WordWaitSet, wordStrategy } from './words.ts';

class FutexWaitSet extends WordWaitSet {
  wait(timeoutMs: number): Wake {
    return this.sleep(timeoutMs);
  }
}

export const futex = wordStrategy(
  'futex',
  'Atomics.wait and Atomics.notify; no notify when nobody sleeps',
  (words) => new FutexWaitSet(words),
);
