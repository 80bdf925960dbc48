/** The table of formats: a new one is a file beside this and a line here. */
import { UsageError } from '../command-line/option-values.ts';
import { hgrmText, sumOf } from '../latency/histogram.ts';
import { LATENCY_KINDS, type LatencyKind } from '../latency/summary.ts';
import type { RunRecord } from '../records/record.ts';
import { encodedOf } from '../records/sums.ts';
import { type Benchmark, benchmarksOf } from './benchmarks.ts';
import { csvText } from './csv.ts';
import { goText } from './go.ts';
import { bencherText, githubText } from './json.ts';

interface Format {
  summary: string;
  /** The whole document, with its last newline. @throws UsageError if the format has no place for these records */
  text: (records: readonly RunRecord[], kind: LatencyKind) => string;
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
  go: { summary: 'Go benchmark lines, one a repetition, for benchstat', text: goText },
  hgrm: { summary: 'percentiles of latency for HDR plotters, all repetitions summed', text: hgrmOfOne },
  csv: { summary: 'comma-separated, one row a repetition with every field', text: csvText },
} as const satisfies Record<string, Format>;

export type FormatName = keyof typeof FORMATS;

/** A format in which a benchmark is its name alone: one machine and one commit, or figures would be mixed. */
function ofOneProgram(name: string, text: (benchmarks: readonly Benchmark[]) => string): Format['text'] {
  return (records) => {
    const { environment: first } = records[0]!;
    const [other] = records.filter(({ environment: { machine, commit } }) => {
      return machine !== first.machine || commit !== first.commit;
    });
    if (other !== undefined) {
      const [what, option] =
        other.environment.machine !== first.machine ? ['machine', '--machine'] : ['commit', '--commit'];
      throw new UsageError(`--format ${name} takes the records of one ${what}: choose with ${option}`);
    }
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
