/**
 * Doorbell by looking again and again: nothing sleeps, nothing is woken, a CPU is burnt. Where both threads share one
 * CPU the waiter yields between looks, or its peer would wait for the end of its time slice; without libc by the
 * shortest sleep there is, which is a long one.
 */
import type { DoorbellStrategy, WaitOptions, Wake } from './doorbell.ts';
import { type GiveWay, giveWay } from './give-way.ts';
import { RUNG, STATE, WordWaitSet, wordStrategy } from './words.ts';

/** Looks between two at the clock and the stop word. */
const LOOKS = 256;
/** Looks before the CPU is yielded: while this thread has it, nobody rings. */
const LOOKS_BEFORE_YIELD = 1;
/** The same before a sleep. */
const LOOKS_BEFORE_SLEEP = 16;
/** Yields between two looks at the clock and the stop word. */
const YIELDS = 16;

class SpinWaitSet extends WordWaitSet {
  private readonly looks: number;
  private readonly giveWay: GiveWay | null;
  /** Times it looks, and gives way, between two looks at the clock. */
  private readonly turns: number;

  constructor(words: Int32Array, looks: number, giveWay: GiveWay | null, turns: number) {
    super(words);
    this.looks = looks;
    this.giveWay = giveWay;
    this.turns = turns;
  }

  wait(timeoutMs: number): Wake {
    const { words, giveWay } = this;
    let deadline = 0;
    for (;;) {
      for (let turn = 0; turn < this.turns; turn++) {
        for (let i = 0; i < this.looks; i++) if (Atomics.load(words, STATE) === RUNG) return this.take();
        this.spins += this.looks;
        if (giveWay !== null) giveWay.give();
      }
      if (this.stopped()) return 'stopped';
      const now = performance.now();
      if (deadline === 0) deadline = now + timeoutMs;
      else if (now >= deadline) return this.take();
    }
  }
}

export function spinWaitSet(words: Int32Array, { yields }: WaitOptions): SpinWaitSet {
  if (!yields) return new SpinWaitSet(words, LOOKS, null, 1);
  const way = giveWay();
  return way.yields
    ? new SpinWaitSet(words, LOOKS_BEFORE_YIELD, way, YIELDS)
    : new SpinWaitSet(words, LOOKS_BEFORE_SLEEP, way, 1);
}

export const spin: DoorbellStrategy = {
  ...wordStrategy('spin', 'looks until rung, never sleeps; on one CPU it yields', spinWaitSet),
  looks: true,
  handsOver: () => giveWay().yields,
};
