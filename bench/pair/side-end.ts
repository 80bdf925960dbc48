/** How a side's task ended, as data: errors do not keep their class on the way to the main thread. */
import { RingError } from '../../src/ring/errors.ts';
import { CheckFailed } from '../check-failed.ts';
import { shortageLine } from '../command-line/shortage.ts';
import { Stalled, Stopped } from '../loops/runner.ts';
import type { Side } from './half.ts';
import { PinningFailed } from './pinning.ts';
import type { SideReport } from './side.ts';

/** Sent to the main thread when a side is warm and waits for the window. */
export interface ReadyMessage {
  ready: Side;
}

/** How a thread's task ended that has no report. */
export interface FailedEnd {
  ended: 'check-failed' | 'stalled' | 'stopped' | 'failed';
  message: string;
}

export type SideEnd = { ended: 'done'; report: SideReport } | FailedEnd;

/** What a task threw; a stack only for what nobody foresaw. */
export function endedBy(error: unknown): FailedEnd {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Stopped) return { ended: 'stopped', message };
  if (error instanceof Stalled) return { ended: 'stalled', message };
  if (error instanceof CheckFailed) return { ended: 'check-failed', message };
  const foreseen = error instanceof RingError || error instanceof PinningFailed;
  if (foreseen || !(error instanceof Error)) return { ended: 'failed', message };
  return { ended: 'failed', message: shortageLine(error) ?? error.stack ?? message };
}
