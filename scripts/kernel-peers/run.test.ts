/** Rows from end to end, with scripts in place of the kernel's programs and of ours. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeCourse } from '../../bench/command-line/progress.ts';
import { type PeerRecord, peerRecordSchema } from '../../bench/records/peer-record.ts';
import { helperCpuNs } from '../../bench/records/sums.ts';
import { recordOf } from '../../bench/records/test-record.ts';
import { Missing } from '../peers/failure.ts';
import { ROWS, selectRows } from './rows.ts';
import { type Outcome, runRows } from './run.ts';
import type { Settings } from './settings.ts';
import { ourProgram, vringhScript, writeScript } from './test-programs.ts';
import type { Workshop } from './workshop.ts';

const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));
const log = join(folder, 'log');
const starts = join(folder, 'starts');

interface Scene {
  /** Of theirs; null: there is none. */
  theirs: string | null;
  /** Speed of ours. */
  ours?: string;
  crossCpuNs?: string;
  only: string;
  /** As shipped, where it is another than `theirs`. */
  shipped?: string;
  /** Of theirs, with one transfer. */
  start?: string;
  settings?: Partial<Settings>;
}

async function play(scene: Scene): Promise<Outcome & { said: string[]; ran: string[]; records: PeerRecord[] }> {
  for (const file of [log, starts]) rmSync(file, { force: true });
  const { theirs, ours = '5e6', crossCpuNs, only, settings } = scene;
  const program = theirs === null ? '' : writeScript(join(folder, 'theirs'), `echo "theirs $*" >> ${log}\n${theirs}`);
  const shipped = writeScript(join(folder, 'shipped'), `echo "shipped $*" >> ${log}\n${scene.shipped ?? theirs}`);
  const start = writeScript(join(folder, 'start'), `echo "$*" >> ${starts}\n${scene.start ?? ''}`);
  const workshop: Workshop = {
    tree: '6.9',
    programOf: ({ program: name }, purpose) => {
      if (theirs === null) throw new Missing(`${name} is not in this tree`);
      const path = { compared: program, shipped, start }[purpose];
      return { path, compiler: 'cc 1', edits: ['mended'] };
    },
    exitCostNs: async () => 400,
  };
  const said: string[] = [];
  const records: PeerRecord[] = [];
  const outcome = await runRows(selectRows(ROWS, only), workshop, {
    rounds: 2,
    transfers: 1000,
    bestOf: () => ['--batch', '16'],
    sweepCpus: false,
    cpus: [4, 5],
    our: { program: ourProgram(folder, ours, crossCpuNs), file: null, label: 'mine', machine: null },
    environment: recordOf().environment,
    child: { timeoutMs: 60_000 },
    progress: makeCourse(process.stderr, (line) => said.push(line)),
    say: (line) => said.push(line),
    onRecord: (record) => records.push(peerRecordSchema.parse(record)),
    ...settings,
  });
  const ran = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
  return { ...outcome, said, ran, records };
}

test('rows: theirs mended, as shipped and ours by turns, with the same flags, number and CPU', async () => {
  const { ran, records, failed, missing } = await play({ theirs: vringhScript(0.05, 4), only: 'same:indirect' });
  const [theirs, shipped] = ['theirs --indirect --parallel', 'shipped --indirect --parallel'];
  const ours = (more: string) =>
    `ours run --indirect ${more}--cpus same --transfers 1000 --parallel --json --out none --label=mine`;
  const both = [ours(''), ours('--batch 16 '), ours('--batch 1 --complete-batch 1 --look-us 0 ')];
  assert.deepEqual(ran, [shipped, theirs, ...both, ...both.toReversed(), theirs, shipped]);
  const [{ program, outcome, rounds, row, cpus, ours: strategies } = assert.fail()] = records;
  assert.deepEqual([failed, missing, outcome, row, cpus], [0, 0, 'done', 'same:indirect', 'same']);
  assert.deepEqual(strategies, {
    default: ['--indirect'],
    best: ['--indirect', '--batch', '16'],
    plain: ['--indirect', '--batch', '1', '--complete-batch', '1', '--look-us', '0'],
  });
  assert.deepEqual(program.edits, ['mended']);
  const started = readFileSync(starts, 'utf8').trim().split('\n');
  assert.deepEqual([started.length, ...new Set(started)], [20, '--indirect --parallel']);
  assert.ok(program.startNs! > 0);
  for (const { peer, shipped: asShipped, ours: runs } of rounds) {
    assert.equal(asShipped!.ratio, asShipped!.transfersPerSecond / peer.transfersPerSecond);
    assert.deepEqual(
      [peer.guest, peer.host],
      [
        { notified: 10, pinged: 20 },
        { notified: 30, pinged: 40 },
      ],
    );
    assert.ok(peer.wallNs >= 50e6 && peer.transfersPerSecond === (1000 * 1e9) / peer.wallNs);
    for (const { ratio, transfersPerSecond, helperCpuNs: helpers } of runs) {
      assert.equal(ratio, transfersPerSecond / peer.transfersPerSecond);
      assert.equal(helpers, helperCpuNs(recordOf().repetitions[0]!));
    }
  }
});

test('rows: what has no lists runs once a round, ringtest and the fast path', async () => {
  const { ran, records } = await play({
    ...{ theirs: vringhScript(0.01, 4), crossCpuNs: '[1, 1]', settings: { rounds: 1 } },
    only: 'same:eventidx+fast-vringh,ringtest:ring',
  });
  assert.deepEqual(
    ran.filter((line) => /^(theirs|shipped)/.test(line)).map((line) => line.split(' ')[0]),
    ['theirs', 'theirs'],
  );
  assert.deepEqual(
    records.map(({ rounds }) => rounds[0]?.shipped),
    [null, null],
  );
  assert.match(readFileSync(starts, 'utf8'), /^--run-cycles 1 --guest-affinity 4 --host-affinity 5$/m);
});

test('rows: theirs cannot be started with one transfer: the row is recorded as failed', async () => {
  const { records, ran } = await play({ theirs: vringhScript(0.01, 4), only: 'same:none', start: 'exit 4' });
  assert.deepEqual([records[0]!.outcome, records[0]!.program.startNs, ran], ['failed', null, []]);
});

test('rows: on two CPUs both are told which, and ringtest its number; ours pays for a ring what it does', async () => {
  const scene = { theirs: 'sleep 0.01', crossCpuNs: '[100, 100]', only: 'ringtest:sleep', settings: { rounds: 1 } };
  const { ran, records } = await play(scene);
  const probe = 'ours run --transfers 1k --warmup 0 --cpus 4,5 --parallel --json --out none --label=mine';
  assert.deepEqual(ran.slice(0, 4), [
    probe,
    'theirs --sleep --run-cycles 1000 --guest-affinity 4 --host-affinity 5',
    probe,
    'ours run --workload single --eventidx --exit-cost 400 --cpus 4,5 --transfers 1000 --parallel --json --out none --label=mine',
  ]);
  assert.equal(records[0]!.rounds[0]!.peer.guest, null);
});

test('rows: vringh_test takes its CPUs from its environment', async () => {
  const theirs = `echo "$VRINGBENCH_GUEST_CPU $VRINGBENCH_HOST_CPU" >> ${log}\n${vringhScript(0.01, 0)}`;
  const settings = { rounds: 1, sweepCpus: true };
  const { ran, records } = await play({ theirs, crossCpuNs: '[1, 1]', only: 'distant:none', settings });
  assert.deepEqual(
    ran.filter((line) => /^\d/.test(line)),
    ['4 5', '4 5', '5 4', '5 4'],
  );
  assert.deepEqual(
    records.map(({ cpus }) => cpus),
    ['4,5', '5,4'],
  );
});

test('rows: rounds in two modes are kept, not compared, and others are run', async () => {
  // Runs of ours: four probes, default, best, plain in the first round; later it is another order, in the other mode.
  const crossCpuNs = 'run < 4 ? [100, 100] : [900, 900]';
  const { records } = await play({ theirs: vringhScript(0.01, 0), crossCpuNs, only: 'distant:none' });
  const ratios = records[0]!.rounds.map(({ ours }) => ours.map(({ ratio }) => ratio !== null));
  assert.deepEqual(ratios, [
    [false, false, false],
    [true, true, true],
    [true, true, true],
  ]);
});

test('rows: an older program of ours, which measured the way by JavaScript, is said to have', async () => {
  const scene = { theirs: vringhScript(0.01, 0), only: 'distant:none', settings: { rounds: 1 } };
  const { records } = await play({ ...scene, crossCpuNs: "[100, 100], crossedBy: 'js'" });
  const { records: newer } = await play({ ...scene, crossCpuNs: '[100, 100]' });
  assert.deepEqual([records[0]!.crossedBy, newer[0]!.crossedBy], ['js', 'wasm']);
});

const failures: [what: string, scene: Scene, failure: RegExp][] = [
  ['theirs fails', { theirs: 'echo why >&2; exit 1', only: 'same:none' }, /theirs: exit code 1: why$/],
  ['theirs prints nonsense', { theirs: 'echo what', only: 'same:none' }, /no line 'Using CPUS N and N'|no line 'Guest/],
  ['theirs runs on another CPU', { theirs: vringhScript(0.01, 0), only: 'same:none' }, /pins itself to CPU 0/],
  [
    'theirs hangs',
    { theirs: 'sleep 1000', only: 'same:none', settings: { child: { timeoutMs: 1500 } } },
    /theirs: still running after 1\.5 s/,
  ],
  [
    'theirs as shipped fails',
    { theirs: vringhScript(0.01, 4), shipped: 'exit 6', only: 'same:none' },
    /shipped: exit code 6$/,
  ],
  ['ours fails', { theirs: vringhScript(0.01, 4), ours: 'process.exit(3)', only: 'same:none' }, /exit code 3/],
  ['ours prints nonsense', { theirs: vringhScript(0.01, 4), ours: '"fast"', only: 'same:none' }, /printed no record/],
];
for (const [what, scene, failure] of failures)
  test(`rows: ${what}: the row is recorded as failed, the next one runs`, async () => {
    const { records, failed, measured } = await play({
      shipped: vringhScript(0.01, 4),
      ...scene,
      only: `${scene.only},same:eventidx`,
    });
    assert.deepEqual([records.length, failed, measured.length], [2, 2, 2]);
    assert.equal(records[0]!.outcome, 'failed');
    assert.match(records[0]!.failure!, failure);
  });

test('rows: a round that fails costs none that is finished', async () => {
  const theirs = `test $(grep -c ^theirs ${log}) -lt 3 || exit 9\n${vringhScript(0.01, 4)}`;
  const { records } = await play({ theirs, only: 'same:none', settings: { rounds: 5 } });
  assert.deepEqual([records[0]!.outcome, records[0]!.rounds.length], ['failed', 2]);
});

test('rows: a program that is not there, or one CPU alone, leaves rows out', async () => {
  const absent = await play({ theirs: null, only: 'same:none,ringtest:ring' });
  assert.deepEqual(
    [absent.missing, absent.records, absent.said],
    [
      2,
      [],
      [
        'left out: same:none: vringh_test is not in this tree',
        'left out: ringtest:ring: ringtest/ring is not in this tree',
      ],
    ],
  );
  const lonely = await play({ theirs: 'true', only: 'ringtest:ring', settings: { cpus: [0] } });
  assert.deepEqual(lonely.said, ['left out: ringtest:ring: it needs two CPUs']);
});

test('rows: interrupted, what is finished stays', async () => {
  const interrupted = new AbortController();
  const settings: Partial<Settings> = {
    rounds: 3,
    child: { timeoutMs: 60_000, signal: interrupted.signal },
    progress: { show: (_, status) => status.includes('round 3') && interrupted.abort(), clear: () => {} },
  };
  const { interrupted: said, records } = await play({ theirs: vringhScript(0.01, 4), only: 'same', settings });
  assert.deepEqual([said, records.length, records[0]!.outcome, records[0]!.rounds.length], [true, 1, 'interrupted', 2]);
});
