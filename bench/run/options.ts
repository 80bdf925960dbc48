/**
 * The command line of `run`: one table from which parsing, defaults, help and error messages come. Main thread.
 */
import type { DoorbellStrategy } from '../../src/doorbell/doorbell.ts';
import { DOORBELLS } from '../../src/doorbell/index.ts';
import { ORDERINGS } from '../../src/ordering/index.ts';
import { VRING_SIZE_MAX } from '../../src/ring/constants.ts';
import { ENGINES } from '../axes/engines.ts';
import { HOSTS } from '../axes/hosts.ts';
import { UNTIL_STEADY } from '../axes/warm-up.ts';
import { WORKLOADS } from '../axes/workloads.ts';
import { flag, optionLines, readArguments, type Option as TableOption } from '../command-line/option-table.ts';
import { UsageError } from '../command-line/option-values.ts';
import {
  CONFIG_OPTIONS,
  FIELDS,
  type Field,
  type FieldName,
  FOLLOWING,
  type Followed,
  JS_BY_DEFAULT,
  optionOf,
  type RunConfig,
  SIZE_DEFAULT,
  TRANSFERS_MAX,
} from '../config.ts';
import { allowedCpus } from '../pair/pinning.ts';
import { MACHINE_OPTION, machineOf } from '../records/machine-name.ts';
import { cpusByDefault, cpusNote, pairsNamed } from './placement.ts';

/** What the slots of all pairs may take, bytes. */
const SLOTS_BYTES_MAX = 2 ** 30;

/** How long a schedule lasts by default, seconds. */
export const RATE_SECONDS = 10;

export interface RunOptions {
  config: RunConfig;
  label: string;
  /** What the machine is called; null: by what it is. */
  machine: string | null;
  /** A file, `none`, or null for the machine's own file. */
  out: string | null;
  /** How the files of latency distributions begin, or null. */
  hgrm: string | null;
  json: boolean;
  help: boolean;
  /** Options given that change nothing in this run, each with why. */
  idle: string[];
  /** What must be said of where the threads run; null: nothing. */
  cpusNote: string | null;
  /** It was given, not left to its default. */
  given: (name: OptionName) => boolean;
}

/** Options that are each right but cannot run together; a sweep leaves such cells out. */
export class CombinationError extends UsageError {}

/** Where a run's record goes, and what is written besides. */
const OUTPUT_OPTIONS: Record<'hgrm' | 'label' | 'machine' | 'out' | 'json' | 'help', TableOption> = {
  hgrm: { value: 'PREFIX', summary: 'write the latency distributions to PREFIX.round-trip.hgrm and so on' },
  label: { value: 'TEXT', summary: 'kept in the record' },
  machine: MACHINE_OPTION,
  out: { value: 'FILE', summary: "where the record is appended, or none; default: the machine's file in results/" },
  json: flag('print the record alone on standard output; the rest goes to standard error'),
  help: flag('this text; -h too'),
};

export const RUN_OPTIONS = { ...CONFIG_OPTIONS, ...OUTPUT_OPTIONS };

export type OptionName = keyof typeof RUN_OPTIONS;

/** What the table says of an option; of those that say nothing of what is measured there is less. */
type Option = TableOption & Partial<Pick<Field<unknown>, 'parallelOnly' | 'axis'>>;

const OPTIONS: Record<OptionName, Option> = RUN_OPTIONS;
const NAMES = Object.keys(OPTIONS) as OptionName[];

/** A program can choose it. */
export const isStrategy = (name: OptionName): boolean => OPTIONS[name].axis === 'strategy';

const isAxis = (name: OptionName) => (OPTIONS[name].axis ?? null) !== null;

export const STRATEGIES: readonly OptionName[] = NAMES.filter(isStrategy);

/** The options that say what is measured, and how they are given. */
export const RUN_AXES = Object.fromEntries(
  NAMES.filter((name) => isAxis(name)).map((name) => [name, OPTIONS[name].value === null ? 'flag' : 'value']),
) as Partial<Record<OptionName, 'flag' | 'value'>>;

/** @throws UsageError naming the argument. */
export function parseRunOptions(args: readonly string[]): RunOptions {
  const given = readArguments(OPTIONS, args);
  const on = (name: OptionName) => given.has(name);
  /** The value that was given, or that its text by default means. */
  const value = <Name extends FieldName>(name: Name): RunConfig[Name] => {
    const option = optionOf(name);
    const field = FIELDS[name] as unknown as Field<RunConfig[Name]>;
    return field.read(`--${option}`, given.get(option) ?? field.byDefault ?? '');
  };
  const valueOrFollowing = <Name extends keyof typeof FOLLOWING>(name: Name, followed: Followed): RunConfig[Name] =>
    on(optionOf(name)) ? value(name) : FOLLOWING[name]!.value(followed);
  const parallel = on('parallel');
  const engine = on('engine') || (parallel && !JS_BY_DEFAULT.some(on)) ? value('engine') : 'js';
  // An engine with one ordering has that by default.
  const ordering = on('ordering') ? value('ordering') : (ENGINES[engine].ordering ?? value('ordering'));
  const allowed = allowedCpus();
  const followed = { engine, doorbell: value('doorbell'), ringSize: value('ringSize') };
  const rate = on('rate') ? value('rate') : 0;
  const config: RunConfig = {
    parallel,
    indirect: on('indirect'),
    eventidx: on('eventidx'),
    virtio1: on('virtio-1'),
    slowRange: on('slow-range'),
    fastVringh: on('fast-vringh'),
    transfers: rate > 0 && !on('transfers') ? rate * RATE_SECONDS : value('transfers'),
    warmup: value('warmup'),
    repeat: value('repeat'),
    ringSize: followed.ringSize,
    workload: value('workload'),
    size: value('size'),
    layout: value('layout'),
    ringPlace: value('ringPlace'),
    host: value('host'),
    engine,
    loop: valueOrFollowing('loop', followed),
    ordering,
    orderingSound: ORDERINGS[ordering].sound,
    doorbell: followed.doorbell,
    cpus: on('cpus') ? value('cpus') : cpusByDefault(allowed),
    pairs: value('pairs'),
    pairsIn: value('pairsIn'),
    spinUs: value('spinUs'),
    lookUs: valueOrFollowing('lookUs', followed),
    batch: valueOrFollowing('batch', followed),
    outstanding: valueOrFollowing('outstanding', followed),
    delayedInterrupt: value('delayedInterrupt'),
    completeBatch: valueOrFollowing('completeBatch', followed),
    exitCost: value('exitCost'),
    latency: on('latency') ? value('latency') : rate === 0 ? 0 : 1,
    rate,
    timeout: value('timeout'),
  };
  checkRunnable(config);
  if (given.has('hgrm') && config.latency === 0)
    throw new UsageError('--hgrm needs --latency: it writes what that measures');
  return {
    config,
    label: given.get('label') ?? '',
    machine: machineOf(given),
    out: given.get('out') ?? null,
    hgrm: given.get('hgrm') ?? null,
    json: on('json'),
    help: on('help'),
    cpusNote: config.parallel && !given.has('cpus') ? cpusNote(allowed) : null,
    given: on,
    idle: NAMES.filter((name) => given.has(name)).flatMap((name) => {
      const why = whyIdle(name, config);
      return why === null ? [] : [`--${name} has no effect ${why}`];
    }),
  };
}

/** Options that the null layout, which has no ring, does not look at. */
const OF_A_RING: readonly OptionName[] = [
  'ring-place',
  'indirect',
  'eventidx',
  'virtio-1',
  'slow-range',
  'host',
  'ordering',
];
/** Those that a host which polls and reads no descriptor does not. */
const OF_A_HOST_LOOP: readonly OptionName[] = ['slow-range', 'complete-batch'];

/** Why an option changes nothing in this run, or null. */
function whyIdle(name: OptionName, config: RunConfig): string | null {
  if (!config.parallel) return OPTIONS[name].parallelOnly ? 'without --parallel' : null;
  if (config.layout === 'null' && OF_A_RING.includes(name)) return 'with --layout null';
  if (config.fastVringh && OF_A_HOST_LOOP.includes(name)) return 'with --fast-vringh';
  if (name === 'look-us' && (DOORBELLS[config.doorbell] as DoorbellStrategy).polls)
    return 'with --doorbell poll: it always looks';
  if (name === 'spin-us' && config.doorbell !== 'adaptive') return `with --doorbell ${config.doorbell}`;
  return null;
}

/** Transfers of a warm-up that is not left to the loops, whose legs are of even numbers. */
const warmupAsked = ({ warmup }: Pick<RunConfig, 'warmup'>) => (warmup === UNTIL_STEADY ? 0 : warmup);

/** @throws UsageError for options that are each right but cannot run here, or not together. */
function checkRunnable(config: RunConfig): void {
  const { ringSize, workload, doorbell } = config;
  const missing = DOORBELLS[doorbell].unavailable?.() ?? null;
  if (missing !== null) throw new UsageError(`--doorbell ${doorbell} ${missing}`);
  if ((ringSize & (ringSize - 1)) !== 0)
    throw new UsageError(`--ring-size wants a power of two from 1 to ${VRING_SIZE_MAX}, not ${ringSize}`);
  if (config.fastVringh && workload === 'echo')
    throw new CombinationError('--fast-vringh cannot run with --workload echo: its host never copies');
  if (config.fastVringh && config.layout !== 'split')
    throw new CombinationError(`--fast-vringh cannot run with --layout ${config.layout}: it polls a split ring`);
  if (config.fastVringh && config.host !== 'vringh')
    throw new CombinationError(`--fast-vringh cannot run with --host ${config.host}: it is a face of vringh`);
  const newer = config.indirect ? '--indirect' : config.eventidx ? '--eventidx' : null;
  if (config.parallel && newer !== null && !HOSTS[config.host].modern)
    throw new CombinationError(`--host ${config.host} cannot run with ${newer}: its rings are older`);
  if (config.parallel && config.ringPlace === 'apart' && !(config.virtio1 && HOSTS[config.host].modern))
    throw new CombinationError(
      `--ring-place apart cannot run ${config.virtio1 ? `with --host ${config.host}` : 'without --virtio-1'}: ` +
        'the parts of a legacy ring lie behind each other',
    );
  if (config.rate > 0 && config.layout === 'null')
    throw new CombinationError('--rate cannot run with --layout null: there is nobody to wait for');
  const refused = ENGINES[config.engine].refuses(config);
  if (refused !== null) throw new CombinationError(`--engine ${config.engine} cannot run with ${refused}`);
  if (config.loop === 'wasm' && config.engine !== 'wasm' && config.layout !== 'null')
    throw new CombinationError(`--loop wasm cannot run with --engine ${config.engine}: it is compiled with the ring`);
  const smallest = 2 ** Math.ceil(Math.log2(WORKLOADS[workload].elementsMax));
  if (config.parallel && ringSize < smallest)
    throw new CombinationError(
      `--ring-size ${ringSize} is too small: workload ${workload} sends requests of up to ` +
        `${WORKLOADS[workload].elementsMax} elements; the smallest ring is ${smallest}`,
    );
  if (config.transfers + warmupAsked(config) > TRANSFERS_MAX)
    throw new UsageError(`--transfers and --warmup together are at most ${TRANSFERS_MAX}`);
  checkSize(config);
  const named = pairsNamed(config.cpus);
  if (named !== null && named !== config.pairs)
    throw new CombinationError(
      `--cpus ${config.cpus} cannot run with --pairs ${config.pairs}: it names CPUs of ${named}`,
    );
}

/** @throws UsageError for a size that the workload cannot have, or that needs too much memory. */
function checkSize({ workload, size, ringSize, pairs, transfers, warmup }: RunConfig): void {
  const { sized, slotBytes } = WORKLOADS[workload];
  if (size % 4 !== 0) throw new UsageError(`--size wants a multiple of 4, not ${size}`);
  if (!sized && size !== SIZE_DEFAULT)
    throw new CombinationError(`--size ${size} cannot run with --workload ${workload}: only bulk has a size`);
  if (sized && (transfers + warmupAsked({ warmup })) % 2 !== 0)
    throw new CombinationError(
      `--workload ${workload} wants an even number of transfers, with those of --warmup: ` +
        'every other one brings back what the one before carried',
    );
  const needed = pairs * (ringSize + 1) * slotBytes(size);
  if (needed > SLOTS_BYTES_MAX)
    throw new CombinationError(
      `--ring-size ${ringSize} with --size ${size}${pairs === 1 ? '' : ` and --pairs ${pairs}`} takes ${needed} bytes of ` +
        `memory, more than ${SLOTS_BYTES_MAX}`,
    );
}

/** The options part of the help text. */
export const optionsHelp = (): string => optionLines(OPTIONS);
