/** The table of formats: a new one is a file beside this and a line here. */
import { UsageError } from '../command-line/option-values.ts';
import { hgrmText, sumOf } from '../latency/histogram.ts';
import { LATENCY_KINDS, type LatencyKind } from '../latency/summary.ts';
import type { RunRecord } from '../records/record.ts';
import { encodedOf } from '../records/sums.ts';
import { type Benchmark, benchmarksOf } from './benchmarks.ts';
import { checkOneProgram, severalProgramsNote } from './choose.ts';
import { csvText } from './csv.ts';
import { goText } from './go.ts';
import { bencherText, githubText } from './json.ts';

export interface Format {
  summary: string;
  /** The whole document, with its last newline. @throws UsageError if the format has no place for these records */
  text: (records: readonly RunRecord[], kind: LatencyKind) => string;
  /** It says of each repetition how its run ended, so that those of failed checks may be in it. */
  saysOutcome?: boolean;
  /** What must be said of a document of these records, or null. */
  note?: (records: readonly RunRecord[]) => string | null;
}

export const FORMATS = {
  bencher: {
    summary: 'Bencher Metric Format (bencher run --adapter json)',
    text: ofOneProgram('bencher', bencherText),
  },
  'github-bigger': {
    summary: 'github-action-benchmark, customBiggerIsBetter: throughput',
    text: ofOneProgram('github-bigger', githubText('bigger')),
  },
  'github-smaller': {
    summary: 'the same, customSmallerIsBetter: notifications, CPU time, latency',
    text: ofOneProgram('github-smaller', githubText('smaller')),
  },
  go: {
    summary: 'Go benchmark lines, one a repetition, for benchstat',
    text: goText,
    note: (records) => severalProgramsNote('go', records),
  },
  hgrm: { summary: 'percentiles of latency for HDR plotters, all repetitions summed', text: hgrmOfOne },
  csv: { summary: 'comma-separated, one row a repetition with every field', text: csvText, saysOutcome: true },
} as const satisfies Record<string, Format>;

export type FormatName = keyof typeof FORMATS;

function ofOneProgram(name: string, text: (benchmarks: readonly Benchmark[]) => string): Format['text'] {
  return (records) => {
    checkOneProgram(name, records);
    return text(benchmarksOf(records));
  };
}

function hgrmOfOne(records: readonly RunRecord[], kind: LatencyKind): string {
  const text = ofOneProgram('hgrm', (benchmarks) => {
    const sampled = benchmarks.filter(({ repetitions }) => encodedOf(repetitions, kind).length > 0);
    const [one, other] = sampled;
    if (one === undefined) {
      const name = LATENCY_KINDS.find(([, of]) => of === kind)![0];
      throw new UsageError(`--format hgrm: none of the records has samples of ${name} (run with --latency)`);
    }
    if (other !== undefined)
      throw new UsageError(
        `--format hgrm takes one configuration, not ${one.name} and ${other.name}: choose with --id`,
      );
    return hgrmText(sumOf(encodedOf(one.repetitions, kind)));
  });
  return text(records, kind);
}
