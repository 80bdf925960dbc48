/**
 * Two commits against each other in one go: checks both out beside this checkout, builds both, runs their repetitions
 * in turn, so that what the machine does meanwhile happens to both, and compares.
 *
 *     npm run ab -- A B [options] [-- options of matrix]
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { argv, exit, stderr, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';
import { $, ProcessOutput } from 'zx/core';
import { main } from '../bench/cli.ts';
import { flag, type OptionTable, optionLines, readArguments } from '../bench/command-line/option-table.ts';
import { countOf, percentOf, UsageError } from '../bench/command-line/option-values.ts';
import { makeProgress } from '../bench/command-line/progress.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const ROUNDS = '15';
const ERROR_LINES = 5;
const COMMIT_DIGITS = 12;

const OPTIONS: OptionTable<'rounds' | 'prepare' | 'cleanup' | 'keep' | 'fail-on-regression' | 'markdown'> = {
  rounds: { value: 'N', summary: 'repetitions of each cell on each side', byDefault: ROUNDS },
  prepare: { value: 'COMMAND', summary: 'run by the shell in each checkout, built, before anything is measured' },
  cleanup: { value: 'COMMAND', summary: 'the same afterwards, however it ended' },
  keep: { value: 'FOLDER', summary: 'where the records stay; default: nowhere' },
  'fail-on-regression': { value: 'PCT', summary: 'as of compare' },
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
  folder: string;
  records: string;
}

async function checkOut(name: string, commit: string, folder: string): Promise<Side> {
  const records = join(folder, `${name} ${commit.slice(0, COMMIT_DIGITS)}.ndjson`);
  const side = { name, folder: join(folder, name), records };
  stderr.write(`${name}: checking out and building ${commit.slice(0, COMMIT_DIGITS)}\n`);
  await $`git -C ${ROOT} worktree add --detach ${side.folder} ${commit}`.quiet();
  await $({ cwd: side.folder })`npm ci --no-audit --no-fund`.quiet();
  return side;
}

/** One repetition of every cell. */
async function measure({ folder, records }: Side, matrixArgs: readonly string[]): Promise<void> {
  const program = join(folder, 'dist', 'bench', 'main.js');
  await $`node ${program} matrix ${matrixArgs} --repeat 1 --fresh --out ${records}`.quiet();
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
  const gate = given.get('fail-on-regression');
  if (gate !== undefined) percentOf('--fail-on-regression', gate);
  const commits = [await commitOf(a), await commitOf(b)] as const;
  const folder = mkdtempSync(join(tmpdir(), 'vringbench-ab-'));
  const sides: Side[] = [];
  const hook = async (command: string | undefined) => {
    if (command !== undefined) for (const side of sides) await $({ cwd: side.folder })`sh -c ${command}`;
  };
  try {
    for (const [i, commit] of commits.entries()) sides.push(await checkOut('AB'[i]!, commit, folder));
    await hook(given.get('prepare'));
    const progress = makeProgress(stderr);
    for (let round = 1; round <= rounds; round++)
      for (const side of Math.random() < 0.5 ? sides : sides.toReversed()) {
        progress.show(`round ${round} of ${rounds}: ${side.name}`);
        await measure(side, matrixArgs);
      }
    progress.clear();
    return await compare(sides, given);
  } finally {
    await hook(given.get('cleanup'));
    for (const side of sides) await $`git -C ${ROOT} worktree remove --force ${side.folder}`.quiet();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function compare(sides: readonly Side[], given: ReadonlyMap<string, string>): Promise<number> {
  const keep = given.get('keep');
  if (keep !== undefined) {
    mkdirSync(keep, { recursive: true });
    for (const { name, records } of sides) await $`cp ${records} ${join(resolve(keep), `${name}.ndjson`)}`;
  }
  const gate = given.get('fail-on-regression');
  return await main(
    [
      'compare',
      ...sides.map(({ records }) => records),
      ...(gate === undefined ? [] : ['--fail-on-regression', gate]),
      ...(given.has('markdown') ? ['--markdown'] : []),
    ],
    { out: (line) => stdout.write(`${line}\n`), err: (line) => stderr.write(`${line}\n`) },
  );
}

// Ctrl-C ends the program that is measuring; what was checked out is taken back.
process.once('SIGINT', () => {});
try {
  exit(await ab(argv.slice(2)));
} catch (error) {
  const said = error instanceof ProcessOutput ? error.stderr || error.stdout : (error as Error).message;
  stderr.write(`ab: ${said.trim().split('\n').slice(-ERROR_LINES).join('\n')}\n`);
  exit(error instanceof UsageError ? 2 : 1);
}
