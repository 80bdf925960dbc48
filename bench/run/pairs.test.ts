/** Several pairs at once, in threads and in processes: what they come to, and that none outlives the others. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { PAIRS_IN, type PairsIn } from '../axes/pairs-in.ts';
import type { Fault } from '../pair/faults.ts';
import { parseRunOptions } from './options.ts';
import { placementOf } from './placement.ts';
import { runRepetition } from './repetition.ts';
import { measure } from './test-measure.ts';

const TRANSFERS = 40_000;
const TWO = ['--warmup', '2k', '--pairs', '2'];
const SMALL = [...TWO, '--transfers', String(TRANSFERS)];
/** One pair alone would be at it for minutes. */
const ENDLESS = [...TWO, '--transfers', '900M'];
const WHERE = Object.keys(PAIRS_IN) as PairsIn[];

/** Processes that this one started, by the kernel. */
function children(): string[] {
  const list = (task: string) => readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean);
  try {
    return readdirSync('/proc/self/task').flatMap(list);
  } catch {
    return [];
  }
}

const cases: [where: PairsIn, args: string[]][] = [
  ['thread', ['--eventidx', '--cpus', 'same']],
  ['thread', ['--host', 'vhost-user', '--cpus', 'distant']],
  ['process', ['--eventidx', '--latency', '16']],
  ['process', ['--host', 'vhost-user', '--cpus', 'none', '--workload', 'bulk', '--size', '512']],
];
for (const [where, args] of cases)
  test(`pairs: two, ${where}, ${args.join(' ')}`, async () => {
    const { code, err, record } = await measure([...SMALL, '--pairs-in', where, ...args]);
    assert.equal(code, 0, err.join('\n'));
    const [repetition] = record.repetitions;
    const { pairs, wallNs, transfersPerSecond, cpuUserNs, cpuSystemNs } = repetition!;
    assert.equal(pairs.length, 2);
    let threadsNs = 0;
    for (const pair of pairs) {
      assert.deepEqual([pair.verifiedTransfers, pair.lostWakeups], [TRANSFERS, 0]);
      assert.ok(pair.guest.notified >= pair.host.pinged && pair.host.notified >= pair.guest.pinged);
      assert.ok(pair.wallNs! <= wallNs + 1, 'no pair is longer under way than all');
      assert.equal(pair.transfersPerSecond, (TRANSFERS * 1e9) / pair.wallNs!);
      assert.equal(pair.latency !== null, args.includes('--latency'));
      threadsNs += (pair.guest.cpuNs ?? 0) + (pair.host.cpuNs ?? 0);
    }
    assert.equal(transfersPerSecond, (2 * TRANSFERS * 1e9) / wallNs);
    // The kernel's ticks are coarse; none of the processes is left out.
    assert.ok(cpuUserNs + cpuSystemNs > threadsNs / 2, `${cpuUserNs + cpuSystemNs} of ${threadsNs} ns`);
    assert.deepEqual(repetition!.crossCpuNs, [null, null]);
    assert.equal(children().length, 0);
  });

for (const where of WHERE)
  test(`pairs: none begins its window before all are warm (${where})`, async () => {
    const { config } = parseRunOptions(['--parallel', ...SMALL, '--pairs-in', where, '--timeout', '3']);
    const phases: string[] = [];
    const result = await runRepetition(config, placementOf(config), {
      onPhase: (phase) => phases.push(phase),
      fault: { side: 'host', kind: 'silence', transfer: 1000, pair: 1 },
    });
    assert.deepEqual([result.outcome, phases], ['stalled', ['warm-up']]);
    assert.match('failure' in result ? result.failure : '', /^guest: the peer did nothing for 3 s \(in warm-up\)$/);
  });

test('pairs: one is what it always was, in a process of its own, too', async () => {
  const { record } = await measure(['--transfers', '2k', '--warmup', '0', '--pairs-in', 'process']);
  const [{ pairs, wallNs, transfersPerSecond } = { pairs: [], wallNs: 0, transfersPerSecond: 0 }] = record.repetitions;
  assert.deepEqual([pairs[0]!.wallNs, pairs[0]!.transfersPerSecond], [wallNs, transfersPerSecond]);
});

const faults: [kind: Fault['kind'], args: string[], outcome: string, message: RegExp][] = [
  ['throw', [], 'failed', /planted exception/],
  ['exit', [], 'failed', /a thread ended/],
  ['silence', ['--timeout', '3'], 'stalled', /guest: the peer did nothing/],
];
for (const where of WHERE) {
  for (const [kind, args, outcome, message] of faults)
    test(`pairs: what the second one's host does ends both (${where}, ${kind})`, async () => {
      const fault: Fault = { side: 'host', kind, transfer: 12_000, pair: 1 };
      const { record } = await measure([...ENDLESS, '--pairs-in', where, ...args], { fault });
      assert.equal(record.outcome, outcome);
      assert.match(record.failure!, message);
      assert.equal(children().length, 0);
    });

  test(`pairs: interrupted, all end (${where})`, async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 400);
    const { code } = await measure([...ENDLESS, '--pairs-in', where, '--doorbell', 'pipe'], {
      signal: () => controller.signal,
    });
    assert.equal(code, 130);
    assert.equal(children().length, 0);
  });
}

test('pairs: lost wake-ups are counted by pair', async () => {
  const fault: Fault = { side: 'host', kind: 'mute', transfer: 12_000, pair: 1 };
  const { code, record } = await measure(
    [...SMALL, '--timeout', '3', '--eventidx', '--look-us', '0', '--pairs-in', 'process'],
    {
      fault,
    },
  );
  assert.equal(code, 3, record.failure ?? JSON.stringify(record.repetitions[0]?.pairs));
  const [first, second] = record.repetitions[0]!.pairs;
  assert.ok(second!.lostWakeups > 0);
  assert.deepEqual(
    [first!.lostWakeups, first!.verifiedTransfers, second!.verifiedTransfers],
    [0, TRANSFERS, TRANSFERS],
  );
});

const noProc = !existsSync('/proc/self/task') && 'no /proc here';

test('pairs: a process that is killed ends the run', { skip: noProc }, async () => {
  const timer = setInterval(() => {
    const [, second] = children();
    if (second !== undefined) process.kill(Number(second), 'SIGKILL');
  }, 300);
  try {
    const { code, record } = await measure([...ENDLESS, '--pairs-in', 'process']);
    assert.equal(code, 1);
    assert.match(record.failure!, /the process of a pair ended: SIGKILL/);
    assert.equal(children().length, 0);
  } finally {
    clearInterval(timer);
  }
});
