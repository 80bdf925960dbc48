/**
 * A host that tells another used length than it wrote, once: seen by every workload on every half, with the transfer's
 * number, the length that it must have, and the one that stood in the ring.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inLength } from '../../src/test-length.ts';
import { ENGINES } from '../axes/engines.ts';
import { HOSTS } from '../axes/hosts.ts';
import { WORKLOADS, type WorkloadName } from '../axes/workloads.ts';
import type { Fault } from '../pair/faults.ts';
import { measure } from './test-measure.ts';

const WARMUP = 2000;
const SMALL = ['--transfers', '2k', '--warmup', String(WARMUP), '--ring-size', '16', '--cpus', 'none'];
/** The fault comes before one of these: one that carries bytes out, one that brings them back. */
const TRANSFERS = [1000, 1001] as const;

type Lie = Extract<Fault['kind'], 'longer' | 'shorter' | 'huge'>;
const TOLD: Record<Lie, (writtenBytes: number) => number> = {
  longer: (writtenBytes) => writtenBytes + 1,
  shorter: (writtenBytes) => (writtenBytes === 0 ? 0xffff_ffff : writtenBytes - 1),
  huge: () => 0xffff_ffff,
};
const LIES = Object.keys(TOLD) as Lie[];

/** By workload: what the host writes into the transfers of an even and of an odd number, bytes; options beside. */
const WRITTEN: Record<WorkloadName, [evenBytes: number, oddBytes: number, ...args: string[]]> = {
  alternate: [0, 4],
  echo: [4, 4],
  single: [0, 0],
  bulk: [0, 520, '--size', '520'],
};

async function expectSeen(args: string[], kind: Lie, transfer: number, writtenBytes: number): Promise<void> {
  const { code, err, record } = await measure([...SMALL, ...args], { fault: { side: 'host', kind, transfer } });
  const failure = `transfer ${transfer}: used length: expected ${writtenBytes}, got ${TOLD[kind](writtenBytes)}`;
  assert.deepEqual([record.outcome, record.failure, code], ['check-failed', failure, 1]);
  assert.ok(err.join('\n').includes(failure), err.join('\n'));
  assert.deepEqual(record.repetitions, []);
}

const FEATURES = ['--indirect', '--eventidx'];
const DEFERRED = ['--complete-batch', '4', '--batch', '4'];
const WASM = ['--engine', 'wasm'];
const hosts = Object.entries(HOSTS).map(([host, { modern }]) => ({ args: ['--host', host], modern }));
const halves = [...hosts, { args: WASM, modern: true }].flatMap(({ args, modern }) => [
  args,
  ...inLength([], [[...args, ...DEFERRED]]),
  ...(modern
    ? inLength(
        [],
        [
          [...args, ...FEATURES],
          [...args, ...FEATURES, ...DEFERRED],
        ],
      )
    : []),
]);

for (const workload of Object.keys(WORKLOADS) as WorkloadName[])
  for (const half of [...halves, [...FEATURES, ...DEFERRED], [...WASM, ...FEATURES, ...DEFERRED]]) {
    const [evenBytes, oddBytes, ...sized] = WRITTEN[workload];
    const args = [...half, '--workload', workload, ...sized];
    test(`used length: ${args.join(' ')}`, async () => {
      await expectSeen(args, 'longer', TRANSFERS[0], evenBytes);
      const lies: readonly Lie[] = inLength(workload === 'alternate' ? LIES : ['longer'], LIES);
      for (const kind of lies) await expectSeen(args, kind, TRANSFERS[1], oddBytes);
    });
  }

for (const engine of Object.keys(ENGINES))
  test(`used length: --fast-vringh, which writes nothing, on engine ${engine}`, async () => {
    const args = ['--fast-vringh', '--engine', engine];
    for (const kind of LIES) for (const transfer of TRANSFERS) await expectSeen(args, kind, transfer, 0);
  });

test('used length: in the window, in a pair of its own process, the second of two', async () => {
  const transfer = WARMUP + TRANSFERS[0];
  const fault: Fault = { side: 'host', kind: 'longer', transfer, pair: 1 };
  const { code, record } = await measure([...SMALL, '--pairs', '2', '--pairs-in', 'process'], { fault });
  assert.deepEqual([record.outcome, code], ['check-failed', 1]);
  assert.match(record.failure ?? '', /transfer \d+: used length: expected 0, got 1$/);
});
