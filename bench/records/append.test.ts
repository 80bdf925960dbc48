import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { appendRecord, lockOf, repair, tornOf } from './append.ts';
import { loadRecords } from './load.ts';
import { LockError, withLock } from './lock.ts';
import { HOSTILE_LABEL, recordOf } from './test-record.ts';

const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;
const newFile = () => join(folder, `${files++}`, 'records.ndjson');
const filledFile = (...labels: string[]) => {
  const file = newFile();
  for (const label of labels) appendRecord(file, recordOf({ label }));
  return file;
};
const labelsIn = (file: string) => loadRecords([file]).records.map(({ label }) => label);
const besides = (file: string) => readdirSync(dirname(file)).filter((name) => name !== basename(file));

/** A process that appends `count` records with labels `name 0`, `name 1`, …, each of `bytes` more bytes. */
function appender(file: string, name: string, count: number, bytes = 0): ChildProcess {
  const program = `
    const { appendRecord } = await import(${JSON.stringify(new URL('./append.js', import.meta.url).href)});
    const { recordOf } = await import(${JSON.stringify(new URL('./test-record.js', import.meta.url).href)});
    const [file, name, count, bytes] = process.argv.slice(1);
    const failure = 'x'.repeat(bytes);
    for (let i = 0; i < count; i++) {
      const notice = appendRecord(file, recordOf({ label: name + ' ' + i, failure }));
      if (notice !== null) console.error(notice);
    }`;
  const args = ['--input-type=module', '-e', program, file, name, `${count}`, `${bytes}`];
  return spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

async function ended(child: ChildProcess): Promise<{ code: number | null; err: string }> {
  let err = '';
  child.stderr!.on('data', (data) => {
    err += data;
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, err };
}

test('append: processes that append at once write whole lines, each in its order, and leave nothing behind', async () => {
  const file = newFile();
  const names = ['a', 'b', 'c', 'd'];
  const count = 750;
  const ends = await Promise.all(names.map((name) => ended(appender(file, name, count))));
  assert.deepEqual(ends, Array(4).fill({ code: 0, err: '' }));
  const labels = labelsIn(file);
  assert.equal(labels.length, names.length * count);
  assert.deepEqual(loadRecords([file]).problems, []);
  for (const name of names)
    assert.deepEqual(
      labels.filter((label) => label.startsWith(name)),
      Array.from({ length: count }, (_, i) => `${name} ${i}`),
    );
  assert.deepEqual(besides(file), []);
});

test('append: a process that is killed loses at most the record that it was writing', async () => {
  const file = newFile();
  const rounds = 12;
  for (let round = 0; round < rounds; round++) {
    const before = existsSync(file) ? statSync(file).size : 0;
    const children = ['a', 'b'].map((name) => appender(file, `${round}${name}`, 1e6, 1_500_000));
    const alive = () => children.every((child) => child.exitCode === null);
    while (alive() && (existsSync(file) ? statSync(file).size : 0) === before)
      await new Promise((resolve) => setTimeout(resolve, 1));
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(children.map(ended));
    appendRecord(file, recordOf({ label: `after ${round}` }));
    const { records, problems } = loadRecords([file]);
    assert.deepEqual(problems, []);
    assert.equal(records.at(-1)?.label, `after ${round}`);
    for (const name of ['a', 'b']) {
      const of = records.filter(({ label }) => label.startsWith(`${round}${name} `)).map(({ label }) => label);
      assert.deepEqual(
        of,
        of.map((_, i) => `${round}${name} ${i}`),
      );
    }
    rmSync(file);
  }
  assert.equal(existsSync(lockOf(file)), false);
});

const tails: [what: string, tail: string, notice: RegExp, torn: string | null, labels: string[]][] = [
  [
    'half a line',
    '{"schema":1,"label":"ha',
    /its last line was torn \(23 bytes\); it was moved to .*\.torn$/,
    '{"schema":1,"label":"ha\n',
    [],
  ],
  ['a line of NULs', '\0\0\0', /torn \(3 bytes\)/, '\0\0\0\n', []],
  ['half a number', '1', /torn \(1 bytes\)/, '1\n', []],
  ['half a character', '{"label":"\ud83d', /torn/, null, []],
  [
    'many chunks',
    `{"label":"${'x'.repeat(300_000)}`,
    /torn \(300010 bytes\)/,
    `{"label":"${'x'.repeat(300_000)}\n`,
    [],
  ],
  ['a whole record', JSON.stringify(recordOf({ label: 'whole' })), /had no newline; it has one now$/, null, ['whole']],
  ['spaces', '  ', /had no newline/, null, []],
];
for (const [what, tail, notice, torn, labels] of tails)
  for (const before of [[], ['before', HOSTILE_LABEL]])
    test(`append: ${what} after ${before.length} lines is mended`, () => {
      const file = filledFile('to make the folder', ...before);
      const kept = readFileSync(file, 'utf8').split('\n').slice(1).join('\n');
      writeFileSync(file, kept + tail);
      assert.match(appendRecord(file, recordOf({ label: 'after' })) ?? '', notice);
      assert.deepEqual(labelsIn(file), [...before, ...labels, 'after']);
      assert.deepEqual(loadRecords([file]).problems, []);
      assert.ok(readFileSync(file, 'utf8').startsWith(kept));
      if (torn !== null) assert.equal(readFileSync(tornOf(file), 'utf8'), torn);
      assert.equal(appendRecord(file, recordOf({ label: 'more' })), null);
      assert.equal(existsSync(lockOf(file)), false);
    });

test('append: what is cut off is kept every time', () => {
  const file = filledFile('first');
  for (const tail of ['{"a', '{"b']) {
    writeFileSync(file, tail, { flag: 'a' });
    repair(file);
  }
  assert.equal(readFileSync(tornOf(file), 'utf8'), '{"a\n{"b\n');
  assert.deepEqual(labelsIn(file), ['first']);
});

test('append: there is nothing to mend in a whole file, an empty one, or a device', () => {
  const empty = filledFile('x');
  writeFileSync(empty, '');
  for (const file of [filledFile('whole'), empty, '/dev/null']) assert.equal(repair(file), null);
});

const unmovable: [what: string, make: (torn: string) => void, why: RegExp][] = [
  ['a link to a file', (torn) => symlinkSync('victim', torn), /\.torn is a link, which is not followed$/],
  ['a link that leads nowhere', (torn) => symlinkSync('no/such/folder', torn), /is a link, which is not followed$/],
  ['a folder', (torn) => mkdirSync(torn), /: EISDIR: /],
  ['a pipe with a reader', (torn) => execFileSync('mkfifo', [torn]), /\.torn is no file$/],
];
for (const [what, make, why] of unmovable)
  test(`append: where FILE.torn is ${what}, the torn line is ended, nothing else is written, and no record is lost`, () => {
    const file = filledFile('before');
    const victim = join(dirname(file), 'victim');
    writeFileSync(victim, 'as it was\n');
    writeFileSync(file, '{"half', { flag: 'a' });
    make(tornOf(file));
    const reader = what.endsWith('reader') ? openSync(tornOf(file), constants.O_RDONLY | constants.O_NONBLOCK) : null;
    const notice = appendRecord(file, recordOf({ label: 'after' })) ?? '';
    assert.match(notice, /: its last line is torn and could not be moved away: /);
    assert.match(notice, why);
    assert.deepEqual(labelsIn(file), ['before', 'after']);
    assert.deepEqual(
      loadRecords([file]).problems.map(({ line }) => line),
      [2],
    );
    assert.equal(readFileSync(victim, 'utf8'), 'as it was\n');
    if (reader === null) return;
    assert.equal(readSync(reader, Buffer.alloc(1)), 0);
    closeSync(reader);
  });

test('append: a link and its file share a lock', () => {
  const file = filledFile('one');
  const link = join(dirname(file), 'link.ndjson');
  symlinkSync(basename(file), link);
  writeFileSync(file, '{"half', { flag: 'a' });
  assert.match(appendRecord(link, recordOf({ label: 'two' })) ?? '', /torn/);
  assert.deepEqual(labelsIn(file), ['one', 'two']);
  assert.equal(lstatSync(link).isSymbolicLink(), true);
});

test('append: devices take records, and have neither lock nor end', () => {
  assert.equal(appendRecord('/dev/null', recordOf()), null);
  assert.throws(() => appendRecord('/dev/full', recordOf()), { code: 'ENOSPC' });
  assert.equal(existsSync('/dev/null.lock'), false);
});

test('append: where no lock can be made, the record is appended, a torn line ended, and it is said', () => {
  const file = filledFile('before');
  writeFileSync(file, '{"half', { flag: 'a' });
  writeFileSync(lockOf(file), 'not a lock');
  assert.match(appendRecord(file, recordOf({ label: 'after' })) ?? '', /appended without a lock: .* is no lock$/);
  assert.deepEqual(labelsIn(file), ['before', 'after']);
});

test('append: a file that may not be read is appended to', {
  skip: process.getuid?.() === 0 && 'root reads all',
}, () => {
  const file = filledFile('before');
  chmodSync(file, 0o200);
  assert.equal(appendRecord(file, recordOf({ label: 'after' })), null);
  chmodSync(file, 0o600);
  assert.deepEqual(labelsIn(file), ['before', 'after']);
});

/** The lock of a process that was killed while it held it. */
async function leftBehind(path: string): Promise<string> {
  const program = `
    const { withLock } = await import(${JSON.stringify(new URL('./lock.js', import.meta.url).href)});
    withLock(process.argv[1], () => process.kill(process.pid, 'SIGKILL'));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, path], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  assert.equal((await ended(child)).code, null);
  return path;
}

test('lock: one whose owner was killed is taken over', async () => {
  const path = await leftBehind(join(folder, 'killed.lock'));
  assert.ok(lstatSync(path).isSymbolicLink());
  assert.equal(
    withLock(path, () => 1),
    1,
  );
  assert.equal(lstatSync(path, { throwIfNoEntry: false }), undefined);
});

test('lock: it is released by an error, too', () => {
  const path = join(folder, 'thrown.lock');
  const thrown = () => {
    throw new RangeError('planted');
  };
  assert.throws(() => withLock(path, thrown), RangeError);
  assert.equal(lstatSync(path, { throwIfNoEntry: false }), undefined);
});

test('lock: one that was left behind is taken over, however late it is', async () => {
  const path = await leftBehind(join(folder, 'late.lock'));
  assert.equal(
    withLock(path, () => 1, -1),
    1,
  );
});

test('lock: of a living owner it is waited for, not for ever', () => {
  const path = join(folder, 'living.lock');
  withLock(path, () => assert.throws(() => withLock(path, () => {}, 20), LockError));
});

test('lock: a process number that was used again holds nothing', { skip: !existsSync('/proc/self/stat') }, () => {
  const path = join(folder, 'again.lock');
  withLock(path, () => {
    const [scope, pid, started] = readlinkSync(path).split('.');
    const other = join(folder, 'reused.lock');
    symlinkSync([scope, pid, `${Number(started) - 1}`, 'abc'].join('.'), other);
    assert.equal(
      withLock(other, () => 2, 20),
      2,
    );
  });
});

const FOREIGN_NOW_MS = 1_800_000_000_000;
const foreign: [what: string, fromNowMs: number, respected: boolean][] = [
  ['made now', 0, true],
  ['four seconds old', -4000, true],
  ['by a clock that is four seconds ahead', 4000, true],
  ['six seconds old', -6000, false],
  ['dated a day ahead', 86_400_000, false],
  ['of 1970', 1000 - FOREIGN_NOW_MS, false],
];
for (const [what, fromNowMs, respected] of foreign)
  test(`lock: one of another machine, ${what}, is ${respected ? 'respected' : 'taken over'}`, (t) => {
    // The clock stands still: however long this takes, the lock is as old.
    t.mock.timers.enable({ apis: ['Date'], now: FOREIGN_NOW_MS });
    const path = join(folder, 'foreign.lock');
    symlinkSync('elsewhere.1.1.abc', path);
    const made = (FOREIGN_NOW_MS + fromNowMs) / 1000;
    lutimesSync(path, made, made);
    if (respected) assert.throws(() => withLock(path, () => {}, 20), LockError);
    else
      assert.equal(
        withLock(path, () => 3, 20),
        3,
      );
    rmSync(path, { force: true });
  });

test('lock: of many that find one left behind at once, one has it at a time', async () => {
  const path = await leftBehind(join(folder, 'crowd.lock'));
  const count = join(folder, 'count');
  writeFileSync(count, '0');
  const program = `
    const { withLock } = await import(${JSON.stringify(new URL('./lock.js', import.meta.url).href)});
    const { readFileSync, writeFileSync } = await import('node:fs');
    const [path, count] = process.argv.slice(1);
    for (let i = 0; i < 200; i++) withLock(path, () => writeFileSync(count, String(Number(readFileSync(count, 'utf8')) + 1)));`;
  const children = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', program, path, count], {
      stdio: ['ignore', 'ignore', 'pipe'],
    }),
  );
  assert.deepEqual(await Promise.all(children.map(ended)), Array(4).fill({ code: 0, err: '' }));
  assert.equal(readFileSync(count, 'utf8'), '800');
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('crowd')),
    [],
  );
});
