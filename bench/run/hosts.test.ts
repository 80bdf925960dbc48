/**
 * Every host half serves every workload, and has every feature that it can; in the long form with every workload, and
 * each alone.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inCombinations, inLength } from '../../src/test-length.ts';
import { HOSTS } from '../axes/hosts.ts';
import { WORKLOADS } from '../axes/workloads.ts';
import { measure } from './test-measure.ts';

const TRANSFERS = inLength(20_000, 200_000);

const older: string[][] = [
  [],
  ['--virtio-1', '--latency', '16'],
  ['--slow-range', '--cpus', 'same'],
  ...inLength([], [['--virtio-1'], ['--slow-range'], ['--latency', '16'], ['--cpus', 'same']]),
];
const newer: string[][] = [
  ['--virtio-1', '--ring-place', 'apart', '--eventidx'],
  ['--eventidx'],
  ['--indirect'],
  ['--indirect', '--eventidx', '--cpus', 'same'],
];

for (const [i, [host, { modern }]] of Object.entries(HOSTS).entries())
  for (const [j, [workload, { sized }]] of Object.entries(WORKLOADS).entries())
    for (const [k, args] of (modern ? [...older, ...newer] : older).entries()) {
      if (!inCombinations(i, j, k)) continue;
      test(`host ${host}: ${[workload, ...args].join(' ')}`, async () => {
        const { code, err, record } = await measure([
          ...['--host', host, '--workload', workload, '--transfers', String(TRANSFERS), '--warmup', '5k', ...args],
          ...(sized ? ['--size', '520'] : []),
        ]);
        assert.equal(code, 0, err.join('\n'));
        assert.equal(record.config.host, host);
        const [pair] = record.repetitions[0]!.pairs;
        assert.deepEqual([pair!.verifiedTransfers, pair!.lostWakeups], [TRANSFERS, 0]);
      });
    }
