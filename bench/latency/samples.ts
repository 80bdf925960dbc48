/** Samples of one kind of latency: taken into a typed array in the window, made a histogram behind it. */
import { encodedHistogram } from './histogram.ts';

/** The most samples a window keeps of a kind: memory does not depend on the number of transfers. */
const SAMPLES_MAX = 2 ** 20;

/** Of how many events one is sampled: `wanted`, or more where `events` would give more samples than are kept. */
export function strideOf(wanted: number, events: number): number {
  return Math.max(wanted, Math.ceil(events / SAMPLES_MAX));
}

/** Begin and end of each sample, as stamped; subtracted behind the window. */
export class Samples {
  readonly begins: Float64Array;
  readonly ends: Float64Array;
  /** How many samples there is room for. */
  readonly capacity: number;

  /** Room for one sample of each `stride` of `events`, and one more for where the counting begins. */
  constructor(events: number, stride: number) {
    this.capacity = Math.min(SAMPLES_MAX, Math.ceil(events / stride)) + 1;
    // Filled, so that the kernel finds their pages now: at the first write to each it would in the window.
    this.begins = new Float64Array(this.capacity).fill(0);
    this.ends = new Float64Array(this.capacity).fill(0);
  }

  /** The first `count` samples as an encoded histogram; null if there are none. */
  encoded(count: number): string | null {
    if (count === 0) return null;
    return encodedHistogram(this.ends.subarray(0, count).map((end, i) => end - this.begins[i]!));
  }
}
