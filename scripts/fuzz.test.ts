/** The command that runs fuzzers: interrupted, and asked for what cannot be. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { whyUnavailable } from '../src/native/libc.ts';

const skip = whyUnavailable() ?? false;
const PROGRAM = fileURLToPath(new URL('./fuzz.js', import.meta.url));
/** Where it makes its files. */
const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));

function fuzz(...args: string[]) {
  const env = { ...process.env, TMPDIR: folder };
  const child = spawn(process.execPath, [PROGRAM, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => {
    out += data;
  });
  child.stderr.on('data', (data) => {
    err += data;
  });
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, out, err })),
  );
  return { child, ended };
}

/** Resolves once the process that is watched tells which case it is about: its first line comes only after hundreds. */
async function underWay(child: ChildProcess): Promise<void> {
  const tellsCase = () => readdirSync(folder).some((name) => sizeOf(join(folder, name, 'case')) > 0);
  while (!tellsCase() && child.exitCode === null) await delay(10);
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  test(`fuzz: ${signal} ends it with its summary, and leaves no file`, { skip, timeout: 120_000 }, async () => {
    const { child, ended } = fuzz('--seconds', '3600');
    await underWay(child);
    child.kill(signal);
    const { code, out, err } = await ended;
    assert.deepEqual([code, err], [130, '']);
    assert.match(out, /^seed 1: \d+ sessions, \d+ connections/m);
    assert.deepEqual(readdirSync(folder), []);
  });

test('fuzz: a second signal ends it at once, and leaves no file', { skip, timeout: 120_000 }, async () => {
  const { child, ended } = fuzz('--seconds', '3600');
  await underWay(child);
  child.kill('SIGINT');
  child.kill('SIGTERM');
  assert.equal((await ended).code, 130);
  assert.deepEqual(readdirSync(folder), []);
});

test('fuzz: as many cases as asked for', { skip, timeout: 120_000 }, async () => {
  const { code, out } = await fuzz('--cases', '10', '--seconds', '3600').ended;
  assert.equal(code, 0);
  assert.match(out, /^seed 1: 10 sessions,/m);
  assert.deepEqual(readdirSync(folder), []);
});

test('fuzz: rings, some of them, and one alone', { timeout: 120_000 }, async () => {
  const { code, out } = await fuzz('--target', 'rings', '--cases', '200').ended;
  assert.equal(code, 0);
  assert.match(out, /^seed 1: 200 rings, \d+ calls/m);
  const one = await fuzz('--target', 'rings', '--only', '7', '--kept', '0,2').ended;
  assert.equal(one.code, 0);
  assert.match(one.out, /^ {2}\{"(act|call)":.*\n {2}\{"(act|call)":.*\nnothing is wrong\n$/);
  assert.deepEqual(readdirSync(folder), []);
});

for (const [args, message] of [
  [['--kept', '1,2'], '--kept wants --only, too'],
  [['--only', '1', '--seconds', '5'], '--seconds says nothing beside --only'],
  [['--sessions', '5'], /^unknown argument '--sessions'/],
  [['--target', 'none'], /^--target wants one of rings, sessions, not 'none'/],
  [['--only', '1', '--kept', '100000'], /^--kept wants 0 to \d+, not 100000$/],
] as const)
  test(`fuzz refuses: ${args.join(' ')}`, { skip }, async () => {
    const { code, err } = await fuzz(...args).ended;
    assert.equal(code, 2);
    assert.ok(err.startsWith('fuzz: '), err);
    const said = err.slice('fuzz: '.length).trimEnd();
    if (typeof message === 'string') assert.equal(said, message);
    else assert.match(said, message);
  });
