/** The thread that sleeps for bench `notify-with-waiter`: it waits, counts the wake-ups it takes, and waits again. */
import type { DoorbellHandle } from '../../src/doorbell/doorbell.ts';
import { DOORBELLS } from '../../src/doorbell/index.ts';

/** Far longer than anybody who rings takes between two rings. */
const WAIT_MS = 60_000;

export interface WaiterTask {
  handle: DoorbellHandle;
  /** By `makeCount`. */
  count: SharedArrayBuffer;
  /** The CPU to run on, or null and why. */
  cpu: number | null;
  unpinnedReason: string;
}

/** Wake-ups taken, for both threads. */
export const makeCount = () => new SharedArrayBuffer(4);

/** Either thread's end of the count. */
export class CountingEnd {
  private readonly word: Int32Array;

  constructor(shared: SharedArrayBuffer) {
    this.word = new Int32Array(shared);
  }

  get count(): number {
    return Atomics.load(this.word, 0);
  }

  add(): void {
    Atomics.add(this.word, 0, 1);
  }

  /** Only while the waiter sleeps. */
  reset(): void {
    Atomics.store(this.word, 0, 0);
  }
}

/** Waits until the doorbell is stopped, or nobody rings any more. */
export async function takeWakeUps({ handle, count }: WaiterTask): Promise<void> {
  const waits = DOORBELLS.futex.waitSet(handle);
  const taken = new CountingEnd(count);
  while ((await waits.wait(WAIT_MS)) === 'rung') taken.add();
  waits.close();
}
