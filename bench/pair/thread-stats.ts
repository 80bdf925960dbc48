/** What the kernel and the engine say of the calling thread: CPU time, waiting, context switches, collections. */
import { readFileSync } from 'node:fs';
import { GCProfiler, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface RunTimes {
  /** Time on a CPU, nanoseconds. */
  cpuNs: number;
  /** Time ready to run but waiting for a CPU, nanoseconds. */
  queuedNs: number;
}

export interface ThreadStats extends RunTimes {
  voluntarySwitches: number;
  involuntarySwitches: number;
}

/** Times since the thread began, or null where /proc does not tell. */
export function runTimes(): RunTimes | null {
  try {
    const [cpuNs = 0, queuedNs = 0] = readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ').map(Number);
    return { cpuNs, queuedNs };
  } catch {
    return null;
  }
}

/** Counts since the thread began, or null where /proc does not tell. Outside of measured windows only. */
export function threadStats(): ThreadStats | null {
  const times = runTimes();
  if (times === null) return null;
  try {
    const status = readFileSync('/proc/thread-self/status', 'utf8');
    // No regular expression: it would be compiled in the window that this look is at an end of.
    const lines = status.split('\n');
    const count = (name: string) =>
      Number(lines.find((line) => line.startsWith(`${name}:`))?.slice(name.length + 1) ?? 0);
    return {
      ...times,
      voluntarySwitches: count('voluntary_ctxt_switches'),
      involuntarySwitches: count('nonvoluntary_ctxt_switches'),
    };
  } catch {
    return null;
  }
}

/** What happened between two looks at the same thread. */
export function threadDelta(before: ThreadStats, after: ThreadStats): ThreadStats {
  return {
    cpuNs: after.cpuNs - before.cpuNs,
    queuedNs: after.queuedNs - before.queuedNs,
    voluntarySwitches: after.voluntarySwitches - before.voluntarySwitches,
    involuntarySwitches: after.involuntarySwitches - before.involuntarySwitches,
  };
}

/** The engine's collector as a function, which it gives only to contexts made after it was told to. */
export function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}

/** Counts the garbage collections of the calling thread between `start` and `stop`. */
export class GcCounter {
  private readonly profiler = new GCProfiler();

  start(): void {
    this.profiler.start();
  }

  stop(): number {
    return this.profiler.stop().statistics.length;
  }
}
