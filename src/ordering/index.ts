/** The table of orderings: a new one is a file and a line here; command line, help and tests read it. */
import type { Ordering } from './ordering.ts';
import { fence, none } from './plain.ts';
import { seqcst } from './seqcst.ts';
import { wasm } from './wasm.ts';

export const ORDERINGS = { seqcst, wasm, fence, none } as const satisfies Record<string, Ordering>;

export type OrderingName = keyof typeof ORDERINGS;
