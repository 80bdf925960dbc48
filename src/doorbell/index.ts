/** The table of doorbells: a new one is a file and a line here; command line, help and tests read it. */
import type { DoorbellStrategy } from './doorbell.ts';
import { futex } from './futex.ts';

export const DOORBELLS = { futex } as const satisfies Record<string, DoorbellStrategy>;

export type DoorbellName = keyof typeof DOORBELLS;
