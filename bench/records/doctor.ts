/** What is in results files: how many records of what, and every line that is none. Main thread. */
import { type Loaded, loadRecords, printable } from './load.ts';
import type { RunRecord } from './record.ts';

const COUNTED: [what: string, of: (record: RunRecord) => string][] = [
  ['machine', ({ environment }) => environment.machine],
  [
    'commit',
    ({ environment: { commit, dirty } }) => `${commit ?? 'unknown'}${dirty ? ' and uncommitted changes' : ''}`,
  ],
  ['outcome', ({ outcome }) => outcome],
];

export interface Diagnosis {
  /** For people: what there is. */
  lines: string[];
  /** One line a problem, `file:line: why`. */
  problems: string[];
}

/** @throws UsageError naming a path that cannot be read. */
export function diagnose(files: readonly string[]): Diagnosis {
  const { records, problems }: Loaded = loadRecords(files);
  const lines = [`${many(records.length, 'record')}, ${many(problems.length, 'problem')}`];
  for (const [what, of] of COUNTED) {
    const counts = new Map<string, number>();
    for (const record of records) counts.set(of(record), (counts.get(of(record)) ?? 0) + 1);
    for (const [name, count] of counts)
      lines.push(`  ${what.padEnd(8)} ${String(count).padStart(7)}  ${printable(name)}`);
  }
  return { lines, problems: problems.map(({ file, line, why }) => `${file}:${line}: ${why}`) };
}

const many = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;
