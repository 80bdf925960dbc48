/**
 * Endurance: runs of every kind by chance, with faults planted in some, one after the other in one process. Each must
 * end as its options and its fault say, and leave nothing behind.
 *
 *     npm run soak -- --minutes 60 --seed 7
 */
import { argv, exit, stderr, stdout } from 'node:process';
import { flag, type OptionTable, optionLines, readArguments } from '../bench/command-line/option-table.ts';
import { countOf, minutesOf, UsageError } from '../bench/command-line/option-values.ts';
import { durationOf, makeProgress } from '../bench/command-line/progress.ts';
import { SEED_MAX } from '../bench/statistics/random.ts';
import { EXIT_INTERRUPTED, inOrder, outliveReaders, temporaryFolder } from './process.ts';
import { endure, type SoakFigures } from './soak/endure.ts';
import { type Step, stepAt } from './soak/plan.ts';

const MINUTES = '10';
const TELL_EVERY_MS = 15_000;
const MEBI = 2 ** 20;

const OPTIONS: OptionTable<'minutes' | 'seed' | 'runs' | 'from' | 'only' | 'verbose'> = {
  minutes: { value: 'N', summary: `how long; default: ${MINUTES}, or no bound with --runs` },
  seed: { value: 'N', summary: 'everything follows from it and a run’s number; default: a new one, printed' },
  runs: { value: 'N', summary: 'how many; with --minutes, too: whichever comes first' },
  from: { value: 'N', summary: 'the first run’s number', byDefault: '0' },
  only: { value: 'N', summary: 'that run alone' },
  verbose: flag('a line for each run, before it begins'),
  help: flag('this text; -h too'),
};

const HELP = `npm run soak -- [options]

${optionLines(OPTIONS)}

Ctrl-C ends it with its summary. It stops at the first run that is wrong or
leaves something behind, and prints the line that repeats it.

Exit codes
  0 all as it must be   1 something was not   2 usage   130 interrupted, and nothing was wrong until then`;

const interruption = new AbortController();
const say = (line: string) => stdout.write(`${line}\n`);

/** A step as one may read it; a run as the line that plays it without its fault. */
function describe(step: Step): string {
  if (step.what === 'launch') return 'launch: a guest that says hello';
  if (step.what === 'session') return `session ${step.session}: npm run fuzz -- --seed ${step.session} --only 0`;
  const { planted } = step;
  const outside = planted?.kind === 'kill' || planted?.kind === 'interrupt';
  const where = outside ? `after ${planted.afterMs} ms` : `${planted?.side}, transfer ${planted?.transfer}`;
  const fault = planted === null ? '' : ` (planted: ${planted.kind}, ${where}, pair ${planted.pair})`;
  return `--parallel ${step.args.join(' ')}${fault}`;
}

function report(seed: number, next: number, figures: SoakFigures): void {
  const { steps, transfers, seconds, outcomes, strategies, leaks, growth, full, failure } = figures;
  const slope = growth.slope === null ? 'too few for a slope' : `${(growth.slope / 1024).toFixed(1)} KiB a run`;
  say(`seed ${seed}: ${steps} runs, ${transfers.toLocaleString('en')} transfers in ${durationOf(seconds * 1000)}`);
  say(`outcomes: ${inOrder(outcomes, '; ')}`);
  say(`strategies: ${inOrder(strategies, '; ')}`);
  say(`left behind: ${leaks.size === 0 ? 'nothing' : inOrder(leaks, '; ')}`);
  say(`memory: ${Math.round(growth.peakBytes / MEBI)} MiB at most after a run, ${slope}`);
  if (full) say(`ended early: this process can hardly map more memory; go on with --seed ${seed} --from ${next}`);
  if (failure === null) return;
  say(`run ${failure.number}: ${failure.why}`);
  say(`  ${describe(failure.step)}`);
  say(`npm run soak -- --seed ${seed} --only ${failure.number}`);
}

async function main(args: readonly string[]): Promise<number> {
  const given = readArguments(OPTIONS, args);
  if (given.has('help')) {
    say(HELP);
    return 0;
  }
  for (const name of ['minutes', 'runs', 'from'] as const)
    if (given.has('only') && given.has(name)) throw new UsageError(`--${name} says nothing beside --only`);
  const number = (name: 'seed' | 'runs' | 'from' | 'only', byDefault: string) =>
    countOf(`--${name}`, given.get(name) ?? byDefault, 0, SEED_MAX);
  const seed = number('seed', String(Math.floor(Math.random() * SEED_MAX)));
  const bounded = given.has('runs') || given.has('only');
  const seconds =
    bounded && !given.has('minutes')
      ? Number.POSITIVE_INFINITY
      : minutesOf('--minutes', given.get('minutes') ?? MINUTES) * 60;
  const runs = given.has('only') ? 1 : given.has('runs') ? number('runs', '0') : Number.POSITIVE_INFINITY;
  const from = given.has('only') ? number('only', '0') : number('from', '0');
  const { folder } = temporaryFolder('vringbench-soak-');
  const progress = makeProgress(stderr);
  let told = performance.now();
  say(`seed ${seed}`);
  const figures = await endure({
    stepAt: (at) => stepAt(seed, at),
    from,
    ...{ steps: runs, seconds, signal: interruption.signal, folder },
    onStep: (at, step, played) => {
      if (played !== null) return;
      if (given.has('verbose')) say(`run ${at}: ${describe(step)}`);
      else if (performance.now() - told > TELL_EVERY_MS) {
        told = performance.now();
        say(`run ${at}`);
      }
      progress.show(`run ${at}`);
    },
  });
  progress.clear();
  report(seed, from + figures.steps, figures);
  if (figures.failure !== null) return 1;
  return interruption.signal.aborted ? EXIT_INTERRUPTED : 0;
}

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => {
    if (interruption.signal.aborted) exit(EXIT_INTERRUPTED);
    interruption.abort();
  });

outliveReaders();
try {
  exit(await main(argv.slice(2)));
} catch (error) {
  stderr.write(`soak: ${error instanceof UsageError ? error.message : (error as Error).stack}\n`);
  exit(error instanceof UsageError ? 2 : 1);
}
