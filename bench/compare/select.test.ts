import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { UsageError } from '../command-line/option-values.ts';
import { driveRecordOf } from '../records/test-record.ts';
import { saveBaseline, select } from './select.ts';
import { recordOf } from './test-records.ts';

const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));
const results = join(folder, 'results');
mkdirSync(results);
const shelf = { files: [results], baselines: join(results, 'baselines') };
const commit = (digit: string) => ({ commit: digit.repeat(40) });
const [old, fresh, dirty] = [
  recordOf({ speeds: [1], label: 'old', environment: commit('1') }),
  recordOf({ speeds: [2], label: 'new', environment: commit('2') }),
  recordOf({ speeds: [3], environment: { ...commit('2'), dirty: true } }),
];
const lines = (...records: unknown[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('');
writeFileSync(join(results, 'one.ndjson'), lines(old));
writeFileSync(join(results, 'two.ndjson'), lines(fresh, dirty));
/** Alike in their first 120 characters; and the word for what has no label. */
const alike = ['a', 'b'].map((end) => `${'x'.repeat(200)}${end}`);
const named = ['none', ...alike].map((label, i) => recordOf({ speeds: [4 + i], label, environment: commit('3') }));
writeFileSync(join(results, 'zoo.ndjson'), lines(...named));

const speedsOf = (spec: string) =>
  select(spec, shelf).records.flatMap(({ repetitions }) => repetitions.map((of) => of.transfersPerSecond));

const found: [what: string, spec: string, speeds: number[]][] = [
  ['a file', join(results, 'one.ndjson'), [1]],
  ['a folder', results, [1, 2, 3, 4, 5, 6]],
  ['a label', 'new', [2]],
  ['label none, without what has no label', 'none', [4]],
  ['a label by the whole of it', alike[1]!, [6]],
  ['a commit by its first digits, without what was measured of a changed checkout', '2222222', [2]],
  ['a whole commit', '1'.repeat(40), [1]],
];
for (const [what, spec, speeds] of found) test(`select: ${what}`, () => assert.deepEqual(speedsOf(spec), speeds));

const refused: [what: string, spec: string, message: RegExp][] = [
  ['nothing of that name', 'nobody', /^nobody: neither a file/],
  ['a name that is nearly one', 'nwe', /did you mean new\?$/],
  ['an unset variable, and not all records without a label', '', /^'' names no records: an unset variable\?$/],
  ['a commit that was not measured', 'abcdef0', /^abcdef0: neither/],
];
for (const [what, spec, message] of refused)
  test(`select refuses: ${what}`, () => {
    assert.throws(
      () => select(spec, shelf),
      (error: unknown) => error instanceof UsageError && message.test(error.message),
    );
  });

test('select: records of drive are passed over, and said to be', () => {
  const file = join(folder, 'drives.ndjson');
  writeFileSync(file, lines(driveRecordOf(), driveRecordOf()));
  assert.throws(
    () => select(file, shelf),
    new UsageError(`${file}: there are no records of run in it; 2 records of drive, passed over`),
  );
  writeFileSync(file, lines(driveRecordOf(), old));
  assert.deepEqual(select(file, shelf).notes, ['1 record of drive, passed over']);
});

test('select: a baseline is what was saved under its name, last', () => {
  saveBaseline('main', [old], shelf);
  const file = saveBaseline('main', [fresh], shelf);
  assert.equal(readFileSync(file, 'utf8'), lines(fresh));
  assert.deepEqual(speedsOf('main'), [2]);
  assert.throws(() => saveBaseline('../main', [old], shelf), /--save-baseline wants a name/);
});

const unwritable: [what: string, baselines: string, make: (baselines: string) => void, why: RegExp][] = [
  ['a file in place of the folder', 'a-file', (path) => writeFileSync(path, ''), /EEXIST|ENOTDIR/],
  [
    'a folder in place of the file',
    'a-folder',
    (path) => mkdirSync(join(path, 'main.ndjson'), { recursive: true }),
    /EISDIR/,
  ],
];
for (const [what, name, make, why] of unwritable)
  test(`select: a baseline that cannot be written is one line, and leaves nothing: ${what}`, () => {
    const baselines = join(folder, name);
    make(baselines);
    const had = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
    assert.throws(
      () => saveBaseline('main', [old], { ...shelf, baselines }),
      (error: Error) => {
        assert.ok(error instanceof UsageError);
        assert.match(error.message, /^--save-baseline main: \S+main\.ndjson cannot be written: [^\n]*$/);
        assert.match(error.message, why);
        return true;
      },
    );
    assert.deepEqual(readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort(), had);
  });
