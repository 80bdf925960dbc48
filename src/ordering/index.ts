/** The table of orderings: a new one is a file and a line here; command line, help and tests read it. */
import type { Ordering } from './ordering.ts';
import { seqcst } from './seqcst.ts';

export const ORDERINGS = { seqcst } as const satisfies Record<string, Ordering>;

export type OrderingName = keyof typeof ORDERINGS;
