/** What is in results files: how many records of what, and every line that is none. Main thread. */
import { shortPrintable } from '../command-line/printable.ts';
import { type Loaded, loadRecords, placeOf } from './load.ts';
import type { AnyRecord } from './schema.ts';

const COUNTED: [what: string, of: (record: AnyRecord) => string][] = [
  ['machine', ({ environment }) => environment.machine],
  [
    'commit',
    ({ environment: { commit, dirty } }) => `${commit ?? 'unknown'}${dirty ? ' and uncommitted changes' : ''}`,
  ],
  ['outcome', ({ outcome }) => outcome],
];

/** Only where not all are of one. */
const KIND: (typeof COUNTED)[number] = ['kind', (record) => ('kind' in record ? record.kind : 'run')];

export interface Diagnosis {
  /** For people: what there is. */
  lines: string[];
  /** One line a problem, `file:line: why`; of a file that cannot be read `file: why`. */
  problems: string[];
}

/** @throws UsageError naming a path that cannot be read. */
export function diagnose(paths: readonly string[]): Diagnosis {
  const { records, others, problems }: Loaded = loadRecords(paths);
  const all = [...records, ...others];
  const lines = [`${many(all.length, 'record')}, ${many(problems.length, 'problem')}`];
  for (const [what, of] of others.length === 0 ? COUNTED : [KIND, ...COUNTED]) {
    const counts = new Map<string, number>();
    for (const record of all) counts.set(of(record), (counts.get(of(record)) ?? 0) + 1);
    for (const [name, count] of counts)
      lines.push(`  ${what.padEnd(8)} ${String(count).padStart(7)}  ${shortPrintable(name)}`);
  }
  return { lines, problems: problems.map((problem) => `${placeOf(problem)}: ${problem.why}`) };
}

const many = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;
