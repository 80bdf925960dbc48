/** The benchmark on the Wasm engine: every workload, feature and kind of loop, by doorbells that block and that do not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measure } from './test-measure.ts';

const TRANSFERS = 50_000;

const runs: string[][] = [
  [],
  ['--eventidx', '--cpus', 'same'],
  ['--eventidx', '--batch', '32', '--outstanding', '64'],
  ['--indirect', '--virtio-1', '--delayed-interrupt', 'off'],
  ['--eventidx', '--indirect', '--workload', 'echo', '--ring-size', '8'],
  ['--workload', 'single', '--ring-size', '1', '--doorbell', 'wait-async', '--transfers', '20k'],
  ['--eventidx', '--doorbell', 'adaptive', '--latency', '16'],
];
for (const args of runs)
  test(`engine wasm: ${args.join(' ')}`, async () => {
    const transfers = args.includes('--transfers') ? 20_000 : TRANSFERS;
    const given = args.includes('--transfers') ? args : [...args, '--transfers', String(TRANSFERS)];
    const { code, err, record } = await measure(['--engine', 'wasm', '--warmup', '10k', ...given]);
    assert.equal(code, 0, err.join('\n'));
    assert.deepEqual([record.config.engine, record.config.ordering], ['wasm', 'wasm']);
    const [pair] = record.repetitions[0]!.pairs;
    assert.deepEqual([pair!.verifiedTransfers, pair!.lostWakeups], [transfers, 0]);
    // Waits that return promises leave garbage; the engine leaves none.
    if (!args.includes('wait-async')) assert.deepEqual([pair!.guest.gcCount, pair!.host.gcCount], [0, 0]);
  });

test('engine wasm: --fast-vringh takes and completes heads alone', async () => {
  const { code, err } = await measure(['--engine', 'wasm', '--fast-vringh', '--transfers', String(TRANSFERS)]);
  assert.equal(code, 0, err.join('\n'));
});
