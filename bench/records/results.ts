/** Which file a machine's records are in, and what a sweep reads back of it. Main thread. */
import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readlinkSync,
  rmdirSync,
  statSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UsageError } from '../command-line/option-values.ts';
import { APPEND } from './append.ts';
import { PACKAGE_ROOT } from './environment.ts';
import { LINE_BYTES_MAX } from './lines.ts';
import { parsedLine } from './load.ts';
import type { RunRecord } from './record.ts';
import { linesIn } from './sources.ts';

/** The folder of the records: a checkout's own, else that of the working folder. */
export function resultsFolder(): string {
  const home = existsSync(join(PACKAGE_ROOT, '.git')) ? PACKAGE_ROOT : process.cwd();
  return join(home, 'results');
}

/** Where a machine's records go unless `--out` says otherwise. */
const defaultResultsFile = (machine: string): string => join(resultsFolder(), `${machine}.ndjson`);

/**
 * The file that `--out` means, an absolute path that can be appended to, or null for none.
 * @param out the option's text, or null: the machine's own file.
 * @throws UsageError
 */
export function resultsFile(out: string | null, machine: string): string | null {
  if (out === 'none') return null;
  const file = resolve(out ?? defaultResultsFile(machine));
  checkWanted(`--out ${file}`, file, out === null ? ' (name another with --out FILE, or --out none)' : '');
  return file;
}

/** `checkAppendable` of a file that an argument wants. @throws UsageError naming the argument */
export function checkWanted(argument: string, file: string, hint = ''): void {
  try {
    checkAppendable(file);
  } catch (error) {
    throw new UsageError(`${argument}: cannot be appended to: ${(error as Error).message}${hint}`);
  }
}

/**
 * Makes sure that a record can be appended later, before anything is measured. Creates nothing under the file's name,
 * which another run may be about to use.
 * @throws the system's error, or a TypeError for what is neither a file nor a device
 */
export function checkAppendable(file: string): void {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  if (stats === undefined) {
    checkWritable(dirname(resolve(file)));
  } else if (stats.isSymbolicLink() && !existsSync(file)) {
    checkAppendable(resolve(dirname(file), readlinkSync(file)));
  } else {
    const { mode } = statSync(file);
    const kind = mode & constants.S_IFMT;
    if (kind === constants.S_IFIFO || kind === constants.S_IFSOCK) throw new TypeError('it is no file');
    closeSync(openSync(file, APPEND));
  }
}

/** Makes a folder of a name of its own where `folder` is or will be, and takes it back. */
function checkWritable(folder: string): void {
  let existing = folder;
  while (!existsSync(existing)) existing = dirname(existing);
  rmdirSync(mkdtempSync(join(existing, '.vringbench-')));
}

/**
 * The records of `run` in a file whose line contains `text`, in order; none if it is no file. A last line that was cut off is
 * nobody's record: the next append takes it away.
 * @throws UsageError naming the line that is no record, or the file that cannot be read.
 */
export function readRecords(file: string, text: string): RunRecord[] {
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) return [];
  const records: RunRecord[] = [];
  for (const line of linesIn({ file, found: false }, LINE_BYTES_MAX)) {
    if ('why' in line || line.text?.includes(text) !== true) continue;
    const parsed = parsedLine(line);
    if (parsed === null || 'other' in parsed || ('torn' in parsed && parsed.torn)) continue;
    if ('why' in parsed)
      throw new UsageError(`${file}, line ${line.number}: ${parsed.why}; remove it, or name another file`);
    records.push(parsed.record);
  }
  return records;
}
