/**
 * The Go benchmark format, for benchstat: https://golang.org/design/14313-benchmark-format. One line a repetition.
 *
 * Lines of `key: value` hold for the results below them, and benchstat compares only results whose keys agree. So
 * they say where something was measured; what differs between two sides of a comparison, commit and label, is a
 * comment.
 */
import { printableLine } from '../command-line/printable.ts';
import { configurationName } from '../records/configuration-name.ts';
import type { RunRecord } from '../records/record.ts';
import { transfersOf } from '../records/sums.ts';
import { LATENCIES, latencyNs, SCALARS } from './measures.ts';

const UNIT_OF_TIME = 'ns/op';

/** `throughput` and its like have a unit of their own, latencies are told apart by theirs. */
const unitOf = (name: string, unit: string) => (unit === 'ns' || unit === 'ns/transfer' ? `${name}-ns` : unit);

/** The units of which more is better; all others are costs. */
const UNIT_LINES = SCALARS.map(({ name, unit, better }) => {
  return `Unit ${unitOf(name, unit)} better=${better === 'bigger' ? 'higher' : 'lower'}`;
});

/** Its readers take no line of 64 KiB or more, so texts are cut. */
export const goText = (records: readonly RunRecord[]): string =>
  [...UNIT_LINES, ...linesOf(records)].map((line) => `${line}\n`).join('');

function* linesOf(records: readonly RunRecord[]): Generator<string> {
  let header = '';
  let comment = '';
  for (const record of records) {
    const { environment, label, repetitions } = record;
    if (repetitions.length === 0) continue;
    const { machine, cpu, kernel, node, v8, commit, dirty } = environment;
    const place = Object.entries({ machine, cpu, kernel, node, v8 }).map(
      ([key, value]) => `${key}: ${printableLine(value).trim()}`,
    );
    if (place.join('\n') !== header) yield* place;
    header = place.join('\n');
    const changes = dirty ? ' and uncommitted changes' : '';
    const said = label === '' ? '' : `, label ${printableLine(label)}`;
    const program = `# commit ${printableLine(commit ?? 'unknown')}${changes}${said}`.trimEnd();
    if (program !== comment) yield program;
    comment = program;
    yield* resultLines(record);
  }
}

function resultLines({ config, environment, repetitions }: RunRecord): string[] {
  // `ring/engine=wasm` becomes `BenchmarkRing/engine=wasm-2`: the number of CPUs ends the name.
  const name = `BenchmarkR${configurationName(config).slice(1)}-${environment.cpus}`;
  return repetitions.map((repetition) => {
    const transfers = transfersOf(config, repetition);
    const values: [number | null, string][] = [
      [repetition.wallNs / transfers, UNIT_OF_TIME],
      ...SCALARS.map(({ name, unit, of }): [number | null, string] => [of(repetition, transfers), unitOf(name, unit)]),
      ...LATENCIES.map(({ name, unit, kind, percentile }): [number | null, string] => [
        latencyNs([repetition], kind, percentile),
        unitOf(name, unit),
      ]),
    ];
    const known = values.filter(([value]) => value !== null);
    return [name, transfers, ...known.map(([value, unit]) => `${value} ${unit}`)].join('\t');
  });
}
