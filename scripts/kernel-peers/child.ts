/**
 * Programs that run to their end: each in a process group of its own, so that what it forks ends with it, within a
 * bound, and never longer than this process, whatever ends it. Main thread.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { boundCommand } from '../../src/processes/bound-child.ts';
import { Failure } from '../peers/failure.ts';

/** What is kept of a program's output: more says nothing. */
const OUTPUT_CHARS_MAX = 4_000_000;
const SAID_LINES = 3;

/** Ctrl-C and the like. */
export class Interrupted extends Error {}

export interface ChildOptions {
  /** How long it may run. */
  timeoutMs: number;
  /** Ends it early. */
  signal?: AbortSignal | undefined;
  /** Besides those of this process. */
  env?: Readonly<Record<string, string>>;
  cwd?: string;
}

export interface Ended {
  /** Null: a signal ended it. */
  code: number | null;
  out: string;
  err: string;
  /** What it wrote to descriptor 3. */
  extra: string;
}

/** Process groups that run: the end of this process ends them. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) killGroup(child);
});

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // The last of the group went by itself.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Runs a program to its end. @throws Failure when it cannot be started or takes too long, Interrupted */
export async function runChild(command: string, args: readonly string[], options: ChildOptions): Promise<Ended> {
  const { timeoutMs, signal, env = {}, cwd } = options;
  if (signal?.aborted) throw new Interrupted('interrupted');
  const bound = boundCommand(command, args, { leadsGroup: true });
  const child = spawn(bound.command, bound.args, {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    detached: true,
    ...(cwd === undefined ? {} : { cwd }),
  });
  const kept = [1, 2, 3].map((descriptor) => {
    const text = { all: '' };
    child.stdio[descriptor]!.on('data', (data: Buffer) => {
      if (text.all.length < OUTPUT_CHARS_MAX) text.all += data.toString('utf8');
    });
    return text;
  });
  running.add(child);
  let late = false;
  const end = () => killGroup(child);
  const timer = setTimeout(() => {
    late = true;
    end();
  }, timeoutMs);
  signal?.addEventListener('abort', end);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', (error) => reject(new Failure(`${command}: ${error.message}`)));
      child.on('close', resolve);
    });
    if (signal?.aborted) throw new Interrupted('interrupted');
    const [out = '', err = '', extra = ''] = kept.map(({ all }) => all);
    if (late) throw new Failure(`${command}: still running after ${timeoutMs / 1000} s${saidOf({ out, err })}`);
    return { code, out, err, extra };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
    running.delete(child);
  }
}

/** `: ` and its last words; nothing if it said nothing. */
function saidOf({ out, err }: Pick<Ended, 'out' | 'err'>): string {
  const said = (err.trim() || out.trim()).split('\n').slice(-SAID_LINES).join(' | ');
  return said === '' ? '' : `: ${said}`;
}

/** The same of one that must end well. @throws Failure, Interrupted */
export async function runWell(command: string, args: readonly string[], options: ChildOptions): Promise<Ended> {
  const ended = await runChild(command, args, options);
  if (ended.code !== 0)
    throw new Failure(`${command}: ${ended.code === null ? 'killed' : `exit code ${ended.code}`}${saidOf(ended)}`);
  return ended;
}

/** How long a program took, its start included, and CPU time of it and of its children. */
export interface Times {
  wallNs: number;
  cpuUserNs: number;
  cpuSystemNs: number;
}

/** The shell's clock writes to descriptor 3; the program has its own standard error, and no other descriptor. */
const TIME_SCRIPT = `TIMEFORMAT='%3R %3U %3S'; runs=$1; shift; exec 4>&2 2>&3
time for ((i = 0; i < runs; i++)); do "$@" 2>&4 3>&- 4>&- || exit; done`;

/** Runs a program by the shell's clock, to the millisecond; of several runs, all together. @throws Failure unless it ends well, Interrupted */
export async function runTimed(
  command: string,
  args: readonly string[],
  options: ChildOptions,
  runs = 1,
): Promise<Ended & { times: Times }> {
  const env = { ...options.env, LC_ALL: 'C' };
  const ended = await runWell('bash', ['-c', TIME_SCRIPT, 'bash', String(runs), command, ...args], {
    ...options,
    env,
  }).catch((error: unknown) => {
    throw error instanceof Failure ? new Failure(error.message.replace(/^bash/, command)) : error;
  });
  return { ...ended, times: parseTimes(ended.extra) };
}

/** `real user system` in seconds. @throws Failure */
export function parseTimes(text: string): Times {
  const match = /^(\d+\.\d+) (\d+\.\d+) (\d+\.\d+)$/m.exec(text);
  if (match === null) throw new Failure(`the shell's clock said '${text.trim()}'`);
  const [wallNs, cpuUserNs, cpuSystemNs] = match.slice(1).map((seconds) => Math.round(Number(seconds) * 1e9));
  if (wallNs === 0) throw new Failure('it took no time at all');
  return { wallNs: wallNs!, cpuUserNs: cpuUserNs!, cpuSystemNs: cpuSystemNs! };
}
