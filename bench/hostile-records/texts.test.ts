/** Each text field of each kind of record × each class of character, out by every way. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { z } from 'zod';
import { main } from '../cli.ts';
import { printable } from '../command-line/printable.ts';
import { parsedLine } from '../records/load.ts';
import { type RunRecord, recordSchema } from '../records/record.ts';
import { OTHER_KINDS } from '../records/schema.ts';
import { fieldsOf, nameOf, pathsOf, withField } from './test-fields.ts';
import { clean, fileOf } from './test-files.ts';
import { sampleDrive, samplePeer, sampleRun, sampleRunFor } from './test-samples.ts';
import { TEXTS } from './test-texts.ts';
import { checkVerdicts, leave, leaveBy, leaveEveryWay, READERS } from './test-ways.ts';

const isRecord = (line: string) => 'record' in parsedLine({ number: 1, text: line, unreadable: null, ended: true })!;

const textsOf = (schema: z.ZodType, sample: unknown) => pathsOf(fieldsOf(schema, sample), 'text');

const RUN = textsOf(recordSchema, sampleRun());

test('hostile texts: every text of a record is tried', () => {
  const names = RUN.map(nameOf);
  for (const name of ['label', 'environment.kernel', 'warnings.0', 'repetitions.0.pairs.0.host.unpinnedReason'])
    assert.ok(names.includes(name), name);
});

for (const [what, text] of Object.entries(TEXTS)) {
  test(`hostile texts: ${what}, in one field of each record`, async () => {
    const lines = RUN.map((path) => JSON.stringify(withField(sampleRunFor(path), path, text)));
    const file = fileOf('one', lines);
    const records = lines.filter(isRecord).length;
    assert.ok(records > 0 && records < lines.length);
    checkVerdicts(await leaveBy(READERS, { file, clean }), file, records, lines.length - records);
  });

  test(`hostile texts: ${what}, in all fields that may hold it`, async () => {
    let record = sampleRunFor([]);
    for (const path of RUN) {
      const spoilt = withField(record, path, text);
      // In a sweep of another name it would not be shown by matrix.
      if (nameOf(path) !== 'sweep.id' && isRecord(JSON.stringify(spoilt))) record = spoilt;
    }
    assert.equal(record.environment.kernel, text);
    // A cell of the sweep, and one that no sweep has.
    const records = [{ ...record, id: randomUUID(), config: sampleRun().config }, record];
    const file = fileOf(
      'all',
      records.map((one) => JSON.stringify(one)),
    );
    const like = records.map((one) => JSON.stringify(comparableWith(one)));
    const left = await leaveEveryWay({ file, clean: fileOf('like', like) });
    checkVerdicts(left, file, 2, 0, 1);
    for (const { code } of [left['export go'], left['export csv'], left['export github-bigger'], left.dashboard])
      assert.equal(code, 0);
    checkCells(left['export csv'].read as string[][], text);
  });

  test(`hostile texts: ${what}, in one field of each record of other kinds`, async () => {
    const lines = (['drive', 'peer'] as const).flatMap((kind) => {
      const sample = kind === 'drive' ? sampleDrive : samplePeer;
      return textsOf(OTHER_KINDS[kind].schema, sample()).map((path) => JSON.stringify(withField(sample(), path, text)));
    });
    const file = fileOf('others', lines);
    const doctor = await leave('results doctor', { file, clean });
    assert.match(doctor.out[0]!, /^[1-9]\d* records, [1-9]\d* problems$/);
    for (const way of ['compare', 'export csv', 'dashboard'] as const) await leave(way, { file, clean });
  });
}

/** A clean one that can be compared with it: of the same machine and configuration. */
function comparableWith({ environment: { machine }, config }: RunRecord): RunRecord {
  const sample = sampleRun({ config });
  return { ...sample, environment: { ...sample.environment, machine } };
}

/** A spreadsheet takes no text for a formula, and a reader that takes the mark off has the text. */
function checkCells([header, ...rows]: string[][], text: string): void {
  for (const row of rows)
    for (const [place, cell] of row.entries()) {
      if (/^-?\d+(\.\d+)?(e[+-]\d+)?$/.test(cell)) continue;
      assert.doesNotMatch(cell, /^\s*[=+\-@＝＋－＠]/, header![place]);
    }
  const cell = rows[0]![header!.indexOf('environment.kernel')]!;
  assert.equal(cell.replace(/^'/, ''), printable(text));
}

test('hostile texts: any, in place of a word out of a list', async () => {
  const choices = pathsOf(fieldsOf(recordSchema, sampleRun()), 'choice');
  const lines = choices.map((path) =>
    JSON.stringify(withField(sampleRunFor(path), path, Object.values(TEXTS).join(''))),
  );
  const file = fileOf('choices', [...lines, JSON.stringify(sampleRun())]);
  checkVerdicts(await leaveEveryWay({ file, clean }), file, 1, choices.length);
});

test('hostile texts: a name that nothing has, next to labels of every class', async () => {
  const file = fileOf(
    'labels',
    Object.values(TEXTS).map((label) => JSON.stringify(sampleRun({ label }))),
  );
  for (const text of Object.values(TEXTS).filter((one) => one !== '')) {
    const err: string[] = [];
    const name = `${text.slice(0, 100)}x`;
    const code = await main(['compare', name, 'b', '--in', file], { out: () => {}, err: (line) => err.push(line) });
    assert.deepEqual([code, err.length], [2, 1]);
    assert.equal(err[0], printable(err[0]!));
    assert.ok(err[0]!.length < 2200);
  }
});
