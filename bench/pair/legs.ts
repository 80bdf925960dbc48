/**
 * What a side runs between two meetings of the pair: one leg of the warm-up, or the measured window. Both by the same
 * calls, so that in the window no branch is taken for the first time, and nothing is compiled again. Guest or host thread.
 */

import type { Runner } from '../loops/runner.ts';
import type { Half, Side } from './half.ts';
import { partEnd } from './parts.ts';

/** Parts of a leg, in each of which the speed is taken. */
const PARTS = 10;

export class Legs {
  private readonly side: Side;
  private readonly half: Half;
  private readonly runner: Runner;
  /** Of the last leg: when it began and when each part ended, by the system's monotonic clock. */
  private readonly stamps = new BigInt64Array(PARTS + 1);

  constructor(side: Side, half: Half, runner: Runner) {
    this.side = side;
    this.half = half;
    this.runner = runner;
  }

  /** Forgets what was counted. No ring comes now: one that the leg before left would count as a wake-up without a ring. */
  reset(first: number, inWindow: boolean): void {
    const { half, runner } = this;
    half.waits.drain();
    runner.restart(inWindow ? first : null);
    half.waits.resetCounters();
    half.bell.resetCounters();
    half.loop.restart(first);
  }

  /** The transfers from number `first` on, by the side's schedule if it has one. @throws Stopped, Stalled, CheckFailed, RingError */
  async run(first: number, count: number): Promise<void> {
    const { half, runner, stamps } = this;
    stamps[0] = process.hrtime.bigint();
    half.pace.restart(first);
    if (this.side === 'host') {
      await runner.run(first + count, true);
      stamps[PARTS] = process.hrtime.bigint();
      return;
    }
    for (let part = 1; part <= PARTS; part++) {
      await runner.run(first + partEnd(count, part, PARTS), part === PARTS);
      stamps[part] = process.hrtime.bigint();
    }
  }

  /** The same as fast as it goes, whatever the schedule; the guest only. */
  async runUnpaced(first: number, count: number): Promise<void> {
    this.half.pace.release();
    for (let part = 1; part <= PARTS; part++) await this.runner.run(first + partEnd(count, part, PARTS), false);
  }

  get startNs(): bigint {
    return this.stamps[0]!;
  }

  get endNs(): bigint {
    return this.stamps[PARTS]!;
  }

  /** How long the last leg took, nanoseconds. */
  get wallNs(): number {
    return Number(this.endNs - this.startNs);
  }

  /** Transfers a second in each part of the last leg, of `count` transfers; parts without a transfer are left out. */
  speeds(count: number): number[] {
    const speeds: number[] = [];
    for (let part = 1; part <= PARTS; part++) {
      const sent = partEnd(count, part, PARTS) - partEnd(count, part - 1, PARTS);
      const ns = Number(this.stamps[part]! - this.stamps[part - 1]!);
      if (sent > 0 && ns > 0) speeds.push((sent * 1e9) / ns);
    }
    return speeds;
  }
}
