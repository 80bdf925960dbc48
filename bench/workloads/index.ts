/** The table of workloads: a new one is a file and a line here; command line, help and tests read it. */
import { alternate } from './alternate.ts';
import { bulk } from './bulk.ts';
import { echo } from './echo.ts';
import { single } from './single.ts';
import type { Workload } from './workload.ts';

export const WORKLOADS = { alternate, echo, single, bulk } as const satisfies Record<string, Workload>;

export type WorkloadName = keyof typeof WORKLOADS;
