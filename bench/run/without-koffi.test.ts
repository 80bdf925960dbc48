/** The program where the optional package koffi was not installed: a copy of it beside all its packages but that one. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const LEFT_OUT = ['koffi', '@koromix'];

const copy = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(copy, { recursive: true }));
for (const name of ['package.json', 'dist']) cpSync(join(ROOT, name), join(copy, name), { recursive: true });
mkdirSync(join(copy, 'node_modules'));
for (const name of readdirSync(join(ROOT, 'node_modules')))
  if (!LEFT_OUT.includes(name)) symlinkSync(join(ROOT, 'node_modules', name), join(copy, 'node_modules', name));

const node = (...args: string[]) => spawnSync(process.execPath, args, { cwd: copy, encoding: 'utf8' });
const run = (...args: string[]) => node(join('dist', 'bench', 'main.js'), ...args);
const MISSING =
  process.platform === 'linux' ? 'needs the optional package koffi (npm install koffi)' : 'needs 64-bit Linux';

test('without koffi: --doorbell eventfd is refused in one line that says how to get it', () => {
  const { status, stdout, stderr } = run('--parallel', '--doorbell', 'eventfd');
  assert.equal(stderr, `vringbench: --doorbell eventfd ${MISSING}\n`);
  assert.equal(stdout, '');
  assert.equal(status, 2);
});

test('without koffi: a sweep that names eventfd is refused the same way, one that names no doorbell leaves it out', async () => {
  assert.equal(run('matrix', '--doorbell', 'futex,eventfd').stderr, `vringbench: --doorbell eventfd ${MISSING}\n`);
  // The first line tells how many cells there are: as many as without that doorbell. None is measured to its end.
  const args = [join('dist', 'bench', 'main.js'), 'matrix', '--repeat', '1', '--out', 'none'];
  const child = spawn(process.execPath, args, { cwd: copy, stdio: ['ignore', 'pipe', 'inherit'] });
  const [told] = (await once(child.stdout, 'data')) as [Buffer];
  child.kill('SIGKILL');
  await once(child, 'close');
  assert.match(told.toString(), /^56 cells × 1 repetition, seed \d+$/m);
});

test('without koffi: the help lists eventfd all the same', () => {
  const { status, stdout } = run('--help');
  assert.equal(status, 0);
  assert.match(stdout, /^ +eventfd /m);
});

test('without koffi: the basic test and another doorbell run', () => {
  assert.equal(run().status, 0);
  const { status, stderr, stdout } = run('--parallel', '--doorbell', 'futex', '--transfers', '10k', '--out', 'none');
  assert.equal(status, 0, stderr);
  assert.match(stdout, /every one verified/);
});

test('without koffi: launch ends, though its guest does not', { timeout: 60_000 }, async () => {
  const guest = join('dist', 'src', 'launcher', 'test-held-guest.js');
  const child = spawn(process.execPath, [join('dist', 'bench', 'main.js'), 'launch', '4', guest], { cwd: copy });
  let err = '';
  child.stderr.on('data', (data: Buffer) => {
    err += data.toString();
    if (err === 'held\n') child.kill('SIGINT');
  });
  const [exitCode, signal] = (await once(child, 'close')) as [number | null, string | null];
  assert.match(err, /^held\nvringbench: the guest's thread did not end within \d+ ms, .* left behind/);
  assert.deepEqual([exitCode, signal], [null, 'SIGKILL']);
});

test('without koffi: the library says what is missing by a typed error', () => {
  const { status, stdout, stderr } = node(
    '--input-type=module',
    '-e',
    `import { DOORBELLS, NativeUnavailable } from 'vringbench';
     console.log(DOORBELLS.eventfd.unavailable());
     try { DOORBELLS.eventfd.makeHandle(); } catch (error) { console.log(error instanceof NativeUnavailable, error.message); }`,
  );
  assert.equal(status, 0, stderr);
  assert.equal(stdout, `${MISSING}\ntrue calling libc ${MISSING}\n`);
});
