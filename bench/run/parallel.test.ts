/**
 * The parallel test in every combination of any four of three features, workload and placement, in the long form of all
 * five: every transfer verified, no collection in the window, counters that add up; there a million transfers each.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inCombinations, inLength } from '../../src/test-length.ts';
import type { RunRecord } from '../records/record.ts';
import { measure } from './test-measure.ts';

async function expectVerified(args: string[], transfers: number): Promise<RunRecord> {
  const warmup = args.includes('--warmup') ? [] : ['--warmup', inLength('50k', '200k')];
  const { code, out, err, record } = await measure([...args, ...warmup, '--transfers', String(transfers)]);
  assert.equal(code, 0, err.join('\n'));
  assert.equal(out.length, 1, 'standard output is the record alone');
  assert.equal(record.outcome, 'done');
  const [repetition] = record.repetitions;
  const { guest, host, lostWakeups, verifiedTransfers } = repetition!.pairs[0]!;
  assert.equal(verifiedTransfers, transfers);
  assert.equal(lostWakeups, 0);
  assert.equal(guest.gcCount + host.gcCount, 0, 'collections in the window');
  assert.ok(guest.notified >= host.pinged, `${guest.notified} kicks rung, ${host.pinged} taken`);
  assert.ok(host.notified >= guest.pinged, `${host.notified} calls rung, ${guest.pinged} taken`);
  assert.ok(guest.wakeSyscalls <= guest.notified && host.wakeSyscalls <= host.notified);
  assert.equal(repetition!.tenths.length, 10);
  return record;
}

const FEATURES = ['--indirect', '--eventidx', '--virtio-1'];

/** All subsets of FEATURES. */
const combinations = Array.from({ length: 8 }, (_, bits) => FEATURES.filter((_, i) => (bits & (1 << i)) !== 0));

for (const features of combinations)
  for (const [i, workload] of ['alternate', 'echo'].entries())
    for (const [j, cpus] of ['same', 'distant'].entries()) {
      if (!inCombinations(...FEATURES.map((name) => Number(features.includes(name))), i, j)) continue;
      test(`parallel: ${[...features, workload, cpus].join(' ')}`, async () => {
        await expectVerified([...features, '--workload', workload, '--cpus', cpus], inLength(150_000, 1_000_000));
      });
    }

for (const features of combinations)
  test(`parallel: ${[...features, '--slow-range'].join(' ')}`, async () => {
    await expectVerified([...features, '--slow-range'], inLength(50_000, 200_000));
  });

for (const workload of ['alternate', 'echo'])
  for (const size of [workload === 'echo' ? 8 : 4, 32_768])
    for (const features of [[], ['--eventidx'], ['--indirect', '--eventidx']])
      test(`parallel: ring of ${size}, ${[workload, ...features].join(' ')}`, async () => {
        await expectVerified(
          ['--ring-size', String(size), '--workload', workload, ...features, '--warmup', '10k'],
          inLength(50_000, 100_000),
        );
      });

for (const [cpus, ...features] of [['same', '--eventidx'], ['distant', '--eventidx'], ['same']] as const)
  test(`parallel: ${['--fast-vringh', ...features].join(' ')} never kicks (${cpus})`, async () => {
    const { code, record } = await measure(['--fast-vringh', ...features, '--transfers', '100k', '--cpus', cpus]);
    assert.equal(code, 0);
    const { guest, host, verifiedTransfers } = record.repetitions[0]!.pairs[0]!;
    assert.equal(guest.notified, 0);
    assert.equal(host.pinged, 0);
    assert.equal(verifiedTransfers, 0, 'contents are not checked, and the record says so');
  });

test('parallel: a few transfers, no warm-up, several repetitions', async () => {
  const { code, record } = await measure(['--transfers', '3', '--warmup', '0', '--repeat', '3', '--cpus', 'none']);
  assert.equal(code, 0);
  assert.deepEqual(
    record.repetitions.map(({ pairs }) => pairs[0]!.verifiedTransfers),
    [3, 3, 3],
  );
});
