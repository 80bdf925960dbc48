/** The command line of `matrix`: the axes of `run` as lists, and what a sweep itself can be told. */
import type { DoorbellStrategy } from '../../src/doorbell/doorbell.ts';
import { DOORBELLS } from '../../src/doorbell/index.ts';
import { ORDERINGS } from '../../src/ordering/index.ts';
import { ENGINES } from '../axes/engines.ts';
import { flag, type Option, type OptionTable, optionLines, readArguments } from '../command-line/option-table.ts';
import { countOf, UsageError } from '../command-line/option-values.ts';
import { allowedCpus } from '../pair/pinning.ts';
import { machineOf } from '../records/machine-name.ts';
import type { RunConfig } from '../records/record.ts';
import { engineSwitch } from '../run/configuration-line.ts';
import { parseRunOptions, RUN_AXES, RUN_OPTIONS, type OptionName as RunOptionName } from '../run/options.ts';
import { cpusByDefault, cpusNote } from '../run/placement.ts';
import { SEED_MAX } from '../statistics/random.ts';
import { type Axis, axisOf, type Cells, cellsOf, varied } from './axes.ts';

const AXIS_NAMES = Object.keys(RUN_AXES) as RunOptionName[];

/** Options of `run` that all cells share, with what they are in a sweep. */
const SHARED = ['transfers', 'warmup', 'repeat', 'timeout', 'latency', 'label', 'machine', 'out'] as const;

/** Those that say nothing of a cell. */
const OF_RECORDS: readonly (typeof SHARED)[number][] = ['label', 'machine', 'out'];

type OwnName = 'quick' | 'heat' | 'seed' | 'fresh';
type Name = RunOptionName | OwnName;

/** Enough of each for a table; `--quick` is for a first look. */
const DEFAULTS = { transfers: '2M', repeat: '5', timeout: '10' };
const QUICK = { transfers: '200k', repeat: '2', timeout: '1' };
type Sized = keyof typeof DEFAULTS;

function axisOption(name: RunOptionName): Option {
  const option: Option = RUN_OPTIONS[name];
  return RUN_AXES[name] === 'flag'
    ? { value: 'on,off', summary: option.summary, byDefault: 'off; without a list: on', implied: 'on' }
    : { ...option, value: 'LIST' };
}

export const MATRIX_OPTIONS = {
  ...Object.fromEntries(AXIS_NAMES.map((name) => [name, axisOption(name)])),
  ...Object.fromEntries(
    SHARED.map((name): [string, Option] => [
      name,
      { ...RUN_OPTIONS[name], ...(name in DEFAULTS && { byDefault: DEFAULTS[name as Sized] }) },
    ]),
  ),
  quick: flag(`a first look: --transfers ${QUICK.transfers} --repeat ${QUICK.repeat}, short time-out`),
  heat: { value: 'A,B', summary: 'the axes of the heat map (rows, columns); default: the two with the most values' },
  seed: {
    value: 'N',
    summary: 'of the random order; default: a new one, printed; that of a finished sweep shows it again',
  },
  fresh: flag('begin anew even if this sweep was interrupted before'),
  help: flag('this text; -h too'),
} as OptionTable<Name>;

export interface MatrixOptions extends Cells {
  /** Those with more than one value, and those that were given. */
  axes: Axis[];
  repetitions: number;
  /** Rows and columns of the heat map; null: none can be drawn. */
  heat: [row: number, column: number] | null;
  seed: number | null;
  fresh: boolean;
  label: string;
  machine: string | null;
  out: string | null;
  /** What must be said before it begins. */
  notes: string[];
  help: boolean;
}

const whyUnusable = ({ unavailable }: DoorbellStrategy) => unavailable?.() ?? null;

/** Doorbells that the default sweep does without, and why. */
function doorbellsLeftOut(): string[] {
  return Object.values(DOORBELLS).flatMap((doorbell) => {
    const why = whyUnusable(doorbell);
    return why === null ? [] : [`doorbell ${doorbell.name} left out: ${why}`];
  });
}

/** What is swept when no axis is named: the default of `run` is among it. */
function defaultAxes(): Axis[] {
  const sound = Object.values(ORDERINGS).filter((ordering) => ordering.sound);
  const usable = Object.values(DOORBELLS).filter((doorbell) => whyUnusable(doorbell) === null);
  return [
    { name: 'eventidx', values: ['off', 'on'] },
    { name: 'engine', values: Object.keys(ENGINES) },
    { name: 'ordering', values: sound.map(({ name }) => name) },
    { name: 'doorbell', values: usable.map(({ name }) => name) },
    { name: 'cpus', values: cpusByDefault(allowedCpus()) === 'same' ? ['same'] : ['same', 'distant'] },
  ];
}

/** The default sweep has each ordering on one engine, that of the default where it can: another one takes half as long again. */
function onOtherEngine({ engine, ordering, ...config }: RunConfig): string | null {
  const preferred = parseRunOptions(['--parallel']).config.engine;
  if (engine === preferred || (ENGINES[preferred].refuses?.({ ...config, ordering }) ?? null) !== null) return null;
  return (
    `engine ${engine} with ordering ${ordering}, which engine ${preferred} has, too ` +
    `(--engine ${engine},${preferred} --ordering ${ordering} compares the two)`
  );
}

/** @throws UsageError naming the argument. */
export function parseMatrixOptions(args: readonly string[]): MatrixOptions {
  const given = readArguments(MATRIX_OPTIONS, args);
  const sizes = given.has('quick') ? { ...DEFAULTS, ...QUICK } : DEFAULTS;
  const listed = AXIS_NAMES.filter((name) => given.has(name)).map((name) => axisOf(name, given.get(name)!));
  const axes = listed.length === 0 ? defaultAxes() : listed;
  const fixed = SHARED.flatMap((name) => {
    const text = given.get(name) ?? (name in sizes ? sizes[name as Sized] : undefined);
    // At a fixed rate `run` knows how many transfers are enough.
    const ownSize = name === 'transfers' && given.has('rate') && !given.has('transfers');
    return text === undefined || ownSize || OF_RECORDS.includes(name) ? [] : [`--${name}=${text}`];
  });
  if (given.has('seed') && given.has('fresh'))
    throw new UsageError('--fresh begins with a seed of its own: give it or --seed, not both');
  const { cells, leftOut } = cellsOf(axes, fixed, listed.length === 0 ? onOtherEngine : undefined);
  const hasAxis = (name: RunOptionName) => axes.some((axis) => axis.name === name);
  const configs = cells.map(({ config }) => config);
  const notes = [
    ...(listed.length === 0 ? doorbellsLeftOut() : []),
    engineSwitch(hasAxis, configs),
    given.has('cpus') ? null : cpusNote(allowedCpus()),
  ];
  return {
    axes,
    cells,
    leftOut,
    repetitions: cells[0]!.config.repeat,
    heat: heatAxes(axes, given.get('heat')),
    seed: given.has('seed') ? countOf('--seed', given.get('seed')!, 0, SEED_MAX) : null,
    fresh: given.has('fresh'),
    notes: notes.filter((note) => note !== null),
    label: given.get('label') ?? '',
    machine: machineOf(given),
    out: given.get('out') ?? null,
    help: given.has('help'),
  };
}

/** Places of the heat map's two axes among all. @throws UsageError */
function heatAxes(axes: readonly Axis[], text: string | undefined): [number, number] | null {
  const several = varied(axes);
  if (text === undefined) {
    const [first, second] = several.toSorted((a, b) => b.values.length - a.values.length);
    return second === undefined ? null : [first!.place, second.place];
  }
  const [row, column, ...more] = text
    .split(',')
    .map((name) => several.find((axis) => axis.name === name.trim())?.place);
  if (row === undefined || column === undefined || row === column || more.length > 0)
    throw new UsageError(
      `--heat wants two of the axes with several values (${several.map(({ name }) => name).join(', ')}), not '${text}'`,
    );
  return [row, column];
}

export function matrixHelp(): string {
  return `vringbench matrix: sweeps any options of run, every combination of their values

  npm run matrix -- [options]       or: vringbench matrix [options]

Cells and repetitions run interleaved in random order, each in fresh threads, and
each repetition is appended to the results as it ends: a sweep that was interrupted
goes on where it stopped when the same command is given again. A cell that fails is
recorded as failed. Without any axis: the default of run and what else a program can
choose: sound orderings, each on engine wasm where that has it, x doorbells x
eventidx x same,distant.

${optionLines(MATRIX_OPTIONS)}

Examples
  npm run matrix -- --quick
  npm run matrix -- --ordering seqcst,wasm --doorbell futex,pipe --eventidx on,off
  npm run matrix -- --batch 1,4,16,64 --exit-cost 0,1000,10000 --heat batch,exit-cost
  npm run matrix -- --cpus distant,same --doorbell futex,spin,adaptive --latency

Exit codes
  0 done   1 a cell failed, or the process is used up: the same command goes on
  2 usage   3 a cell lost a wake-up or stalled
  130 interrupted: what was measured is kept`;
}
