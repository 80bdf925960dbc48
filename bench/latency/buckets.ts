/** The buckets of latencies: those of an HDR histogram of three digits, from one nanosecond to a day. Pure; any thread. */

/** A day, nanoseconds: the longest bound that a wait can have. Longer samples count as this. */
export const LATENCY_NS_MAX = 86_400e9;
export const SIGNIFICANT_DIGITS = 3;

/** Values below 2 to this have a bucket each; every doubling above is cut into half as many. */
export const EXACT_BITS = 11;
export const HALF = 2 ** (EXACT_BITS - 1);
/** A day in nanoseconds has 47 bits. */
export const BUCKETS = (47 - EXACT_BITS + 2) * HALF;

/** The lowest value of a bucket, nanoseconds. */
export function lowestOf(bucket: number): number {
  if (bucket < 2 * HALF) return bucket;
  const doublings = Math.floor(bucket / HALF) - 1;
  return (bucket - doublings * HALF) * 2 ** doublings;
}

/** The highest value of a bucket, nanoseconds. */
export const highestOf = (bucket: number): number => lowestOf(bucket + 1) - 1;

/** The bucket of the longest latency. */
export const LAST_BUCKET = Math.floor(LATENCY_NS_MAX / 2 ** (BUCKETS / HALF - 2)) + (BUCKETS / HALF - 2) * HALF;
