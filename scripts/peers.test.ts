/** The command itself: a kernel tree, its tools and our program are scripts. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { allowedCpus } from '../bench/pair/pinning.ts';
import { loadRecords } from '../bench/records/load.ts';
import { peerRecordSchema } from '../bench/records/peer-record.ts';
import { changeable, fakeTools, kernelTree, ourProgram, vringhScript } from './kernel-peers/test-programs.ts';

const PROGRAM = fileURLToPath(new URL('./peers.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));
const cpus = allowedCpus();
const skip = cpus === null && 'this system does not tell its CPUs';
const env = { ...process.env, PATH: `${fakeTools(folder)}:${process.env.PATH}`, XDG_CACHE_HOME: join(folder, 'cache') };
const tree = kernelTree(join(folder, 'tree'), changeable(vringhScript(0.05, cpus?.[0] ?? 0)));
const given = ['--tree', tree, '--program', ourProgram(folder, '5e6')];

const peers = (args: readonly string[], change: NodeJS.ProcessEnv = {}) =>
  spawnSync(process.execPath, [PROGRAM, ...args], { encoding: 'utf8', env: { ...env, ...change } });

test('peers: a table, Markdown in a file, records of theirs', { skip }, () => {
  const [markdown, out] = [join(folder, 'table.md'), join(folder, 'records.ndjson')];
  const more = ['--only', 'same:none', '--rounds', '2', '--markdown', markdown, '--out', out, '--label', 'mine'];
  const { status, stdout, stderr } = peers([...given, ...more]);
  assert.equal(status, 0, stderr);
  assert.match(
    stdout,
    /│ \(none\) │ C, mended +│[\s\S]*C, as shipped[\s\S]*ours, default[\s\S]*ours, plain[\s\S]*C: Linux 6\.9\.1-rc2, cc 1\.2\.3/,
  );
  assert.match(readFileSync(markdown, 'utf8'), /^\*\*same: [\s\S]*\| \(none\) \| C, mended \|/);
  const { others, problems } = loadRecords([out]);
  assert.deepEqual([others.length, others[0]?.kind, others[0]?.label, problems], [1, 'peer', 'mine', []]);
  assert.ok(stdout.includes(`records: ${out}`));
});

test('peers: --json, and a row that fails', { skip }, () => {
  const failing = kernelTree(join(folder, 'failing'), changeable('echo why >&2; exit 5'));
  const options = ['--only', 'same:none,same:eventidx', '--rounds', '1', '--json', '--out', 'none'];
  const { status, stdout, stderr } = peers([...given, ...options, '--tree'].slice(2).concat(failing));
  assert.equal(status, 1);
  const records = stdout
    .trim()
    .split('\n')
    .map((line) => peerRecordSchema.parse(JSON.parse(line)));
  assert.deepEqual(
    records.map(({ outcome }) => outcome),
    ['failed', 'failed'],
  );
  assert.match(stderr, /failed: same:none: .*vringh_test: exit code 5: why/);
});

test('peers: Ctrl-C ends what runs, and exits 130', { skip }, async () => {
  const file = join(folder, 'pid');
  const hanging = kernelTree(
    join(folder, 'hanging'),
    changeable(`echo $$ > ${file}.new; mv ${file}.new ${file}; sleep 1000`),
  );
  const args = [PROGRAM, '--tree', hanging, ...given.slice(2), '--only', 'same:none', '--out', 'none'];
  const child = spawn(process.execPath, args, { env, stdio: 'ignore' });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  while (!existsSync(file)) await sleep(10);
  child.kill('SIGINT');
  assert.equal(await ended, 130);
  const stat = `/proc/${readFileSync(file, 'utf8').trim()}/stat`;
  while (existsSync(stat) && !/\) Z/.test(readFileSync(stat, 'utf8'))) await sleep(5);
});

test('peers: without compiler and package manager it says what is missing', { skip }, () => {
  const { status, stderr } = peers([...given, '--only', 'same:none', '--out', 'none'], { PATH: '/nowhere' });
  assert.equal(status, 1);
  assert.match(stderr, /^peers: no apt here, and it would install gcc make/m);
});

test('peers: --list', () => assert.match(peers(['--list']).stdout, /^same:none +vringh_test --parallel\n/));
test('peers: --help', () => assert.match(peers(['-h']).stdout, /--rounds N[\s\S]*Exit codes/));

const wrong: [args: string[], message: RegExp][] = [
  [['--rounds', '0'], /--rounds wants 1 to 1000, not 0/],
  [['--only', 'sme'], /--only: no row 'sme'; did you mean same\?/],
  [['--tree', folder], /--tree .*: no kernel tree/],
  [['--best=--ordering none'], /--best: --ordering none is not guaranteed/],
  [['--markdown', '-', '--json'], /both want standard output/],
  [['--eventidx'], /unknown argument '--eventidx'/],
  [['tree'], /unexpected argument 'tree'/],
];
for (const [args, message] of wrong)
  test(`peers refuses: ${args[0]}`, { skip }, () => {
    const { status, stderr } = peers(args);
    assert.equal(status, 2, stderr);
    assert.match(stderr, message);
  });
