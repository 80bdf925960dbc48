/**
 * Interrupt lines: device threads set a bit and ring, the guest's thread waits and takes one line at a time. A line
 * that is raised again before it is taken is one interrupt, as of a level that is still up; none is lost.
 *
 * Letters of pairs are the doorbell's own (E): the bit is set before the ring, and looked for after it was taken.
 */
import type { Doorbell, DoorbellStrategy, WaitSet } from '../doorbell/doorbell.ts';
import { futex } from '../doorbell/futex.ts';
import { DOORBELLS, type DoorbellName } from '../doorbell/index.ts';
import type { InterruptLines } from './guest-boot.ts';

const LINES_PER_WORD = 32;

/** A guest that waits for ever still has its turns: the machine may have been stopped. */
const WAIT_MS = 1000;

/** For lines 0 (the timer's) to `count` - 1. The guest's thread blocks while it waits. */
export function makeInterruptLines(count: number): InterruptLines {
  const words = Math.ceil(count / LINES_PER_WORD);
  return {
    pending: new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT),
    doorbell: futex.makeHandle(),
  };
}

const strategyOf = ({ doorbell }: InterruptLines): DoorbellStrategy => DOORBELLS[doorbell.strategy as DoorbellName];

/** Every wait for an interrupt, under way or to come, ends at once with 0. Any thread. */
export function stopInterrupts(lines: InterruptLines): void {
  strategyOf(lines).stop(lines.doorbell);
}

/** The raising end of one line: what a device rings to call its guest. Device threads. */
export class InterruptLine implements Doorbell {
  private readonly pending: Int32Array;
  private readonly word: number;
  private readonly bit: number;
  private readonly doorbell: Doorbell;

  /** @throws RangeError for a line that the guest does not have */
  constructor(lines: InterruptLines, line: number) {
    this.pending = new Int32Array(lines.pending);
    if (!Number.isInteger(line) || line < 1 || line >= this.pending.length * LINES_PER_WORD)
      throw new RangeError(`interrupt lines are 1 to ${this.pending.length * LINES_PER_WORD - 1}, not ${line}`);
    this.word = Math.floor(line / LINES_PER_WORD);
    this.bit = 1 << (line % LINES_PER_WORD);
    this.doorbell = strategyOf(lines).doorbell(lines.doorbell);
  }

  get rings(): number {
    return this.doorbell.rings;
  }

  get wakeSyscalls(): number {
    return this.doorbell.wakeSyscalls;
  }

  ring(): void {
    Atomics.or(this.pending, this.word, this.bit);
    this.doorbell.ring();
  }

  resetCounters(): void {
    this.doorbell.resetCounters();
  }
}

/** The taking end. The guest's thread. */
export class InterruptTaker {
  private readonly pending: Int32Array;
  private readonly waits: WaitSet;
  /** The line taken last: the search goes on behind it, so that no line starves another. */
  private last = 0;

  constructor(lines: InterruptLines) {
    this.pending = new Int32Array(lines.pending);
    this.waits = strategyOf(lines).waitSet(lines.doorbell);
  }

  /** The next pending line, no longer pending now; 0: none is. */
  take(): number {
    const { pending } = this;
    const count = pending.length * LINES_PER_WORD;
    for (let i = 1; i <= count; i++) {
      const line = (this.last + i) % count;
      if (line === 0) continue;
      const bit = 1 << (line % LINES_PER_WORD);
      const word = Math.floor(line / LINES_PER_WORD);
      if ((Atomics.load(pending, word) & bit) === 0) continue;
      Atomics.and(pending, word, ~bit);
      this.last = line;
      return line;
    }
    return 0;
  }

  /** Waits for a line and takes it; 0 after `timeoutMs`, which may be Infinity, or when the machine is stopped. */
  wait(timeoutMs: number): number {
    const end = performance.now() + Math.max(0, timeoutMs);
    for (;;) {
      if (this.waits.stopped()) return 0;
      const line = this.take();
      if (line !== 0) return line;
      const leftMs = end - performance.now();
      if (!(leftMs > 0)) return 0;
      this.waits.wait(Math.min(leftMs, WAIT_MS));
    }
  }
}
