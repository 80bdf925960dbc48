/** Every bench runs here with every ordering, short and checked; and every check is seen to fail. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DOORBELLS } from '../../src/doorbell/index.ts';
import { HANDLE_SIZE } from '../../src/doorbell/words.ts';
import { ORDERINGS, type OrderingName } from '../../src/ordering/index.ts';
import type { SharedFields } from '../../src/ordering/ordering.ts';
import { CheckFailed } from '../check-failed.ts';
import { allowedCpus } from '../pair/pinning.ts';
import { BENCHES, type BenchName } from './benches/index.ts';
import { type MicroHooks, microCommand } from './command.ts';
import { type MicroBench, makeStage } from './micro-bench.ts';
import { type Cell, type MicroRecord, microRecordSchema } from './record.ts';
import { tableLines } from './report.ts';

const UNDER_WAY_MS = 500;
const STOPPED_MS = 1500;

const NAMES = Object.keys(BENCHES) as BenchName[];
const ORDERING_NAMES = Object.keys(ORDERINGS) as OrderingName[];

interface Ended {
  code: number;
  record: MicroRecord;
  err: string;
}

async function runShort(args: string[], hooks?: MicroHooks): Promise<Ended> {
  const out: string[] = [];
  const err: string[] = [];
  const console = { out: (line: string) => out.push(line), err: (line: string) => err.push(line) };
  const code = await microCommand(['--time', '1', '--json', ...args], console, hooks);
  assert.equal(out.length, 1, 'one document');
  return { code, record: microRecordSchema.parse(JSON.parse(out[0]!)), err: err.join('\n') };
}

for (const name of NAMES)
  test(`micro: ${name} runs with every ordering that concerns it, every sample checked`, async () => {
    const { code, record, err } = await runShort(['--only', name]);
    assert.equal(code, 0, err);
    assert.equal(record.outcome, 'done');
    const orderings = record.cells.map(({ ordering }) => ordering);
    assert.deepEqual(orderings, BENCHES[name].ordered ? ORDERING_NAMES : [null]);
    for (const cell of record.cells) {
      assert.equal(cell.bench, name);
      assert.ok(cell.samples >= 16 && cell.medianNs > 0);
    }
    assert.match(err, new RegExp(`│ ${name.replace('+', '\\+')} `), 'the table goes to standard error');
  });

for (const name of NAMES)
  test(`micro: ${name} without its operations fails its check`, async () => {
    const { code, record, err } = await runShort(['--only', name, '--ordering', 'seqcst'], { idle: name });
    assert.equal(code, 1);
    assert.equal(record.outcome, 'check-failed');
    assert.ok(record.failure?.startsWith(`${name}${BENCHES[name].ordered ? ', ordering seqcst' : ''}: `), err);
    assert.deepEqual(record.cells, []);
    assert.match(err, /^check-failed: /m);
  });

/** A stage whose ordering is wrong by one, once in 997 accesses. */
function brokenStage(breaks: keyof SharedFields) {
  const stage = makeStage('seqcst', null, 'a test');
  let accesses = 0;
  const broken = () => ++accesses % 997 === 0;
  const { shared } = stage;
  const faulty: SharedFields = {
    load16: (offset) => shared.load16(offset) + (breaks === 'load16' && broken() ? 1 : 0),
    store16: (offset, value) => shared.store16(offset, value + (breaks === 'store16' && broken() ? 1 : 0)),
    fence: () => shared.fence(),
  };
  return { ...stage, shared: faulty };
}

const breakages: [name: BenchName, breaks: 'load16' | 'store16'][] = [
  ['load', 'load16'],
  ['store', 'store16'],
  ['fence', 'load16'],
  ['fence', 'store16'],
];
for (const [name, breaks] of breakages)
  test(`micro: ${name} sees a ${breaks} that is wrong now and then`, async () => {
    const bench: MicroBench = BENCHES[name];
    const prepared = await bench.prepare(brokenStage(breaks));
    prepared.before();
    prepared.timed(() => performance.now());
    assert.throws(() => prepared.check(), CheckFailed);
  });

test('micro: a cell that fails ends the run, and those before it are kept', async () => {
  const { code, record } = await runShort(['--only', 'empty,load,store', '--ordering', 'none'], { idle: 'load' });
  assert.equal(code, 1);
  assert.match(record.failure ?? '', /^load, ordering none: load: sum: expected -?\d+, got 0$/);
  assert.deepEqual(
    record.cells.map(({ bench }) => bench),
    ['empty'],
  );
});

test('micro: a thread that was moved off its CPU is not said to be pinned, and a warning says so', async (t) => {
  const { record: pinned, err: silent } = await runShort(['--only', 'empty']);
  if (pinned.cells[0]!.cpu === null) return t.skip(pinned.cells[0]!.unpinnedReason!);
  assert.doesNotMatch(silent, /warning/);
  const { code, record, err } = await runShort(['--only', 'empty,load', '--ordering', 'none'], { moved: 'load' });
  assert.equal(code, 0);
  const [empty, load] = record.cells;
  assert.deepEqual([empty!.cpu, empty!.unpinnedReason, load!.cpu], [pinned.cells[0]!.cpu, null, null]);
  assert.match(load!.unpinnedReason!, /^moved off its CPU: pinned to CPU \d+, allowed on [\d,]+ at the end$/);
  assert.match(err, /^warning: load, ordering none: a thread was moved off its CPU: .*$/m);
  assert.doesNotMatch(err, /^unpinned: /m);
});

/** The kernel's ids of this process's threads, and on which CPUs each may run. */
const threads = () =>
  readdirSync('/proc/self/task').map((tid) => {
    const status = readFileSync(`/proc/self/task/${tid}/status`, 'utf8');
    return { tid, allowed: /^Cpus_allowed_list:\s*(.*)$/m.exec(status)![1]! };
  });

test('micro: of a second thread that was moved off its CPU it is said, too', async (t) => {
  const cpus = allowedCpus();
  if (cpus === null || cpus.length < 2) return t.skip('needs two CPUs');
  const cpu = cpus.at(-1)!;
  const prepared = await BENCHES['notify-with-waiter'].prepare(makeStage('seqcst', cpu, ''));
  assert.deepEqual(prepared.peer!(), { cpu, pinned: true });
  const waiter = threads().filter(({ allowed }) => allowed === String(cpu));
  assert.equal(waiter.length, 1);
  execFileSync('taskset', ['-cp', cpus.join(','), waiter[0]!.tid]);
  await prepared.close!();
  const { cpu: now, pinned } = prepared.peer!();
  assert.deepEqual([now, pinned], [null, false]);
});

test('micro: a process that was stopped meanwhile has a warning', async () => {
  const module = JSON.stringify(new URL('./command.js', import.meta.url).href);
  const script = `
    import { microCommand } from ${module};
    setTimeout(() => console.log('under way'), ${UNDER_WAY_MS});
    const lines = { out: console.log, err: console.error };
    await microCommand(['--only', 'empty', '--time', '1500', '--json'], lines);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script]);
  let err = '';
  child.stderr.on('data', (data) => {
    err += data;
  });
  const closed = once(child, 'close');
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value, 'under way');
  child.kill('SIGSTOP');
  await sleep(STOPPED_MS);
  child.kill('SIGCONT');
  const { cells } = microRecordSchema.parse(JSON.parse((await lines.next()).value ?? ''));
  await closed;
  assert.ok(cells[0]!.stoodStillNs > 0.5e9, `${cells[0]!.stoodStillNs} ns`);
  assert.match(
    err,
    /^warning: empty: the run stood still for [\d.]+ s in its warm-up or window, stopped from outside: /m,
  );
});

const figures = {
  operations: 10,
  samples: 16,
  madNs: 0.5,
  meanNs: 5,
  minNs: 4,
  p75Ns: 6,
  p99Ns: 7,
  cpu: null,
  peerCpu: null,
  unpinnedReason: 'a test',
  stoodStillNs: 0,
};
const cells: Cell[] = [
  { bench: 'empty', ordering: null, orderingSound: null, ...figures, medianNs: 1.234 },
  { bench: 'load', ordering: 'seqcst', orderingSound: true, ...figures, medianNs: 56.78 },
  { bench: 'load', ordering: 'none', orderingSound: false, ...figures, medianNs: 7012 },
];
test('micro: the table marks unsound orderings, spans those that do not matter, says why nothing is pinned', () => {
  const text = tableLines(['empty', 'load', 'store'], ['seqcst', 'none'], cells).join('\n');
  assert.match(text, /│ ns an operation │ +seqcst │ +none \* │/);
  assert.match(text, /│ empty +│ +1\.23 ± 0\.50 +│\n/);
  assert.match(text, /│ load +│ +56\.8 ± 0\.5 │ +7012 ± 1 │/);
  assert.match(text, /│ store +│ +│ +│/);
  assert.match(text, /\n\* not guaranteed by the language\nunpinned: a test$/);
});

test('micro: a waiter that fails is told when its bench is closed, and ends no process', async () => {
  const { futex } = DOORBELLS;
  const { makeHandle } = futex;
  // Words that are not shared: the waiter cannot sleep on them.
  futex.makeHandle = () => ({ ...makeHandle(), words: new ArrayBuffer(HANDLE_SIZE) as unknown as SharedArrayBuffer });
  try {
    const prepared = await BENCHES['notify-with-waiter'].prepare(makeStage('seqcst', null, 'a test'));
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
    await assert.rejects(prepared.close!(), TypeError);
  } finally {
    futex.makeHandle = makeHandle;
  }
});
