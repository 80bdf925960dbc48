/**
 * The Go benchmark format, for benchstat: https://golang.org/design/14313-benchmark-format. One line a repetition.
 *
 * Lines of `key: value` hold for the results below them, and benchstat compares only results whose keys agree. So
 * they say where something was measured; what differs between two sides of a comparison, commit and label, is a
 * comment.
 */
import { configurationName } from '../records/configuration-name.ts';
import type { RunRecord } from '../records/record.ts';
import { transfersOf } from '../records/sums.ts';
import { LATENCIES, latencyNs, SCALARS } from './measures.ts';

const UNIT_OF_TIME = 'ns/op';

/** Without what would end the line. */
const oneLine = (text: string) => text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();

/** `throughput` and its like have a unit of their own, latencies are told apart by theirs. */
const unitOf = (name: string, unit: string) => (unit === 'ns' || unit === 'ns/transfer' ? `${name}-ns` : unit);

/** The units of which more is better; all others are costs. */
const UNIT_LINES = SCALARS.map(({ name, unit, better }) => {
  return `Unit ${unitOf(name, unit)} better=${better === 'bigger' ? 'higher' : 'lower'}`;
});

export function goText(records: readonly RunRecord[]): string {
  const lines = [...UNIT_LINES];
  let header = '';
  let comment = '';
  for (const record of records) {
    const { environment, label, repetitions } = record;
    if (repetitions.length === 0) continue;
    const { machine, cpu, kernel, node, v8, commit, dirty } = environment;
    const place = Object.entries({ machine, cpu, kernel, node, v8 }).map(([key, value]) => `${key}: ${oneLine(value)}`);
    if (place.join('\n') !== header) lines.push(...place);
    header = place.join('\n');
    const changes = dirty ? ' and uncommitted changes' : '';
    const said = label === '' ? '' : `, label ${oneLine(label)}`;
    const program = `# commit ${oneLine(commit ?? 'unknown')}${changes}${said}`;
    if (program !== comment) lines.push(program);
    comment = program;
    lines.push(...resultLines(record));
  }
  return `${lines.join('\n')}\n`;
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
