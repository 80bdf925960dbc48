/** Files of each kind, found in a folder and named, through every command. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { clean, folder } from './test-files.ts';
import { sampleRun } from './test-samples.ts';
import { leave, WAYS, type WayName } from './test-ways.ts';

const line = () => `${JSON.stringify(sampleRun())}\n`;
/** A thousand times what a record is. */
const ENORMOUS_BYTES = 4 * 2 ** 20;

/** What is made under a name; how many records are in it; and whether something must be told of it. */
const KINDS: [what: string, make: (path: string) => unknown, records: number, told: boolean][] = [
  ['a file', (path) => writeFileSync(path, line()), 1, false],
  ['an empty file', (path) => writeFileSync(path, ''), 0, false],
  ['nothing but line ends', (path) => writeFileSync(path, '\n\r\n\n'), 0, false],
  ['a byte order mark', (path) => writeFileSync(path, `\ufeff${line()}`), 1, false],
  ['bytes', (path) => writeFileSync(path, Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7) % 256))), 0, true],
  [
    'bytes beside a record',
    (path) => writeFileSync(path, Buffer.concat([Buffer.of(0xff, 0xfe, 10), Buffer.from(line())])),
    1,
    true,
  ],
  ['a line that is enormous', (path) => writeFileSync(path, `${'x'.repeat(ENORMOUS_BYTES)}\n${line()}`), 1, true],
  [
    'a line that is enormous, of lists',
    (path) => writeFileSync(path, `${'['.repeat(ENORMOUS_BYTES)}\n${line()}`),
    1,
    true,
  ],
  ['half a line', (path) => writeFileSync(path, `${line()}${line().slice(0, 500)}`), 1, true],
  [
    'a link to a file',
    (path) => {
      writeFileSync(`${path}.other`, line());
      symlinkSync(`${path}.other`, path);
    },
    1,
    false,
  ],
  ['a link to nothing', (path) => symlinkSync(join(folder, 'nowhere'), path), 0, true],
  ['a link to itself', (path) => symlinkSync(path, path), 0, true],
  ['a folder', (path) => mkdirSync(path), 0, true],
  ['a pipe', (path) => execFileSync('mkfifo', [path]), 0, true],
  ['a device', (path) => symlinkSync('/dev/zero', path), 0, true],
  // Not even root reads what is not mapped there.
  ['what cannot be read', (path) => symlinkSync('/proc/self/mem', path), 0, true],
];

/** Which commands read every record, whatever else is in the folder. */
const READ: Partial<Record<WayName, RegExp>> = {
  'results doctor': /^\d+ records?, \d+ problems?$/m,
  compare: /\(\d+\)/,
  'export csv': /^schema,/m,
  'export go': /^Benchmark/m,
  dashboard: /: \d+ records?, /,
};

for (const [i, [what, make, records, told]] of KINDS.entries())
  test(`hostile files: ${what}, found in a folder, is read alike by all`, async () => {
    const inside = join(folder, String(i));
    mkdirSync(inside);
    writeFileSync(join(inside, 'a.ndjson'), line());
    make(join(inside, 'b.ndjson'));
    writeFileSync(join(inside, 'c.ndjson'), line());
    const counts: Partial<Record<WayName, number>> = {};
    for (const way of Object.keys(READ) as (keyof typeof READ)[]) {
      const { out, err, code, page, read } = await leave(way, { file: inside, clean });
      assert.match(out.join('\n'), READ[way]!, way);
      assert.equal(
        [...out, ...err].some((one) => one.includes('b.ndjson')),
        told,
        `${way}: ${err}`,
      );
      if (way === 'results doctor') {
        assert.equal(code, told ? 1 : 0);
        counts[way] = Number(/^\d+/.exec(out[0]!)![0]);
      }
      if (way === 'export csv') counts[way] = (read as string[][]).length - 1;
      if (way === 'dashboard') counts[way] = page!.count;
      if (way.startsWith('export')) assert.equal(code, told ? 1 : 0);
    }
    const expected = records + 2;
    assert.deepEqual(counts, { 'results doctor': expected, 'export csv': expected, dashboard: expected });
  });

/** Named, they are mistakes of the command line; a pipe is waited for, as the system does. */
const NAMED = ['a folder of nothing', 'a link to nothing', 'a link to itself', 'what cannot be read'];
for (const what of NAMED)
  test(`hostile files: ${what}, named, is told in one line by all`, async () => {
    const path = join(folder, `named ${NAMED.indexOf(what)}`);
    const make = KINDS.find(([name]) => name === what)?.[1] ?? ((at: string) => mkdirSync(at));
    make(path);
    for (const way of Object.keys(WAYS) as WayName[]) {
      const { code, err } = await leave(way, { file: path, clean });
      // Where nothing is, a sweep may begin.
      if (what === 'a folder of nothing' || (what === 'a link to nothing' && way === 'matrix')) continue;
      assert.deepEqual([way, code, err.length], [way, 2, 1]);
      assert.match(err[0]!, /^vringbench: .*named \d/);
    }
  });

test('hostile files: a name that would move the cursor is told clean', async () => {
  const named = join(folder, 'a\u001b[2J\u202e\n**b**|<i>.ndjson');
  writeFileSync(named, `${line()}half\n`);
  for (const way of Object.keys(WAYS) as WayName[]) await leave(way, { file: named, clean });
  const inside = join(folder, 'inside');
  mkdirSync(inside);
  writeFileSync(join(inside, 'a\u001b[2J\u202e\n.ndjson'), `${line()}half\n`);
  for (const way of Object.keys(WAYS) as WayName[]) {
    if (way === 'matrix') continue;
    await leave(way, { file: inside, clean });
  }
});

test('hostile files: a socket in a folder is passed over', async () => {
  const inside = join(folder, 'socket');
  mkdirSync(inside);
  writeFileSync(join(inside, 'a.ndjson'), line());
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(inside, 'b.ndjson'), resolve));
  try {
    const doctor = await leave('results doctor', { file: inside, clean });
    assert.equal(doctor.out[0], '1 record, 1 problem');
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});
