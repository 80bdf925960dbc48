/**
 * Two commits against each other in one go: checks both out beside this checkout, builds both, runs their repetitions
 * in turn, so that what the machine does meanwhile happens to both, and compares.
 *
 *     npm run ab -- A B [options] [-- options of matrix]
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { argv, exit, stderr, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';
import { $, ProcessOutput } from 'zx/core';
import { main } from '../bench/cli.ts';
import { counted } from '../bench/command-line/columns.ts';
import { flag, type OptionTable, optionLines, readArguments } from '../bench/command-line/option-table.ts';
import { countOf, UsageError } from '../bench/command-line/option-values.ts';
import { expectedLine, makeCourse, timeLeft } from '../bench/command-line/progress.ts';
import { TimeLeft } from '../bench/command-line/time-left.ts';
import { GATE_OPTIONS, gateOf } from '../bench/compare/options.ts';
import { parseMatrixOptions } from '../bench/matrix/options.ts';
import { assumedMs } from '../bench/run/expected-time.ts';
import { ownFolder } from '../src/processes/own-folder.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const ROUNDS = '15';
/** Assumed of a program's start. */
const START_MS = 300;
const ERROR_LINES = 5;
const COMMIT_DIGITS = 12;

const OPTIONS: OptionTable<'rounds' | 'prepare' | 'cleanup' | 'keep' | keyof typeof GATE_OPTIONS | 'markdown'> = {
  rounds: { value: 'N', summary: 'repetitions of each cell on each side', byDefault: ROUNDS },
  prepare: { value: 'COMMAND', summary: 'run by the shell in each checkout, built, before anything is measured' },
  cleanup: { value: 'COMMAND', summary: 'the same afterwards, however it ended' },
  keep: { value: 'FOLDER', summary: 'where the records stay; default: nowhere' },
  ...GATE_OPTIONS,
  markdown: flag('as of compare'),
  help: flag('this text; -h too'),
};

const HELP = `npm run ab -- A B [options] [-- options of matrix]

Compares two commits (anything git names): both are checked out and built in
temporary folders, and their repetitions run in turn, in a random order each round.

${optionLines(OPTIONS)}

Examples
  npm run ab -- main HEAD -- --cpus same --eventidx on,off --transfers 2M
  npm run ab -- HEAD HEAD --rounds 10 -- --doorbell futex       (A/A: the machine's own noise)

Exit codes
  0 compared   1 the gate did not pass, or something failed   2 usage`;

interface Side {
  name: string;
  commit: string;
  folder: string;
  records: string;
}

/** Ctrl-C and the like: the rounds end, and what was checked out is taken back. */
class Interrupted extends Error {}
let interrupted = false;

async function checkOut({ name, commit, folder }: Side): Promise<void> {
  stderr.write(`${name}: checking out and building ${commit.slice(0, COMMIT_DIGITS)}\n`);
  await $`git -C ${ROOT} worktree add --detach ${folder} ${commit}`.quiet();
  await $({ cwd: folder })`npm ci --no-audit --no-fund --loglevel error`.quiet();
}

/** How matrix ends when cells failed or lost wake-ups: that is recorded, and for compare to say. */
const CELLS_FAILED = [0, 1, 3];

/** One repetition of every cell. */
async function measure({ name, folder, records }: Side, matrixArgs: readonly string[]): Promise<void> {
  const program = join(folder, 'dist', 'bench', 'main.js');
  const run = await $`node ${program} matrix ${matrixArgs} --repeat 1 --fresh --out ${records}`.quiet().nothrow();
  if (!CELLS_FAILED.includes(run.exitCode ?? -1) || !existsSync(records))
    throw new Error(`${name}: ${lastLines(run.stderr)}`);
}

const lastLines = (text: string) => text.trim().split('\n').slice(-ERROR_LINES).join('\n');

/** Takes back what was checked out, whatever of it there is. */
async function remove(sides: readonly Side[], folder: string): Promise<void> {
  for (const side of sides) await $`git -C ${ROOT} worktree remove --force ${side.folder}`.quiet().nothrow();
  rmSync(folder, { recursive: true, force: true });
  await $`git -C ${ROOT} worktree prune`.quiet().nothrow();
}

async function commitOf(name: string): Promise<string> {
  try {
    return (await $`git -C ${ROOT} rev-parse --verify ${`${name}^{commit}`}`.quiet()).stdout.trim();
  } catch {
    throw new UsageError(`${name}: git knows no such commit`);
  }
}

async function ab(args: readonly string[]): Promise<number> {
  const split = args.indexOf('--');
  const [own, matrixArgs] = split === -1 ? [args, []] : [args.slice(0, split), args.slice(split + 1)];
  const { options: given, positionals } = readArguments(OPTIONS, own, { positionals: true });
  if (given.has('help')) {
    stdout.write(`${HELP}\n`);
    return 0;
  }
  const [a, b, ...more] = positionals;
  if (a === undefined || b === undefined || more.length > 0) throw new UsageError('ab wants two commits: A B');
  const rounds = countOf('--rounds', given.get('rounds') ?? ROUNDS, 1, 1000);
  gateOf(given);
  const commits = [await commitOf(a), await commitOf(b)];
  const temporary = ownFolder('vringbench-ab-');
  const keep = given.get('keep');
  if (keep !== undefined) mkdirSync(keep, { recursive: true });
  const sides = commits.map((commit, i): Side => {
    const name = 'AB'[i]!;
    const records = join(keep ?? temporary, `${name} ${commit.slice(0, COMMIT_DIGITS)}.ndjson`);
    return { name, commit, folder: join(temporary, name), records: resolve(records) };
  });
  const hook = async (command: string | undefined) => {
    if (command === undefined) return;
    for (const { folder } of sides) if (existsSync(folder)) await $({ cwd: folder })`sh -c ${command}`;
  };
  try {
    for (const side of sides) await checkOut(side);
    await hook(given.get('prepare'));
    await measureInTurn(sides, rounds, matrixArgs);
    return await compare(sides, given);
  } finally {
    try {
      await hook(given.get('cleanup'));
    } finally {
      await remove(sides, temporary);
    }
  }
}

async function measureInTurn(sides: readonly Side[], rounds: number, matrixArgs: readonly string[]): Promise<void> {
  const say = (line: string) => stderr.write(`${line}\n`);
  const course = makeCourse(stderr, say);
  const assumed = assumedSweepMs(matrixArgs);
  const time = new TimeLeft(sides.map(() => ({ assumedMs: assumed, left: rounds })));
  const expected = expectedLine(time.ms(), counted(rounds, 'round'));
  if (expected !== null) say(expected);
  for (let round = 1; round <= rounds; round++)
    for (const [i, side] of (Math.random() < 0.5 ? sides : sides.toReversed()).entries()) {
      if (interrupted) throw new Interrupted('interrupted');
      const left = timeLeft(time.ms());
      const share = (round - 1 + i / sides.length) / rounds;
      const where = `round ${round} of ${rounds}: ${side.name}`;
      course.show(share, `${where}${left}`, `${where}${left}`);
      const startMs = performance.now();
      await measure(side, matrixArgs);
      time.finish(sides.indexOf(side), performance.now() - startMs);
    }
  course.clear();
}

/** One repetition of every cell in a process of its own; null: only the commits know these options. */
function assumedSweepMs(matrixArgs: readonly string[]): number | null {
  try {
    const { cells } = parseMatrixOptions([...matrixArgs, '--repeat', '1']);
    return cells.reduce((sum, { config }) => sum + assumedMs(config), START_MS);
  } catch (error) {
    if (error instanceof UsageError) return null;
    throw error;
  }
}

async function compare(sides: readonly Side[], given: ReadonlyMap<string, string>): Promise<number> {
  const gate = (Object.keys(GATE_OPTIONS) as (keyof typeof GATE_OPTIONS)[]).filter((name) => given.has(name));
  const args = [
    'compare',
    ...sides.map(({ records }) => records),
    ...gate.map((name) => (GATE_OPTIONS[name].value === null ? `--${name}` : `--${name}=${given.get(name)}`)),
    ...(given.has('markdown') ? ['--markdown'] : []),
  ];
  return await main(args, { out: (line) => stdout.write(`${line}\n`), err: (line) => stderr.write(`${line}\n`) });
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    interrupted = true;
  });
try {
  exit(await ab(argv.slice(2)));
} catch (error) {
  if (interrupted) {
    stderr.write('ab: interrupted\n');
    exit(130);
  }
  const said = error instanceof ProcessOutput ? error.stderr || error.stdout : (error as Error).message;
  stderr.write(`ab: ${lastLines(said) || 'a command failed'}\n`);
  exit(error instanceof UsageError ? 2 : 1);
}
