/** The benchmark on the Wasm engine: every workload, feature and kind of loop, by doorbells that block and that do not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measure } from './test-measure.ts';

const TRANSFERS = 20_000;

const runs: string[][] = [
  ['--eventidx', '--cpus', 'same'],
  ['--batch', '32', '--outstanding', '64', '--doorbell', 'adaptive', '--latency', '16'],
  ['--eventidx', '--indirect', '--virtio-1', '--workload', 'echo', '--ring-size', '8'],
  ['--workload', 'single', '--ring-size', '1', '--doorbell', 'wait-async', '--delayed-interrupt', 'off'],
];
for (const args of runs)
  test(`engine wasm: ${args.join(' ')}`, async () => {
    const { code, err, record } = await measure([
      ...['--engine', 'wasm', '--transfers', String(TRANSFERS), '--warmup', '10k', ...args],
    ]);
    assert.equal(code, 0, err.join('\n'));
    assert.deepEqual([record.config.engine, record.config.ordering], ['wasm', 'wasm']);
    const [pair] = record.repetitions[0]!.pairs;
    assert.deepEqual([pair!.verifiedTransfers, pair!.lostWakeups], [TRANSFERS, 0]);
    // Waits that return promises leave garbage; the engine leaves none.
    if (!args.includes('wait-async')) assert.deepEqual([pair!.guest.gcCount, pair!.host.gcCount], [0, 0]);
  });

test('engine wasm: --fast-vringh takes and completes heads alone', async () => {
  const { code, err } = await measure(['--engine', 'wasm', '--fast-vringh', '--transfers', String(TRANSFERS)]);
  assert.equal(code, 0, err.join('\n'));
});
