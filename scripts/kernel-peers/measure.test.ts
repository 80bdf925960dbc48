import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { PeerRound } from '../../bench/records/peer-record.ts';
import { measureRow, ratiosOf, type Sides } from './measure.ts';

/** Sides that write down what ran; `modes` are the calibrations around theirs, one round after the other. */
function sidesOf(log: string[], modes: number[] | null): Sides {
  const side = { notified: 1, pinged: 1 };
  const figures = { cpuUserNs: 1, cpuSystemNs: 1, guest: side, host: side };
  let calibrations = 0;
  return {
    peer: async () => {
      log.push('peer');
      return { ...figures, wallNs: 1, transfersPerSecond: 2e6 };
    },
    shipped: null,
    ours: async (strategy) => {
      log.push(strategy);
      const transfersPerSecond = strategy === 'best' ? 5e6 : 3e6;
      return {
        ...figures,
        record: randomUUID(),
        helperCpuNs: null,
        transfersPerSecond,
        crossCpuNs: modes === null ? [null, null] : [100, 100],
      };
    },
    calibrate:
      modes === null
        ? null
        : async () => {
            log.push('calibrate');
            // The outer one of each two is not next to the run of theirs.
            const ns = modes[calibrations >> 1] ?? modes.at(-1)!;
            return calibrations++ % 2 === 0 ? [9999, ns] : [ns, 9999];
          },
  };
}

async function measured(modes: number[] | null, strategies: string[], rounds: number, shipped = false) {
  const log: string[] = [];
  const shown: string[] = [];
  const done: PeerRound[] = [];
  const sides = sidesOf(log, modes);
  const asShipped: Sides['shipped'] = async () => {
    log.push('shipped');
    return { ...(await sidesOf([], null).peer()), transfersPerSecond: 1.5e6 };
  };
  await measureRow(done, shipped ? { ...sides, shipped: asShipped } : sides, {
    strategies,
    rounds,
    onRun: (round, what) => shown.push(`${round} ${what}`),
  });
  return { log, shown, done };
}

test('a row: theirs and ours in turn, each first by turns, a ratio a round', async () => {
  const { log, shown, done } = await measured(null, ['default', 'best'], 3);
  assert.deepEqual(log, ['peer', 'default', 'best', 'best', 'default', 'peer', 'peer', 'default', 'best']);
  assert.deepEqual(shown.slice(0, 4), ['0 theirs', '0 ours, default', '0 ours, best', '1 ours, best']);
  assert.deepEqual(
    done.map(({ first }) => first),
    ['peer', 'ours', 'peer'],
  );
  assert.deepEqual([ratiosOf(done, 'default'), ratiosOf(done, 'best')], [Array(3).fill(1.5), Array(3).fill(2.5)]);
});

test('a row with theirs as shipped: in the same rounds, on the far side of the mended one, to which every ratio is', async () => {
  const { log, shown, done } = await measured(null, ['default', 'best'], 2, true);
  assert.deepEqual(log, ['shipped', 'peer', 'default', 'best', 'best', 'default', 'peer', 'shipped']);
  assert.deepEqual(shown.slice(0, 2), ['0 theirs, as shipped', '0 theirs']);
  assert.deepEqual(
    done.map(({ peer, shipped, ours }) => [peer.transfersPerSecond, shipped?.ratio, ...ours.map(({ ratio }) => ratio)]),
    [
      [2e6, 0.75, 1.5, 2.5],
      [2e6, 0.75, 2.5, 1.5],
    ],
  );
});

test('a row with theirs as shipped on two CPUs: it is calibrated, and compared, by itself', async () => {
  const { log, done } = await measured([900, 100, 100, 100], ['default'], 2, true);
  const theirs = (name: string) => ['calibrate', name, 'calibrate'];
  assert.deepEqual(log, [
    ...theirs('shipped'),
    ...theirs('peer'),
    'default',
    'default',
    ...theirs('peer'),
    ...theirs('shipped'),
  ]);
  assert.deepEqual(
    done.map(({ shipped, ours }) => [shipped?.crossCpuNs, shipped?.ratio, ours[0]?.ratio]),
    [
      [[900, 900], null, 1.5],
      [[100, 100], 0.75, 1.5],
    ],
  );
});

test('a row of theirs alone', async () => {
  const { log, done } = await measured(null, [], 2);
  assert.deepEqual(
    [log, done.map(({ ours }) => ours)],
    [
      ['peer', 'peer'],
      [[], []],
    ],
  );
});

test('a row on two CPUs is calibrated on both sides of theirs', async () => {
  const { log, done } = await measured([100, 110], ['default'], 2);
  const theirs = ['calibrate', 'peer', 'calibrate'];
  assert.deepEqual(log, [...theirs, 'default', 'default', ...theirs]);
  assert.deepEqual(
    done.map(({ peer }) => peer.crossCpuNs),
    [
      [100, 100],
      [110, 110],
    ],
  );
});

const modes = [
  // calibrations of rounds, rounds wanted, rounds run, ratios
  [[100, 100, 100], 3, 3, 3],
  [[900, 100, 100, 100], 3, 4, 3],
  [[900, 900, 100], 2, 4, 2],
  [[900], 2, 4, 0],
] as const;
for (const [calibrations, wanted, run, ratios] of modes)
  test(`a row whose modes are [${calibrations}]: ${wanted} wanted`, async () => {
    const { done } = await measured([...calibrations], ['default', 'best'], wanted);
    assert.deepEqual(
      [done.length, ratiosOf(done, 'default').length, ratiosOf(done, 'best').length],
      [run, ratios, ratios],
    );
  });

test('a round that fails leaves those before it', async () => {
  const done: PeerRound[] = [];
  const sides = sidesOf([], null);
  let runs = 0;
  const peer = () => (runs++ < 2 ? sides.peer() : Promise.reject(new Error('gone')));
  const options = { strategies: ['default'], rounds: 5, onRun: () => {} };
  await assert.rejects(measureRow(done, { ...sides, peer }, options), /gone/);
  assert.equal(done.length, 2);
});
