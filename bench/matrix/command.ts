/** The command `matrix`: a sweep from its announcement to its last line. Main thread. */
import { randomInt } from 'node:crypto';
import { statSync } from 'node:fs';
import { counted, grouped } from '../command-line/columns.ts';
import { type Console, EXIT_CODES, type Hooks } from '../command-line/command.ts';
import { printableLine } from '../command-line/printable.ts';
import { makeCourse } from '../command-line/progress.ts';
import { captureEnvironment, programHash } from '../records/environment.ts';
import { resultsFile } from '../records/results.ts';
import { sharedLine } from '../run/configuration-line.ts';
import { placementOf } from '../run/placement.ts';
import { row } from '../run/report.ts';
import { SEED_MAX } from '../statistics/random.ts';
import { greatest } from '../statistics/sample.ts';
import { bestLine } from './best.ts';
import { costLines } from './cost-lines.ts';
import { SweepCourse } from './course.ts';
import { type Figures, figuresOf } from './figures.ts';
import { heatMapLines } from './heat-map.ts';
import { type MatrixOptions, matrixHelp, parseMatrixOptions } from './options.ts';
import type { Task } from './order.ts';
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
    `${counted(cells.length, 'cell')} × ${counted(sweep.repetitions, 'repetition')}, seed ${sweep.seed}` +
      (before === 0 ? '' : `; measured before: ${before}, left: ${tasks.length}`),
  );
  console.out(`${cells.length === 1 ? 'the cell' : 'in all cells'}: ${sharedLine(sweep.configs)}${orderings(options)}`);
  for (const note of options.notes) console.err(`note: ${note}`);
  for (const [why, count] of leftOut) console.err(`note: ${counted(count, 'cell')} left out: ${why}`);

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
    console.err(`${why}: ${grouped(measured.length)} of ${counted(all, 'repetition')}${howToGoOn(sweep, options)}`);
    return EXIT_CODES[end.ended === 'full' ? 'failed' : end.ended];
  }
  const figures = records.map(figuresOf);
  for (const line of costLines(axes, cells, figures)) console.out(line);
  console.out(bestLine(axes, cells, figures));
  return greatest(measured.map(({ outcome }) => EXIT_CODES[outcome]));
}

/** Engines that have orderings of their own make these differ where no axis says so. */
function orderings({ axes, cells }: MatrixOptions): string {
  const pairs = [...new Set(cells.map(({ config }) => `engine ${config.engine} has ordering ${config.ordering}`))];
  return pairs.length === 1 || axes.some(({ name }) => name === 'ordering') ? '' : `; ${pairs.join(', ')}`;
}

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
  tasks: readonly Task[],
  records: SweepRecords,
  { cells }: MatrixOptions,
  hooks: Omit<SweepHooks, 'onTask' | 'onNotice'>,
  console: Console,
): Promise<SweepEnd> {
  const time = new SweepCourse(cells, tasks, records);
  const expected = time.expected();
  if (expected !== null) console.err(expected);
  const course = makeCourse(process.stderr, console.err);
  const onTask = (task: Task, over: number) => time.show(course, task, over);
  const onNotice = (notice: string) => {
    course.clear();
    console.err(`note: ${notice}`);
  };
  const end = await runTasks(sweep, tasks, records, { ...hooks, onTask, onNotice });
  course.clear();
  return end;
}
