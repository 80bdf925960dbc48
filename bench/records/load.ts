/**
 * Records out of any files and folders, and what in them is no record: a spoilt line costs that line, never the rest.
 * Main thread.
 */
import { z } from 'zod';
import { printable, shortPrintable as shown } from '../command-line/printable.ts';
import { VERSION } from './environment.ts';
import { names } from './fields.ts';
import { isBlank, LINE_BYTES_MAX, type Line } from './lines.ts';
import { type RunRecord, recordSchema, SCHEMA_VERSION } from './record.ts';
import { OTHER_KINDS, type OtherKind, type OtherRecord } from './schema.ts';
import { linesIn, sourcesOf } from './sources.ts';

/** A line that is no record of this version, or a file of a folder that cannot be read. */
export interface Problem {
  file: string;
  /** From 1; null: the file itself. */
  line: number | null;
  /** One line, without control characters. */
  why: string;
}

/** Where a problem is, as it can be printed. */
export const placeOf = ({ file, line }: Pick<Problem, 'file' | 'line'>): string =>
  printable(line === null ? file : `${file}:${line}`);

/** A record, and where it stands. */
export interface PlacedRecord {
  file: string;
  line: number;
  record: RunRecord;
}

export interface Loaded {
  /** Of `run`; in the order of the files and their lines; each id once. */
  records: RunRecord[];
  /** Of other kinds, the same way. */
  others: OtherRecord[];
  problems: Problem[];
}

/** What a line holds: a record of a kind, why it is none (`torn`: its writing was cut off), or nothing (null). */
export type Parsed = { record: RunRecord } | { other: OtherRecord } | { why: string; torn: boolean } | null;

/** A record of another kind than of `run`. */
export interface OtherFound {
  other: OtherRecord;
}

/** Versions of this program by the schema that they read; of those before this one. */
const OLDER_READERS: Readonly<Record<number, string>> = {};

/**
 * The records of files and of the `*.ndjson` of folders, sorted; a file that is named twice counts once.
 * @throws UsageError naming a path that cannot be read; what a folder has and cannot be read is a problem.
 */
export function loadRecords(paths: readonly string[], lineBytesMax = LINE_BYTES_MAX): Loaded {
  const loaded: Loaded = { records: [], others: [], problems: [] };
  for (const found of eachLine(paths, lineBytesMax))
    if ('why' in found) loaded.problems.push(found);
    else if ('other' in found) loaded.others.push(found.other);
    else loaded.records.push(found.record);
  return loaded;
}

/** What readers of records of `run` say of the others; null: there were none. */
export function passedOver(kinds: readonly OtherKind[]): string | null {
  const counted = (Object.keys(OTHER_KINDS) as OtherKind[]).flatMap((kind) => {
    const count = kinds.filter((other) => other === kind).length;
    return count === 0 ? [] : [`${count} ${count === 1 ? 'record' : 'records'} of ${OTHER_KINDS[kind].command}`];
  });
  return counted.length === 0 ? null : `${counted.join(', ')}, passed over`;
}

/** The same one by one, where all together would be too much to keep. @throws UsageError */
export function* eachLine(
  paths: readonly string[],
  lineBytesMax = LINE_BYTES_MAX,
): Generator<PlacedRecord | OtherFound | Problem> {
  const places = new Map<string, string>();
  for (const source of sourcesOf(paths))
    for (const line of linesIn(source, lineBytesMax)) {
      const { file } = source;
      if ('why' in line) {
        yield { file, line: null, why: shown(line.why) };
        continue;
      }
      const parsed = parsedLine(line);
      if (parsed === null) continue;
      if ('why' in parsed) {
        yield { file, line: line.number, why: parsed.why };
        continue;
      }
      const { id } = 'record' in parsed ? parsed.record : parsed.other;
      const why = sameAs(places.get(id));
      if (why !== null) {
        yield { file, line: line.number, why };
        continue;
      }
      places.set(id, `${file}, line ${line.number}`);
      yield 'record' in parsed ? { file, line: line.number, record: parsed.record } : { other: parsed.other };
    }
}

const sameAs = (place: string | undefined): string | null =>
  place === undefined ? null : printable(`its id is that of ${place}`);

/** What a line of a results file holds. */
export function parsedLine({ text, unreadable, ended }: Line): Parsed {
  const problem = (why: string, torn = false): Parsed => ({ why: shown(why), torn });
  if (text === null) return problem(unreadable!, !ended);
  if (isBlank(text)) return null;
  const json = parsedJson(text);
  if ('error' in json)
    return ended ? problem(`not JSON: ${json.error}`) : problem('half a line: its writing was cut off', true);
  const kind = kindOf(json.value);
  if (kind !== null) {
    const { command, schema } = OTHER_KINDS[kind];
    const other = schema.safeParse(json.value);
    if (other.success) return { other: other.data };
    return problem(wrongSchema(json.value) ?? `not a record of ${command}: ${firstIssue(other.error)}`);
  }
  const parsed = recordSchema.safeParse(json.value);
  if (parsed.success) return { record: parsed.data };
  return problem(wrongSchema(json.value) ?? `not a record: ${firstIssue(parsed.error)}`);
}

/** What kind a record says it is of; null: of none that is known here, and records of `run` say none. */
const kindOf = (value: unknown): OtherKind | null =>
  z.looseObject({ kind: names(OTHER_KINDS) }).safeParse(value).data?.kind ?? null;

export function parsedJson(text: string): { value: unknown } | { error: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

/** Why a value that says it is of another schema cannot be read here, and what can; null if it says no such thing. */
function wrongSchema(value: unknown): string | null {
  const schema = z.looseObject({ schema: z.int() }).safeParse(value).data?.schema;
  if (schema === undefined || schema === SCHEMA_VERSION) return null;
  if (schema > SCHEMA_VERSION)
    return `schema ${schema}: needs a newer vringbench (this is ${VERSION}, which reads schema ${SCHEMA_VERSION})`;
  const reader = OLDER_READERS[schema];
  return `schema ${schema}: ${reader === undefined ? 'no vringbench ever wrote it' : `needs vringbench ${reader}`}`;
}

function firstIssue({ issues }: z.ZodError): string {
  const { path, message } = issues[0]!;
  return path.length === 0 ? message : `${path.join('.')}: ${message}`;
}
