/**
 * Sees a process that was stopped from outside, as by SIGSTOP: its clock went on, and its main thread, which sleeps
 * meanwhile but for this, was neither on a CPU nor waiting for one. Does not see a machine that was suspended, during
 * which the clock of windows stands still, too. Main thread.
 */
import { type RunTimes, runTimes } from './thread-stats.ts';

/** How often it looks; more would take part of a CPU from what is measured. */
const TICK_MS = 250;
/** Shorter ones are not told from a timer that is late. */
const STILL_MIN_MS = 500;

/**
 * How long a thread stood still, milliseconds, that has slept `sleptMs` where it meant to sleep for a tick: what it
 * waited for a CPU meanwhile was the machine's load. 0: not at all.
 */
export function stillMs(sleptMs: number, before: RunTimes | null, after: RunTimes | null): number {
  const busyNs = before && after ? after.cpuNs + after.queuedNs - before.cpuNs - before.queuedNs : 0;
  const ms = sleptMs - TICK_MS - busyNs / 1e6;
  return ms < STILL_MIN_MS ? 0 : ms;
}

/** When a thread looked, and what the kernel said of it then. */
export interface Look {
  atMs: number;
  times: RunTimes | null;
}

const lookNow = (): Look => ({ atMs: performance.now(), times: runTimes() });

/** Adds up what lies between looks that are meant to be a tick apart. */
export class StillTime {
  private last: Look;
  private totalMs = 0;

  constructor(first: Look) {
    this.last = first;
  }

  get ms(): number {
    return this.totalMs;
  }

  add(look: Look): void {
    const sleptMs = look.atMs - this.last.atMs;
    this.totalMs += stillMs(sleptMs, this.last.times, look.times);
    // Also after a prompt look: the work and the waiting of a long run would hide a stop at its end.
    this.last = look;
  }
}

/** Of repetitions in which the process stood still, the longest; nothing of others. @param when it was looked at. */
export function standstillWarnings(stoodStillNs: readonly (number | null)[], when = 'in its window'): string[] {
  const longest = stoodStillNs.reduce<number>((most, ns) => Math.max(most, ns ?? 0), 0);
  if (longest === 0) return [];
  const seconds = (longest / 1e9).toFixed(1);
  return [`the run stood still for ${seconds} s ${when}, stopped from outside: it is in the averages`];
}

export class Standstill {
  private readonly time = new StillTime(lookNow());
  private readonly timer: NodeJS.Timeout;

  /** Looks from now on. */
  constructor() {
    this.timer = setInterval(() => this.time.add(lookNow()), TICK_MS);
    this.timer.unref();
  }

  /** Looks for the last time; returns how long the process stood still in all, nanoseconds. */
  end(): number {
    clearInterval(this.timer);
    this.time.add(lookNow());
    return this.time.ms * 1e6;
  }
}
