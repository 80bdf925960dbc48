/**
 * What a configuration is called where a history is kept by names. A name must mean the same configuration for ever, so
 * it depends on nothing that may change later: not on the defaults of `run`, nor on the order of the schema. Any thread.
 */
import { createHash } from 'node:crypto';
import type { ConfigurationField } from './configuration.ts';
import type { RunConfig } from './record.ts';

/** Said in every name, in this order: what a strategy is made of. Frozen, as the table below. */
export const ALWAYS_NAMED = ['engine', 'ordering', 'doorbell', 'layout', 'host'] as const;

/**
 * A name says a field only where its value is another than here, in this order. FROZEN: these are no defaults of any
 * program, and a value that is changed here renames benchmarks in the histories of other programs. A new field of the
 * configuration is added at the end, with the value that records from before it are read with.
 */
export const LEFT_OUT = Object.freeze({
  parallel: true,
  indirect: false,
  eventidx: false,
  virtio1: false,
  slowRange: false,
  fastVringh: false,
  transfers: 10_000_000,
  warmup: 'auto',
  ringSize: 256,
  workload: 'alternate',
  size: 4,
  orderingSound: true,
  cpus: 'distant',
  pairs: 1,
  pairsIn: 'thread',
  spinUs: 50,
  batch: 1,
  outstanding: 256,
  delayedInterrupt: true,
  completeBatch: 1,
  exitCost: 0,
  latency: 0,
  rate: 0,
  loop: 'js',
  lookUs: 0,
  ringPlace: 'legacy',
} satisfies Pick<RunConfig, Exclude<ConfigurationField, (typeof ALWAYS_NAMED)[number]>>);

const SAID_WHERE_OTHER = Object.keys(LEFT_OUT) as (keyof typeof LEFT_OUT)[];

/** Bencher takes names of 1024 characters. A longer one ends with a hash of the whole. */
const LENGTH_MAX = 960;
const HASH_DIGITS = 16;

/**
 * `ring`, then `/field=value`: the same text for the same configuration and another for any other; no space, no quote, no
 * markup.
 * @param without fields that are not said: those of several cells in which these differ.
 */
export function configurationName(config: RunConfig, without: readonly ConfigurationField[] = []): string {
  const said = [...ALWAYS_NAMED, ...SAID_WHERE_OTHER.filter((field) => config[field] !== LEFT_OUT[field])];
  const name = [
    'ring',
    ...said.filter((field) => !without.includes(field)).map((field) => fieldText(config, field)),
  ].join('/');
  if (name.length <= LENGTH_MAX) return name;
  return `${name.slice(0, LENGTH_MAX)}+${createHash('sha256').update(name).digest('hex').slice(0, HASH_DIGITS)}`;
}

/** `eventidx=on` */
export const fieldText = (config: RunConfig, field: ConfigurationField): string =>
  `${field}=${valueText(config[field])}`;

/** `_` stands for the `/` between pairs of CPUs, a character's number for any other that no name can hold. */
function valueText(value: RunConfig[ConfigurationField]): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return String(value).replaceAll(/[^A-Za-z0-9.,-]/gu, (sign) =>
    sign === '/' ? '_' : `+${sign.codePointAt(0)!.toString(16)}+`,
  );
}
