/**
 * For tests, as a process of its own: in each round it waits for a file, tries at that moment to listen at a path, and
 * says how that went. The rounds and paths come from its parent.
 */
import { existsSync } from 'node:fs';
import { closeDescriptor } from './descriptors.ts';
import { listenUnix } from './unix-socket.ts';

/** Spins no longer for a file that its parent did not make. */
const SPIN_MS = 10_000;

let listener = -1;

function listens(path: string): string {
  try {
    listener = listenUnix(path);
    return 'listening';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

process.on('message', ({ path, go }: { path: string | null; go: string }) => {
  if (path === null) {
    if (listener >= 0) closeDescriptor(listener);
    listener = -1;
    process.send!('closed');
    return;
  }
  process.send!('ready');
  for (const end = performance.now() + SPIN_MS; !existsSync(go) && performance.now() < end; );
  process.send!(listens(path));
});
process.send!('started');
