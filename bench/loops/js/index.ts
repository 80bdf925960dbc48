/** What makes both halves of each workload in TypeScript: a new one is a file and a line here, and one in `bench/axes`. */
import type { WorkloadName } from '../../axes/workloads.ts';
import { alternate } from './alternate.ts';
import { bulk } from './bulk.ts';
import { echo } from './echo.ts';
import { single } from './single.ts';
import type { Workload } from './workload.ts';

export const WORKLOAD_MAKERS: Record<WorkloadName, Workload> = { alternate, echo, single, bulk };
