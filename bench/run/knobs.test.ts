/** The knobs of the guest's loop and of the doorbell, each with what it must change in the counters. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inLength } from '../../src/test-length.ts';
import { measure } from './test-measure.ts';

const TRANSFERS = inLength(40_000, 100_000);

async function counted(args: string[]) {
  const { code, err, record } = await measure(['--transfers', String(TRANSFERS), '--warmup', '10k', ...args]);
  assert.equal(code, 0, err.join('\n'));
  const pair = record.repetitions[0]!.pairs[0]!;
  assert.equal(pair.verifiedTransfers, TRANSFERS);
  assert.equal(pair.lostWakeups, 0);
  return { ...pair, wallNs: record.repetitions[0]!.wallNs };
}

test('knobs: the guest asks whether to kick once a batch', async () => {
  const { guest } = await counted(['--batch', '10', '--workload', 'single', '--cpus', 'same']);
  // Every ring or suppressed kick is one batch, or a full ring that had to be flushed and rung.
  const asked = guest.suppressed + guest.notified;
  assert.ok(asked >= TRANSFERS / 10 && asked < TRANSFERS / 5, `${asked} times asked`);
});

test('knobs: completions published together, in batches the requests at hand fill or not', async () => {
  for (const batch of ['7', '32768'])
    for (const features of [[], ['--eventidx']]) await counted(['--complete-batch', batch, ...features]);
  await counted(['--complete-batch', '16', '--outstanding', '1']);
});

for (const features of [[], ['--eventidx'], ['--indirect', '--eventidx']])
  for (const workload of ['alternate', 'echo', 'single'])
    test(`knobs: batches larger than the ring (${[workload, ...features].join(' ')})`, async () => {
      await counted(['--batch', '1000', '--ring-size', '16', '--workload', workload, ...features]);
    });

test('knobs: with one transfer in flight every add is asked about, and none is forced by a full ring', async () => {
  const { host, guest } = await counted(['--outstanding', '1', '--eventidx', '--cpus', 'same']);
  assert.equal(guest.suppressed + guest.notified, TRANSFERS);
  assert.ok(guest.pinged <= host.notified);
});

test('layout null: runs through, and says that nothing was verified', async () => {
  const { code, record } = await measure(['--layout', 'null', '--transfers', '100k']);
  assert.equal(code, 0);
  const { guest, host, verifiedTransfers } = record.repetitions[0]!.pairs[0]!;
  assert.deepEqual([verifiedTransfers, guest.notified, host.notified], [0, 0, 0]);
});

test('knobs: calls at the next completion instead of after most of them', async () => {
  await counted(['--delayed-interrupt', 'off', '--eventidx']);
  await counted(['--delayed-interrupt', 'off']);
});

test('knobs: workload single, in every feature combination that changes its chain', async () => {
  for (const features of [[], ['--indirect'], ['--eventidx']]) await counted(['--workload', 'single', ...features]);
});

test('knobs: a simulated exit makes every ring take that long at least', async () => {
  const COST_NS = 100_000;
  const { guest, wallNs } = await counted(['--exit-cost', String(COST_NS), '--eventidx', '--ring-size', '32768']);
  assert.ok(guest.notified > 0);
  assert.ok(wallNs > guest.notified * COST_NS * 0.5, `${guest.notified} rings in ${wallNs} ns`);
});
