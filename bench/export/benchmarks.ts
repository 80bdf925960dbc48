/** What other programs call a benchmark: one configuration, with all repetitions that were measured of it. */
import type { Repetition, RunConfig, RunRecord } from '../records/record.ts';
import { parseRunOptions, RATE_SECONDS } from '../run/options.ts';

export interface Benchmark {
  /** `ring`, then `/field=value` for each field of the configuration that is not the default. */
  name: string;
  config: RunConfig;
  /** In the order of their records. */
  repetitions: Repetition[];
  /** Those that have repetitions. */
  records: RunRecord[];
}

/** What says how often and how long, not what; and what follows from another field. */
const UNNAMED: ReadonlySet<keyof RunConfig> = new Set(['parallel', 'repeat', 'timeout', 'orderingSound']);

/** The defaults of `run`, some of which depend on other fields. */
function defaultsFor({ ringSize, rate }: RunConfig): RunConfig {
  const { config } = parseRunOptions(['--parallel']);
  const scheduled = rate > 0 ? { transfers: rate * RATE_SECONDS, latency: 1 } : {};
  return { ...config, ...scheduled, outstanding: ringSize };
}

/** The same for the same configuration, in every program's format: no space, no quote, no markup. */
export function benchmarkName(config: RunConfig): string {
  const defaults = defaultsFor(config);
  const fields = (Object.keys(defaults) as (keyof RunConfig)[])
    .filter((field) => !UNNAMED.has(field) && config[field] !== defaults[field])
    .map((field) => `/${field}=${textOf(config[field])}`);
  return `ring${fields.join('')}`;
}

function textOf(value: RunConfig[keyof RunConfig]): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return String(value).replaceAll(/[^A-Za-z0-9_.,+-]+/g, '_');
}

/** In the order in which they first appear. Records without a finished repetition have no part in it. */
export function benchmarksOf(records: readonly RunRecord[]): Benchmark[] {
  const benchmarks = new Map<string, Benchmark>();
  for (const record of records) {
    if (record.repetitions.length === 0) continue;
    const name = benchmarkName(record.config);
    const benchmark = benchmarks.get(name) ?? { name, config: record.config, repetitions: [], records: [] };
    benchmarks.set(name, benchmark);
    benchmark.records.push(record);
    for (const repetition of record.repetitions) benchmark.repetitions.push(repetition);
  }
  return [...benchmarks.values()];
}
