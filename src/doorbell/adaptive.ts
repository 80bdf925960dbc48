/**
 * Doorbell that looks for a while, then sleeps. How long it looks adapts as a hypervisor's halt polling does: a sleep
 * so short that looking longer would have avoided it doubles the time; a long one, which no looking would have
 * avoided, halves it.
 *
 * Where both threads share one CPU, looking would only keep the peer from ringing: it hands the CPU over instead, which
 * costs less than a sleep and a wake-up, and sleeps once the peer had its turns and did not ring. Without libc it
 * sleeps at once.
 */
import { cpuYield } from '../native/scheduler.ts';
import type { DoorbellStrategy, WaitOptions, Wake } from './doorbell.ts';
import { Stopwatch } from './stopwatch.ts';
import { RUNG, STATE, WordWaitSet, wordStrategy } from './words.ts';

/** Looks between two at the clock. */
const LOOKS = 32;
/** The first time above none, microseconds; half of it is none. */
const SPIN_MIN_US = 2;
/** Turns that the peer gets on a shared CPU before the wait sleeps. */
const TURNS_MAX = 8;

class AdaptiveWaitSet extends WordWaitSet {
  private readonly maxUs: number;
  private currentUs: number;
  private readonly stopwatch = new Stopwatch();

  constructor(words: Int32Array, maxUs: number) {
    super(words);
    this.maxUs = maxUs;
    this.currentUs = maxUs;
  }

  override get spinUs(): number {
    return this.currentUs;
  }

  wait(timeoutMs: number): Wake {
    const { words, stopwatch } = this;
    stopwatch.restart();
    const spinUs = Math.min(this.currentUs, timeoutMs * 1000);
    if (spinUs > 0) {
      do {
        for (let i = 0; i < LOOKS; i++) if (Atomics.load(words, STATE) === RUNG) return this.take();
        this.spins += LOOKS;
      } while (stopwatch.elapsedUs() < spinUs);
    }
    const wake = this.sleep(timeoutMs);
    if (this.maxUs > 0) this.adapt(stopwatch.elapsedUs());
    return wake;
  }

  /** After a wait that had to sleep and took `waitedUs` in all. */
  private adapt(waitedUs: number): void {
    if (waitedUs > this.maxUs) this.currentUs = this.currentUs <= SPIN_MIN_US ? 0 : this.currentUs / 2;
    else this.currentUs = Math.min(this.maxUs, Math.max(SPIN_MIN_US, this.currentUs * 2));
  }
}

class YieldingWaitSet extends WordWaitSet {
  private readonly yieldCpu: () => number;

  constructor(words: Int32Array, yieldCpu: () => number) {
    super(words);
    this.yieldCpu = yieldCpu;
  }

  wait(timeoutMs: number): Wake {
    const { words } = this;
    const turns = timeoutMs > 0 ? TURNS_MAX : 0;
    for (let i = 0; i < turns; i++) {
      if (Atomics.load(words, STATE) === RUNG) return this.take();
      this.spins++;
      this.yieldCpu();
    }
    return this.sleep(timeoutMs);
  }
}

class SleepingWaitSet extends WordWaitSet {
  wait(timeoutMs: number): Wake {
    return this.sleep(timeoutMs);
  }
}

function waitSet(words: Int32Array, { spinUs, yields }: WaitOptions): WordWaitSet {
  if (!yields) return new AdaptiveWaitSet(words, spinUs);
  const yieldCpu = cpuYield();
  return yieldCpu === null ? new SleepingWaitSet(words) : new YieldingWaitSet(words, yieldCpu);
}

export const adaptive: DoorbellStrategy = {
  ...wordStrategy(
    'adaptive',
    'looks for up to --spin-us, adapting as halt polling does (on one CPU: hands that over), then sleeps as futex',
    waitSet,
  ),
  handsOver: () => cpuYield() !== null,
};
