/**
 * A pair in a process of its own, so that it shares no engine with the others: what happens there is what happens here
 * with a pair in threads, told by messages. The process ends with its pair, or when this one is gone.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { within } from '../../src/native/threads.ts';
import { boundCommand } from '../../src/processes/bound-child.ts';
import { engineFlags } from './engine-flags.ts';
import { type PairEnd, type PairTask, type RunningPair, STOP_GRACE_MS } from './running-pair.ts';

export type ToPair = { kind: 'run'; task: PairTask } | { kind: 'start' } | { kind: 'stop' };
export type FromPair = { kind: 'ready' } | { kind: 'ended'; end: PairEnd };

const ENTRY = fileURLToPath(new URL('../../workers/pair.js', import.meta.url));

export function startProcessPair(task: PairTask, onReady: () => void): RunningPair {
  const { command, args } = boundCommand(process.execPath, engineFlags(process.execArgv));
  const child = fork(ENTRY, {
    ...{ execPath: command, execArgv: [...args] },
    ...{ stdio: ['ignore', 'ignore', 'inherit', 'ipc'], serialization: 'advanced' },
  });
  // One that is gone says so by its end.
  const tell = (message: ToPair) => child.send(message, () => {});
  const gone = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  const told = new Promise<PairEnd>((resolve) => {
    child.on('message', (message: FromPair) => {
      if (message.kind === 'ready') onReady();
      else resolve(message.end);
    });
  });
  const ended = Promise.race([
    told,
    gone.then((how): PairEnd => ({ ended: 'failed', message: `the process of a pair ended: ${how}` })),
  ]);
  tell({ kind: 'run', task });
  return {
    start: () => tell({ kind: 'start' }),
    stop: () => tell({ kind: 'stop' }),
    ended,
    async close() {
      let left = true;
      await within(
        STOP_GRACE_MS,
        gone.then(() => {
          left = false;
        }),
      );
      if (left) child.kill('SIGKILL');
      await gone;
    },
  };
}
