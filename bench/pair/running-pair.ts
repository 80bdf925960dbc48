/** A pair that has been started, wherever it runs; and where that can be. Main thread. */
import { within } from '../../src/native/threads.ts';
import type { Fault } from './faults.ts';
import type { PairConfig } from './setup.ts';
import type { SideReport } from './side.ts';
import type { FailedEnd } from './side-end.ts';

/** Where the two threads of a pair run. */
export interface Placement {
  guest: number | null;
  host: number | null;
  /** They can run at the same time, so that the way between their CPUs can be measured. */
  apart: boolean;
  /** The CPUs were named: not getting them is an error. */
  required: boolean;
  /** Why neither is pinned; shown and recorded. */
  unpinnedReason: string;
}

/** What a pair does, and where; plain data. */
export interface PairTask {
  config: PairConfig;
  placement: Placement;
  /** Planted by tests. */
  fault?: Fault;
}

/** What both sides of a pair tell. */
export interface PairReport {
  guest: SideReport;
  host: SideReport;
}

export type PairEnd =
  | {
      ended: 'done';
      report: PairReport;
      /** Largest resident memory of a process of the pair's own; 0 without one. */
      peakRssBytes: number;
      /** How long the pair's process was stopped in the window, nanoseconds. */
      stoodStillNs: number;
    }
  | FailedEnd;

export interface RunningPair {
  /** Lets both sides into the window; once both are ready. */
  start(): void;
  /** Both sides end as soon as they can. */
  stop(): void;
  /** Never rejects; a pair that was stopped settles within `STOP_GRACE_MS`. */
  readonly ended: Promise<PairEnd>;
  /** Resolves when nothing is left of it. */
  close(): Promise<void>;
}

/** @param onReady called once both sides are warm and wait for the window. */
export type StartPair = (task: PairTask, onReady: () => void) => RunningPair;

/** How long a side may take to stop by itself before it is ended. */
export const STOP_GRACE_MS = 500;

/**
 * Waits for all that run; when one fails the others are stopped, and left behind if they do not stop within the grace.
 * Of several failures the first counts that is not to have been stopped.
 */
export async function allDone<Done extends { ended: 'done' }>(
  runs: readonly Promise<Done | FailedEnd>[],
  stop: () => void,
  graceMs: number,
): Promise<Done[] | FailedEnd> {
  const failures: FailedEnd[] = [];
  let onFailure: () => void = () => {};
  const failed = new Promise<void>((resolve) => {
    onFailure = resolve;
  });
  const settle = async (run: Promise<Done | FailedEnd>): Promise<Done | null> => {
    const end = await run;
    if (end.ended === 'done') return end;
    failures.push(end);
    stop();
    onFailure();
    return null;
  };
  const all = Promise.all(runs.map(settle));
  await Promise.race([all, failed]);
  if (failures.length > 0) await within(graceMs, all);
  const first = failures.find(({ ended }) => ended !== 'stopped') ?? failures[0];
  return first ?? (await all).filter((end) => end !== null);
}
