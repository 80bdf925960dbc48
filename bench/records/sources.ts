/**
 * The files that arguments mean, and their lines. What an argument names must be readable; what was found in a folder
 * and cannot be read (a folder, a pipe, a link that leads nowhere, no right) is named and passed over. Main thread.
 */
import { closeSync, constants, fstatSync, openSync, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UsageError } from '../command-line/option-values.ts';
import { type Line, linesOf } from './lines.ts';

const EXTENSION = '.ndjson';

/** A file, or what else has a name like one. */
export interface Source {
  file: string;
  /** Its folder was named, not itself. */
  found: boolean;
}

/** What is passed over, and why. */
export interface Unreadable {
  why: string;
}

/** Where a name leads that is no file's. */
class NoFile extends Error {}

/** The files that are named, and the `*.ndjson` of the folders, sorted; each once. @throws UsageError naming a path that is not there */
export function sourcesOf(paths: readonly string[]): Source[] {
  const sources = paths.flatMap((path): Source[] => {
    try {
      if (!statSync(path).isDirectory()) return [{ file: path, found: false }];
      const names = readdirSync(path).filter((name) => name.endsWith(EXTENSION));
      return names.sort().map((name) => ({ file: join(path, name), found: true }));
    } catch (error) {
      throw new UsageError(`${path}: cannot be read: ${(error as Error).message}`);
    }
  });
  // One that is named, too, counts as named.
  const named = new Set(sources.filter(({ found }) => !found).map(({ file }) => identityOf(file)));
  const seen = new Set<string>();
  return sources.filter(({ file, found }) => {
    const identity = identityOf(file);
    if (seen.has(identity) || (found && named.has(identity))) return false;
    seen.add(identity);
    return true;
  });
}

/** The paths alone. @throws UsageError */
export const recordFiles = (paths: readonly string[]): string[] => sourcesOf(paths).map(({ file }) => file);

/** What is written must be none of the files that are read, by whatever name. @throws UsageError */
export function checkNoInput(out: string, files: readonly string[]): void {
  if (files.some((file) => identityOf(resolve(file)) === identityOf(resolve(out))))
    throw new UsageError(`--out ${out} is one of the files of records`);
}

/** The same for the same file, by whatever name. */
function identityOf(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file; // A pipe has no path.
  }
}

/** The lines of a source, and last why no more of it could be read. @throws UsageError for one that was named */
export function* linesIn({ file, found }: Source, lineBytesMax: number): Generator<Line | Unreadable> {
  try {
    yield* found ? linesOf(file, lineBytesMax, openFile) : linesOf(file, lineBytesMax);
  } catch (error) {
    if (!(error instanceof NoFile) && (error as NodeJS.ErrnoException).syscall === undefined) throw error;
    const why = `cannot be read: ${(error as Error).message}`;
    if (!found) throw new UsageError(`${file}: ${why}`);
    yield { why };
  }
}

/** Opens a file and nothing else; a pipe without a writer would be waited for. @throws NoFile, the system's error */
function openFile(file: string): number {
  demandFile(statSync(file));
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    // It may be another by now.
    demandFile(fstatSync(descriptor));
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

const KINDS: [is: (stats: Stats) => boolean, what: string][] = [
  [(stats) => stats.isDirectory(), 'a folder'],
  [(stats) => stats.isFIFO(), 'a named pipe'],
  [(stats) => stats.isSocket(), 'a socket'],
];

/** @throws NoFile */
function demandFile(stats: Stats): void {
  if (stats.isFile()) return;
  throw new NoFile(`it is ${KINDS.find(([is]) => is(stats))?.[1] ?? 'a device'}, not a file`);
}
