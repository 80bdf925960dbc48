/** The command: what it prints, how it ends, and what it refuses. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MUTANTS } from './litmus/mutants.ts';
import { SCENARIOS } from './litmus/scenarios.ts';

const PROGRAM = fileURLToPath(new URL('./litmus.js', import.meta.url));

function litmus(...args: string[]) {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  const started = new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
  child.stdout.on('data', (data) => {
    out += data;
  });
  child.stderr.on('data', (data) => {
    err += data;
  });
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, out, err })),
  );
  return { child, started, ended };
}

test('litmus --list names every scenario and every mutant', async () => {
  const { code, out } = await litmus('--list').ended;
  assert.equal(code, 0);
  const names = out.split('\n').map((line) => line.split(' ')[0]);
  for (const name of [...Object.keys(SCENARIOS), ...Object.keys(MUTANTS)]) assert.ok(names.includes(name), name);
});

test('litmus --scenario: a line each memory, all proved', async () => {
  const { code, out } = await litmus('--scenario', 'events-twos', '--model', 'tso').ended;
  assert.equal(code, 0);
  assert.equal(
    out.match(/^events-twos +tso\/(seqcst|fence) +[\d,]+ +[\d,]+ +\d\.\de\+\d+ +\d+ +[\d.]+ s$/gm)?.length,
    2,
  );
});

test('litmus --mutant: the steps, then what was found', async () => {
  const { code, out } = await litmus('--mutant', 'host-kick-fence').ended;
  assert.equal(code, 0);
  assert.match(out, /^ +1 {2}(guest|host) /);
  assert.match(
    out,
    /\n +guest {2}waits for guest's bell\n +host {3}waits for host's bell\n.+\nhost-kick-fence {2}found by /,
  );
});

test('litmus: a mutant that is not found where it is looked for is exit code 1', async () => {
  const { code, out } = await litmus('--mutant', 'host-kick-fence', '--model', 'sc', '--scenario', 'events-twos').ended;
  assert.equal(code, 1);
  assert.match(out, /^host-kick-fence {2}shows in no run {2}WRONG$/m);
});

test('litmus: an interrupted search ends at once', async () => {
  const { child, started, ended } = litmus('--scenario', 'flags-twos,delayed-ring-4');
  await started;
  child.kill('SIGINT');
  const { code, err } = await ended;
  assert.deepEqual([code, err], [130, '']);
});

test('litmus: a reader that goes away does not change how it ends', async () => {
  const { child, started, ended } = litmus('--scenario', 'flags-twos,events-twos');
  await started;
  child.stdout.destroy();
  const { code, err } = await ended;
  assert.deepEqual([code, err], [0, '']);
});

for (const [args, message] of [
  [['--mutant', 'guest-kick-fense'], /^litmus: --mutant wants one of .*did you mean guest-kick-fence\?$/],
  [['--scenario', 'none'], /^litmus: --scenario wants one of flags, .*, not 'none'/],
  [['--model', 'arm'], /^litmus: --model wants one of sc, tso, not 'arm'/],
  [['--scenario', 'flags', '--long'], /^litmus: --long says nothing beside --scenario$/],
] as const)
  test(`litmus refuses: ${args.join(' ')}`, async () => {
    const { code, out, err } = await litmus(...args).ended;
    assert.deepEqual([code, out], [2, '']);
    assert.match(err.trimEnd(), message);
  });
