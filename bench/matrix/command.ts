/** The command `matrix`: a sweep from its announcement to its last line. Main thread. */
import { randomInt } from 'node:crypto';
import { type Console, EXIT_CODES, type Hooks } from '../command.ts';
import { captureEnvironment } from '../environment.ts';
import { placementOf } from '../placement.ts';
import { bar, durationOf, makeProgress } from '../progress.ts';
import { row } from '../report.ts';
import { resultsFile } from '../results.ts';
import { bestLine } from './best.ts';
import { figuresOf } from './figures.ts';
import { heatMapLines } from './heat-map.ts';
import { type MatrixOptions, matrixHelp, parseMatrixOptions } from './options.ts';
import { SEED_MAX } from './order.ts';
import { recordsOf, runTasks, type Sweep, type SweepRecords, sweepId, tasksLeft, unfinishedSeed } from './sweep.ts';
import { tableLines } from './table.ts';

/** Runs `matrix` with its arguments; resolves to the exit code. @throws UsageError */
export async function matrixCommand(args: readonly string[], console: Console, hooks: Hooks = {}): Promise<number> {
  const options = parseMatrixOptions(args);
  if (options.help) {
    console.out(matrixHelp());
    return 0;
  }
  const { cells, axes, leftOut } = options;
  for (const { config } of cells) placementOf(config.cpus);
  const sweep = sweepOf(options);
  const records = recordsOf(sweep);
  const tasks = tasksLeft(sweep, records);
  const done = cells.length * sweep.repetitions - tasks.length;
  console.out(
    `${cells.length} cells × ${sweep.repetitions} repetitions, seed ${sweep.seed}` +
      (done === 0 ? '' : `; ${done} were measured before, ${tasks.length} are left`),
  );
  for (const [why, count] of leftOut) console.err(`note: ${count} cells left out: ${why}`);

  const ended = await run(sweep, tasks, records, options, hooks);
  const figures = records.map(figuresOf);
  console.out('');
  for (const line of tableLines(axes, cells, figures)) console.out(line);
  if (options.heat !== null) {
    const coloured = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
    const lines = heatMapLines(options.heat, axes, cells, figures, coloured);
    for (const line of lines.length === 0 ? [] : ['', ...lines]) console.out(line);
  }
  console.out('');
  if (sweep.file !== null) console.out(row('records', sweep.file));
  if (!ended) {
    const goOn = sweep.file === null ? '' : '; the same command goes on where it stopped';
    console.err(`interrupted: ${records.flat().length} of ${cells.length * sweep.repetitions} repetitions${goOn}`);
    return EXIT_CODES.interrupted;
  }
  console.out(bestLine(axes, cells, figures));
  return Math.max(...records.flat().map(({ outcome }) => EXIT_CODES[outcome]));
}

/** The sweep of this command line: one that was begun and interrupted, or a new one. @throws UsageError */
function sweepOf({ cells, repetitions, seed, fresh, label, out }: MatrixOptions): Sweep {
  const environment = captureEnvironment();
  const configs = cells.map(({ config }) => config);
  const id = sweepId(configs, environment);
  const file = resultsFile(out, environment.machine);
  const begun = fresh ? null : unfinishedSeed(file, id, configs.length * repetitions);
  return { id, configs, repetitions, environment, label, file, seed: seed ?? begun ?? randomInt(SEED_MAX) };
}

/** False if it was interrupted. */
async function run(
  sweep: Sweep,
  tasks: ReturnType<typeof tasksLeft>,
  records: SweepRecords,
  { cells }: MatrixOptions,
  hooks: Hooks,
): Promise<boolean> {
  const progress = makeProgress(process.stderr);
  const start = performance.now();
  const onTask = ({ cell }: { cell: number }, over: number) => {
    const leftMs = over === 0 ? null : ((performance.now() - start) / over) * (tasks.length - over);
    const left = leftMs === null ? '' : `, ${durationOf(leftMs)} left`;
    progress.show(`${bar(over, tasks.length)} ${over} of ${tasks.length}${left}  ${cells[cell]!.values.join(' ')}`);
  };
  const ended = await runTasks(sweep, tasks, records, { ...hooks, signal: hooks.signal?.(), onTask });
  progress.clear();
  return ended;
}
