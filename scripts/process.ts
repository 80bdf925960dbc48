/** What the commands that run for long have in common as processes. */
import { rmSync } from 'node:fs';
import { stderr, stdout } from 'node:process';
import { EXIT_CODES } from '../bench/command-line/command.ts';
import { ownFolder } from '../src/processes/own-folder.ts';

export const EXIT_INTERRUPTED = EXIT_CODES.interrupted;

/** A reader that goes away (head, a pager) ends the output, not the run. */
export function outliveReaders(): void {
  for (const stream of [stdout, stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
}

/**
 * A folder in which this process, and whatever it starts from now on, makes temporary files: what those leave that are
 * killed goes with it. It is removed when this process ends, or by `remove`; after a SIGKILL by the next process.
 */
export function temporaryFolder(prefix: string): { folder: string; remove: () => void } {
  const folder = ownFolder(prefix);
  process.env.TMPDIR = folder;
  const clear = () => rmSync(folder, { recursive: true, force: true });
  process.on('exit', clear);
  const remove = () => {
    process.off('exit', clear);
    clear();
  };
  return { folder, remove };
}

/** `name count`, the most frequent first. */
export const inOrder = (counts: ReadonlyMap<string, number>, separator: string): string =>
  [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([name, count]) => `${name} ${count}`)
    .join(separator);
