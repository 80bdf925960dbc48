/**
 * Cases that failed once, or that show what the fuzzer is for: `npm test` plays each. What `npm run fuzz -- --target
 * rings` prints for a failure is a line of this table.
 */
import type { RingCase } from './ring-case.ts';

export const REGRESSIONS: readonly { readonly what: string; readonly one: RingCase }[] = [];
