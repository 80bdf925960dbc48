import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { UsageError } from '../command-line/option-values.ts';
import { parseRunOptions } from '../run/options.ts';
import { appendRecord } from './append.ts';
import { captureEnvironment } from './environment.ts';
import { type RunRecord, recordSchema, SCHEMA_VERSION } from './record.ts';
import { checkAppendable, readRecords } from './results.ts';
import { driveRecordOf, latencyOf, repetition } from './test-record.ts';

const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));

const record: RunRecord = {
  schema: SCHEMA_VERSION,
  id: '7c7c118a-4795-4e5a-8fe7-53a68002158a',
  at: '2026-01-01T00:00:00.000Z',
  label: '',
  outcome: 'stalled',
  failure: 'guest: the peer did nothing',
  config: parseRunOptions(['--parallel']).config,
  environment: captureEnvironment(),
  sweep: null,
  harness: null,
  warnings: [],
  repetitions: [],
};

test('results: a check leaves nothing behind, in folders neither', () => {
  checkAppendable(join(folder, 'a', 'b', 'records.ndjson'));
  assert.equal(existsSync(join(folder, 'a')), false);
});

test('results: a check leaves an existing file as it is', () => {
  const file = join(folder, 'kept.ndjson');
  writeFileSync(file, 'kept\n');
  checkAppendable(file);
  assert.equal(readFileSync(file, 'utf8'), 'kept\n');
});

test('results: a folder, or a path through a file, cannot be appended to, and nothing stays', () => {
  mkdirSync(join(folder, 'folder'));
  writeFileSync(join(folder, 'file'), '');
  assert.throws(() => checkAppendable(join(folder, 'folder')), { code: 'EISDIR' });
  assert.throws(() => checkAppendable(join(folder, 'file', 'records.ndjson')));
  assert.equal(readFileSync(join(folder, 'file'), 'utf8'), '');
});

test('results: a link to a file that is not there yet is followed, and both stay as they are', () => {
  const link = join(folder, 'link.ndjson');
  symlinkSync('target.ndjson', link);
  checkAppendable(link);
  assert.equal(readlinkSync(link), 'target.ndjson');
  assert.equal(existsSync(link), false);
  appendRecord(link, record);
  assert.equal(readFileSync(join(folder, 'target.ndjson'), 'utf8').split('\n').length, 2);
});

test('results: a pipe is refused at once, with nobody reading it', () => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  assert.throws(() => checkAppendable(pipe), TypeError);
});

test('results: two runs that check and append at once lose nothing', () => {
  const file = join(folder, 'race', 'records.ndjson');
  checkAppendable(file);
  appendRecord(file, record);
  checkAppendable(file);
  appendRecord(file, record);
  assert.equal(readFileSync(file, 'utf8').split('\n').length, 3);
});

test('results: records are lines, and read back as they were', () => {
  const file = join(folder, 'new', 'records.ndjson');
  appendRecord(file, record);
  appendRecord(file, { ...record, label: 'second\nline' });
  const lines = readFileSync(file, 'utf8').split('\n');
  assert.equal(lines.length, 3);
  assert.deepEqual(recordSchema.parse(JSON.parse(lines[0]!)), record);
  assert.equal(recordSchema.parse(JSON.parse(lines[1]!)).label, 'second\nline');
});

test('results: the records of lines with a text are read back in order; other lines are nobody’s business', () => {
  const file = join(folder, 'read.ndjson');
  for (const label of ['mine 1', 'other', 'mine 2']) appendRecord(file, { ...record, label });
  writeFileSync(file, '\n{"schema":0}\nhalf a li', { flag: 'a' });
  assert.deepEqual(
    readRecords(file, 'mine').map(({ label }) => label),
    ['mine 1', 'mine 2'],
  );
  assert.deepEqual(readRecords(file, 'nowhere'), []);
});

test('results: a last line that was cut off is no record of anybody’s, and in nobody’s way', () => {
  const file = join(folder, 'cut.ndjson');
  appendRecord(file, { ...record, label: 'mine' });
  writeFileSync(file, '{"schema":1,"label":"mine', { flag: 'a' });
  assert.equal(readRecords(file, 'mine').length, 1);
});

const [pair] = repetition().pairs;
const spoiltRepetition = repetition({
  pairs: [{ ...pair!, latency: { ...latencyOf(3, 1000, 1), roundTrip: 'AAAA' } }],
});

const spoilt: [what: string, line: string, why: RegExp][] = [
  ['half a line', '{"schema":1,"label":"mine\n', /not JSON: /],
  ['of an older version', '{"schema":0,"label":"mine"}', /schema 0: no vringbench ever wrote it; /],
  [
    'of a newer version',
    '{"schema":2,"label":"mine"}',
    /schema 2: needs a newer vringbench \(this is .*, which reads schema 1\); /,
  ],
  ['with a field too many', JSON.stringify({ ...record, label: 'mine', extra: 1 }), /not a record: Unrecognized key/],
  [
    'with a histogram that is none',
    JSON.stringify({ ...record, label: 'mine', repetitions: [spoiltRepetition] }),
    /not a record: repetitions\.0\.pairs\.0\.latency\.roundTrip: not a compressed HDR histogram of version 2; /,
  ],
  ['two on one line', `${JSON.stringify({ ...record, label: 'mine' }).repeat(2)}\n`, /not JSON: /],
];
for (const [what, line, why] of spoilt)
  test(`results: a line with the text that is no record is named: ${what}`, () => {
    const file = join(folder, 'spoilt.ndjson');
    rmSync(file, { force: true });
    appendRecord(file, { ...record, label: 'mine' });
    writeFileSync(file, line, { flag: 'a' });
    assert.throws(
      () => readRecords(file, 'mine'),
      (error) => {
        assert.ok(error instanceof UsageError);
        assert.ok(
          error.message.startsWith(`${file}, line 2: `) && error.message.endsWith('; remove it, or name another file'),
        );
        assert.match(error.message, why);
        return true;
      },
    );
  });

test('results: records of drive are appended to the same file, and are no records of run', () => {
  const file = join(folder, 'both.ndjson');
  appendRecord(file, driveRecordOf({ label: 'mine' }));
  appendRecord(file, { ...record, label: 'mine' });
  assert.deepEqual(readRecords(file, 'mine'), [{ ...record, label: 'mine' }]);
});

test('results: what is no file has no records', () => {
  for (const name of [join(folder, 'not-there.ndjson'), folder, '/dev/null'])
    assert.deepEqual(readRecords(name, ''), []);
});

test('results: a file that can be appended to and not read is a mistake that names it', () => {
  const file = join(folder, 'unreadable.ndjson');
  symlinkSync('/proc/self/mem', file);
  assert.throws(
    () => readRecords(file, ''),
    (error) => error instanceof UsageError && error.message.startsWith(`${file}: cannot be read: EIO`),
  );
});

test('results: what is no record is not written', () => {
  const file = join(folder, 'refused.ndjson');
  assert.throws(() => appendRecord(file, { ...record, config: { ...record.config, transfers: -1 } }));
  assert.throws(() => appendRecord(file, { ...record, extra: 1 } as RunRecord));
  assert.equal(existsSync(file), false);
});

test('environment: the machine has a stable name that is a file name', () => {
  const { machine, cpus } = captureEnvironment();
  assert.match(machine, /^[a-z0-9-]+-\d+cpu-[0-9a-f]{8}$/);
  assert.equal(machine, captureEnvironment().machine);
  assert.ok(cpus >= 1);
});
