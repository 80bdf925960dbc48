/** Requests of every shape that a workload sends, as a host finds them, in memory that no guest writes to. */
import { Request } from '../../../src/host/queue.ts';
import { GuestMemory } from '../../../src/memory/guest-memory.ts';
import { allocateShared, MemoryRegion } from '../../../src/memory/region.ts';
import { WORKLOADS, type WorkloadName } from '../../axes/workloads.ts';
import { WORKLOAD_MAKERS } from './index.ts';

/** After so many transfers the shapes of every workload come again. */
export const SHAPES = 16;

export function requestsOf({ workload, size: sizeBytes }: { workload: WorkloadName; size: number }): Request[] {
  const { slotBytes } = WORKLOADS[workload];
  const { guest } = WORKLOAD_MAKERS[workload];
  const region = new MemoryRegion({ guestBase: 0, buffer: allocateShared(SHAPES * slotBytes(sizeBytes)) });
  const sender = guest({ region, offset: 0, count: SHAPES }, sizeBytes);
  const memory = new GuestMemory([region]);
  return Array.from({ length: SHAPES }, (_, x) => {
    const { outCount, count, offsets, lengths } = sender.fill(x, x);
    const request = new Request(memory);
    for (let i = 0; i < count; i++)
      (i < outCount ? request.readable : request.writable).append(0, offsets[i]!, lengths[i]!);
    return request;
  });
}
