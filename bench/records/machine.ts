/** What the machine was doing while something was measured, as the kernel tells it. Any thread. */
import { readFileSync } from 'node:fs';
import { loadavg, platform } from 'node:os';

/** The kernel's clock tick in /proc/stat, nanoseconds. */
const TICK_NS = 10_000_000;

/** A file's text, or null where there is none. */
export function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

/** The one-minute load average, or null where there is none. */
export function loadAverage(): number | null {
  return platform() === 'win32' ? null : loadavg()[0]!;
}

/** What all CPUs did since boot, nanoseconds. */
export interface MachineTimes {
  /** Taken by the hypervisor. */
  stolenNs: number;
  /** Spent on other programs than this, and on the kernel's own work. */
  otherCpuNs: number;
}

/** Fields of /proc/stat's first line that are work: user, nice, system, irq, softirq; the ninth is steal. */
const BUSY_FIELDS = [1, 2, 3, 6, 7];
const STEAL_FIELD = 8;

/** Null where the kernel does not tell. Only differences mean something. */
export function machineTimes(): MachineTimes | null {
  const fields = readOrNull('/proc/stat')?.split('\n')[0]?.trim().split(/\s+/).map(Number);
  const steal = fields?.[STEAL_FIELD];
  if (fields === undefined || steal === undefined || Number.isNaN(steal)) return null;
  const busy = BUSY_FIELDS.reduce((sum, field) => sum + fields[field]!, 0);
  const { user, system } = process.cpuUsage();
  return { stolenNs: steal * TICK_NS, otherCpuNs: busy * TICK_NS - (user + system) * 1000 };
}

/** What happened between two looks; a tick's rounding is not less than nothing. */
export function machineDelta(before: MachineTimes, after: MachineTimes): MachineTimes {
  return {
    stolenNs: after.stolenNs - before.stolenNs,
    otherCpuNs: Math.max(0, after.otherCpuNs - before.otherCpuNs),
  };
}
