/**
 * Every way a run can end early, and every counter that must be zero: each is planted and must be seen, end the run
 * in time with its exit code, leave no thread, and keep what was measured.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { DOORBELLS } from '../../src/doorbell/index.ts';
import { main } from '../cli.ts';
import type { Fault } from '../pair/faults.ts';
import { allowedCpus } from '../pair/pinning.ts';
import { type RunRecord, recordSchema } from '../records/record.ts';

interface Ended {
  code: number;
  out: string[];
  err: string[];
  record: RunRecord | null;
}

async function run(args: string[], hooks: { fault?: Fault } = {}): Promise<Ended> {
  const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
  const file = join(folder, 'records.ndjson');
  const out: string[] = [];
  const err: string[] = [];
  const lines = { out: (line: string) => out.push(line), err: (line: string) => err.push(line) };
  try {
    const code = await main(['--parallel', '--out', file, ...args], lines, {
      harness: false,
      crossing: false,
      ...hooks,
    });
    const text = readdirSync(folder).length === 0 ? '' : readFileSync(file, 'utf8');
    return { code, out, err, record: text === '' ? null : recordSchema.parse(JSON.parse(text)) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Threads of this process, by the kernel; null where it does not tell. */
function threadCount(): number | null {
  try {
    return readdirSync('/proc/self/task').length;
  } catch {
    return null;
  }
}

const SMALL = ['--transfers', '40k', '--warmup', '2k'];
/** For runs that must wait for nothing: the bound is what ends them. */
const IMPATIENT = ['--timeout', '0.3'];
/** The same where it matters who waited: longer than a machine makes the other wait. */
const PATIENT = ['--timeout', '3'];
const WINDOW = 12_000;

const cases: [what: string, fault: Fault, args: string[], code: number, outcome: string, message: RegExp][] = [
  ['a guest that throws', { side: 'guest', kind: 'throw', transfer: WINDOW }, [], 1, 'failed', /planted exception/],
  ['a host that throws', { side: 'host', kind: 'throw', transfer: WINDOW }, [], 1, 'failed', /planted exception/],
  [
    'a host that throws in warm-up',
    { side: 'host', kind: 'throw', transfer: 100 },
    [],
    1,
    'failed',
    /planted exception/,
  ],
  ['a guest thread that ends', { side: 'guest', kind: 'exit', transfer: WINDOW }, [], 1, 'failed', /a thread ended/],
  ['a host thread that ends', { side: 'host', kind: 'exit', transfer: WINDOW }, [], 1, 'failed', /a thread ended/],
  [
    'a silent guest',
    { side: 'guest', kind: 'silence', transfer: WINDOW },
    PATIENT,
    3,
    'stalled',
    /host: the peer did nothing/,
  ],
  [
    'a silent host',
    { side: 'host', kind: 'silence', transfer: WINDOW },
    PATIENT,
    3,
    'stalled',
    /guest: the peer did nothing/,
  ],
  [
    'a silent guest under a polling host',
    { side: 'guest', kind: 'silence', transfer: WINDOW },
    ['--fast-vringh', ...PATIENT],
    3,
    'stalled',
    /host: the peer did nothing/,
  ],
  [
    'a changed byte',
    { side: 'host', kind: 'corrupt', transfer: WINDOW },
    [],
    1,
    'check-failed',
    /transfer 12000: payload: expected 12000, got \d+/,
  ],
  [
    'a changed byte in an echo',
    { side: 'host', kind: 'corrupt', transfer: WINDOW },
    ['--workload', 'echo'],
    1,
    'check-failed',
    /transfer 12000: original: expected 12000, got \d+/,
  ],
  [
    'a changed byte on its way out and back',
    { side: 'host', kind: 'corrupt', transfer: WINDOW },
    ['--workload', 'bulk', '--size', '1k'],
    1,
    'check-failed',
    /transfer 12001: payload word 0: expected -?\d+, got -?\d+/,
  ],
];

for (const [what, fault, args, code, outcome, message] of cases)
  test(`run: ${what} ends it`, async () => {
    const before = threadCount();
    const ended = await run([...SMALL, ...args], { fault });
    assert.equal(ended.code, code);
    assert.equal(ended.record?.outcome, outcome);
    assert.match(ended.record?.failure ?? '', message);
    assert.match(ended.err.join('\n'), message);
    assert.deepEqual(ended.record?.repetitions, []);
    if (before !== null)
      assert.ok(threadCount()! <= before + 4, "the pair's threads are gone; the engine's own may have started");
  });

const CPUS = allowedCpus()?.length ?? 1;
const moves = [
  ['guest', 'thread', 'the window', WINDOW],
  ['guest', 'process', 'the window', WINDOW],
  ['host', 'thread', 'the window', WINDOW],
  ['host', 'process', 'the window', WINDOW],
  ['guest', 'thread', 'warm-up', 100],
] as const;
for (const [side, pairsIn, when, transfer] of moves)
  test(`run: a ${side} that is moved off its CPU in ${when} is told (${pairsIn})`, {
    skip: CPUS < 2,
  }, async () => {
    const fault: Fault = { side, kind: 'move', transfer };
    const { code, record, err } = await run([...SMALL, '--pairs-in', pairsIn], { fault });
    assert.equal(code, 0);
    const { guest, host } = record!.repetitions[0]!.pairs[0]!;
    const [moved, stayed] = side === 'guest' ? [guest, host] : [host, guest];
    assert.deepEqual([moved.pinned, moved.cpu, stayed.pinned], [false, null, true]);
    assert.match(moved.unpinnedReason!, /^moved off its CPU: pinned to CPU \d+, allowed on 0,/);
    assert.match(err.join('\n'), /warning: a thread was moved off its CPU: pinned to/);
  });

/** These wait far more than they compute. */
const TOGETHER = { concurrency: 6 };

/** A side that looks on at the ring needs no ring to find what is there. */
const ASKING = ['--look-us', '0'];

const mutes = [
  ['guest', 'distant'],
  ['host', 'distant'],
  ['host', 'same'],
] as const;
suite('run: lost wake-ups', TOGETHER, () => {
  for (const [side, cpus] of mutes)
    test(`rings of the ${side} that wake nobody are counted, and the run goes on (${cpus})`, async () => {
      const fault: Fault = { side, kind: 'mute', transfer: WINDOW };
      const ended = await run([...SMALL, ...PATIENT, ...ASKING, '--eventidx', '--cpus', cpus], { fault });
      assert.equal(ended.code, 3);
      assert.equal(ended.record?.outcome, 'lost-wakeups');
      const pair = ended.record!.repetitions[0]!.pairs[0]!;
      assert.ok(pair.lostWakeups > 0);
      assert.equal(pair.verifiedTransfers, 40_000);
      assert.match(ended.err.join('\n'), /wake-ups? (was|were) lost/);
    });
});

for (const side of ['guest', 'host'] as const)
  test(`run: a collection in the window is counted on the ${side}`, async () => {
    const ended = await run(SMALL, { fault: { side, kind: 'garbage', transfer: WINDOW } });
    assert.equal(ended.code, 0);
    assert.ok(ended.record!.repetitions[0]!.pairs[0]![side].gcCount > 0);
    assert.match(ended.err.join('\n'), /garbage was collected/);
  });

suite('run: a side that falls silent ends it, whatever the doorbell', TOGETHER, () => {
  for (const { name: doorbell, unavailable } of Object.values(DOORBELLS))
    for (const side of ['guest', 'host'] as const)
      test(`${side}, ${doorbell}`, { skip: unavailable?.() ?? false }, async () => {
        const fault: Fault = { side, kind: 'silence', transfer: WINDOW };
        const ended = await run([...SMALL, ...IMPATIENT, '--doorbell', doorbell], { fault });
        assert.equal(ended.code, 3);
        assert.equal(ended.record?.outcome, 'stalled');
      });
});

for (const { name: doorbell, unavailable } of Object.values(DOORBELLS))
  test(`run: interrupted in a window, it ends, whatever the doorbell (${doorbell})`, {
    skip: unavailable?.() ?? false,
  }, async () => {
    const controller = new AbortController();
    const out = () => {};
    const args = ['--parallel', '--transfers', '2000M', '--warmup', '0', '--doorbell', doorbell, '--out', 'none'];
    // Two thousand million transfers take minutes: wherever this comes, they are not done.
    setTimeout(() => controller.abort(), 400);
    assert.equal(await main(args, { out, err: out }, { signal: () => controller.signal }), 130);
  });

test('run: interrupted, it keeps the repetitions that were finished', async () => {
  const controller = new AbortController();
  const lines: string[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
  try {
    const file = join(folder, 'records.ndjson');
    const out = (line: string) => {
      lines.push(line);
      if (line.startsWith('Time:')) controller.abort();
    };
    const args = ['--parallel', '--transfers', '20k', '--warmup', '1k', '--repeat', '50', '--out', file];
    const code = await main(args, { out, err: out }, { signal: () => controller.signal });
    assert.equal(code, 130);
    const record = recordSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    assert.equal(record.outcome, 'interrupted');
    assert.equal(record.repetitions.length, 1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('run: a CPU that was named and cannot be had is an error', async () => {
  const path = process.env.PATH;
  process.env.PATH = '/nowhere';
  try {
    const ended = await run([...SMALL, '--cpus', '0,0']);
    assert.equal(ended.code, 1);
    assert.match(ended.record?.failure ?? '', /could not be pinned to CPU 0: taskset \(util-linux\) not found/);
    const unpinned = await run(SMALL);
    assert.equal(unpinned.code, 0);
    assert.equal(unpinned.out[0], 'Using CPUS unpinned: taskset (util-linux) not found');
    assert.equal(unpinned.record?.repetitions[0]?.pairs[0]?.guest.pinned, false);
  } finally {
    process.env.PATH = path;
  }
});
