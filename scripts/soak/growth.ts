/** Whether resident memory grows: after each step, against the middle of the first ones; and its slope. */

/** Steps whose middle is what the process needs; before them the engine and its pools are still being set up. */
const FIRST = 20;
/** What may come on top, bytes: pools that grew once, code, arrays that nobody has collected yet. */
export const GROWTH_BYTES_MAX = 512 * 2 ** 20;
/** And for each step: koffi keeps some 60 KiB of every thread that called libc, for good; a step has up to six. */
export const STEP_BYTES_MAX = 256 * 2 ** 10;

/** After so many the slope is known to some tens of KiB, and a slow leak is seen. */
const SLOPE_STEPS = 300;

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

export class Growth {
  private readonly bytes: number[] = [];

  /** What is more than may be, or null. */
  take(residentBytes: number): string | null {
    this.bytes.push(residentBytes);
    const { length } = this.bytes;
    // A single step may need much for a moment: the middle of as many says what stays.
    if (length < 2 * FIRST) return null;
    const grown = median(this.bytes.slice(-FIRST)) - median(this.bytes.slice(0, FIRST));
    if (grown > GROWTH_BYTES_MAX + length * STEP_BYTES_MAX) return `memory grew by ${grown} bytes`;
    const slope = length < SLOPE_STEPS ? null : this.slope;
    return slope !== null && slope > STEP_BYTES_MAX ? `memory grows by ${Math.round(slope)} bytes a run` : null;
  }

  get peakBytes(): number {
    return this.bytes.reduce((most, bytes) => Math.max(most, bytes), 0);
  }

  /** Bytes a step by least squares over all steps but the first; null with too few for a line. */
  get slope(): number | null {
    const taken = this.bytes.slice(FIRST);
    if (taken.length < FIRST) return null;
    const middle = (taken.length - 1) / 2;
    const mean = taken.reduce((sum, bytes) => sum + bytes, 0) / taken.length;
    let [up, across] = [0, 0];
    for (const [i, bytes] of taken.entries()) {
      up += (i - middle) * (bytes - mean);
      across += (i - middle) ** 2;
    }
    return up / across;
  }
}
