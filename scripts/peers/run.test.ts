/** Verdicts, exit codes, and that nothing stays behind. No peer is needed: `node` plays them. */
import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import { UsageError } from '../../bench/command-line/option-values.ts';
import { Failure, Missing } from './failure.ts';
import { SYSTEM } from './origin.ts';
import { reportLine, runScenarios, selectScenarios } from './run.ts';
import type { Figures, Scenario } from './scenario.ts';
import { type Peer, Scope } from './scope.ts';

const SETTINGS = { program: '', origin: SYSTEM, serveOptions: [], rounds: 1, seconds: 1, requests: 1 };
const scenario = (run: (scope: Scope) => Promise<Figures>, onDemand = false): Scenario => ({
  summary: '',
  onDemand,
  run,
});
const passes = scenario(async () => ({ bytes: 3, hash: 'x' }));
const fails = scenario(() => Promise.reject(new Failure('hash: 1, expected 2')));
const lacks = scenario(() => Promise.reject(new Missing('no qemu')));

const TABLE = { 'a:x': passes, 'a:y': fails, 'b:x': lacks, slow: scenario(async () => ({}), true) };
const selections = [
  [[], ['a:x', 'a:y', 'b:x']],
  [['a'], ['a:x', 'a:y']],
  [
    ['b:x', 'a:y'],
    ['a:y', 'b:x'],
  ],
  [['slow'], ['slow']],
] as const;
for (const [names, expected] of selections)
  test(`scenarios of [${names}]`, () => assert.deepEqual(Object.keys(selectScenarios(TABLE, names)), expected));
test('an unknown scenario is named', () => assert.throws(() => selectScenarios(TABLE, ['c']), UsageError));

test('a line of the report', () =>
  assert.equal(reportLine('pass', 'blk:qsd', 4.04, 'a 1'), 'pass  blk:qsd               4.0 s  a 1'));

const verdicts = [
  // what, table, must run, exit code, verdicts
  ['all pass', { a: passes }, false, 0, ['pass']],
  ['one fails, the next still runs', { a: fails, b: passes }, false, 1, ['FAIL', 'pass']],
  ['a part is missing', { a: lacks }, false, 0, ['skip']],
  ['a part is missing of what was named', { a: lacks }, true, 1, ['FAIL']],
  ['an error of the harness', { a: scenario(() => Promise.reject(new TypeError('x'))) }, false, 1, ['FAIL']],
] as const;
for (const [what, table, mustRun, code, expected] of verdicts)
  test(`a run: ${what}`, async () => {
    const lines: string[] = [];
    const say = (line: string) => lines.push(line);
    assert.equal(await runScenarios(table, SETTINGS, { mustRun, keep: false, say }), code);
    assert.deepEqual(
      lines.filter((line) => !line.startsWith(' ')).map((line) => line.slice(0, 4)),
      expected,
    );
    for (const line of lines) {
      const folder = /^ +logs: (.*)$/.exec(line)?.[1];
      if (folder === undefined) continue;
      assert.ok(existsSync(folder), 'the logs of a failure stay');
      rmSync(folder, { recursive: true });
    }
  });

test('a line tells the version of a real peer, whatever its verdict', async () => {
  const says = "console.log('QEMU emulator version 10.0.13 (Debian)')";
  const origin = () => ({ path: process.execPath, args: ['-e', says, '--'] });
  const lines: string[] = [];
  const uses = (end: () => Promise<Figures>) =>
    scenario((scope) => {
      scope.startProgram('qemu', 'qemu-system-x86_64', []);
      return end();
    });
  const table = {
    good: uses(async () => ({ bytes: 3 })),
    silent: uses(async () => ({})),
    bad: uses(() => Promise.reject(new Missing('no disk'))),
  };
  await runScenarios(table, { ...SETTINGS, origin }, { mustRun: false, keep: false, say: (line) => lines.push(line) });
  assert.deepEqual(
    lines.map((line) => line.replace(/^.* s {2}/, '')),
    ['QEMU 10.0.13, bytes 3', 'QEMU 10.0.13', 'QEMU 10.0.13, no disk'],
  );
});

test('what a scenario started ends with it, also when it does not want to, and its folder goes', async () => {
  let peer: Peer | undefined;
  let folder = '';
  const undone: number[] = [];
  const starts = scenario(async (scope) => {
    folder = scope.folder;
    scope.defer(() => undone.push(1));
    scope.defer(() => undone.push(2));
    peer = scope.start('deaf', process.execPath, [
      '-e',
      "process.on('SIGTERM', () => {}); setInterval(() => {}, 1e6); console.log('up')",
    ]);
    await peer.until('greeting', ({ output }) => output === 'up\n', 20_000);
    return {};
  });
  assert.equal(await runScenarios({ starts }, SETTINGS, { mustRun: true, keep: false, say: () => {} }), 0);
  assert.equal(peer?.running, false);
  assert.equal(existsSync(folder), false);
  assert.deepEqual(undone, [2, 1]);
});

test('a peer that ends early, or was never there, is said with its last words', async () => {
  const scope = new Scope('test');
  try {
    const gone = scope.start('gone', process.execPath, ['-e', "console.error('no such image'); process.exit(3)"]);
    await assert.rejects(
      gone.until('prompt', () => false, 20_000),
      /gone ended before prompt: .*no such image/,
    );
    assert.equal(gone.exitCode, 3);
    const absent = scope.start('absent', '/nowhere/program', []);
    await assert.rejects(
      absent.until('prompt', () => false, 20_000),
      /absent ended before prompt: .*ENOENT/,
    );
    const silent = scope.start('silent', process.execPath, ['-e', 'setInterval(() => {}, 1e6)']);
    await assert.rejects(
      silent.until('prompt', () => false, 1),
      /no prompt within 1 ms/,
    );
  } finally {
    await scope.close('nothing');
  }
});
