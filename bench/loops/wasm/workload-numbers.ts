/** The workloads as the loops in AssemblyScript know them. */
import type { WorkloadName } from '../../axes/workloads.ts';
import { WORKLOAD_ALTERNATE, WORKLOAD_BULK, WORKLOAD_ECHO, WORKLOAD_SINGLE } from './loop-words.ts';

export const WORKLOAD_NUMBERS: Record<WorkloadName, number> = {
  alternate: WORKLOAD_ALTERNATE,
  echo: WORKLOAD_ECHO,
  single: WORKLOAD_SINGLE,
  bulk: WORKLOAD_BULK,
};
