/** What every command shares: where its output goes, what tests may plant, and the exit code of each way to end. */
import type { Fault } from '../pair/faults.ts';
import type { Outcome, RunConfig } from '../records/record.ts';

/** Where a command's output goes: the process's own streams, or a test's. */
export interface Console {
  out(line: string): void;
  err(line: string): void;
}

export interface Hooks {
  /** Asked for by commands that can end early and keep what they have; others leave Ctrl-C to the system. */
  signal?: () => AbortSignal;
  /**
   * Called by a command that was told to end in another way than by the signal: its output then waits no longer for a
   * reader than after the signal.
   */
  leave?: () => void;
  /** Planted by tests, in every repetition or only in those of some configurations. */
  fault?: Fault;
  faultIn?: (config: RunConfig) => boolean;
  /** In place of ADDRESS_RANGES_MAX. */
  rangesMax?: number;
  /** False: what the loops cost with no ring between them is not measured after the run. */
  harness?: boolean;
  /** False: the way between the threads' CPUs is not measured around each window. */
  crossing?: boolean;
}

/** Exit codes by how a run ended. */
export const EXIT_CODES: Record<Outcome, number> = {
  done: 0,
  'check-failed': 1,
  failed: 1,
  stalled: 3,
  'lost-wakeups': 3,
  interrupted: 130,
};
export const EXIT_USAGE = 2;

/** What a test planted in this configuration. */
export const faultFor = ({ fault, faultIn }: Hooks, config: RunConfig): Fault | undefined =>
  faultIn === undefined || faultIn(config) ? fault : undefined;
