/** What other programs call a benchmark: one configuration, with all repetitions that were measured of it. */
import { configurationKey } from '../records/configuration.ts';
import { configurationName } from '../records/configuration-name.ts';
import type { Repetition, RunConfig, RunRecord } from '../records/record.ts';

export interface Benchmark {
  /** `configurationName`. */
  name: string;
  config: RunConfig;
  /** In the order of their records. */
  repetitions: Repetition[];
  /** Those that have repetitions. */
  records: RunRecord[];
}

/** In the order in which they first appear. Records without a finished repetition have no part in it. */
export function benchmarksOf(records: readonly RunRecord[]): Benchmark[] {
  const benchmarks = new Map<string, Benchmark>();
  for (const record of records) {
    const { config, repetitions } = record;
    if (repetitions.length === 0) continue;
    const key = configurationKey(config);
    const benchmark = benchmarks.get(key) ?? { name: configurationName(config), config, repetitions: [], records: [] };
    benchmarks.set(key, benchmark);
    benchmark.records.push(record);
    // Not spread: a record may have more repetitions than a call takes arguments.
    for (const repetition of repetitions) benchmark.repetitions.push(repetition);
  }
  return [...benchmarks.values()];
}
