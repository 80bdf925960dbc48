/**
 * A doorbell whose every ring costs a fixed time more, as one that leaves a virtual machine does. The time is burnt by
 * a counted loop, calibrated when it is made: a clock that is read at every ring would allocate.
 */
import type { Doorbell } from './doorbell.ts';

const NS_PER_MS = 1e6;
const CALIBRATION_ROUNDS = 5;
const CALIBRATION_TURNS = 200_000;

/** One turn is an atomic load, whose cost does not depend on how well the loop around it is compiled. */
function burn(word: Int32Array, turns: number): void {
  for (let i = 0; i < turns; i++) Atomics.load(word, 0);
}

/** Nanoseconds a turn, the fastest of a few rounds: the first ones are not compiled yet. */
function turnNs(word: Int32Array): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < CALIBRATION_ROUNDS; round++) {
    const start = performance.now();
    burn(word, CALIBRATION_TURNS);
    best = Math.min(best, ((performance.now() - start) * NS_PER_MS) / CALIBRATION_TURNS);
  }
  return best;
}

export class CostlyDoorbell implements Doorbell {
  private readonly inner: Doorbell;
  private readonly turns: number;
  private readonly word = new Int32Array(new SharedArrayBuffer(4));

  constructor(inner: Doorbell, costNs: number) {
    this.inner = inner;
    this.turns = Math.round(costNs / turnNs(this.word));
  }

  get rings(): number {
    return this.inner.rings;
  }

  get wakeSyscalls(): number {
    return this.inner.wakeSyscalls;
  }

  ring(): void {
    burn(this.word, this.turns);
    this.inner.ring();
  }

  resetCounters(): void {
    this.inner.resetCounters();
  }
}
