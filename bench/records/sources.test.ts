import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { main } from '../cli.ts';
import { UsageError } from '../command-line/option-values.ts';
import { loadRecords } from './load.ts';
import { sourcesOf } from './sources.ts';
import { recordOf } from './test-record.ts';

const top = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(top, { recursive: true }));
let folders = 0;
const newFolder = () => {
  const folder = join(top, `${folders++}`);
  mkdirSync(folder);
  return folder;
};
const line = (label: string) => `${JSON.stringify(recordOf({ label }))}\n`;

async function run(...args: string[]): Promise<{ code: number; out: string; err: string[] }> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await main(args, { out: (text) => out.push(text), err: (text) => err.push(text) });
  return { code, out: out.join('\n'), err };
}

/** What has a name like a file of records among files of records, and why it is passed over. */
const strangers: [what: string, make: (path: string) => void | Promise<void>, why: string][] = [
  ['a folder', (path) => mkdirSync(path), 'cannot be read: it is a folder, not a file'],
  ['a pipe', (path) => execFileSync('mkfifo', [path]), 'cannot be read: it is a named pipe, not a file'],
  ['a link that leads nowhere', (path) => symlinkSync('nowhere', path), 'cannot be read: ENOENT: '],
  ['a link to a folder', (path) => symlinkSync('.', path), 'cannot be read: it is a folder, not a file'],
  ['a link to itself', (path) => symlinkSync('m.ndjson', path), 'cannot be read: ELOOP: '],
  ['a link to a device', (path) => symlinkSync('/dev/zero', path), 'cannot be read: it is a device, not a file'],
  ['a file that cannot be read', (path) => symlinkSync('/proc/self/mem', path), 'cannot be read: EIO: '],
  [
    'a socket',
    async (path) => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(path, resolve));
      after(() => server.close());
    },
    'cannot be read: it is a socket, not a file',
  ],
];

for (const [what, make, why] of strangers)
  test(`sources: ${what} among the results is named and passed over by every command`, async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'a.ndjson'), line('before'));
    writeFileSync(join(folder, 'z.ndjson'), line('after'));
    const stranger = join(folder, 'm.ndjson');
    await make(stranger);

    const { records, problems } = loadRecords([folder]);
    assert.deepEqual(
      records.map(({ label }) => label),
      ['before', 'after'],
    );
    assert.equal(problems.length, 1);
    const [problem] = problems;
    assert.deepEqual([problem!.file, problem!.line], [stranger, null]);
    assert.ok(problem!.why.startsWith(why), problem!.why);

    const told = `${stranger}: ${problem!.why}`;
    for (const repair of [[], ['--repair']]) {
      const doctor = await run('results', 'doctor', folder, ...repair);
      assert.equal(doctor.out.split('\n')[0], '2 records, 1 problem');
      assert.equal(doctor.err.at(-1), told);
      assert.equal(doctor.code, 1);
    }
    const exported = await run('export', '--format', 'csv', folder);
    assert.ok(
      exported.err.some((text) => text.endsWith(told)),
      exported.err.join('\n'),
    );
    assert.equal(exported.code, 1);
    const page = join(top, 'page.html');
    const dashboard = await run('dashboard', folder, '--out', page);
    assert.ok(
      dashboard.err.some((text) => text.includes(problem!.why)),
      dashboard.err.join('\n'),
    );
    assert.match(dashboard.out, /: 2 records, /);
    const compared = await run('compare', folder, folder);
    assert.ok(
      compared.err.some((text) => text.includes(problem!.why)),
      compared.err.join('\n'),
    );
  });

test('sources: a file that this user may not read is passed over in a folder, and a mistake by its name', {
  skip: process.getuid?.() !== 0 && 'wants root, to read as another user',
}, async () => {
  const folder = newFolder();
  chmodSync(top, 0o755);
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'a.ndjson'), line('read'));
  writeFileSync(join(folder, 'b.ndjson'), line('kept'), { mode: 0o600 });
  const { seteuid, geteuid } = process;
  const root = geteuid!();
  seteuid!(65_534);
  try {
    const { records, problems } = loadRecords([folder]);
    assert.deepEqual(
      records.map(({ label }) => label),
      ['read'],
    );
    assert.match(problems[0]!.why, /^cannot be read: EACCES: /);
    const named = join(folder, 'b.ndjson');
    assert.throws(
      () => loadRecords([folder, named]),
      (error) => error instanceof UsageError && error.message.startsWith(`${named}: cannot be read: EACCES`),
    );
  } finally {
    seteuid!(root);
  }
});

const named: [what: string, make: (path: string) => void, why: RegExp][] = [
  ['nothing', () => {}, /ENOENT/],
  ['a link that leads nowhere', (path) => symlinkSync('nowhere', path), /ENOENT/],
  ['a file that cannot be read', (path) => symlinkSync('/proc/self/mem', path), /EIO/],
];
for (const [what, make, why] of named)
  test(`sources: ${what} that is named itself is a mistake`, () => {
    const path = join(newFolder(), 'named.ndjson');
    make(path);
    assert.throws(
      () => loadRecords([path]),
      (error) =>
        error instanceof UsageError && error.message.startsWith(`${path}: cannot be read: `) && why.test(error.message),
    );
  });

test('sources: a pipe that is named itself is read to its end', async () => {
  const pipe = join(newFolder(), 'pipe');
  execFileSync('mkfifo', [pipe]);
  const text = line('through a pipe');
  const writer = spawn('sh', ['-c', 'printf "%s\\n" "$1" > "$2"', 'sh', text.trimEnd(), pipe], { stdio: 'ignore' });
  const ended = new Promise((resolve) => writer.once('exit', resolve));
  assert.deepEqual(
    loadRecords([pipe]).records.map(({ label }) => label),
    ['through a pipe'],
  );
  await ended;
});

test('sources: what is found and named, too, is named, once', () => {
  const folder = newFolder();
  for (const name of ['a', 'b']) writeFileSync(join(folder, `${name}.ndjson`), '');
  const own = join(folder, 'b.ndjson');
  assert.deepEqual(sourcesOf([folder, own, own]), [
    { file: join(folder, 'a.ndjson'), found: true },
    { file: own, found: false },
  ]);
});

test('sources: no descriptor stays open of what was passed over', () => {
  const folder = newFolder();
  mkdirSync(join(folder, 'm.ndjson'));
  symlinkSync('/proc/self/mem', join(folder, 'n.ndjson'));
  const next = () => {
    const descriptor = openSync('/dev/null', 'r');
    closeSync(descriptor);
    return descriptor;
  };
  const before = next();
  for (let i = 0; i < 20; i++) loadRecords([folder]);
  assert.equal(next(), before);
});
