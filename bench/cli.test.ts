/** The program as a process: exit codes, streams, signals. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { recordSchema } from './records/record.ts';

const PROGRAM = fileURLToPath(new URL('./main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

function run(args: string[], interruptAfter?: RegExp, node: readonly string[] = []): Promise<Ended> {
  const child = spawn(process.execPath, [...node, PROGRAM, ...args]);
  let out = '';
  let err = '';
  child.stderr.on('data', (data) => {
    err += data;
  });
  child.stdout.on('data', (data) => {
    out += data;
    if (interruptAfter?.test(out) && !child.killed) child.kill('SIGINT');
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })));
}

const endings: [args: string[], code: number, out: RegExp, err: RegExp][] = [
  [
    [],
    0,
    /^basic test: engine js, ordering seqcst\nok 1\/5 .*\nok 2\/5 .*\nok 3\/5 .*\nok 4\/5 .*\nok 5\/5 .*\n$/,
    /^$/,
  ],
  [['run', '--eventidx'], 0, /^basic test: .*, eventidx\nok 1\/5 /, /^$/],
  [['--help'], 0, /vringbench run.*--eventidx.*Exit codes/s, /^$/],
  [['-h'], 0, /vringbench run/, /^$/],
  [['help'], 0, /^Commands.*^ {2}micro +what .*vringbench run/ms, /^$/],
  [['micro', '--help'], 0, /vringbench micro.*--only.*Examples.*Exit codes/s, /^$/],
  [['micro', '-h'], 0, /vringbench micro/, /^$/],
  [['micro', '--only', 'empty', '--time', '1'], 0, /│ empty +│ +[\d.]+ ± [\d.]+ +│/, /^$/],
  [['micro', '--onyl', 'empty'], 2, /^$/, /^vringbench: unknown argument '--onyl'; did you mean --only\?\n$/],
  [['matrix', '--help'], 0, /vringbench matrix.*--heat A,B.*Examples.*Exit codes/s, /^$/],
  [['dashboard', '--help'], 0, /vringbench dashboard.*--title TEXT.*Examples.*Exit codes/s, /^$/],
  [['dashboard', '--outt', 'x'], 2, /^$/, /^vringbench: unknown argument '--outt'; did you mean --out\?\n$/],
  [['dashboard', '/nowhere'], 2, /^$/, /^vringbench: \/nowhere: cannot be read: ENOENT.*\n$/],
  [
    ['matrix', '--doorbel', 'futex'],
    2,
    /^$/,
    /^vringbench: unknown argument '--doorbel'; did you mean --doorbell\?\n$/,
  ],
  [['matrix', '--cpus', 'same,0,4096'], 2, /^$/, /^vringbench: --cpus CPU 4096 is not among those allowed here: .*\n$/],
  [['matrix', '--batch', '1', '--out', folder], 2, /^$/, /^vringbench: --out .*: cannot be appended to: EISDIR.*\n$/],
  [['results', '--help'], 0, /vringbench results.*--repair.*Examples.*Exit codes/s, /^$/],
  [['results', 'doctor', '/dev/null'], 0, /^0 records, 0 problems\n$/, /^$/],
  [['results', 'doctor', '/no/such'], 2, /^$/, /^vringbench: \/no\/such: cannot be read: ENOENT.*\n$/],
  [['results', 'schema'], 0, /^\{\n.*\n\}\n$/s, /^$/],
  [['export', '--help'], 0, /vringbench export.*--format NAME.*bencher.*Examples.*Exit codes/s, /^$/],
  [['export'], 2, /^$/, /^vringbench: --format wants one of bencher, .*\n$/],
  [['export', '--format', 'go', '/dev/null'], 1, /^$/, /^failed: no finished repetition in 0 of 0 records.*\n$/],
  [['--fast-vringh'], 0, /^basic test: .*\nok 1\/5 /, /^note: --fast-vringh has no effect without --parallel\n$/],
  [['rnu'], 2, /^$/, /^vringbench: unknown command 'rnu'; did you mean run\?\n$/],
  [['constructor'], 2, /^$/, /^vringbench: unknown command 'constructor'\n$/],
  [['--wrong'], 2, /^$/, /^vringbench: unknown argument '--wrong'\n$/],
  [
    ['--parallel', '--cpus', '0,4096'],
    2,
    /^$/,
    /^vringbench: --cpus CPU 4096 is not among those allowed here: [\d,]+\n$/,
  ],
  [
    ['--cpus', 'here'],
    2,
    /^$/,
    /^vringbench: --cpus wants distant, same, none or two CPU numbers a pair like 0,1 or 0,1\/2,3, not 'here'\n$/,
  ],
  [['--parallel', '--out', folder], 2, /^$/, /^vringbench: --out .*: cannot be appended to: EISDIR.*\n$/],
];
for (const [args, code, out, err] of endings)
  test(`cli: vringbench ${args.join(' ').replace(folder, 'FOLDER')} exits ${code}`, async () => {
    const ended = await run(args);
    assert.match(ended.err, err);
    assert.match(ended.out, out);
    assert.equal(ended.code, code);
  });

test("cli: a parallel run prints the original's lines first, and appends its record", async () => {
  const file = join(folder, 'records.ndjson');
  const { code, out, err } = await run([
    '--parallel',
    ...['--warmup', '1k'],
    '--eventidx',
    '--transfers',
    '50k',
    '--out',
    file,
    '--label',
    'x',
  ]);
  assert.equal(code, 0, err);
  assert.match(
    out,
    /^Using CPUS .*\nGuest: notified \d+, pinged \d+\nHost: notified \d+, pinged \d+\nTime: R=\d+\.\d{3} U=\d+\.\d{3} S=\d+\.\d{3}\n {2}configuration .*, eventidx\n {2}transfers +50,000 × 1, every one verified\n/,
  );
  const record = recordSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  assert.equal(record.label, 'x');
  assert.equal(record.repetitions[0]?.pairs[0]?.verifiedTransfers, 50_000);
  assert.equal(record.harness?.repetitions.length, 3);
});

/** A short run whose record alone is on standard output; after it nothing more is measured, as there is no ring. */
const RECORD = ['--parallel', '--json', '--layout', 'null', '--warmup', '1k', '--transfers', '10k'];

test('cli: --json leaves standard output to the record, --out none writes no file', async () => {
  const { code, out, err } = await run([...RECORD, '--out', 'none']);
  assert.equal(code, 0, err);
  assert.equal(recordSchema.parse(JSON.parse(out)).config.transfers, 10_000);
  assert.match(err, /^note: engine js, not wasm, because --layout is given\nUsing CPUS /);
  assert.equal(existsSync('none'), false);
});

test('cli: a record that cannot be appended costs neither the figures nor the record on standard output', async () => {
  const { code, out, err } = await run([...RECORD, '--out', '/dev/full']);
  assert.equal(code, 1);
  assert.equal(recordSchema.parse(JSON.parse(out)).outcome, 'done');
  assert.match(err, /throughput/);
  assert.match(err, /^failed: the record could not be appended to \/dev\/full: ENOSPC.*$/m);
  assert.doesNotMatch(err, /\n {4}at /);
});

test('cli: readers that go away cost the run nothing', async () => {
  const file = join(folder, 'unread.ndjson');
  const args = [...RECORD, '--repeat', '2', '--out', file];
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  child.stderr.destroy();
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.equal(code, 0);
  assert.equal(recordSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).repetitions.length, 2);
});

const helps: [args: string[], code: number, out: RegExp, err: RegExp][] = [
  [['--version'], 0, /^\d+\.\d+\.\d+\n$/, /^$/],
  [['help', 'matrix'], 0, /^vringbench matrix: /, /^$/],
  [['help', 'run'], 0, /^vringbench run: /, /^$/],
  [['help', 'matrx'], 2, /^$/, /unknown command 'matrx'; did you mean matrix\?/],
];
for (const [args, code, out, err] of helps)
  test(`cli: vringbench ${args.join(' ')}`, async () => {
    const ended = await run(args);
    assert.match(ended.out, out);
    assert.match(ended.err, err);
    assert.equal(ended.code, code);
  });

/** Tells each command's module that the program reads, by the name of its folder. */
const TELLING = `
import { writeSync } from 'node:fs';
export const load = (url, context, next) => {
  const [, folder] = /\\/bench\\/(?!command-line)([^/]+)\\/command\\.js$/.exec(url) ?? [];
  if (folder !== undefined) writeSync(2, folder + '\\n');
  return next(url, context);
};`;
const moduleOf = (text: string) => `data:text/javascript,${encodeURIComponent(text)}`;
const TOLD = [
  '--import',
  moduleOf(`import { register } from 'node:module'; register(${JSON.stringify(moduleOf(TELLING))});`),
];

const loaded: [args: string[], folders: string][] = [
  [['--version'], ''],
  [['results', 'schema'], 'records\n'],
  [['serve', '--help'], 'serve\n'],
  [['help', 'drive'], 'drive\n'],
];
for (const [args, folders] of loaded)
  test(`cli: vringbench ${args.join(' ')} reads the modules of no other command`, async () => {
    const { code, err } = await run(args, undefined, TOLD);
    assert.deepEqual([code, err], [0, folders]);
  });

test('cli: Ctrl-C ends the basic test, too', async () => {
  const { code, out } = await run(['--slow-range'], /ok 2/);
  assert.equal(code, null, 'ended by the signal itself');
  assert.doesNotMatch(out, /ok 5/);
});

test('cli: Ctrl-C ends the micro-benchmarks at once, whatever they are doing', async () => {
  const child = spawn(process.execPath, [PROGRAM, 'micro', '--only', 'notify-with-waiter,load', '--time', '60000']);
  const closed = new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal })));
  setTimeout(() => child.kill('SIGINT'), 700);
  assert.deepEqual(await closed, { code: null, signal: 'SIGINT' });
});

test('cli: Ctrl-C ends a sweep, shows what there is, exits 130', async () => {
  const args = ['matrix', '--batch', '1,2', '--transfers', '2k', '--repeat', '1000', '--out', 'none'];
  const { code, err } = await run(args, /seed \d+\n/);
  assert.equal(code, 130);
  assert.match(
    err,
    /^expected: about \d+ min for 2,000 repetitions, an estimate\ninterrupted: \d+ of 2,000 repetitions\n$/,
  );
});

test('cli: Ctrl-C in a window ends the run, keeps what was finished, exits 130', async () => {
  const file = join(folder, 'interrupted.ndjson');
  const args = ['--parallel', '--warmup', '1k', '--transfers', '300k', '--repeat', '1000', '--out', file];
  const { code, err } = await run(args, /Time:.*\n/);
  assert.equal(code, 130);
  assert.match(err, /^expected: about \d+ min for 1,000 repetitions, an estimate\n/);
  assert.match(err, /interrupted: by a signal/);
  const lines = readFileSync(file, 'utf8').split('\n');
  assert.equal(lines.length, 2, 'one whole line');
  const record = recordSchema.parse(JSON.parse(lines[0]!));
  assert.equal(record.outcome, 'interrupted');
  assert.ok(record.repetitions.length >= 1);
});
