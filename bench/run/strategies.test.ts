/**
 * Every sound ordering with every doorbell, in both event modes and placements, of any three of these every combination
 * and in the long form of all four: every transfer verified, none of the wake-ups lost; a million in the long form. The tables give the strategies: a new one is tested by being in
 * them.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DOORBELLS } from '../../src/doorbell/index.ts';
import { cpuYield } from '../../src/native/scheduler.ts';
import { ORDERINGS } from '../../src/ordering/index.ts';
import { inCombinations, inLength } from '../../src/test-length.ts';
import { measure } from './test-measure.ts';

const TRANSFERS = inLength(100_000, 1_000_000);
const WARMUP = ['--warmup', inLength('20k', '200k')];
/** An allocation of 16 bytes a ring would fill several young generations. */
const EVENTFD_TRANSFERS = inLength(300_000, 1_000_000);
const sound = Object.values(ORDERINGS).filter((ordering) => ordering.sound);
const unsound = Object.values(ORDERINGS).filter((ordering) => !ordering.sound);

for (const [i, { name: ordering }] of sound.entries())
  for (const [j, { name: doorbell, unavailable }] of Object.values(DOORBELLS).entries())
    for (const [k, eventidx] of [[], ['--eventidx']].entries())
      for (const [l, cpus] of ['same', 'distant'].entries()) {
        if (!inCombinations(i, j, k, l)) continue;
        test(`strategies: ${[ordering, doorbell, cpus, ...eventidx].join(' ')}`, {
          skip: unavailable?.() ?? false,
        }, async () => {
          const args = ['--ordering', ordering, '--doorbell', doorbell, '--cpus', cpus, ...eventidx];
          const { code, err, record } = await measure([...args, ...WARMUP, '--transfers', String(TRANSFERS)]);
          assert.equal(code, 0, err.join('\n'));
          const { guest, host, lostWakeups, verifiedTransfers } = record.repetitions[0]!.pairs[0]!;
          assert.equal(verifiedTransfers, TRANSFERS);
          assert.equal(lostWakeups, 0);
          assert.equal(record.config.orderingSound, true);
          assert.ok(guest.notified >= host.pinged && host.notified >= guest.pinged);
        });
      }

for (const { name: ordering } of unsound)
  test(`strategies: ${ordering} ends within its bounds, and says that it is not guaranteed`, async () => {
    const args = ['--ordering', ordering, '--eventidx', '--transfers', '100k', '--warmup', '1k', '--timeout', '0.2'];
    const { code, err, record } = await measure(args);
    assert.ok([0, 3].includes(code), err.join('\n'));
    assert.equal(record.config.orderingSound, false);
    assert.match(err.join('\n'), new RegExp(`ordering ${ordering} is not guaranteed by the language`));
  });

test('strategies: an adaptive doorbell says where it settled, at most where it may', async () => {
  const { record } = await measure(['--doorbell', 'adaptive', '--spin-us', '7', '--transfers', '100k']);
  const { guest, host } = record.repetitions[0]!.pairs[0]!;
  for (const side of [guest, host]) assert.ok(side.spinUs >= 0 && side.spinUs <= 7);
});

const orders: [waits: string[], handedOver: boolean][] = [
  [['--doorbell', 'adaptive'], true],
  [['--doorbell', 'adaptive', '--spin-us', '0'], false],
  [['--doorbell', 'spin'], true],
  [['--doorbell', 'futex'], false],
];
for (const [waits, handedOver] of orders)
  test(`strategies: ${waits.join(' ')} on one CPU, whose order ${handedOver ? 'the waits' : 'nice values'} decide`, {
    skip: cpuYield() === null,
  }, async () => {
    const { record } = await measure([...waits, '--cpus', 'same', '--transfers', '10k', '--warmup', '1k']);
    const { guest, host } = record.repetitions[0]!.pairs[0]!;
    assert.equal(host.nice === guest.nice, handedOver || !host.pinned);
  });

test('strategies: doorbell eventfd allocates neither for rings nor for waits', {
  skip: DOORBELLS.eventfd.unavailable?.() ?? false,
}, async () => {
  const { record } = await measure([
    '--doorbell',
    'eventfd',
    '--cpus',
    'same',
    '--outstanding',
    '1',
    '--transfers',
    String(EVENTFD_TRANSFERS),
  ]);
  const { guest, host } = record.repetitions[0]!.pairs[0]!;
  assert.ok(
    guest.wakeSyscalls + host.wakeSyscalls > EVENTFD_TRANSFERS / 2,
    'one side at least rings for almost every one',
  );
  assert.deepEqual([guest.gcCount, host.gcCount], [0, 0]);
});
