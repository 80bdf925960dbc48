/** Whether resident memory grows: after each step, against the middle of the first ones; and its slope. */

/** Steps whose middle is what the process needs; before them the engine and its pools are still being set up. */
const FIRST = 20;
/** What may come on top, bytes: pools that grew once, code, arrays that nobody has collected yet. */
export const GROWTH_BYTES_MAX = 512 * 2 ** 20;
/** And for each step: koffi keeps some 60 KiB of every thread that called libc, for good; a step has up to six. */
export const STEP_BYTES_MAX = 256 * 2 ** 10;

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

export class Growth {
  private readonly bytes: number[] = [];

  /** Bytes above what is allowed, or 0. */
  take(residentBytes: number): number {
    this.bytes.push(residentBytes);
    const { length } = this.bytes;
    // A single step may need much for a moment: the middle of as many says what stays.
    if (length < 2 * FIRST) return 0;
    const now = median(this.bytes.slice(-FIRST));
    const allowed = GROWTH_BYTES_MAX + length * STEP_BYTES_MAX;
    return Math.max(0, now - median(this.bytes.slice(0, FIRST)) - allowed);
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
