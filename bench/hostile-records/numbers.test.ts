/** Each number of each kind of record × what stands in place of one, through every command. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { z } from 'zod';
import { parsedLine } from '../records/load.ts';
import { type RunRecord, recordSchema } from '../records/record.ts';
import { OTHER_KINDS } from '../records/schema.ts';
import { fieldsOf, nameOf, type Path, pathsOf, valueAt, withField } from './test-fields.ts';
import { clean, fileOf } from './test-files.ts';
import { sampleDrive, samplePeer, sampleRun, sampleRunFor } from './test-samples.ts';
import { checkVerdicts, leave, leaveBy, VERDICTS } from './test-ways.ts';

/** As it stands in the line: JSON has no word for most of them. Null: the field is missing. */
const TOKENS: Readonly<Record<string, string | null>> = {
  'no number': 'NaN',
  infinite: 'Infinity',
  'infinite by its digits': '1e999',
  'infinite and negative': '-1e999',
  'the greatest there is': '1.7976931348623157e308',
  huge: '1e300',
  'beyond the whole numbers': '9007199254740993',
  'the smallest there is': '5e-324',
  negative: '-1',
  'nought with a sign': '-0',
  nought: '0',
  'a half': '0.5',
  'a text': '"5"',
  'a text of none': '""',
  null: 'null',
  true: 'true',
  'a list': '[5]',
  'an object': '{"valueOf":5}',
  missing: null,
};

const PLACE = 'the place of the token';
function lineOf(record: unknown, path: Path, token: string | null): string {
  const text = JSON.stringify(withField(record, path, token === null ? undefined : PLACE));
  return token === null ? text : text.replace(`"${PLACE}"`, token);
}

const numbersOf = (schema: z.ZodType, sample: unknown) => pathsOf(fieldsOf(schema, sample), 'number');
const RUN = numbersOf(recordSchema, sampleRun());

const parsed = (line: string): RunRecord | null => {
  const found = parsedLine({ number: 1, text: line, unreadable: null, ended: true });
  return found !== null && 'record' in found ? found.record : null;
};

test('hostile numbers: every number of a record is tried', () => {
  const names = RUN.map(nameOf);
  for (const name of ['config.warmup', 'harness.repetitions.0.hostNs', 'repetitions.0.pairs.0.latency.every'])
    assert.ok(names.includes(name), name);
});

for (const [what, token] of Object.entries(TOKENS)) {
  test(`hostile numbers: ${what}, in one field of each record`, async () => {
    const lines = RUN.map((path) => lineOf(sampleRunFor(path), path, token));
    const records = lines.map(parsed);
    const file = fileOf('run', lines);
    const left = await leaveBy([...VERDICTS, 'compare', 'export go', 'export bencher', 'export github-smaller'], {
      file,
      clean,
    });
    for (const { out, err } of Object.values(left)) checkFigures([...out, ...err], file);
    const count = records.filter((record) => record !== null).length;
    checkVerdicts(left, file, count, lines.length - count);
    checkRows(left['export csv'].read as string[][] | null, records);
    checkPage(left.dashboard.page!.figures);
  });

  test(`hostile numbers: ${what}, in one field of each record of other kinds`, async () => {
    const lines = (['drive', 'peer'] as const).flatMap((kind) => {
      const sample = kind === 'drive' ? sampleDrive : samplePeer;
      return numbersOf(OTHER_KINDS[kind].schema, sample()).map((path) => lineOf(sample(), path, token));
    });
    const file = fileOf('others', lines);
    const doctor = await leave('results doctor', { file, clean });
    const [, records, problems] = /^(\d+) records?, (\d+) problems?$/.exec(doctor.out[0]!)!.map(Number);
    assert.equal(records! + problems!, lines.length);
    const { page } = await leave('dashboard', { file, clean });
    assert.deepEqual([page!.count, page!.skippedLines], [0, problems]);
  });
}

/** What is written of a figure that is none; a line that tells of a bad line quotes it. */
function checkFigures(texts: readonly string[], file: string): void {
  for (const line of texts.join('\n').split('\n'))
    if (!line.includes(file)) assert.doesNotMatch(line, /\bNaN\b|Infinity|undefined|\[object/);
}

/** Each record's figures, as it was read. */
function checkRows(table: string[][] | null, records: readonly (RunRecord | null)[]): void {
  const [header, ...rows] = table ?? [[]];
  const columns = RUN.map((path) => header!.indexOf(columnOf(path)));
  const whole = records.filter((record) => record !== null);
  for (const [i, record] of whole.entries())
    for (const [place, path] of RUN.entries())
      if (columns[place] !== -1) {
        const value = valueAt(record, path);
        assert.equal(rows[i]![columns[place]!], value === null ? '' : String(value), nameOf(path));
      }
}

/** What `csv` calls it: pairs and tenths from 1, the two ways between the CPUs by their names. */
const columnOf = (path: Path) =>
  nameOf(path)
    .replace(/^repetitions\.0\./, '')
    .replace(/^(pairs|tenths)\.0/, '$1.1')
    .replace(/^crossCpuNs\.0$/, 'crossCpuNs.before')
    .replace(/^crossCpuNs\.1$/, 'crossCpuNs.after');

/** Nothing negative, nothing infinite; what is unknown is null. */
function checkPage(figures: Readonly<Record<string, readonly (number | null)[]>>): void {
  for (const [name, values] of Object.entries(figures))
    for (const value of values) assert.ok(value === null || (value >= 0 && Number.isFinite(value)), `${name} ${value}`);
}
