/** What a stretch of work takes of the machine: read right around it, so that nothing else counts. Main thread. */
import { Standstill } from '../pair/standstill.ts';
import { type MachineTimes, machineDelta, machineTimes } from '../records/machine.ts';

const NS_PER_US = 1000;

export interface Usage {
  /** CPU time of this process. */
  readonly cpuUserNs: number;
  readonly cpuSystemNs: number;
  /** What others took of the machine; null where the kernel does not tell. */
  readonly machine: MachineTimes | null;
  /** Time in which this process was stopped from outside. */
  readonly stoodStillNs: number;
}

/** Starts to count; what it returns ends it. Its own reading of the machine lies outside of the CPU time. */
export function openUsage(): () => Usage {
  const before = machineTimes();
  const standstill = new Standstill();
  const cpu = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    const stoodStillNs = standstill.end();
    const after = machineTimes();
    return {
      cpuUserNs: user * NS_PER_US,
      cpuSystemNs: system * NS_PER_US,
      machine: before && after && machineDelta(before, after),
      stoodStillNs,
    };
  };
}
