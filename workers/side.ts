/** Thread entry of both sides of a pair: runs the side that its task names. */
import { parentPort } from 'node:worker_threads';
import { runSide, type Side, type SideReport } from '../bench/pair/side.ts';
import type { PairSetup } from '../bench/pair/setup.ts';

export interface SideTask {
  side: Side;
  setup: PairSetup;
  cpu: number | null;
}

/** Sent to the main thread when a side is warm and waits for the window. */
export interface ReadyMessage {
  ready: Side;
}

export default function (task: SideTask): Promise<SideReport> {
  const ready: ReadyMessage = { ready: task.side };
  return runSide(task.side, task.setup, task.cpu, () => parentPort?.postMessage(ready));
}
