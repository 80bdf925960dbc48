/** Whole sweeps: what is in the file after they were interrupted and given again. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { main } from '../cli.ts';
import { captureEnvironment, programHash } from '../records/environment.ts';
import { parseMatrixOptions } from './options.ts';
import { tasksInOrder } from './order.ts';
import { recordsOf, sweepId, tasksLeft, unfinishedSeed } from './sweep.ts';
import { AXES, CELLS, fileOf, interruptedAt, matrix, ONCE, recordsIn, TINY, TWICE, taskOf } from './test-sweep.ts';

test('sweep: to its end it has each repetition of each cell once, in a record of its own', async () => {
  const file = fileOf('whole');
  const { code, out, err, seed } = await matrix(file, [...TWICE, '--label', 'x']);
  assert.equal(code, 0, err);
  const records = recordsIn(file);
  assert.equal(new Set(records.map(taskOf)).size, 2 * CELLS);
  assert.equal(records.length, 2 * CELLS);
  for (const { sweep, label, repetitions, config, warnings } of records) {
    assert.deepEqual([sweep!.seed, sweep!.id, label], [seed, records[0]!.sweep!.id, 'x']);
    assert.deepEqual([repetitions.length, config.repeat, config.transfers], [1, 2, 2000]);
    assert.ok(Array.isArray(warnings));
  }
  assert.match(
    out,
    /^4 cells × 2 repetitions, seed \d+\nin all cells: engine wasm, .*\n\neventidx {2}batch +M\/s {2}from – to .*\n(o.*\n){4}/,
  );
  assert.match(out, /\nM\/s by eventidx and batch\n/);
  // Whether one is told from the default is by timing.
  assert.match(out, /\n(best sound|no) strategy[^\n]* the default \(eventidx=off batch=16\)[^\n]*$/);
});

test('sweep: interrupted and given again, it goes on where it stopped, as often as you like', async () => {
  const file = fileOf('interrupted');
  const first = await matrix(file, TWICE, interruptedAt(1));
  assert.deepEqual([first.code, first.out.split('\n').length, recordsIn(file).length], [130, 2, 0]);
  assert.equal(first.err, 'interrupted: 0 of 8 repetitions');

  const second = await matrix(file, TWICE, interruptedAt(4));
  assert.deepEqual([second.code, recordsIn(file).length], [130, 3]);
  assert.match(second.out, /eventidx {2}batch/);
  assert.match(second.err, /interrupted: 3 of 8 repetitions; the same command goes on where it stopped$/);

  const third = await matrix(file, TWICE, interruptedAt(3));
  assert.match(third.out, /; measured before: 3, left: 5\n/);
  const fourth = await matrix(file, TWICE);
  assert.match(fourth.out, /; measured before: 5, left: 3\n/);
  assert.equal(fourth.code, 0);
  assert.deepEqual([third.seed, fourth.seed], [second.seed, second.seed]);
  // In the order that the seed has, as if nothing had happened.
  const { cells } = parseMatrixOptions([...AXES, ...TINY, ...TWICE]);
  const expected = tasksInOrder(CELLS, 2, second.seed).map(({ cell, repetition }) => {
    const { eventidx, batch } = cells[cell]!.config;
    return `${eventidx} ${batch} ${repetition}`;
  });
  assert.deepEqual(recordsIn(file).map(taskOf), expected);
});

test('sweep: after a finished one the same command begins anew; with its seed it measures nothing', async () => {
  const file = fileOf('finished');
  const first = await matrix(file);
  const shown = await matrix(file, [...ONCE, '--seed', String(first.seed)]);
  assert.match(shown.out, /; measured before: 4, left: 0\n/);
  assert.equal(shown.out.split('\n').slice(1).join('\n'), first.out.split('\n').slice(1).join('\n'));
  assert.equal(recordsIn(file).length, CELLS);
  const second = await matrix(file, ONCE, interruptedAt(2));
  assert.notEqual(second.seed, first.seed);
  assert.equal(recordsIn(file).length, CELLS + 1);
});

test('sweep: a process that can map no more memory leaves the rest to another one', async () => {
  const file = fileOf('full');
  const { code, err } = await matrix(file, ONCE, { rangesMax: 1 });
  assert.equal(code, 1);
  assert.match(err, /as many threads as it can: 1 of 4 repetitions; the same command goes on where it stopped$/);
  assert.equal((await matrix(file)).code, 0);
  assert.equal(recordsIn(file).length, CELLS);
});

test('sweep: --fresh leaves an interrupted one alone, and says how its own goes on', async () => {
  const file = fileOf('fresh');
  const first = await matrix(file, ONCE, interruptedAt(3));
  const second = await matrix(file, [...ONCE, '--fresh'], interruptedAt(2));
  assert.notEqual(second.seed, first.seed);
  assert.match(second.err, /; the same command without --fresh goes on where it stopped$/);
  const third = await matrix(file);
  assert.deepEqual([third.seed, third.code], [second.seed, 0]);
  const fourth = await matrix(file);
  assert.deepEqual([fourth.seed, fourth.code], [first.seed, 0], 'the older one is still there to be finished');
  assert.equal(recordsIn(file).length, 2 * CELLS);
});

test('sweep: other sweeps in the file, and records of no sweep, are not its own', async () => {
  const file = fileOf('shared');
  await main(['--parallel', ...TINY, '--out', file], { out() {}, err() {} }, { harness: false });
  writeFileSync(file, 'not even JSON\n{"schema":0}\n', { flag: 'a' });
  const wasm = [...ONCE, '--ordering', 'wasm'];
  const first = await matrix(file, ONCE, interruptedAt(3));
  const other = await matrix(file, wasm, interruptedAt(2));
  assert.match(other.err, /interrupted: 1 of 4/);
  const second = await matrix(file);
  assert.deepEqual([second.seed, second.code], [first.seed, 0]);
  assert.match(second.out, /; measured before: 2, left: 2\n/);
});

test('sweep: a broken line of its own is a mistake that is named in one line', async () => {
  const file = fileOf('broken');
  await matrix(file, ONCE, interruptedAt(3));
  const [line] = readFileSync(file, 'utf8').split('\n');
  writeFileSync(file, `${line!.slice(0, -20)}\n`, { flag: 'a' });
  const { code, err } = await matrix(file);
  assert.equal(code, 2);
  assert.match(err, /^vringbench: .*broken\.ndjson, line 3: not JSON: [^\n]*; remove it, or name another file$/);
});

test('sweep: a last line that was torn by a kill is moved away, said, and measured again', async () => {
  const file = fileOf('torn');
  await matrix(file, ONCE, interruptedAt(3));
  const whole = readFileSync(file, 'utf8');
  const last = whole.lastIndexOf('\n', whole.length - 2) + 1;
  writeFileSync(file, whole.slice(0, -20));
  const { code, out, err } = await matrix(file);
  assert.equal(code, 0);
  assert.match(out, /; measured before: 1, left: 3\n/);
  assert.match(
    err,
    /^note: .*torn\.ndjson: its last line was torn \(\d+ bytes\); it was moved to .*torn\.ndjson\.torn$/m,
  );
  assert.equal(readFileSync(`${file}.torn`, 'utf8'), `${whole.slice(last, -20)}\n`);
  assert.equal(new Set(recordsIn(file).map(taskOf)).size, CELLS);
});

test('sweep: without a file it ends like any other, and nothing can go on', async () => {
  const { code, out } = await matrix('none');
  assert.equal(code, 0);
  assert.doesNotMatch(out, /records/);
  const { err } = await matrix('none', ONCE, interruptedAt(2));
  assert.equal(err, 'interrupted: 1 of 4 repetitions');
  const device = await matrix('/dev/null', ONCE, interruptedAt(2));
  assert.equal(device.err, 'interrupted: 1 of 4 repetitions');
});

test('sweep: one cell, one axis', async () => {
  const run = async (args: string[]) => {
    const out: string[] = [];
    const code = await main(['matrix', ...args, ...TINY, ...TWICE, '--out', 'none'], {
      out: (line) => out.push(line),
      err() {},
    });
    return { code, out: out.join('\n') };
  };
  const one = await run(['--doorbell', 'futex']);
  assert.equal(one.code, 0);
  assert.match(one.out, /^1 cell × 2 repetitions, seed \d+\nthe cell: engine wasm, .*, doorbell futex, .*\n\n +M\/s/);
  assert.doesNotMatch(one.out, /M\/s by/);
  const axis = await run(['--batch', '1,2', '--latency', '1']);
  assert.equal(axis.code, 0);
  assert.match(axis.out, /batch +M\/s .*p50 µs +p99 µs/);
  assert.doesNotMatch(axis.out, /M\/s by/);
});

test('sweep: what all cells have is told, what differs by axes is not, and orderings that no axis names are', async () => {
  const lineOf = async (...args: string[]) => {
    const out: string[] = [];
    const lines = { out: (line: string) => out.push(line), err() {} };
    await main(['matrix', ...args, ...TINY, ...ONCE, '--out', 'none'], lines, interruptedAt(1));
    return out[1];
  };
  const rest = 'ring-size 256, layout split, host vringh';
  assert.equal(
    await lineOf('--doorbell', 'futex,pipe', '--eventidx'),
    `in all cells: engine wasm, ordering wasm, ${rest}, eventidx, cpus same`,
  );
  assert.equal(
    await lineOf('--ordering', 'seqcst,wasm'),
    `in all cells: engine js, doorbell adaptive, ${rest}, cpus same`,
  );
  assert.equal(
    await lineOf('--engine', 'js,wasm'),
    `in all cells: doorbell adaptive, ${rest}, cpus same; engine js has ordering seqcst, engine wasm has ordering wasm`,
  );
});

test('sweep: how long it takes is told before it begins', async () => {
  const err: string[] = [];
  const args = ['matrix', '--eventidx', 'on,off', '--doorbell', 'futex,pipe', '--repeat', '15', '--out', 'none'];
  await main(args, { out() {}, err: (line) => err.push(line) }, interruptedAt(1));
  assert.deepEqual(err, ['expected: about 2 min for 60 repetitions, an estimate', 'interrupted: 0 of 60 repetitions']);
});

test('sweep: what was measured twice at the same time counts once', async () => {
  const file = fileOf('twice');
  const { seed } = await matrix(file, ONCE, interruptedAt(4));
  writeFileSync(file, readFileSync(file, 'utf8').repeat(2));
  const environment = captureEnvironment();
  const configs = parseMatrixOptions([...AXES, ...TINY, ...ONCE]).cells.map(({ config }) => config);
  const id = sweepId(configs, environment, programHash());
  assert.equal(unfinishedSeed(file, id, CELLS), seed);
  const sweep = { id, seed, configs, repetitions: 1, environment, label: '', file };
  const records = recordsOf(sweep);
  assert.equal(records.flat().length, 3);
  assert.equal(tasksLeft(sweep, records).length, 1);
});

test('sweep: what it is called by depends on what is measured, where and with what, not on files around', () => {
  const environment = captureEnvironment();
  const configsOf = (args: string[]) => parseMatrixOptions(args).cells.map(({ config }) => config);
  const id = sweepId(configsOf(AXES), environment, 'program');
  assert.equal(id, sweepId(configsOf(AXES), { ...environment, dirty: !environment.dirty }, 'program'));
  const others = [
    sweepId(configsOf([...AXES, '--repeat', '9']), environment, 'program'),
    sweepId(configsOf([...AXES, '--ordering', 'wasm']), environment, 'program'),
    sweepId(configsOf(AXES), { ...environment, machine: 'other' }, 'program'),
    sweepId(configsOf(AXES), { ...environment, node: 'other' }, 'program'),
    sweepId(configsOf(AXES), environment, 'another'),
  ];
  assert.equal(new Set([id, ...others]).size, 6);
});

test('sweep: killed in the middle, it leaves whole lines, and goes on', async () => {
  const file = fileOf('killed');
  const program = fileURLToPath(new URL('../main.js', import.meta.url));
  const args = ['matrix', ...AXES, ...TINY, ...ONCE, '--out', file];
  const child = spawn(process.execPath, [program, ...args], { stdio: 'ignore' });
  const closed = new Promise((resolve) => child.on('close', resolve));
  // The file is there a moment before its first line.
  const size = () => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  while (size() === 0 && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill('SIGKILL');
  await closed;
  const kept = recordsIn(file);
  assert.ok(kept.length >= 1 && readFileSync(file, 'utf8').endsWith('\n'));
  // However fast it was: a finished one is begun anew.
  const { code } = await matrix(file);
  assert.equal(code, 0);
  const seed = kept[0]!.sweep!.seed;
  const tasks = recordsIn(file).filter(({ sweep }) => sweep!.seed === seed);
  assert.deepEqual([tasks.length, new Set(tasks.map(taskOf)).size], [CELLS, CELLS]);
});
