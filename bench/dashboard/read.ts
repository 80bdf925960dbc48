/** Records out of files, a line at a time: what is no record is counted and skipped, never fatal. Main thread. */
import { createReadStream, existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../command-line/option-values.ts';
import { type RunRecord, recordSchema } from '../records/record.ts';

const NEWLINE = 0x0a;
/** A record of a thousand repetitions with latency is smaller. What is longer is not even parsed. */
const LINE_BYTES_MAX = 64 * 2 ** 20;

/** The files that the arguments name; of a folder those that hold records. @throws UsageError */
export function filesOf(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) throw new UsageError(`no file or folder '${path}'`);
    return stats.isDirectory() ? recordFilesIn(path) : [path];
  });
}

/** None where there is no such folder. */
export function recordFilesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.ndjson'))
    .sort()
    .map((name) => join(folder, name));
}

/** The lines of a file with their numbers, without their ends; null for one that is too long. Empty ones are left out. */
async function* linesOf(file: string): AsyncGenerator<[number: number, line: string | null]> {
  let number = 1;
  let parts: Buffer[] = [];
  let sizeBytes = 0;
  const take = (part: Buffer) => {
    sizeBytes += part.length;
    if (sizeBytes > LINE_BYTES_MAX) parts = [];
    else parts.push(part);
  };
  const finish = (): [number, string | null] => {
    const line: [number, string | null] = [
      number++,
      sizeBytes > LINE_BYTES_MAX ? null : Buffer.concat(parts).toString().trim(),
    ];
    parts = [];
    sizeBytes = 0;
    return line;
  };
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      take(chunk.subarray(start, end));
      start = end + 1;
      yield finish();
    }
    take(chunk.subarray(start));
  }
  if (sizeBytes > 0) yield finish();
}

export interface Skipped {
  file: string;
  line: number;
  why: string;
}

/** Hands every record of the file on; what is none, or what `take` throws at, goes to `skip`. @throws UsageError */
export async function readRecordLines(
  file: string,
  take: (record: RunRecord) => void,
  skip: (skipped: Skipped) => void,
): Promise<void> {
  try {
    for await (const [line, text] of linesOf(file)) {
      if (text === '') continue;
      const why = text === null ? 'too long' : whyNoRecord(text, take);
      if (why !== null) skip({ file, line, why });
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}`);
  }
}

/** Null for a record that was taken. */
function whyNoRecord(text: string, take: (record: RunRecord) => void): string | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return 'not JSON';
  }
  const parsed = recordSchema.safeParse(json);
  if (!parsed.success) return 'not a record of this version';
  try {
    take(parsed.data);
    return null;
  } catch {
    return 'a histogram that cannot be decoded';
  }
}
