/**
 * Doorbell that looks for a while, then sleeps. How long it looks adapts as a hypervisor's halt polling does.
 *
 * Where both threads share one CPU, looking would only keep the peer from ringing: it hands the CPU over instead, which
 * costs less than a sleep and a wake-up, and sleeps once the peer had its turns and did not ring. A third program on
 * that CPU gets turns, too, of milliseconds, where a sleeper would be woken into the middle of them: when one did, the
 * next waits sleep at once, more of them each time. Without libc all do.
 */
import { cpuYield } from '../native/scheduler.ts';
import type { DoorbellStrategy, WaitOptions, Wake } from './doorbell.ts';
import { HaltPolling } from './halt-polling.ts';
import { Stopwatch } from './stopwatch.ts';
import { RUNG, STATE, WordWaitSet, wordStrategy } from './words.ts';

/** Looks between two at the clock. */
const LOOKS = 32;
/** Turns that the peer gets on a shared CPU before the wait sleeps. */
const TURNS_MAX = 8;
/** A wait on a shared CPU from which on others than the peer had turns, microseconds: longer than rings take. */
const HANDED_OVER_MAX_US = 500;
/** Waits after one of those that sleep at once: as many at first, and at most. */
const SLEEPS_MIN = 16;
const SLEEPS_MAX = 1024;

class AdaptiveWaitSet extends WordWaitSet {
  private readonly adapts: boolean;
  private readonly looking: HaltPolling;
  private readonly stopwatch = new Stopwatch();

  constructor(words: Int32Array, maxUs: number) {
    super(words);
    this.adapts = maxUs > 0;
    this.looking = new HaltPolling(maxUs);
  }

  override get spinUs(): number {
    return this.looking.currentUs;
  }

  wait(timeoutMs: number): Wake {
    const { words, stopwatch } = this;
    const { currentUs } = this.looking;
    stopwatch.restart();
    stopwatch.limitUs = Math.min(currentUs, timeoutMs * 1000);
    if (currentUs > 0 && timeoutMs > 0) {
      do {
        for (let i = 0; i < LOOKS; i++) if (Atomics.load(words, STATE) === RUNG) return this.take();
        this.spins += LOOKS;
      } while (!stopwatch.isOver());
    }
    const wake = this.sleep(timeoutMs);
    if (this.adapts) this.looking.waited(stopwatch.elapsedUs());
    return wake;
  }
}

/** Exported for its test. */
export class YieldingWaitSet extends WordWaitSet {
  private readonly yieldCpu: () => number;
  private readonly stopwatch = new Stopwatch();
  /** Waits to come that sleep at once, and how many will the next time. */
  private sleepsLeft = 0;
  private sleepsNext = SLEEPS_MIN;

  constructor(words: Int32Array, yieldCpu: () => number) {
    super(words);
    this.yieldCpu = yieldCpu;
  }

  wait(timeoutMs: number): Wake {
    if (this.sleepsLeft > 0) {
      this.sleepsLeft--;
      return this.sleep(timeoutMs);
    }
    if (timeoutMs > 0 && Atomics.load(this.words, STATE) !== RUNG) this.handOver();
    return this.sleep(timeoutMs);
  }

  /** Until rung, but not for longer than the peer should need. */
  private handOver(): void {
    const { words, stopwatch } = this;
    stopwatch.limitUs = HANDED_OVER_MAX_US;
    stopwatch.restart();
    for (let turn = 0; turn < TURNS_MAX; turn++) {
      this.spins++;
      this.yieldCpu();
      if (Atomics.load(words, STATE) === RUNG) break;
    }
    if (stopwatch.isOver()) {
      this.sleepsLeft = this.sleepsNext;
      this.sleepsNext = Math.min(SLEEPS_MAX, 2 * this.sleepsNext);
    } else {
      this.sleepsNext = Math.max(SLEEPS_MIN, this.sleepsNext - 1);
    }
  }
}

class SleepingWaitSet extends WordWaitSet {
  wait(timeoutMs: number): Wake {
    return this.sleep(timeoutMs);
  }
}

function waitSet(words: Int32Array, { spinUs, yields }: WaitOptions): WordWaitSet {
  if (!yields) return new AdaptiveWaitSet(words, spinUs);
  const yieldCpu = spinUs > 0 ? cpuYield() : null;
  return yieldCpu === null ? new SleepingWaitSet(words) : new YieldingWaitSet(words, yieldCpu);
}

export const adaptive: DoorbellStrategy = {
  ...wordStrategy(
    'adaptive',
    'looks for up to --spin-us, adapting as halt polling does (on one CPU: hands that over), then sleeps as futex',
    waitSet,
  ),
  looks: true,
  looksFirst: true,
  handsOver: (spinUs) => spinUs > 0 && cpuYield() !== null,
};
