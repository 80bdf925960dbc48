/**
 * Appends records to a results file: whole lines, whoever else appends, and whatever ended the last one. Main thread.
 *
 * Every append of a file happens under `FILE.lock`. Who has the lock and finds that the file does not end with a
 * newline knows that the writer of its last line is dead, and mends it before appending: a whole object gets its
 * newline, half of one is moved to `FILE.torn`. Each line is one write at the end of the file; so even where there
 * can be no lock, no line is lost, and a torn one only ended.
 */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  readSync,
  realpathSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { isBlank, LINE_BYTES_MAX } from './lines.ts';
import { parsedJson } from './load.ts';
import { LockError, withLock } from './lock.ts';
import { type AnyRecord, anyRecordSchema } from './schema.ts';

/** A named pipe without a reader must be an error, not a wait. */
export const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK;
const APPEND_AND_READ = constants.O_RDWR | constants.O_APPEND | constants.O_NONBLOCK | constants.O_CREAT;
const MODE = 0o666;

const NEWLINE = 0x0a;
const CHUNK_BYTES = 1 << 16;

/** What is beside a results file: its lock, and what was cut from its end. */
export const lockOf = (file: string): string => `${file}.lock`;
export const tornOf = (file: string): string => `${file}.torn`;

/**
 * Appends one record.
 * @returns what somebody should be told of: a torn line was mended, or no lock could be had; else null.
 * @throws the system's error if the record could not be written whole; the file is then as it was
 */
export function appendRecord(file: string, record: AnyRecord): string | null {
  const line = Buffer.from(`${JSON.stringify(anyRecordSchema.parse(record))}\n`);
  if (line.length > LINE_BYTES_MAX) throw new Error(`a record of ${line.length} bytes is too long to be read back`);
  mkdirSync(dirname(file), { recursive: true });
  const own = lockedFile(file);
  if (own === null) {
    writeLine(file, line);
    return null;
  }
  try {
    return withLock(lockOf(own), () => {
      const notice = tryRepair(own);
      writeAfterWhole(own, line);
      return notice;
    });
  } catch (error) {
    if (!(error instanceof LockError)) throw error;
    writeAfterWhole(own, line);
    return `${file}: appended without a lock: ${error.message}`;
  }
}

/**
 * Mends the end of a file as the next append would.
 * @returns what was done; null: there was nothing to mend.
 * @throws LockError, the system's error
 */
export function repair(file: string): string | null {
  // A link that leads nowhere has no end.
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return null;
  const own = lockedFile(file);
  return own === null ? null : withLock(lockOf(own), () => repairLocked(own));
}

/**
 * The path by which everybody locks this file, whether it is there or not; null: it is a device, or one of this
 * process's own streams, whose other writers know no lock.
 */
function lockedFile(file: string): string | null {
  const path = resolve(file);
  if (/^\/(dev|proc)\//.test(path)) return null;
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats !== undefined) return stats.isFile() ? realpathSync(path) : null;
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink())
    return lockedFile(resolve(dirname(path), readlinkSync(path)));
  return join(realpathSync(dirname(path)), basename(path));
}

/** In one write; of a write that the disk had no room for nothing stays. */
function writeLine(file: string, line: Uint8Array): void {
  const descriptor = openSync(file, APPEND | constants.O_CREAT, MODE);
  try {
    const written = writeSync(descriptor, line);
    if (written === line.length) return;
    // The disk filled in the middle: half a line would spoil the file for its readers.
    const { size } = fstatSync(descriptor);
    if (size >= written) ftruncateSync(descriptor, size - written);
    throw new Error(`only ${written} of ${line.length} bytes could be written`);
  } finally {
    closeSync(descriptor);
  }
}

/** Ends a torn line in the same write, so that it spoils nothing but itself. */
function writeAfterWhole(file: string, line: Uint8Array): void {
  writeLine(file, endsWhole(file) ? line : Buffer.concat([Buffer.of(NEWLINE), line]));
}

/** True, too, where it cannot be seen. */
function endsWhole(file: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return true;
  }
  try {
    const stats = fstatSync(descriptor);
    return !stats.isFile() || stats.size === 0 || bytesAt(descriptor, stats.size - 1, 1)[0] === NEWLINE;
  } finally {
    closeSync(descriptor);
  }
}

/** A line that cannot be moved away must not cost the record that is to be appended. */
function tryRepair(file: string): string | null {
  try {
    return repairLocked(file);
  } catch (error) {
    return `${file}: its last line is torn and could not be moved away: ${(error as Error).message}`;
  }
}

/** With the lock held. */
function repairLocked(file: string): string | null {
  if (endsWhole(file)) return null;
  const descriptor = openSync(file, APPEND_AND_READ, MODE);
  try {
    const { size } = fstatSync(descriptor);
    const start = lineStart(descriptor, size);
    if (isWhole(descriptor, start, size)) {
      writeSync(descriptor, Buffer.of(NEWLINE));
      return `${file}: its last line had no newline; it has one now`;
    }
    const torn = tornOf(file);
    copyTail(descriptor, start, size, torn);
    // Somebody who knows no lock may have appended meanwhile; then the next append finds the torn line ended.
    if (fstatSync(descriptor).size !== size) return `${file}: its last line was torn; a copy of it is in ${torn}`;
    ftruncateSync(descriptor, start);
    return `${file}: its last line was torn (${size - start} bytes); it was moved to ${torn}`;
  } finally {
    closeSync(descriptor);
  }
}

function bytesAt(descriptor: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(descriptor, bytes, 0, length, position));
}

/** Where the last line of so many bytes begins. */
function lineStart(descriptor: number, size: number): number {
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const newline = bytesAt(descriptor, start, end - start).lastIndexOf(NEWLINE);
    if (newline !== -1) return start + newline + 1;
    end = start;
  }
  return 0;
}

/** Nothing is missing but the newline: a whole object, or nothing but spaces. */
function isWhole(descriptor: number, start: number, size: number): boolean {
  if (size - start > LINE_BYTES_MAX) return false;
  const text = bytesAt(descriptor, start, size - start).toString('utf8');
  if (isBlank(text)) return true;
  const json = parsedJson(text.replace(/^\ufeff/, ''));
  return 'value' in json && typeof json.value === 'object' && json.value !== null;
}

function copyTail(descriptor: number, start: number, size: number, to: string): void {
  const copy = openTorn(to);
  try {
    for (let at = start; at < size; ) {
      const bytes = bytesAt(descriptor, at, Math.min(CHUNK_BYTES, size - at));
      if (bytes.length === 0) break;
      if (writeSync(copy, bytes) !== bytes.length) throw new Error(`${to}: the disk is full`);
      at += bytes.length;
    }
    writeSync(copy, Buffer.of(NEWLINE));
  } finally {
    closeSync(copy);
  }
}

/** Its name is known before it is there: a link or a pipe of that name must not be written to. @throws Error unless it is a file */
function openTorn(to: string): number {
  let descriptor: number;
  try {
    descriptor = openSync(to, APPEND | constants.O_CREAT | constants.O_NOFOLLOW, MODE);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ELOOP') throw new Error(`${to} is a link, which is not followed`);
    throw error;
  }
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  throw new Error(`${to} is no file`);
}
