/**
 * The command line of `run`: one table from which parsing, defaults, help and error messages come. Main thread.
 */
import { DOORBELLS } from '../../src/doorbell/index.ts';
import { ORDERINGS } from '../../src/ordering/index.ts';
import { VRING_SIZE_MAX } from '../../src/ring/constants.ts';
import { flag, optionLines, readArguments, type Option as TableOption } from '../command-line/option-table.ts';
import { bytesOf, type Choice, choiceOf, countOf, secondsOf, UsageError } from '../command-line/option-values.ts';
import { ENGINES, WASM_REFUSALS } from '../pair/engines.ts';
import { HOSTS } from '../pair/hosts.ts';
import { LAYOUTS } from '../pair/layouts.ts';
import { allowedCpus } from '../pair/pinning.ts';
import { PAIRS_IN } from '../pair/running-pair.ts';
import { UNTIL_STEADY } from '../pair/warm-up-plan.ts';
import { MACHINE_OPTION, machineOf } from '../records/machine-name.ts';
import type { RunConfig } from '../records/record.ts';
import { WORKLOADS } from '../workloads/index.ts';
import { cpusByDefault, cpusNote, pairsNamed } from './placement.ts';

/** Transfers are numbered in 32 bits; warm-up and window share the numbers. */
const TRANSFERS_MAX = 2_000_000_000;

/** Bytes of a transfer; what workloads carry that have their own size; and what the slots of all pairs may take. */
const SIZE_MAX = 65_536;
const SIZE_DEFAULT = 4;
const SLOTS_BYTES_MAX = 2 ** 30;

const PAIRS_MAX = 64;

/** The fastest schedule, a second; how long one lasts by default, seconds. */
const RATE_MAX = 10_000_000;
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

interface Option extends TableOption {
  /** Only the parallel test looks at it. */
  parallelOnly?: boolean;
  /**
   * It says what is measured, and a sweep may list its values: a strategy, which a program can choose, or a condition
   * under which strategies are compared.
   */
  axis?: 'strategy' | 'condition';
}

/** Options that are each right but cannot run together; a sweep leaves such cells out. */
export class CombinationError extends UsageError {}

const measured = (value: string, summary: string, byDefault: string): Option => ({
  value,
  summary,
  byDefault,
  parallelOnly: true,
});
const strategy = (option: Option): Option => ({ ...option, axis: 'strategy' });
const condition = (option: Option): Option => ({ ...option, axis: 'condition' });
const choice = (choices: Choice, summary: string, byDefault: string): Option => ({
  ...measured('NAME', summary, byDefault),
  choices,
});

/** Options that the Wasm engine does not have in all their values: who compares these compares them on one engine. */
export const JS_BY_DEFAULT = Object.keys(WASM_REFUSALS) as (keyof typeof WASM_REFUSALS)[];
const WITH_ANY_ENGINE = `where ${JS_BY_DEFAULT.map((name) => `--${name}`).join(', ')} are given`;

export const RUN_OPTIONS = {
  parallel: flag('guest and host in two threads, measured; without it the basic test on one'),
  indirect: strategy(flag('negotiate VIRTIO_RING_F_INDIRECT_DESC')),
  eventidx: strategy(flag('negotiate VIRTIO_RING_F_EVENT_IDX')),
  'virtio-1': strategy(flag('negotiate VIRTIO_F_VERSION_1')),
  'slow-range': condition(flag('the host translates one byte at a time')),
  'fast-vringh': condition({
    ...flag('the host spins, reads no descriptor, calls only for what it completed; the guest never kicks'),
    parallelOnly: true,
  }),
  transfers: measured('N', 'transfers in the measured window', '10M'),
  warmup: measured('N|auto', 'transfers before it, on the same ring; auto: until the loops are steady', UNTIL_STEADY),
  repeat: measured('N', 'repetitions, each in fresh threads', '1'),
  'ring-size': condition(measured('N', `descriptors, a power of two up to ${VRING_SIZE_MAX}`, '256')),
  workload: condition(choice(WORKLOADS, 'what a transfer carries', 'alternate')),
  size: condition(
    measured('BYTES', `bytes that a transfer of workload bulk carries, up to ${SIZE_MAX}`, `${SIZE_DEFAULT}`),
  ),
  layout: condition(choice(LAYOUTS, 'ring layout', 'split')),
  host: condition(choice(HOSTS, 'whose host half serves the ring', 'vringh')),
  engine: strategy(choice(ENGINES, `what both halves of the ring are made with; js ${WITH_ANY_ENGINE}`, 'wasm')),
  ordering: strategy({
    ...choice(ORDERINGS, 'how shared fields are accessed; of engine wasm: wasm', 'seqcst'),
    parallelOnly: false,
  }),
  doorbell: strategy(choice(DOORBELLS, 'how one thread wakes the other', 'adaptive')),
  'spin-us': strategy(
    measured('N', 'doorbell adaptive: the longest time it looks before it sleeps, microseconds', '50'),
  ),
  batch: strategy(measured('N', 'adds that the guest publishes and kicks for together', '1')),
  outstanding: strategy(
    measured('N', 'the most transfers in flight; default: as many as the ring has descriptors', ''),
  ),
  'delayed-interrupt': strategy(
    measured('on|off', 'the guest wants its call only after most of what is outstanding', 'on'),
  ),
  'complete-batch': strategy(measured('N', 'completions that the host publishes together', '1')),
  'exit-cost': condition(measured('NS', 'simulated cost of each doorbell ring, nanoseconds', '0')),
  cpus: condition(
    measured(
      'WHERE',
      'distant (first and last), same, none, or two numbers a pair: G,H/G,H',
      'distant; same where one alone is allowed',
    ),
  ),
  pairs: condition(measured('N', 'guests, each with a host, a ring and memory of its own, at once', '1')),
  'pairs-in': strategy(choice(PAIRS_IN, 'where they run', 'thread')),
  timeout: measured('S', 'bound of every wait for the peer in warm-up and window, seconds', '10'),
  latency: {
    ...measured('N', 'measure the latency of every N-th transfer, and of wake-ups', 'off; without N: 64'),
    implied: '64',
  },
  hgrm: measured('PREFIX', 'write the latency distributions to PREFIX.round-trip.hgrm and so on', ''),
  rate: condition(
    measured('N', 'send at a fixed rate, N a second; implies --latency 1, --transfers 10 seconds worth', 'off'),
  ),
  label: measured('TEXT', 'kept in the record', ''),
  machine: { ...MACHINE_OPTION, parallelOnly: true },
  out: measured('FILE', "where the record is appended, or none; default: the machine's file in results/", ''),
  json: { ...flag('print the record alone on standard output; the rest goes to standard error'), parallelOnly: true },
  help: flag('this text; -h too'),
} satisfies Record<string, Option>;

export type OptionName = keyof typeof RUN_OPTIONS;

const OPTIONS: Record<OptionName, Option> = RUN_OPTIONS;
const NAMES = Object.keys(OPTIONS) as OptionName[];

/** A program can choose it. */
export const isStrategy = (name: OptionName): boolean => OPTIONS[name].axis === 'strategy';

export const STRATEGIES: readonly OptionName[] = NAMES.filter(isStrategy);

/** The options that say what is measured, and how they are given. */
export const RUN_AXES = Object.fromEntries(
  NAMES.filter((name) => OPTIONS[name].axis !== undefined).map((name) => [
    name,
    OPTIONS[name].value === null ? 'flag' : 'value',
  ]),
) as Partial<Record<OptionName, 'flag' | 'value'>>;

/** @throws UsageError naming the argument. */
export function parseRunOptions(args: readonly string[]): RunOptions {
  const given = readArguments(OPTIONS, args);
  const text = (name: OptionName) => given.get(name) ?? OPTIONS[name].byDefault ?? '';
  const on = (name: OptionName) => given.has(name);
  const count = (name: OptionName, min: number, max: number) => countOf(`--${name}`, text(name), min, max);
  const pick = <Name extends string>(name: OptionName, table: Record<Name, unknown>) =>
    choiceOf(`--${name}`, text(name), table);

  const engine = given.has('engine') || (on('parallel') && !JS_BY_DEFAULT.some(on)) ? pick('engine', ENGINES) : 'js';
  // An engine with one ordering has that by default.
  const only = given.has('ordering') ? null : ENGINES[engine].ordering;
  const ordering = only ?? pick('ordering', ORDERINGS);
  const allowed = allowedCpus();
  const rate = given.has('rate') ? count('rate', 1, RATE_MAX) : 0;
  const config: RunConfig = {
    parallel: on('parallel'),
    indirect: on('indirect'),
    eventidx: on('eventidx'),
    virtio1: on('virtio-1'),
    slowRange: on('slow-range'),
    fastVringh: on('fast-vringh'),
    transfers: rate > 0 && !given.has('transfers') ? rate * RATE_SECONDS : count('transfers', 1, TRANSFERS_MAX),
    warmup: text('warmup') === UNTIL_STEADY ? UNTIL_STEADY : count('warmup', 0, TRANSFERS_MAX),
    repeat: count('repeat', 1, 1_000_000),
    ringSize: count('ring-size', 1, VRING_SIZE_MAX),
    workload: pick('workload', WORKLOADS),
    size: bytesOf('--size', text('size'), 4, SIZE_MAX),
    layout: pick('layout', LAYOUTS),
    host: pick('host', HOSTS),
    engine,
    ordering,
    orderingSound: ORDERINGS[ordering].sound,
    doorbell: pick('doorbell', DOORBELLS),
    cpus: given.get('cpus') ?? cpusByDefault(allowed),
    pairs: count('pairs', 1, PAIRS_MAX),
    pairsIn: pick('pairs-in', PAIRS_IN),
    spinUs: count('spin-us', 0, 1_000_000),
    batch: count('batch', 1, VRING_SIZE_MAX),
    outstanding: given.has('outstanding')
      ? count('outstanding', 1, VRING_SIZE_MAX)
      : count('ring-size', 1, VRING_SIZE_MAX),
    delayedInterrupt: choiceOf('--delayed-interrupt', text('delayed-interrupt'), { on: true, off: false }) === 'on',
    completeBatch: count('complete-batch', 1, VRING_SIZE_MAX),
    exitCost: count('exit-cost', 0, 1_000_000_000),
    latency: given.has('latency') ? count('latency', 1, TRANSFERS_MAX) : rate === 0 ? 0 : 1,
    rate,
    timeout: secondsOf('--timeout', text('timeout')),
  };
  checkRunnable(config);
  if (given.has('hgrm') && config.latency === 0)
    throw new UsageError('--hgrm needs --latency: it writes what that measures');
  return {
    config,
    label: text('label'),
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
const OF_A_RING: readonly OptionName[] = ['indirect', 'eventidx', 'virtio-1', 'slow-range', 'host', 'ordering'];
/** Those that a host which polls and reads no descriptor does not. */
const OF_A_HOST_LOOP: readonly OptionName[] = ['slow-range', 'complete-batch'];

/** Why an option changes nothing in this run, or null. */
function whyIdle(name: OptionName, config: RunConfig): string | null {
  if (!config.parallel) return OPTIONS[name].parallelOnly ? 'without --parallel' : null;
  if (config.layout === 'null' && OF_A_RING.includes(name)) return 'with --layout null';
  if (config.fastVringh && OF_A_HOST_LOOP.includes(name)) return 'with --fast-vringh';
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
  if (config.rate > 0 && config.layout === 'null')
    throw new CombinationError('--rate cannot run with --layout null: there is nobody to wait for');
  const refused = ENGINES[config.engine].refuses?.(config) ?? null;
  if (refused !== null) throw new CombinationError(`--engine ${config.engine} cannot run with ${refused}`);
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
