/** Which records an argument names: a file or a folder, a baseline, a commit, or a label inside the records. */
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { counted } from '../command-line/columns.ts';
import { nearest, UsageError } from '../command-line/option-values.ts';
import { loadRecords, passedOver } from '../records/load.ts';
import { problemLines } from '../records/problem-lines.ts';
import type { RunRecord } from '../records/record.ts';

export interface Selection {
  /** How it is called in the output. */
  name: string;
  records: RunRecord[];
  /** Lines that were passed over. */
  notes: string[];
}

/** Where commits and labels are looked for, and baselines are kept. */
export interface Shelf {
  /** Files or folders of records. */
  files: readonly string[];
  baselines: string;
}

const BASELINE_NAME = /^[\w.-]+$/;
const COMMIT = /^[0-9a-f]{7,40}$/;

const baselineFile = (shelf: Shelf, name: string) => join(shelf.baselines, `${name}.ndjson`);

/** @throws UsageError if nothing is called so, or it names no finished repetition. */
export function select(spec: string, shelf: Shelf): Selection {
  // Without this it would be the label of all records that have none.
  if (spec === '') throw new UsageError("'' names no records: an unset variable?");
  const selection = find(spec, shelf);
  if (selection.records.length === 0)
    throw new UsageError(
      `${spec}: there are no records of run in it${selection.notes.length === 0 ? '' : `; ${selection.notes[0]}`}`,
    );
  return selection;
}

function find(spec: string, shelf: Shelf): Selection {
  if (existsSync(spec)) return { name: basename(spec), ...recordsIn([spec]) };
  if (BASELINE_NAME.test(spec) && existsSync(baselineFile(shelf, spec)))
    return { name: spec, ...recordsIn([baselineFile(shelf, spec)]) };
  const { records: all, problems } = loadRecords(shelf.files.filter((file) => existsSync(file)));
  const notes =
    problems.length === 0
      ? []
      : [`${counted(problems.length, 'line')} without a record of this version in ${shelf.files.join(', ')}`];
  const labelled = all.filter(({ label }) => label === spec);
  if (labelled.length > 0) return { name: spec, records: labelled, notes };
  const ofCommit = COMMIT.test(spec)
    ? all.filter(({ environment }) => environment.commit?.startsWith(spec) && environment.dirty !== true)
    : [];
  if (ofCommit.length > 0) return { name: spec.slice(0, 12), records: ofCommit, notes };
  const labels = [...new Set(all.map(({ label }) => label))].filter((label) => label !== '');
  const names = [...labels, ...baselineNames(shelf)];
  throw new UsageError(
    `${spec}: neither a file nor a folder, a baseline, a label, or a commit (clean, 7 digits at least) of records ` +
      `in ${shelf.files.join(', ')}${nearest(spec, names)}`,
  );
}

function baselineNames({ baselines }: Shelf): string[] {
  if (!existsSync(baselines)) return [];
  return readdirSync(baselines).flatMap((file) => (file.endsWith('.ndjson') ? [basename(file, '.ndjson')] : []));
}

/** @throws UsageError if a line is a record of another version. */
function recordsIn(paths: readonly string[]): Pick<Selection, 'records' | 'notes'> {
  const { records, others, problems } = loadRecords(paths);
  const notes = problemLines(problems);
  const foreign = problems.find(({ why }) => why.startsWith('schema '));
  if (foreign !== undefined) throw new UsageError(problemLines([foreign])[0]!);
  const note = passedOver(others.map(({ kind }) => kind));
  return { records, notes: note === null ? notes : [note, ...notes] };
}

/** Keeps records under a name, in place of what was kept under it. Returns the file. @throws UsageError */
export function saveBaseline(name: string, records: readonly RunRecord[], shelf: Shelf): string {
  if (!BASELINE_NAME.test(name))
    throw new UsageError(`--save-baseline wants a name of letters, digits, dots and dashes, not '${name}'`);
  const file = baselineFile(shelf, name);
  try {
    mkdirSync(shelf.baselines, { recursive: true });
    replaceWith(file, records);
  } catch (error) {
    throw new UsageError(`--save-baseline ${name}: ${file} cannot be written: ${(error as Error).message}`);
  }
  return file;
}

/** Whole or not at all. @throws the system's error */
function replaceWith(file: string, records: readonly RunRecord[]): void {
  const fresh = `${file}.${process.pid}.new`;
  rmSync(fresh, { force: true });
  try {
    // Fails where there is one of that name by now: a link would be followed.
    const descriptor = openSync(fresh, 'wx');
    try {
      for (const record of records) writeFileSync(descriptor, `${JSON.stringify(record)}\n`);
    } finally {
      closeSync(descriptor);
    }
    renameSync(fresh, file);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  }
}
