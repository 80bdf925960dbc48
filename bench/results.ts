/** The results file: one line of JSON a run, appended whole. Main thread. */
import { closeSync, existsSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RunRecord, recordSchema } from './record.ts';

/** The package's results folder. */
const RESULTS_FOLDER = fileURLToPath(new URL('../../results', import.meta.url));

/** Where a machine's records go unless `--out` says otherwise. */
export function defaultResultsFile(machine: string): string {
  return join(RESULTS_FOLDER, `${machine}.ndjson`);
}

/**
 * Makes sure that a record can be appended later, before anything is measured, and leaves no trace of having tried.
 * @throws the system's error
 */
export function checkAppendable(file: string): void {
  const madeFolder = mkdirSync(dirname(file), { recursive: true });
  const existed = existsSync(file);
  try {
    closeSync(openSync(file, 'a'));
    if (!existed) rmSync(file);
  } finally {
    if (madeFolder !== undefined) rmSync(madeFolder, { recursive: true });
  }
}

/** Appends one record in one write, so that no reader and no second writer sees half a line. */
export function appendRecord(file: string, record: RunRecord): void {
  const line = Buffer.from(`${JSON.stringify(recordSchema.parse(record))}\n`);
  mkdirSync(dirname(file), { recursive: true });
  const descriptor = openSync(file, 'a');
  try {
    const written = writeSync(descriptor, line);
    if (written !== line.length) throw new Error(`only ${written} of ${line.length} bytes were written`);
  } finally {
    closeSync(descriptor);
  }
}
