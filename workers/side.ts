/** Thread entry of both sides of a pair: runs the side that its task names, and tells how it ended. */
import { parentPort } from 'node:worker_threads';
import { CheckFailed } from '../bench/check-failed.ts';
import { PinningFailed } from '../bench/pair/pinning.ts';
import { runSide, type Side, type SideReport, type SideTask } from '../bench/pair/side.ts';
import { Stalled, Stopped } from '../bench/workloads/runner.ts';
import { RingError } from '../src/ring/errors.ts';

/** Sent to the main thread when a side is warm and waits for the window. */
export interface ReadyMessage {
  ready: Side;
}

/** Errors do not keep their class on the way to the main thread, so how a side ended is data. */
export type SideEnd =
  | { ended: 'done'; report: SideReport }
  | { ended: 'check-failed' | 'stalled' | 'stopped' | 'failed'; message: string };

function failureOf(error: unknown): SideEnd {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Stopped) return { ended: 'stopped', message };
  if (error instanceof Stalled) return { ended: 'stalled', message };
  if (error instanceof CheckFailed) return { ended: 'check-failed', message };
  const expected = error instanceof RingError || error instanceof PinningFailed;
  return { ended: 'failed', message: expected || !(error instanceof Error) ? message : (error.stack ?? message) };
}

export default async function (task: SideTask): Promise<SideEnd> {
  const ready: ReadyMessage = { ready: task.side };
  try {
    return { ended: 'done', report: await runSide(task, () => parentPort?.postMessage(ready)) };
  } catch (error) {
    return failureOf(error);
  }
}
