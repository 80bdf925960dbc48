/** Every way in which a file of records leaves this program, run in this process, and what must hold of each. For tests. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { main } from '../cli.ts';
import { printable } from '../command-line/printable.ts';
import type { PageData } from '../dashboard/page-data.ts';
import { readBencher, readCsv, readGithub, readGo, readHgrm } from '../export/test-readers.ts';
import { SWEEP_ARGS } from './test-samples.ts';
import { FORGED } from './test-texts.ts';

/** A file of records, and one of clean ones to compare it with. */
interface Files {
  file: string;
  clean: string;
}

interface Way {
  args: (files: Files) => string[];
  /** Reads the whole output by its own rules; without it, people read the lines. */
  document?: (text: string) => unknown;
}

const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));
const PAGE = join(folder, 'page.html');

const compared =
  (...args: string[]) =>
  ({ file, clean }: Files) => ['compare', file, clean, ...args];
const exported =
  (format: string, ...args: string[]) =>
  ({ file }: Files) => ['export', '--format', format, file, ...args];

export const WAYS = {
  'results doctor': { args: ({ file }) => ['results', 'doctor', file] },
  compare: { args: compared() },
  'compare with clean ones first': { args: ({ file, clean }) => ['compare', clean, file] },
  'compare across machines': { args: compared('--across-machines') },
  'compare --markdown': { args: compared('--markdown') },
  'compare --json': { args: compared('--json'), document: (text) => JSON.parse(text) },
  'export bencher': { args: exported('bencher'), document: readBencher },
  'export github-bigger': { args: exported('github-bigger'), document: readGithub },
  'export github-smaller': { args: exported('github-smaller'), document: readGithub },
  'export go': { args: exported('go'), document: readGo },
  'export csv': { args: exported('csv'), document: readCsv },
  'export hgrm': { args: exported('hgrm'), document: readHgrm },
  'export hgrm of wakes': { args: exported('hgrm', '--kind', 'kick-to-wake'), document: readHgrm },
  dashboard: { args: ({ file }) => ['dashboard', file, '--out', PAGE] },
  matrix: { args: ({ file }) => ['matrix', ...SWEEP_ARGS, '--out', file] },
} as const satisfies Record<string, Way>;
export type WayName = keyof typeof WAYS;

export interface Left {
  code: number;
  out: string[];
  err: string[];
  /** What a reader of the format made of it; null: it is no document, or there is none. */
  read: unknown;
  /** Of `dashboard`. */
  page: PageData | null;
}

/** Runs it; what it prints must be clean, and nothing is measured. */
export async function leave(way: WayName, files: Files): Promise<Left> {
  const [out, err]: [string[], string[]] = [[], []];
  const { args, document }: Way = WAYS[way];
  rmSync(PAGE, { force: true });
  const lines = { out: (line: string) => void out.push(line), err: (line: string) => void err.push(line) };
  const code = await main(args(files), lines, { signal: () => AbortSignal.abort() });
  assert.ok([0, 1, 2, 130].includes(code), `exit ${code}`);
  for (const line of err) checkLine(line);
  if (document === undefined) for (const line of out) checkLine(line);
  if (way === 'compare --markdown') checkMarkdown(out);
  const text = out.map((part) => `${part}\n`).join('');
  if (document !== undefined) checkDocument(text);
  const read = document === undefined || text === '' ? null : document(text);
  return { code, out, err, read, page: existsSync(PAGE) ? pageIn(readFileSync(PAGE, 'utf8')) : null };
}

/** What is cut, and our own words around it. */
const LINE_LENGTH_MAX = 2200;

/** A line for people. */
function checkLine(line: string): void {
  assert.ok(line.length <= LINE_LENGTH_MAX, `${line.length} characters: ${printable(line.slice(0, 80))}`);
  checkText(line);
}

/** A stack would be a line of ours with the place of a file in it. */
function checkText(text: string): void {
  assert.equal(text, printable(text));
  assert.ok(!text.startsWith(FORGED), 'a line of its own');
  assert.doesNotMatch(text, /^\s+at .*:\d+:\d+\)?$/);
}

/** Line ends and tabs are the format's own. */
const checkDocument = (text: string) => {
  for (const part of text.split(/\r?\n|\t/)) checkText(part);
};

/** Of what is no escape and no entity, only our own signs are markup; and a table's rows have as many fields as its head. */
function checkMarkdown(lines: readonly string[]): void {
  const bare = lines.map((line) => line.replaceAll(/\\[^A-Za-z0-9\s]|&(?:amp|lt|gt);/g, ''));
  for (const line of bare) {
    assert.doesNotMatch(line, /[<>`~$@]|\]\(|:\/\/|www\.|!\[/);
    // Bold is ours.
    assert.doesNotMatch(line.replaceAll('**', ''), /[*_]/);
  }
  const widths = bare.filter((line) => line.startsWith('|')).map((line) => line.split('|').length);
  assert.ok(new Set(widths).size <= 1, widths.join());
}

function pageIn(html: string): PageData {
  const json = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(html)![1]!;
  assert.equal(html.match(/<script/g)!.length, 2);
  const data = JSON.parse(json) as PageData;
  for (const text of textsIn(data)) {
    checkText(text);
    assert.ok(text.length <= LINE_LENGTH_MAX);
  }
  return data;
}

const textsIn = (value: unknown): string[] =>
  typeof value === 'string'
    ? [value]
    : value !== null && typeof value === 'object'
      ? Object.values(value).flatMap(textsIn)
      : [];

/** How many lines a command told of that are no records; it names the first ones, and counts those that it does not name. */
export function problemsTold(lines: readonly string[], file: string): number {
  const about = lines.filter((line) => line.includes(`${file}:`));
  const all = lines.map((line) => /(?:^|: )([\d,]+) in all; results doctor names them$/.exec(line)?.[1]);
  const count = all.find((found) => found !== undefined);
  return count === undefined ? about.length : Number(count.replaceAll(',', ''));
}

/** Those that tell how many lines are records. */
export const VERDICTS = [
  'results doctor',
  'export csv',
  'compare --json',
  'dashboard',
  'matrix',
] as const satisfies WayName[];

/** The same verdict by each command: so many lines are records of `run`, some of them of the sweep, and so many are none. */
export function checkVerdicts(
  left: Record<Exclude<(typeof VERDICTS)[number], 'matrix'>, Left> & { matrix?: Left },
  file: string,
  records: number,
  problems: number,
  inSweep = records,
): void {
  const { 'results doctor': doctor, 'export csv': csv, 'compare --json': json, dashboard, matrix } = left;
  assert.match(doctor.out[0]!, RegExp(`^${records} records?, ${problems} problems?$`));
  assert.equal(doctor.err.length, problems);
  assert.equal(problemsTold(csv.err, file), problems);
  assert.equal(csv.read === null ? 0 : (csv.read as string[][]).length - 1, records);
  if (json.read !== null) assert.equal(problemsTold((json.read as { notes: string[] }).notes, file), problems);
  assert.deepEqual([dashboard.page!.count, dashboard.page!.skippedLines], [records, problems]);
  assert.equal(problemsTold(dashboard.err, file), problems);
  if (matrix === undefined) return;
  if (problems > 0) {
    assert.equal(matrix.code, 2);
    assert.match(matrix.err.join('\n'), /^vringbench: .*, line \d+: .*; remove it, or name another file$/);
  } else assert.match(matrix.out[0]!, RegExp(`; measured before: ${inSweep}, left: \\d+$`));
}

/** Through each of these ways, one after the other. */
export async function leaveBy<Name extends WayName>(ways: readonly Name[], files: Files): Promise<Record<Name, Left>> {
  const left: Partial<Record<Name, Left>> = {};
  for (const way of ways)
    try {
      left[way] = await leave(way, files);
    } catch (error) {
      throw new Error(`${way}: ${printable((error as Error).message.slice(0, 2000))}`, { cause: error });
    }
  return left as Record<Name, Left>;
}

export const leaveEveryWay = (files: Files) => leaveBy(Object.keys(WAYS) as WayName[], files);

/** All but `matrix`, which takes longest. */
export const READERS = (Object.keys(WAYS) as WayName[]).filter((way) => way !== 'matrix') as Exclude<
  WayName,
  'matrix'
>[];
