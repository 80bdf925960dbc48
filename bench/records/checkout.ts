/** The checkout that a program was built of. Main thread. */
import { execFileSync } from 'node:child_process';

/** Where a file that git does not know may be a part of the program: what is compiled, and what is started. */
const PROGRAM_FOLDERS = ['bench', 'scripts', 'src', 'workers'];
/** Where records, baselines and references are kept: whatever changes in it, the program does not. */
const RESULTS = ':(exclude)results';

/** What git says of a folder's checkout; null where it says nothing. */
export function git(root: string, ...args: string[]): string | null {
  try {
    return execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return null;
  }
}

/**
 * Whether the program may be another than the commit says: a file that git knows has changed, or one that it does not
 * know lies where the program is made of. What the program itself writes, as records, baselines, exports and pages,
 * changes nothing of it. Null where git does not tell.
 */
export function isChanged(root: string): boolean | null {
  const known = git(root, 'status', '--porcelain', '--untracked-files=no', '--', '.', RESULTS);
  const unknown = git(root, 'status', '--porcelain', '--untracked-files=normal', '--', ...PROGRAM_FOLDERS);
  return known === null || unknown === null ? null : known !== '' || unknown !== '';
}
