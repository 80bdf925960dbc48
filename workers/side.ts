/** Thread entry of both sides of a pair: runs the side that its task names, and tells how it ended. */
import { parentPort } from 'node:worker_threads';
import { runSide, type SideTask } from '../bench/pair/side.ts';
import { endedBy, type ReadyMessage, type SideEnd } from '../bench/pair/side-end.ts';

export default async function (task: SideTask): Promise<SideEnd> {
  const ready: ReadyMessage = { ready: task.side };
  try {
    return { ended: 'done', report: await runSide(task, () => parentPort?.postMessage(ready)) };
  } catch (error) {
    return endedBy(error);
  }
}
