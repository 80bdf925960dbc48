/** What tests of latency share: a clock set by hand, and samples read back one by one. */
import { Clock } from './clock.ts';
import { sumOf } from './histogram.ts';

/** Shows what it is set to; with a step, moves on by that at every look. */
export class HandClock extends Clock {
  readonly name = 'engine';
  nowNs = 0;
  stepNs = 0;

  constructor() {
    super(0);
  }

  stampInto(stamps: Float64Array, index: number): void {
    stamps[index] = this.nowNs;
    this.nowNs += this.stepNs;
  }
}

/** What was encoded, sorted; exact below 2048 ns. */
export function samplesOf(encoded: string | null): number[] {
  if (encoded === null) return [];
  const histogram = sumOf([encoded]);
  return Array.from({ length: histogram.totalCount }, (_, i) =>
    histogram.getValueAtPercentile((100 * (i + 1)) / histogram.totalCount),
  );
}
