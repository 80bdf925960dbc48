/**
 * Doorbell by looking again and again: nothing sleeps, nothing is woken, a CPU is burnt. Where both threads share one
 * CPU the waiter yields between looks, or its peer would wait for the end of its time slice.
 */
import type { WaitOptions, Wake } from './doorbell.ts';
import { RUNG, STATE, WordWaitSet, wordStrategy } from './words.ts';

/** Looks between two at the clock and the stop word. */
const LOOKS = 256;
/** Looks before the CPU is yielded, and for how long: the shortest sleep there is. */
const LOOKS_BEFORE_YIELD = 16;
const YIELD_MS = 0.001;

class SpinWaitSet extends WordWaitSet {
  private readonly looks: number;
  private readonly yields: boolean;
  private readonly nobody = new Int32Array(new SharedArrayBuffer(4));

  constructor(words: Int32Array, options: WaitOptions) {
    super(words);
    this.yields = options.yields;
    this.looks = options.yields ? LOOKS_BEFORE_YIELD : LOOKS;
  }

  wait(timeoutMs: number): Wake {
    const words = this.words;
    let deadline = 0;
    for (;;) {
      for (let i = 0; i < this.looks; i++) if (Atomics.load(words, STATE) === RUNG) return this.take();
      this.spins += this.looks;
      if (this.stopped()) return 'stopped';
      const now = performance.now();
      if (deadline === 0) deadline = now + timeoutMs;
      else if (now >= deadline) return this.take();
      if (this.yields) Atomics.wait(this.nobody, 0, 0, YIELD_MS);
    }
  }
}

export const spin = wordStrategy(
  'spin',
  'looks until rung, never sleeps; on one CPU it yields',
  (words, options) => new SpinWaitSet(words, options),
);
