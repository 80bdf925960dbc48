/**
 * Sees a process that was stopped from outside, as by SIGSTOP or a suspended machine: its clock went on, and its main
 * thread, which sleeps meanwhile but for this, was neither on a CPU nor waiting for one. Main thread.
 */
import { type ThreadStats, threadStats } from './thread-stats.ts';

/** How often it looks; more would take part of a CPU from what is measured. */
const TICK_MS = 250;
/** Shorter ones are not told from a timer that is late. */
const STILL_MIN_MS = 500;

/**
 * How long a thread stood still, milliseconds, that has slept `sleptMs` where it meant to sleep for a tick: what it
 * waited for a CPU meanwhile was the machine's load. 0: not at all.
 */
export function stillMs(sleptMs: number, before: ThreadStats | null, after: ThreadStats | null): number {
  const busyNs = before && after ? after.cpuNs + after.queuedNs - before.cpuNs - before.queuedNs : 0;
  const ms = sleptMs - TICK_MS - busyNs / 1e6;
  return ms < STILL_MIN_MS ? 0 : ms;
}

export class Standstill {
  private readonly timer: NodeJS.Timeout;
  private before = threadStats();
  private lookedAtMs = performance.now();
  private totalMs = 0;

  /** Looks from now on. */
  constructor() {
    this.timer = setInterval(() => this.look(), TICK_MS);
    this.timer.unref();
  }

  /** Looks for the last time; returns how long the process stood still in all, nanoseconds. */
  end(): number {
    clearInterval(this.timer);
    this.look();
    return this.totalMs * 1e6;
  }

  private look(): void {
    const nowMs = performance.now();
    const sleptMs = nowMs - this.lookedAtMs;
    this.lookedAtMs = nowMs;
    if (sleptMs < TICK_MS + STILL_MIN_MS) return;
    const now = threadStats();
    this.totalMs += stillMs(sleptMs, this.before, now);
    this.before = now;
  }
}
