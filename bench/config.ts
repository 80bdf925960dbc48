/**
 * The one specification of what a run can be told about what it measures: of each option its name, values, default and
 * axis, how its text is read, and its field in records. Command line, help, `RunConfig`, the schema of records and sweeps
 * are derived from it; what cannot run together is in `run/refusals.ts`. Any thread.
 */
import { z } from 'zod';
import type { DoorbellStrategy } from '../src/doorbell/doorbell.ts';
import { DOORBELLS, type DoorbellName } from '../src/doorbell/index.ts';
import { ORDERINGS } from '../src/ordering/index.ts';
import { VRING_SIZE_MAX } from '../src/ring/constants.ts';
import { ENGINES, type EngineName, WASM_REFUSALS } from './axes/engines.ts';
import { HOSTS } from './axes/hosts.ts';
import { LAYOUTS } from './axes/layouts.ts';
import { LOOPS } from './axes/loops.ts';
import { PAIRS_IN } from './axes/pairs-in.ts';
import { RING_PLACES } from './axes/ring-places.ts';
import { UNTIL_STEADY, type WarmUpLength } from './axes/warm-up.ts';
import { WORKLOADS } from './axes/workloads.ts';
import type { Option } from './command-line/option-table.ts';
import { bytesOf, type Choice, choiceOf, countOf, secondsOf } from './command-line/option-values.ts';
import { atLeastOne, count, names } from './records/fields.ts';

/** Transfers are numbered in 32 bits; warm-up and window share the numbers. */
export const TRANSFERS_MAX = 2_000_000_000;
/** Bytes of a transfer, and what workloads that have their own size say. */
export const SIZE_MAX = 65_536;
export const SIZE_DEFAULT = 4;
const PAIRS_MAX = 64;
/** The fastest schedule, a second. */
const RATE_MAX = 10_000_000;
const REPEAT_MAX = 1_000_000;
const SPIN_US_MAX = 1_000_000;
/** `--look-us` where a doorbell looks, too. */
const LOOK_US = 50;
const EXIT_COST_NS_MAX = 1_000_000_000;

/** A strategy, which a program can choose, or a condition under which strategies are compared. */
export type AxisKind = 'strategy' | 'condition';

/** What others follow. */
export interface Followed {
  engine: EngineName;
  doorbell: DoorbellName;
  ringSize: number;
}

export interface Follows<Value> {
  field: keyof Followed;
  value(of: Followed): Value;
}

export interface Field<Value> extends Option {
  /** Only the parallel test looks at it. */
  parallelOnly: boolean;
  /** A sweep may list its values; null: it says how long or how often. */
  axis: AxisKind | null;
  /** The value that a text means; of a flag that is given, the text is empty. @throws UsageError */
  read(argument: string, text: string): Value;
  /** Not given, it is what another field makes it. */
  follows?: Follows<Value>;
  /** What stands in records; where it has a default, that is what was so before there was the option. */
  schema: z.ZodType<Value>;
}

const flag = (summary: string): Field<boolean> => ({
  ...{ value: null, summary, parallelOnly: false, axis: null, schema: z.boolean() },
  read: () => true,
});

interface Described {
  value: string;
  summary: string;
  byDefault: string;
}

const field = <Value>(
  described: Described & Partial<Option>,
  schema: z.ZodType<Value>,
  read: Field<Value>['read'],
): Field<Value> => ({
  ...described,
  ...{ parallelOnly: true, axis: null, schema, read },
});

const number = (
  value: string,
  summary: string,
  byDefault: string,
  [min, max]: readonly [number, number],
): Field<number> =>
  field({ value, summary, byDefault }, min > 0 ? atLeastOne : count, (argument, text) =>
    countOf(argument, text, min, max),
  );
/** Of what is off unless it is asked for: 0 in records. */
const orOff = (of: Field<number>): Field<number> => ({ ...of, schema: count });

const choice = <Name extends string>(
  choices: Record<Name, Choice[string]>,
  summary: string,
  byDefault: NoInfer<Name>,
): Field<Name> =>
  field({ value: 'NAME', summary, byDefault, choices }, names(choices), (argument, text) =>
    choiceOf(argument, text, choices),
  );

const following = <Value>(of: Field<Value>, field: keyof Followed, value: Follows<Value>['value']): Field<Value> => ({
  ...of,
  follows: { field, value },
});
const strategy = <Value>(of: Field<Value>): Field<Value> => ({ ...of, axis: 'strategy' });
const condition = <Value>(of: Field<Value>): Field<Value> => ({ ...of, axis: 'condition' });
/** @param before what records of a time without the option were measured with. */
const since = <Value extends string | number>(of: Field<Value>, before: Value): Field<Value> => ({
  ...of,
  schema: of.schema.default(before as never) as unknown as z.ZodType<Value>,
});

const RING = [1, VRING_SIZE_MAX] as const;

/** Together where the peer looks for them; one by one where it would sleep meanwhile. */
const BATCH = 16;
const BATCH_TEXT = `${BATCH} where the doorbell's waits look (adaptive, spin, poll); else 1`;
const batchWith = ({ doorbell }: Followed): number => ((DOORBELLS[doorbell] as DoorbellStrategy).looks ? BATCH : 1);

/** Options that the Wasm engine does not have in all their values: who compares these compares them on one engine. */
export const JS_BY_DEFAULT = Object.keys(WASM_REFUSALS) as (keyof typeof WASM_REFUSALS)[];
const WITH_ANY_ENGINE = `where ${JS_BY_DEFAULT.map((name) => `--${name}`).join(', ')} are given`;

/** By field of a record's `config`. */
export const FIELDS = {
  parallel: flag('guest and host in two threads, measured; without it the basic test on one'),
  indirect: strategy(flag('negotiate VIRTIO_RING_F_INDIRECT_DESC')),
  eventidx: strategy(flag('negotiate VIRTIO_RING_F_EVENT_IDX')),
  virtio1: strategy(flag('negotiate VIRTIO_F_VERSION_1')),
  slowRange: condition(flag('the host translates one byte at a time')),
  fastVringh: condition({
    ...flag('the host spins, reads no descriptor, calls only for what it completed; the guest never kicks'),
    parallelOnly: true,
  }),
  transfers: number('N', 'transfers in the measured window', '10M', [1, TRANSFERS_MAX]),
  /** Transfers before the window, or until the loops are steady. */
  warmup: field<WarmUpLength>(
    {
      value: 'N|auto',
      summary: 'transfers before it, on the same ring; auto: until the loops are steady',
      byDefault: UNTIL_STEADY,
    },
    z.union([count, z.literal(UNTIL_STEADY)]),
    (argument, text) => (text === UNTIL_STEADY ? UNTIL_STEADY : countOf(argument, text, 0, TRANSFERS_MAX)),
  ),
  repeat: number('N', 'repetitions, each in fresh threads', '1', [1, REPEAT_MAX]),
  ringSize: condition(number('N', `descriptors, a power of two up to ${VRING_SIZE_MAX}`, '256', RING)),
  workload: condition(choice(WORKLOADS, 'what a transfer carries', 'alternate')),
  /** Bytes that a transfer of a sized workload carries. */
  size: condition(
    since(
      field(
        {
          value: 'BYTES',
          summary: `bytes that a transfer of workload bulk carries, up to ${SIZE_MAX}`,
          byDefault: `${SIZE_DEFAULT}`,
        },
        atLeastOne,
        (argument, text) => bytesOf(argument, text, SIZE_DEFAULT, SIZE_MAX),
      ),
      SIZE_DEFAULT,
    ),
  ),
  layout: condition(choice(LAYOUTS, 'ring layout', 'split')),
  /** Where the parts of the ring lay. */
  ringPlace: strategy(since(choice(RING_PLACES, 'where the parts of a split ring lie', 'legacy'), 'legacy')),
  /** Whose host half served the ring. */
  host: condition(since(choice(HOSTS, 'whose host half serves the ring', 'vringh'), 'vringh')),
  /** What both halves of the ring were made with. */
  engine: strategy(
    since(choice(ENGINES, `what both halves of the ring are made with; js ${WITH_ANY_ENGINE}`, 'wasm'), 'js'),
  ),
  /** What the loops around them were made with. */
  loop: strategy(
    following(
      since(choice(LOOPS, 'what the loop of each side is made with; that of the engine', 'wasm'), 'js'),
      'engine',
      ({ engine }) => engine,
    ),
  ),
  ordering: strategy({
    ...choice(ORDERINGS, 'how shared fields are accessed; of engine wasm: wasm', 'seqcst'),
    parallelOnly: false,
  }),
  doorbell: strategy(choice(DOORBELLS, 'how one thread wakes the other', 'adaptive')),
  /** Longest time that doorbell adaptive looks before it sleeps, microseconds. */
  spinUs: strategy(
    number('N', 'doorbell adaptive: the longest time it looks before it sleeps, microseconds', '50', [0, SPIN_US_MAX]),
  ),
  /** Longest time that a side looks at the ring before it asks for a notification, microseconds. */
  lookUs: strategy(
    following(
      since(
        number(
          'N',
          'the longest time a side looks on before it asks for a notification, microseconds',
          `${LOOK_US} where the doorbell looks, too (adaptive); else 0`,
          [0, SPIN_US_MAX],
        ),
        0,
      ),
      'doorbell',
      ({ doorbell }) => ((DOORBELLS[doorbell] as DoorbellStrategy).looksFirst ? LOOK_US : 0),
    ),
  ),
  /** Adds published and kicked for together. */
  batch: strategy(
    following(
      number(
        'N',
        'adds that the guest publishes and kicks for together; fewer where no more can be added',
        BATCH_TEXT,
        RING,
      ),
      'doorbell',
      batchWith,
    ),
  ),
  outstanding: strategy(
    following(
      number('N', 'the most transfers in flight; default: as many as the ring has descriptors', '', RING),
      'ringSize',
      ({ ringSize }) => ringSize,
    ),
  ),
  delayedInterrupt: strategy(
    field(
      { value: 'on|off', summary: 'the guest wants its call only after most of what is outstanding', byDefault: 'on' },
      z.boolean(),
      (argument, text) => choiceOf(argument, text, { on: true, off: false }) === 'on',
    ),
  ),
  /** Completions that the host published together; one by one, once. */
  completeBatch: strategy(
    following(
      since(
        number(
          'N',
          'completions that the host publishes together; fewer where nothing more is there',
          BATCH_TEXT,
          RING,
        ),
        1,
      ),
      'doorbell',
      batchWith,
    ),
  ),
  /** Simulated cost of each doorbell ring, nanoseconds. */
  exitCost: condition(number('NS', 'simulated cost of each doorbell ring, nanoseconds', '0', [0, EXIT_COST_NS_MAX])),
  /** `distant`, `same`, `none`, or two CPU numbers a pair: guest, host. */
  cpus: condition(
    field(
      {
        value: 'WHERE',
        summary: 'distant (first and last), same, none, or two numbers a pair: G,H/G,H',
        byDefault: 'distant; same where one alone is allowed',
      },
      z.string(),
      (_argument, text) => text,
    ),
  ),
  /** Pairs at once, and where; there was one only, once. */
  pairs: condition(
    since(number('N', 'guests, each with a host, a ring and memory of its own, at once', '1', [1, PAIRS_MAX]), 1),
  ),
  pairsIn: strategy(since(choice(PAIRS_IN, 'where they run', 'thread'), 'thread')),
  /** Bound of every wait, seconds. */
  timeout: field(
    { value: 'S', summary: 'bound of every wait for the peer in warm-up and window, seconds', byDefault: '10' },
    z.number().positive(),
    secondsOf,
  ),
  /** One of how many transfers has its latency measured; 0: none. */
  latency: {
    ...orOff(
      number('N', 'measure the latency of every N-th transfer, and of wake-ups', 'off; without N: 64', [
        1,
        TRANSFERS_MAX,
      ]),
    ),
    implied: '64',
  },
  /** Transfers that are due a second; 0: as fast as it goes. */
  rate: condition(
    orOff(
      number('N', 'send at a fixed rate, N a second; implies --latency 1, --transfers 10 seconds worth', 'off', [
        1,
        RATE_MAX,
      ]),
    ),
  ),
};

type Fields = typeof FIELDS;

/** `ring-size` for `ringSize`, `virtio-1` for `virtio1`. */
type Kebab<Text extends string> = Text extends `${infer Head}${infer Rest}`
  ? `${Head extends Lowercase<Head> ? (Head extends Digit ? `-${Head}` : Head) : `-${Lowercase<Head>}`}${Kebab<Rest>}`
  : Text;
type Digit = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9';
export type FieldName = keyof Fields;
export type ConfigOption = Kebab<FieldName>;

/** The option by which a field is given. */
export const optionOf = (name: string): ConfigOption =>
  name.replace(/[A-Z]|\d+$/g, (part) => `-${part.toLowerCase()}`) as ConfigOption;

const FIELD_NAMES = Object.keys(FIELDS) as FieldName[];

/** The same table by the options' names. */
export const CONFIG_OPTIONS = Object.fromEntries(
  FIELD_NAMES.map((name) => [optionOf(name), FIELDS[name]]),
) as unknown as { readonly [Name in FieldName as Kebab<Name>]: Fields[Name] };

const schemas = Object.fromEntries(FIELD_NAMES.map((name) => [name, FIELDS[name].schema])) as {
  [Name in FieldName]: Fields[Name]['schema'];
};

/** What a record says of its configuration: every option that says what was measured, and one fact that follows. */
export const configSchema = z.strictObject({
  ...schemas,
  /** The ECMAScript memory model guarantees the ordering. */
  orderingSound: z.boolean(),
});

export type RunConfig = z.infer<typeof configSchema>;

/** The fields that follow others, and what each is where it is not given. */
export const FOLLOWING: { [Name in FieldName]?: Follows<RunConfig[Name]> } = Object.fromEntries(
  FIELD_NAMES.flatMap((name) => {
    const { follows }: { follows?: Follows<unknown> } = FIELDS[name];
    return follows === undefined ? [] : [[name, follows]];
  }),
);
