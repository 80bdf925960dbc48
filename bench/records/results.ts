/** The results file: one line of JSON a run, appended whole. Main thread. */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UsageError } from '../command-line/option-values.ts';
import { PACKAGE_ROOT } from './environment.ts';
import { type RunRecord, recordSchema } from './record.ts';

/** A named pipe without a reader must be an error, not a wait. */
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK;

/** Where records are kept unless somebody says otherwise: a checkout's own results, else those of this folder. */
export const resultsFolder = () =>
  join(existsSync(join(PACKAGE_ROOT, '.git')) ? PACKAGE_ROOT : process.cwd(), 'results');

/** Where a machine's records go unless `--out` says otherwise. */
const defaultResultsFile = (machine: string) => join(resultsFolder(), `${machine}.ndjson`);

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

/** Appends one record in one write, so that no reader and no second writer sees half a line. */
export function appendRecord(file: string, record: RunRecord): void {
  const line = Buffer.from(`${JSON.stringify(recordSchema.parse(record))}\n`);
  mkdirSync(dirname(file), { recursive: true });
  const descriptor = openSync(file, APPEND | constants.O_CREAT, 0o666);
  try {
    const written = writeSync(descriptor, line);
    if (written === line.length) return;
    // The disk filled in the middle: half a line would spoil the file for its readers.
    ftruncateSync(descriptor, fstatSync(descriptor).size - written);
    throw new Error(`only ${written} of ${line.length} bytes could be written`);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The records of a file whose line contains `text`, in order; none if it is no file.
 * @throws UsageError naming the line that is no record.
 */
export function readRecords(file: string, text: string): RunRecord[] {
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line, i) => {
      if (!line.includes(text)) return [];
      const parsed = recordSchema.safeParse(parsedJson(line));
      if (!parsed.success)
        throw new UsageError(`${file}, line ${i + 1}: not a record of this version; remove it, or name another file`);
      return [parsed.data];
    });
}

function parsedJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
