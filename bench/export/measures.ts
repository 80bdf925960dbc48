/** The figures of a benchmark that other programs track: each with its unit, its middle and how far it scatters. */
import { PERCENTILES, percentileNs, sumOf } from '../latency/histogram.ts';
import { LATENCY_KINDS, type LatencyKind } from '../latency/summary.ts';
import type { Repetition } from '../records/record.ts';
import { cpuNsOf, encodedOf, ringsOf, transfersOf } from '../records/sums.ts';
import { greatest, least, median } from '../statistics/sample.ts';
import type { Benchmark } from './benchmarks.ts';

export interface Measure {
  /** Kebab case. */
  name: string;
  unit: string;
  better: 'bigger' | 'smaller';
}

/** A measure of one repetition; null: not measured, or unknown there. */
interface Scalar extends Measure {
  of: (repetition: Repetition, transfers: number) => number | null;
}

/** A measure over all repetitions. */
export interface Figure extends Measure {
  value: number;
  /** Of single repetitions; null where one of them has none. */
  low: number | null;
  high: number | null;
}

export const SCALARS: readonly Scalar[] = [
  { name: 'throughput', unit: 'transfers/s', better: 'bigger', of: (r) => r.transfersPerSecond },
  {
    name: 'notifications-per-transfer',
    unit: 'notifications/transfer',
    better: 'smaller',
    of: (r, transfers) => (ringsOf(r, 'guest') + ringsOf(r, 'host')) / transfers,
  },
  {
    name: 'kicks-per-transfer',
    unit: 'kicks/transfer',
    better: 'smaller',
    of: (r, transfers) => ringsOf(r, 'guest') / transfers,
  },
  {
    name: 'calls-per-transfer',
    unit: 'calls/transfer',
    better: 'smaller',
    of: (r, transfers) => ringsOf(r, 'host') / transfers,
  },
  { name: 'cpu-per-transfer', unit: 'ns/transfer', better: 'smaller', of: (r, transfers) => cpuNsOf(r) / transfers },
];

const kebab = (text: string) => text.replaceAll(' ', '-');

/** The percentiles of latency, nanoseconds. */
export const LATENCIES: readonly (Measure & { kind: LatencyKind; percentile: number })[] = LATENCY_KINDS.flatMap(
  ([name, kind]) =>
    PERCENTILES.map((percentile) => ({
      name: `${kebab(name)}-p${percentile}`,
      unit: 'ns',
      better: 'smaller' as const,
      kind,
      percentile,
    })),
);

/** A percentile over repetitions, nanoseconds; null: not measured, or of too few samples. */
export function latencyNs(repetitions: readonly Repetition[], kind: LatencyKind, percentile: number): number | null {
  const encoded = encodedOf(repetitions, kind);
  return encoded.length === 0 ? null : percentileNs(sumOf(encoded), percentile);
}

/** Medians of scalars, percentiles of the summed latencies; what was not measured is left out. */
export function figuresOf({ config, repetitions }: Benchmark): Figure[] {
  const figures: Figure[] = [];
  const add = ({ name, unit, better }: Measure, value: number | null, each: readonly (number | null)[]) => {
    if (value === null) return;
    const known = each.filter((one) => one !== null);
    const all = known.length === each.length;
    figures.push({
      name,
      unit,
      better,
      value,
      low: all ? least(known) : null,
      high: all ? greatest(known) : null,
    });
  };
  for (const scalar of SCALARS) {
    const each = repetitions.map((repetition) => scalar.of(repetition, transfersOf(config, repetition)));
    const known = each.filter((value) => value !== null);
    add(scalar, known.length === 0 ? null : median(known), each);
  }
  for (const latency of LATENCIES) {
    const { kind, percentile } = latency;
    const each = repetitions.map((repetition) => latencyNs([repetition], kind, percentile));
    add(latency, latencyNs(repetitions, kind, percentile), each);
  }
  return figures;
}
