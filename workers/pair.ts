/** Process entry of a pair that has one of its own: runs it in two threads, and tells its parent how it ended. */
import type { FromPair, ToPair } from '../bench/pair/process-pair.ts';
import type { PairTask, RunningPair } from '../bench/pair/running-pair.ts';
import { endedBy } from '../bench/pair/side-end.ts';
import { startThreadPair } from '../bench/pair/thread-pair.ts';

let pair: RunningPair | null = null;
const tell = (message: FromPair) => process.send?.(message, () => {});

async function run(task: PairTask): Promise<void> {
  try {
    pair = startThreadPair(task, () => tell({ kind: 'ready' }));
    const end = await pair.ended;
    const peakRssBytes = process.resourceUsage().maxRSS * 1024;
    await pair.close();
    tell({ kind: 'ended', end: end.ended === 'done' ? { ...end, peakRssBytes } : end });
  } catch (error) {
    tell({ kind: 'ended', end: endedBy(error) });
  }
  // In a turn of its own: a pair that cannot be started ends within the message that asks for it, which needs the channel.
  setImmediate(() => process.connected && process.disconnect());
}

// Ctrl-C reaches the whole group: the parent decides.
for (const name of ['SIGINT', 'SIGHUP'] as const) process.on(name, () => {});
process.on('message', (message: ToPair) => {
  if (message.kind === 'run') void run(message.task);
  else if (message.kind === 'start') pair?.start();
  else pair?.stop();
});
// Its parent is gone, or it is done.
process.on('disconnect', () => pair?.stop());
