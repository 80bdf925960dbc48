/** Latency over all repetitions, for people: a table of percentiles; and as files for HDR plotters. Main thread. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Histogram } from 'hdr-histogram-js';
import type { Repetition } from '../records/record.ts';
import { greatest } from '../statistics/sample.ts';
import { hgrmText, PERCENTILES, percentileNs, sumOf } from './histogram.ts';

type Latency = NonNullable<Repetition['pairs'][0]['latency']>;

/** The kinds of latency by what people call them. */
export const LATENCY_KINDS = [
  ['round trip', 'roundTrip'],
  ['kick to wake', 'kickToWake'],
  ['call to wake', 'callToWake'],
] as const satisfies [string, keyof Latency][];
export type LatencyKind = (typeof LATENCY_KINDS)[number][1];

const NAME_WIDTH = 22;
const COLUMN_WIDTH = 11;
const NS_PER_US = 1000;

const latencies = (repetitions: readonly Repetition[]) =>
  repetitions.flatMap(({ pairs }) => pairs.map(({ latency }) => latency)).filter((latency) => latency !== null);

/** The kinds that were sampled, each summed over the repetitions. */
function histograms(repetitions: readonly Repetition[]): [string, Histogram][] {
  const all = latencies(repetitions);
  return LATENCY_KINDS.flatMap(([name, kind]): [string, Histogram][] => {
    const encoded = all.map((latency) => latency[kind]).filter((text) => text !== null);
    return encoded.length === 0 ? [] : [[name, sumOf(encoded)]];
  });
}

const microseconds = (ns: number | null) => (ns === null ? '–' : (ns / NS_PER_US).toFixed(1));

function line(name: string, columns: readonly string[]): string {
  return `  ${name.padEnd(NAME_WIDTH - 2)}${columns.map((text) => text.padStart(COLUMN_WIDTH)).join('')}`;
}

/** None where latency was not asked for. */
export function latencyLines(repetitions: readonly Repetition[]): string[] {
  const all = latencies(repetitions);
  if (all.length === 0) return [];
  const rows = histograms(repetitions).map(([name, histogram]) =>
    line(name, [
      ...PERCENTILES.map((percentile) => microseconds(percentileNs(histogram, percentile))),
      microseconds(histogram.maxValue),
      histogram.totalCount.toLocaleString('en-US'),
    ]),
  );
  const clockNs = greatest(all.map((latency) => latency.clockNs));
  return [
    line('latency, µs', [...PERCENTILES.map((percentile) => `p${percentile}`), 'max', 'samples']),
    ...rows,
    `  ${''.padEnd(NAME_WIDTH)}${all[0]!.every === 1 ? 'every transfer' : `one of ${all[0]!.every} transfers`}; a look at the clock (${all[0]!.clock}) takes ${clockNs.toFixed(0)} ns`,
  ];
}

const hgrmFile = (prefix: string, name: string) => `${prefix}.${name.replaceAll(' ', '-')}.hgrm`;

/** The files that `writeHgrm` may write. */
export const hgrmFiles = (prefix: string) => LATENCY_KINDS.map(([name]) => hgrmFile(prefix, name));

/** Writes one file for each kind that has samples, `PREFIX.kind.hgrm`; returns their names. */
export function writeHgrm(prefix: string, repetitions: readonly Repetition[]): string[] {
  return histograms(repetitions).map(([name, histogram]) => {
    const file = hgrmFile(prefix, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, hgrmText(histogram));
    return file;
  });
}
