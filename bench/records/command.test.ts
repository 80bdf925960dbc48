import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { main } from '../cli.ts';
import { PACKAGE_ROOT } from './environment.ts';
import { loadRecords } from './load.ts';
import { jsonSchemaText } from './schema.ts';
import { driveRecordOf, recordOf } from './test-record.ts';

const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));

async function results(...args: string[]): Promise<{ code: number; out: string[]; err: string[] }> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await main(['results', ...args], { out: (line) => out.push(line), err: (line) => err.push(line) });
  return { code, out, err };
}

const LINE = `${JSON.stringify(recordOf())}\n`;
const fileOf = (name: string, content: string) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

test('results doctor: counts by machine, commit and outcome; exits 0 where all is sound', async () => {
  const other = recordOf({ outcome: 'stalled' });
  other.environment = { ...other.environment, machine: 'other\u001b[2J', commit: null, dirty: null };
  const file = fileOf('sound.ndjson', `${LINE}\n${JSON.stringify(other)}\n${JSON.stringify(recordOf())}\n`);
  assert.deepEqual(await results('doctor', file), {
    code: 0,
    out: [
      '3 records, 0 problems',
      '  machine        2  test-2cpu-01234567',
      '  machine        1  other·[2J',
      '  commit         2  c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00',
      '  commit         1  unknown',
      '  outcome        2  done',
      '  outcome        1  stalled',
    ],
    err: [],
  });
});

test('results doctor: tells kinds apart where there are several', async () => {
  const file = fileOf('kinds.ndjson', `${LINE}${JSON.stringify(driveRecordOf({ outcome: 'failed' }))}\n`);
  const { code, out } = await results('doctor', file);
  assert.equal(code, 0);
  assert.deepEqual(out.slice(0, 4), [
    '2 records, 0 problems',
    '  kind           1  run',
    '  kind           1  drive',
    '  machine        2  test-2cpu-01234567',
  ]);
});

test('results doctor: names each problem by its line, repairs only when told to', async () => {
  const content = `${LINE}{"schema":2}\nnonsense\n{"half`;
  const file = fileOf('spoilt.ndjson', content);
  const { code, err } = await results('doctor', file);
  assert.equal(code, 1);
  assert.equal(err.length, 3);
  for (const [i, why] of [
    /^schema 2: needs a newer vringbench \(this is \d/,
    /^not JSON: /,
    /^half a line: /,
  ].entries()) {
    const prefix = `${file}:${i + 2}: `;
    assert.ok(err[i]!.startsWith(prefix));
    assert.match(err[i]!.slice(prefix.length), why);
  }
  assert.equal(readFileSync(file, 'utf8'), content);
  const mended = await results('doctor', '--repair', file);
  assert.deepEqual([mended.code, mended.err.length], [1, 2]);
  assert.equal(mended.out[0], `${file}: its last line was torn (6 bytes); it was moved to ${file}.torn`);
  assert.equal(readFileSync(file, 'utf8'), content.slice(0, -6));
});

test('results doctor: a torn line alone is mended, and the file sound', async () => {
  const file = fileOf('torn.ndjson', `${LINE}{"half`);
  assert.equal((await results('doctor', file)).code, 1);
  assert.equal((await results('doctor', '--repair', file)).code, 0);
  assert.equal((await results('doctor', file)).code, 0);
});

test('results schema: prints the schema', async () => {
  const { code, out, err } = await results('schema');
  assert.deepEqual([code, err], [0, []]);
  const schema = JSON.parse(out.join('\n'));
  assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema');
  const [run, drive] = schema.anyOf;
  assert.deepEqual(run.properties.schema, { type: 'number', const: 1 });
  assert.deepEqual(run.required.toSorted(), Object.keys(recordOf()).sort());
  assert.deepEqual(drive.properties.kind, { type: 'string', const: 'drive' });
});

test('results/record.schema.json is what `npm run --silent results -- schema` prints', () => {
  assert.equal(readFileSync(join(PACKAGE_ROOT, 'results', 'record.schema.json'), 'utf8'), `${jsonSchemaText()}\n`);
});

const mistakes: [args: string[], err: string][] = [
  [[], 'vringbench: results wants one of doctor, schema'],
  [['doctr'], "vringbench: results wants one of doctor, schema, not 'doctr'; did you mean doctor?"],
  [['schema', 'file'], "vringbench: unexpected argument 'file'"],
  [['schema', '--repair'], 'vringbench: --repair is an option of results doctor'],
  [['doctor', '--reapir'], "vringbench: unknown argument '--reapir'; did you mean --repair?"],
];
for (const [args, err] of mistakes)
  test(`results: refuses ${args.join(' ') || 'no subcommand'}`, async () => {
    assert.deepEqual(await results(...args), { code: 2, out: [], err: [err] });
  });

test('results/reference: every record that is kept in git is one', () => {
  const reference = join(PACKAGE_ROOT, 'results', 'reference');
  const files = existsSync(reference) ? readdirSync(reference).filter((name) => name.endsWith('.ndjson')) : [];
  for (const file of files) {
    const { records, problems } = loadRecords([join(reference, file)]);
    assert.deepEqual(problems, []);
    assert.ok(records.length > 0, `${file} is empty`);
  }
});
