/**
 * Children that do not outlive this process, however it ends: SIGKILL too. The kernel sends each a signal when the
 * thread that started it ends (PR_SET_PDEATHSIG, `man prctl`), which setpriv of util-linux asks for. Where that program
 * is missing or knows no such option, a child outlives a SIGKILL of this process.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { env, pid } from 'node:process';

/** What is started in the place of a program. */
export interface BoundCommand {
  readonly command: string;
  readonly args: readonly string[];
}

/**
 * `$1` is the number of this process. It is no more the parent's if this process ended before the kernel was asked: no
 * signal would come then. The program takes the shell's place.
 */
const ALONE = '[ "$PPID" = "$1" ] || exit 137; shift; exec "$@"';

/** The shell stays, and passes the signal on to its group. A signal that ended the program is told as code 128 + n. */
const GROUP = ['[ "$PPID" = "$1" ] || exit 137; shift', 'trap "kill -KILL 0" TERM', '"$@" & wait $!'].join('\n');

/**
 * What to start for `program` to end with this process. `leadsGroup`: the caller starts it in a process group of its
 * own (`detached`), and the whole group ends. The calling thread must live as long as the child.
 */
export function boundCommand(
  program: string,
  args: readonly string[],
  { leadsGroup = false }: { readonly leadsGroup?: boolean } = {},
): BoundCommand {
  // What cannot be started is not wrapped: its error is then the system's.
  if (!canBind() || findProgram(program, env.PATH ?? '') === null) return { command: program, args };
  const [signal, script] = leadsGroup ? ['TERM', GROUP] : ['KILL', ALONE];
  return {
    command: 'setpriv',
    args: ['--pdeathsig', signal, 'sh', '-c', script, 'sh', String(pid), program, ...args],
  };
}

let bindable: boolean | null = null;

function canBind(): boolean {
  bindable ??= spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true'], { stdio: 'ignore' }).status === 0;
  return bindable;
}

/** Where a program is: the first in the folders of `path` that can be run, or itself if it names a folder; or null. */
export function findProgram(name: string, path: string): string | null {
  const files = name.includes('/')
    ? [name]
    : path
        .split(delimiter)
        .filter((folder) => folder !== '')
        .map((folder) => join(folder, name));
  return files.find(canRun) ?? null;
}

function canRun(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
