/**
 * Latencies counted as they come, however many: memory does not depend on their number, and none is left out. Nothing
 * is allocated by counting. The buckets are those of the histograms (three digits), so that nothing is lost between.
 */
import { BUCKETS, EXACT_BITS, HALF, lowestOf } from './buckets.ts';
import { encodedCounts } from './histogram.ts';

/** Values from here on are counted in steps of 2^20: they do not fit an integer register. */
const LARGE = 2 ** 31;
const LARGE_SHIFT = 20;

export class LatencyCounts {
  /** Nanoseconds, exact. */
  readonly extremes = Float64Array.of(0);
  private readonly counts = new Float64Array(BUCKETS).fill(0);

  /** Counts the time from `begins[index]` to `ends[0]`, nanoseconds. In arrays: a number that is passed may be boxed. */
  record(ends: Float64Array, begins: Float64Array, index: number): void {
    const ns = Math.max(0, ends[0]! - begins[index]!);
    if (ns > this.extremes[0]!) this.extremes[0] = ns;
    let shift = 0;
    let value = ns | 0;
    if (ns >= LARGE) {
      shift = LARGE_SHIFT;
      value = (ns / 2 ** LARGE_SHIFT) | 0;
    }
    const doublings = Math.max(0, 32 - Math.clz32(value) - EXACT_BITS);
    const bucket = (doublings + shift) * HALF + (value >> doublings);
    if (bucket < BUCKETS) this.counts[bucket]!++;
    else this.counts[BUCKETS - 1]!++;
  }

  get maxNs(): number {
    return this.extremes[0]!;
  }

  reset(): void {
    this.counts.fill(0);
    this.extremes[0] = 0;
  }

  /** As an encoded histogram; null if nothing was counted. */
  encoded(): string | null {
    return encodedCounts(this.entries());
  }

  /** Each bucket that has any: its lowest value, and how many. */
  *entries(): Generator<[valueNs: number, count: number]> {
    for (const [bucket, count] of this.counts.entries()) if (count > 0) yield [lowestOf(bucket), count];
  }
}
