/**
 * The lines of a file one after the other, in bounded memory, whatever is in it. Knows nothing of records. Main thread.
 */
import { isUtf8 } from 'node:buffer';
import { closeSync, openSync, readSync } from 'node:fs';

/** The longest line that is read: a string holds twice as much, and no record comes near it. */
export const LINE_BYTES_MAX = 256 * 2 ** 20;

const CHUNK_BYTES = 1 << 16;
const NEWLINE = 0x0a;
const BYTE_ORDER_MARK = '\ufeff';

export interface Line {
  /** From 1. */
  number: number;
  /** Without its end (LF or CRLF), the first one without a byte order mark; null where `unreadable` says why. */
  text: string | null;
  unreadable: string | null;
  /** False: the file ends before the line does. */
  ended: boolean;
}

const openToRead = (file: string): number => openSync(file, 'r');

/**
 * All lines; what follows the last newline is one, too, unless it is nothing.
 * @param open opens the file; the descriptor is closed here.
 * @throws the system's error if the file cannot be opened or read.
 */
export function* linesOf(file: string, bytesMax = LINE_BYTES_MAX, open = openToRead): Generator<Line> {
  const descriptor = open(file);
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let parts: Buffer[] = [];
    let bytes = 0;
    let number = 1;
    const take = (part: Buffer) => {
      bytes += part.length;
      // Of a line that is too long nothing is kept.
      if (bytes > bytesMax) parts = [];
      else if (part.length > 0) parts.push(Buffer.from(part));
    };
    const finish = (ended: boolean): Line => {
      const line = lineOf(number++, bytes > bytesMax ? null : Buffer.concat(parts), ended, bytesMax);
      parts = [];
      bytes = 0;
      return line;
    };
    for (;;) {
      const length = readSync(descriptor, chunk, 0, CHUNK_BYTES, null);
      if (length === 0) break;
      let start = 0;
      for (;;) {
        const end = chunk.subarray(0, length).indexOf(NEWLINE, start);
        if (end === -1) break;
        take(chunk.subarray(start, end));
        yield finish(true);
        start = end + 1;
      }
      take(chunk.subarray(start, length));
    }
    if (bytes > 0) yield finish(false);
  } finally {
    closeSync(descriptor);
  }
}

/** @param bytes null: they were too many. */
function lineOf(number: number, bytes: Buffer | null, ended: boolean, bytesMax: number): Line {
  const unreadable = bytes === null ? `longer than ${bytesMax} bytes` : isUtf8(bytes) ? null : 'not UTF-8';
  if (bytes === null || unreadable !== null) return { number, text: null, unreadable, ended };
  let text = bytes.toString('utf8');
  if (number === 1 && text.startsWith(BYTE_ORDER_MARK)) text = text.slice(1);
  if (text.endsWith('\r')) text = text.slice(0, -1);
  return { number, text, unreadable, ended };
}

/** Nothing but spaces: no reader's business. */
export const isBlank = (text: string): boolean => /^[ \t\r]*$/.test(text);
