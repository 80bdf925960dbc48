/** The soak: a few steps of a seed; what is planted must be found; interrupted, and asked for what cannot be. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { HOSTS } from '../bench/axes/hosts.ts';
import { RUN_AXES } from '../bench/run/options.ts';
import { endure, type SoakOptions } from './soak/endure.ts';
import { GROWTH_BYTES_MAX, Growth, STEP_BYTES_MAX } from './soak/growth.ts';
import { type Step, stepAt, USABLE } from './soak/plan.ts';
import { FAULT_KINDS, type Planted, type PlantedKind } from './soak/planted.ts';

const PROGRAM = fileURLToPath(new URL('./soak.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));
const skip = !existsSync('/proc/self/task') && 'needs /proc';

const SMALL = ['--transfers', '4k', '--warmup', '0'];
const small: Step = { what: 'run', args: SMALL, planted: null };
const withFault = (kind: PlantedKind, args: readonly string[]): Step => {
  const planted: Planted = { kind, side: 'host', transfer: 2000, pair: 0, afterMs: 0 };
  return { what: 'run', args, planted };
};

const soak = (steps: readonly Step[], more: Partial<SoakOptions> = {}) =>
  endure({
    ...{ stepAt: (number) => steps[number]!, from: 0, steps: steps.length, seconds: Number.POSITIVE_INFINITY, folder },
    ...{ signal: new AbortController().signal, ...more },
  });

test('soak: each fault ends its run as it must, and nothing is left behind', { skip }, async () => {
  const cases: [PlantedKind, string[], RegExp][] = [
    ['throw', SMALL, /^failed, throw planted$/],
    ['exit', SMALL, /^failed, exit planted$/],
    // Where the host was faster, the guest has written that byte anew.
    ['corrupt', SMALL, /^(check-failed|done), corrupt planted$/],
    ['longer', SMALL, /^check-failed, longer planted$/],
    ['shorter', SMALL, /^check-failed, shorter planted$/],
    ['huge', SMALL, /^check-failed, huge planted$/],
    ['kill', ['--pairs-in', 'process', '--transfers', '900M'], /^failed, kill planted$/],
    ['interrupt', ['--transfers', '900M'], /^interrupted, interrupt planted$/],
  ];
  const steps = cases.map(([kind, args]) => withFault(kind, args));
  const impossible: Step = { what: 'run', args: [...SMALL, '--host', 'lguest', '--eventidx'], planted: null };
  const { outcomes, leaks, failure } = await soak([...steps, impossible]);
  assert.equal(failure, null);
  const ends = [...outcomes.keys()];
  assert.equal(ends.length, cases.length + 1);
  for (const [i, [, , expected]] of cases.entries()) assert.match(ends[i]!, expected);
  assert.equal(ends.at(-1), 'refused');
  assert.equal(leaks.size, 0);
});

test('soak: every option that says what is measured is told a run now and then', () => {
  const told = new Set<string>();
  for (let number = 0; number < 1000; number++) {
    const step = stepAt(1, number);
    if (step.what === 'run') for (const arg of step.args) if (arg.startsWith('--')) told.add(arg.slice(2));
  }
  assert.deepEqual(
    Object.keys(RUN_AXES).filter((name) => !told.has(name)),
    [],
  );
});

test('soak: whatever is left behind is found, and ends it', { skip }, async () => {
  let undo = () => Promise.resolve();
  const leave = () => {
    const file = join(folder, 'left');
    writeFileSync(file, '');
    const descriptor = openSync('/dev/null', 'r');
    const worker = new Worker('setInterval(() => {}, 1000)', { eval: true });
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const timer = setInterval(() => {}, 1000);
    undo = async () => {
      rmSync(file);
      closeSync(descriptor);
      clearInterval(timer);
      child.kill();
      await Promise.all([once(child, 'exit'), worker.terminate()]);
    };
  };
  try {
    const { failure, steps, leaks } = await soak([small, small], { leave, patienceMs: 100 });
    assert.equal(steps, 1);
    assert.match(failure!.why, /^left behind: /);
    for (const kind of ['threads', 'descriptors', 'children', 'files', 'Timeout', 'ProcessWrap'])
      assert.ok(leaks.get(kind)! > 0, `${kind} of ${failure!.why}`);
    assert.equal(leaks.get('files'), 1);
  } finally {
    await undo();
  }
});

test('soak: an end that the fault does not imply is found, and ends it', { skip }, async () => {
  const planted: Planted = { kind: 'throw', side: 'host', transfer: 1e6, pair: 0, afterMs: 0 };
  const { failure, steps } = await soak([{ what: 'run', args: SMALL, planted }, small]);
  assert.equal(steps, 1);
  assert.equal(failure!.why, 'done, where throw was planted');
});

const MIB = 2 ** 20;
for (const [what, bytes, expected] of [
  ['what stays as it is', () => 5e8, null],
  ['a pool that grew once', (step) => (step === 50 ? 4 * GROWTH_BYTES_MAX : 5e8), null],
  ['what koffi keeps of threads', (step) => 5e8 + 0.9 * step * STEP_BYTES_MAX, null],
  ['a fast leak', (step) => 5e8 + 10 * step * MIB, /^memory grew by \d+ bytes$/],
  ['a slow leak', (step) => 5e8 + 1.1 * step * STEP_BYTES_MAX, /^memory grows by \d+ bytes a run$/],
] as [string, (step: number) => number, RegExp | null][])
  test(`soak: memory: ${what}`, () => {
    const growth = new Growth();
    const found = Array.from({ length: 400 }, (_, step) => growth.take(bytes(step))).find((why) => why !== null);
    if (expected === null) assert.equal(found, undefined);
    else assert.match(found ?? '', expected);
    const scatter = what.includes('pool') ? 4 * MIB : 1;
    assert.ok(Math.abs(growth.slope! - (bytes(399) - bytes(20)) / 379) < scatter);
  });

test('soak: it ends before the process can map no more', { skip }, async () => {
  const { full, steps, failure } = await soak([small, small], { rangesMax: 10 });
  assert.deepEqual([full, steps, failure], [true, 1, null]);
});

test('soak: a number is always the same step; every fault, doorbell and host comes up', () => {
  const steps = Array.from({ length: 600 }, (_, number) => stepAt(3, number));
  assert.deepEqual(
    steps.slice(0, 20),
    Array.from({ length: 20 }, (_, number) => stepAt(3, number)),
  );
  const runs = steps.filter((step) => step.what === 'run');
  assert.deepEqual(new Set(runs.flatMap(({ planted }) => planted?.kind ?? [])), new Set(FAULT_KINDS));
  const given = (option: string) => new Set(runs.map(({ args }) => args[args.indexOf(option) + 1]!));
  assert.deepEqual(given('--doorbell'), new Set(USABLE.map(({ name }) => name)));
  assert.deepEqual(given('--host'), new Set(Object.keys(HOSTS)));
});

/** The program in a process, with its temporary files where they can be seen. */
function program(...args: string[]) {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  child.stdout.on('data', (data) => {
    out += data;
  });
  return {
    child,
    ended: new Promise<{ code: number | null; out: string }>((resolve) =>
      child.on('close', (code) => resolve({ code, out })),
    ),
  };
}

test('soak: some runs of a seed, and its summary', { skip }, async () => {
  const { code, out } = await program('--seed', '335', '--runs', '4').ended;
  assert.equal(code, 0, out);
  assert.match(
    out,
    /^seed 335: 4 runs, [\d,]+ transfers in .*\noutcomes: .*\nstrategies: .*\nleft behind: nothing\nmemory: /m,
  );
  assert.deepEqual(readdirSync(folder), []);
});

test('soak: SIGINT ends it with its summary, and leaves no file', { skip }, async () => {
  const { child, ended } = program('--seed', '335');
  child.stdout.once('data', () => child.kill('SIGINT'));
  const { code, out } = await ended;
  assert.equal(code, 130);
  assert.match(out, /^seed 335: \d+ runs/m);
  assert.deepEqual(readdirSync(folder), []);
});

test('soak: a reader that goes away does not change how it ends', { skip }, async () => {
  const { child, ended } = program('--seed', '335', '--runs', '1');
  child.stdout.destroy();
  assert.equal((await ended).code, 0);
});

for (const [args, message] of [
  [['--minutes', 'x'], /^soak: --minutes wants minutes above 0/],
  [['--only', '1', '--runs', '5'], /^soak: --runs says nothing beside --only$/m],
  [['--minute', '5'], /^soak: unknown argument '--minute'; did you mean --minutes/],
] as const)
  test(`soak refuses: ${args.join(' ')}`, () => {
    const { status, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], { encoding: 'utf8' });
    assert.equal(status, 2);
    assert.match(stderr, message);
  });
