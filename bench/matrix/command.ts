/** The command `matrix`: a sweep from its announcement to its last line. Main thread. */
import { randomInt } from 'node:crypto';
import { statSync } from 'node:fs';
import { type Console, EXIT_CODES, type Hooks } from '../command-line/command.ts';
import { printableLine } from '../command-line/printable.ts';
import { bar, durationOf, makeProgress } from '../command-line/progress.ts';
import { captureEnvironment, programHash } from '../records/environment.ts';
import { resultsFile } from '../records/results.ts';
import { placementOf } from '../run/placement.ts';
import { row } from '../run/report.ts';
import { SEED_MAX } from '../statistics/random.ts';
import { greatest } from '../statistics/sample.ts';
import { bestLine } from './best.ts';
import { costLines } from './cost-lines.ts';
import { type Figures, figuresOf } from './figures.ts';
import { heatMapLines } from './heat-map.ts';
import { type MatrixOptions, matrixHelp, parseMatrixOptions } from './options.ts';
import {
  recordsOf,
  runTasks,
  type Sweep,
  type SweepEnd,
  type SweepHooks,
  type SweepRecords,
  sweepId,
  tasksLeft,
  unfinishedSeed,
} from './sweep.ts';
import { tableLines } from './table.ts';

/** Runs `matrix` with its arguments; resolves to the exit code. @throws UsageError */
export async function matrixCommand(args: readonly string[], console: Console, hooks: Hooks = {}): Promise<number> {
  const options = parseMatrixOptions(args);
  if (options.help) {
    console.out(matrixHelp());
    return 0;
  }
  const { cells, axes, leftOut } = options;
  for (const { config } of cells) placementOf(config);
  const sweep = sweepOf(options, console);
  const records = recordsOf(sweep);
  const tasks = tasksLeft(sweep, records);
  const signal = hooks.signal?.();
  const all = cells.length * sweep.repetitions;
  const before = all - tasks.length;
  console.out(
    `${many(cells.length, 'cell')} × ${many(sweep.repetitions, 'repetition')}, seed ${sweep.seed}` +
      (before === 0 ? '' : `; measured before: ${before}, left: ${tasks.length}`),
  );
  for (const note of options.notes) console.err(`note: ${note}`);
  for (const [why, count] of leftOut) console.err(`note: ${many(count, 'cell')} left out: ${why}`);

  const end = await run(sweep, tasks, records, options, { ...hooks, signal }, console);
  const measured = records.flat();
  if (measured.length > 0) {
    showFigures(options, records.map(figuresOf), console);
    if (sweep.file !== null) console.out(row('records', printableLine(sweep.file)));
  }
  if (end.ended === 'unwritten') {
    console.err(`failed: a record could not be appended to ${sweep.file}: ${end.failure}`);
    return EXIT_CODES.failed;
  }
  if (end.ended !== 'done') {
    const why = end.ended === 'full' ? 'this process has started as many threads as it can' : end.ended;
    console.err(`${why}: ${measured.length} of ${many(all, 'repetition')}${howToGoOn(sweep, options)}`);
    return EXIT_CODES[end.ended === 'full' ? 'failed' : end.ended];
  }
  const figures = records.map(figuresOf);
  for (const line of costLines(axes, cells, figures)) console.out(line);
  console.out(bestLine(axes, cells, figures));
  return greatest(measured.map(({ outcome }) => EXIT_CODES[outcome]));
}

const many = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;

function showFigures({ axes, cells, heat }: MatrixOptions, figures: readonly Figures[], console: Console): void {
  const { stdout } = process;
  const table = tableLines(axes, cells, figures, stdout.isTTY ? stdout.columns : Number.POSITIVE_INFINITY);
  // Only a terminal can be asked; it knows NO_COLOR.
  const coloured = stdout.isTTY && stdout.hasColors(256);
  const map = heat === null ? [] : heatMapLines(heat, axes, cells, figures, coloured);
  for (const line of ['', ...table, ...(map.length === 0 ? [] : ['', ...map]), '']) console.out(line);
}

/** Nothing where no record was kept, or by a device. */
function howToGoOn({ file }: Sweep, { fresh }: MatrixOptions): string {
  if (file === null || statSync(file, { throwIfNoEntry: false })?.isFile() !== true) return '';
  return `; the same command${fresh ? ' without --fresh' : ''} goes on where it stopped`;
}

/** The sweep of this command line: one that was begun and interrupted, or a new one. @throws UsageError */
function sweepOf({ cells, repetitions, seed, fresh, label, machine, out }: MatrixOptions, console: Console): Sweep {
  const environment = captureEnvironment(machine, (note) => console.err(`note: ${note}`));
  const configs = cells.map(({ config }) => config);
  const id = sweepId(configs, environment, programHash());
  const file = resultsFile(out, environment.machine);
  const begun = fresh ? null : unfinishedSeed(file, id, configs.length * repetitions);
  return { id, configs, repetitions, environment, label, file, seed: seed ?? begun ?? randomInt(SEED_MAX) };
}

async function run(
  sweep: Sweep,
  tasks: ReturnType<typeof tasksLeft>,
  records: SweepRecords,
  { cells }: MatrixOptions,
  hooks: Omit<SweepHooks, 'onTask' | 'onNotice'>,
  console: Console,
): Promise<SweepEnd> {
  const progress = makeProgress(process.stderr);
  const start = performance.now();
  const onTask = ({ cell }: { cell: number }, over: number) => {
    const leftMs = over === 0 ? null : ((performance.now() - start) / over) * (tasks.length - over);
    const left = leftMs === null ? '' : `, ${durationOf(leftMs)} left`;
    progress.show(`${bar(over, tasks.length)} ${over} of ${tasks.length}${left}  ${cells[cell]!.values.join(' ')}`);
  };
  const onNotice = (notice: string) => {
    progress.clear();
    console.err(`note: ${notice}`);
  };
  const end = await runTasks(sweep, tasks, records, { ...hooks, onTask, onNotice });
  progress.clear();
  return end;
}
