/** Formats that are one JSON document: Bencher's, and the two of github-action-benchmark for custom tools. */
import { shortPrintable } from '../command-line/printable.ts';
import type { Benchmark } from './benchmarks.ts';
import { type Figure, figuresOf, type Measure } from './measures.ts';

const textOf = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

/** Bencher Metric Format: benchmark → measure → value and bounds. https://bencher.dev/docs/reference/bencher-metric-format */
export function bencherText(benchmarks: readonly Benchmark[]): string {
  const metric = ({ value, low, high }: Figure) => ({
    value,
    ...(low !== null && { lower_value: low }),
    ...(high !== null && { upper_value: high }),
  });
  const measures = (benchmark: Benchmark) =>
    Object.fromEntries(figuresOf(benchmark).map((figure) => [figure.name, metric(figure)]));
  return textOf(Object.fromEntries(benchmarks.map((benchmark) => [benchmark.name, measures(benchmark)])));
}

/** `customBiggerIsBetter` and `customSmallerIsBetter`. https://github.com/benchmark-action/github-action-benchmark */
export const githubText =
  (better: Measure['better']) =>
  (benchmarks: readonly Benchmark[]): string =>
    textOf(
      benchmarks.flatMap((benchmark) =>
        figuresOf(benchmark)
          .filter((figure) => figure.better === better)
          .map(({ name, unit, value, low, high }) => ({
            name: `${benchmark.name}: ${name}`,
            unit,
            value,
            ...(low !== null && high !== null && { range: `${low} – ${high}` }),
            extra: extraOf(benchmark),
          })),
      ),
    );

/** What a chart shows beside a point, a line each. */
function extraOf({ records, repetitions }: Benchmark): string {
  const { machine, commit, dirty } = records[0]!.environment;
  const changes = dirty ? ' and uncommitted changes' : '';
  const labels = [...new Set(records.map(({ label }) => label))].filter((label) => label !== '');
  const lines = [
    `repetitions: ${repetitions.length}`,
    `machine: ${machine}`,
    `commit: ${commit ?? 'unknown'}${changes}`,
    ...labels,
  ];
  return lines.map(shortPrintable).join('\n');
}
