/** Doorbell by Atomics.waitAsync: the wait is a promise, and the waiter's event loop goes on meanwhile. */
import { waitAsync } from './atomics-async.ts';
import type { Wake } from './doorbell.ts';
import { ASLEEP, IDLE, STATE, WordWaitSet, wordStrategy } from './words.ts';

/** The longest period a timer can have. */
const FOREVER_MS = 2 ** 31 - 1;

class AsyncWaitSet extends WordWaitSet {
  wait(timeoutMs: number): Wake | Promise<Wake> {
    if (this.stopped()) return 'stopped';
    if (Atomics.compareExchange(this.words, STATE, IDLE, ASLEEP) !== IDLE) return this.take();
    return this.sleepAsync(timeoutMs);
  }

  private async sleepAsync(timeoutMs: number): Promise<Wake> {
    const { words } = this;
    // A pending waitAsync alone, its bound included, does not keep the event loop alive.
    const alive = setInterval(() => {}, FOREVER_MS);
    try {
      // As in `sleep`: the late notify of a ring taken earlier does not end this wait.
      for (let waited: 'ok' | 'not-equal' | 'timed-out' = 'ok'; waited === 'ok'; )
        if (Atomics.load(words, STATE) !== ASLEEP) break;
        else waited = await waitAsync(words, STATE, ASLEEP, timeoutMs).value;
      return this.take();
    } finally {
      clearInterval(alive);
    }
  }
}

export const waitAsyncDoorbell = wordStrategy(
  'wait-async',
  'Atomics.waitAsync: the wait is a promise, the event loop stays alive',
  (words) => new AsyncWaitSet(words),
);
