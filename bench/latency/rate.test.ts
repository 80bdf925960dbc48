/** Sending at a fixed rate, by whole runs. A schedule cannot be beaten, and being late is never left out. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { suite, test } from 'node:test';
import { DOORBELLS } from '../../src/doorbell/index.ts';
import { main } from '../cli.ts';
import { type Fault, PAUSE_MS } from '../pair/faults.ts';
import { measure } from '../run/test-measure.ts';
import { sumOf } from './histogram.ts';
import { samplesOf } from './test-clock.ts';

async function paced(rate: number, transfers: number, args: string[] = [], fault?: Fault) {
  const warmup = args.includes('--warmup') ? [] : ['--warmup', '2k'];
  const all = ['--rate', String(rate), '--transfers', String(transfers), ...warmup, ...args];
  const { code, err, record } = await measure(all, fault && { fault });
  assert.equal(code, 0, err.join('\n'));
  const { wallNs, pairs } = record.repetitions[0]!;
  const { latency, lostWakeups, verifiedTransfers } = pairs[0]!;
  assert.equal(lostWakeups, 0);
  const leastNs = ((transfers - 1) * 1e9) / rate;
  assert.ok(wallNs >= leastNs, `${transfers} transfers in ${wallNs} ns, though the last is due after ${leastNs}`);
  assert.equal(latency?.every, 1);
  const { roundTrip } = latency;
  assert.equal(sumOf([roundTrip!]).totalCount, transfers);
  return { roundTrip, verifiedTransfers, err: err.join('\n') };
}

for (const { name: doorbell, unavailable } of Object.values(DOORBELLS))
  for (const cpus of ['same', 'distant'])
    test(`rate: every transfer is sampled, none is sent early (${doorbell} ${cpus})`, {
      skip: unavailable?.() ?? false,
    }, async () => {
      const { verifiedTransfers } = await paced(5000, 500, ['--doorbell', doorbell, '--cpus', cpus]);
      assert.equal(verifiedTransfers, 500);
    });

const shapes: [what: string, rate: number, transfers: number, args: string[]][] = [
  ['batches, which do not wait until they are full', 5000, 500, ['--batch', '100']],
  ['one in flight', 5000, 500, ['--outstanding', '1']],
  ['calls at the next completion', 5000, 500, ['--delayed-interrupt', 'off', '--eventidx']],
  ['a host that polls', 5000, 500, ['--fast-vringh']],
  ['fewer transfers than tenths', 100, 3, ['--warmup', '0']],
];
for (const [what, rate, transfers, args] of shapes)
  test(`rate: ${what}`, async () => {
    await paced(rate, transfers, args);
  });

for (const side of ['guest', 'host'] as const)
  test(`rate: a pause of the ${side} is charged to every transfer that was due in it`, async () => {
    const RATE = 5000;
    const { roundTrip } = await paced(RATE, 1500, [], { side, kind: 'pause', transfer: 2500 });
    const late = samplesOf(roundTrip).filter((ns) => ns >= (PAUSE_MS / 2) * 1e6).length;
    // In the first half of the pause so many were due; the tenth is for the edges. Counted from when they were sent
    // it would be those in flight when the pause began.
    const least = ((RATE * PAUSE_MS) / 1000 / 2) * 0.9;
    assert.ok(late >= least, `${late} samples are late, not ${least}`);
  });

test('rate: one that cannot be held is a warning, and every transfer is still sampled', async () => {
  const { err } = await paced(10_000_000, 20_000);
  assert.match(err, /^warning: the rate was not held: \d+ of 10000000 transfers a second$/m);
});

for (const { name: doorbell, unavailable } of Object.values(DOORBELLS))
  test(`rate: interrupted between two transfers, it ends (${doorbell})`, {
    skip: unavailable?.() ?? false,
  }, async () => {
    const controller = new AbortController();
    const args = ['--rate', '1', '--transfers', '1000M', '--warmup', '0', '--doorbell', doorbell, '--out', 'none'];
    const nobody = { out: () => {}, err: () => {} };
    // Wherever this comes, 1000 million seconds are not over.
    setTimeout(() => controller.abort(), 400);
    assert.equal(await main(['--parallel', ...args], nobody, { signal: () => controller.signal }), 130);
  });

const silent: [side: Fault['side'], message: RegExp][] = [
  // A guest whose schedule goes on must see it long before the ring is full, which here it never is.
  ['host', /^stalled: guest: the peer did nothing for 3 s \(after \d+ transfers of the window\)$/m],
  ['guest', /^stalled: host: the peer did nothing for 3 s \(after \d+ transfers of the window\)$/m],
];

/** These wait far more than they compute. */
suite('rate: slow ones', { concurrency: 4 }, () => {
  // The host waits longer than its bound for what is not due yet: that is no stall.
  for (const host of [[], ['--fast-vringh']])
    test(`transfers further apart than a wait may last ${host.join(' ')}`, async () => {
      await paced(1, 3, ['--timeout', '0.9', ...host]);
    });

  for (const [side, message] of silent)
    test(`a silent ${side} is a stall, though the next transfer is always due soon`, async () => {
      const args = ['--rate', '20', '--transfers', '1M', '--warmup', '2k', '--ring-size', '32768', '--timeout', '3'];
      const { code, err, record } = await measure(args, { fault: { side, kind: 'silence', transfer: 2003 } });
      assert.equal(code, 3);
      assert.equal(record.outcome, 'stalled');
      assert.match(err.join('\n'), message);
    });
});

test('rate: no file stays open', { skip: !existsSync('/proc/self/fd') && 'needs /proc' }, async () => {
  const open = () => readdirSync('/proc/self/fd').length;
  await paced(5000, 50);
  const before = open();
  await paced(5000, 50, ['--repeat', '3']);
  assert.equal(open(), before);
});
