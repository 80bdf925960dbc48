/** How long a warm-up lasts: `--warmup`. Any thread. */

/** What it says that is no number: until the loops are steady. */
export const UNTIL_STEADY = 'auto';

/** Transfers, or until the loops are steady. */
export type WarmUpLength = number | typeof UNTIL_STEADY;
