/**
 * Doorbell that looks for a while, then sleeps. How long it looks adapts as a hypervisor's halt polling does: a sleep
 * so short that looking longer would have avoided it doubles the time; a long one, which no looking would have
 * avoided, halves it. Where both threads share one CPU looking is useless, and it sleeps at once.
 */
import type { WaitOptions, Wake } from './doorbell.ts';
import { RUNG, STATE, WordWaitSet, wordStrategy } from './words.ts';

/** Looks between two at the clock. */
const LOOKS = 32;
/** The first time above none, microseconds; half of it is none. */
const SPIN_MIN_US = 2;

class AdaptiveWaitSet extends WordWaitSet {
  private readonly maxUs: number;
  private currentUs: number;

  constructor(words: Int32Array, options: WaitOptions) {
    super(words);
    this.maxUs = options.yields ? 0 : options.spinUs;
    this.currentUs = this.maxUs;
  }

  override get spinUs(): number {
    return this.currentUs;
  }

  wait(timeoutMs: number): Wake {
    const words = this.words;
    const start = performance.now();
    const spinMs = Math.min(this.currentUs / 1000, timeoutMs);
    if (spinMs > 0) {
      do {
        for (let i = 0; i < LOOKS; i++) if (Atomics.load(words, STATE) === RUNG) return this.take();
        this.spins += LOOKS;
      } while (performance.now() - start < spinMs);
    }
    const wake = this.sleep(timeoutMs);
    if (this.maxUs > 0) this.adapt((performance.now() - start) * 1000);
    return wake;
  }

  /** After a wait that had to sleep and took `waitedUs` in all. */
  private adapt(waitedUs: number): void {
    if (waitedUs > this.maxUs) this.currentUs = this.currentUs <= SPIN_MIN_US ? 0 : this.currentUs / 2;
    else this.currentUs = Math.min(this.maxUs, Math.max(SPIN_MIN_US, this.currentUs * 2));
  }
}

export const adaptive = wordStrategy(
  'adaptive',
  'looks for up to --spin-us, adapting as halt polling does, then sleeps as futex',
  (words, options) => new AdaptiveWaitSet(words, options),
);
