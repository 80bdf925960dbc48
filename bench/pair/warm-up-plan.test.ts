/** When a warm-up ends: tables of legs, as a loop is compiled, thrown out of optimised code, disturbed, or never steady. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UNTIL_STEADY, type WarmUpLength } from '../axes/warm-up.ts';
import { type Leg, planOf, type WarmUpPlan } from './warm-up-plan.ts';

/** Speed and compilations of a leg, by the transfers before it. */
type Loop = (transfers: number, leg: number) => { nsPerTransfer: number; compiledBytes: number | null };

/** Plays a warm-up; returns its legs. */
function play(plan: WarmUpPlan, loop: Loop, legsMax = 10_000): Leg[] {
  const legs: Leg[] = [];
  let transfers = 0;
  for (let leg = plan.next(); leg > 0; leg = plan.next()) {
    assert.ok(legs.length < legsMax, 'it ends');
    const { nsPerTransfer, compiledBytes } = loop(transfers, legs.length);
    legs.push({ transfers: leg, wallMs: (leg * nsPerTransfer) / 1e6, compiledBytes });
    plan.add(legs.at(-1)!);
    transfers += leg;
  }
  return legs;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const auto = () => planOf(UNTIL_STEADY);

/** Slow until `coldTransfers`, then compiled; after that as fast as it gets. */
const compiledAt =
  (...atTransfers: number[]): Loop =>
  (transfers) => {
    const next = atTransfers.find((at) => transfers < at);
    return { nsPerTransfer: next === undefined ? 160 : 1200, compiledBytes: next === undefined ? 0 : 4096 };
  };

test('warm-up: quiet and no faster for three legs, each long enough to have a speed', () => {
  const plan = auto();
  const legs = play(plan, compiledAt(300_000));
  assert.equal(plan.steady, true);
  const quiet = legs.slice(legs.findLastIndex(({ compiledBytes }) => compiledBytes !== 0) + 1);
  assert.ok(quiet.filter(({ wallMs }) => wallMs >= 50).length >= 3, `quiet legs: ${quiet.length}`);
  assert.ok(sum(legs.map(({ wallMs }) => wallMs)) < 2000, 'it does not take longer than it must');
});

test('warm-up: a loop that is compiled once more goes on being warmed up', () => {
  const late: Loop = (transfers, leg) => ({ ...compiledAt(300_000)(transfers, leg), compiledBytes: leg < 20 ? 1 : 0 });
  const plan = auto();
  const legs = play(plan, late);
  assert.equal(plan.steady, true);
  assert.equal(legs.length, 23);
});

test('warm-up: a loop that is still getting faster goes on being warmed up', () => {
  const plan = auto();
  let nsPerTransfer = 1000;
  const legs = play(plan, (_, leg) => {
    if (leg >= 8 && leg < 18) nsPerTransfer *= 0.9;
    return { nsPerTransfer, compiledBytes: 0 };
  });
  assert.equal(plan.steady, true);
  assert.ok(legs.length > 18, `${legs.length} legs`);
});

test('warm-up: speeds that scatter without rising are steady', () => {
  const plan = auto();
  const legs = play(plan, (_, leg) => ({ nsPerTransfer: 150 * (leg % 3 === 0 ? 1 : 1.2), compiledBytes: 0 }));
  assert.equal(plan.steady, true);
  assert.ok(legs.length < 20, `${legs.length} legs`);
});

const endless: [what: string, loop: Loop][] = [
  ['is compiled in every leg', () => ({ nsPerTransfer: 150, compiledBytes: 64 })],
  ['gets faster for ever', (_, leg) => ({ nsPerTransfer: 1e4 * 0.93 ** leg, compiledBytes: 0 })],
];
for (const [what, loop] of endless)
  test(`warm-up: a loop that ${what} is measured after some seconds, and not called steady`, () => {
    const plan = auto();
    const legs = play(plan, loop);
    assert.equal(plan.steady, false);
    const wallMs = sum(legs.map((leg) => leg.wallMs));
    assert.ok(wallMs >= 3000 && wallMs < 4000, `${wallMs} ms`);
  });

test('warm-up: an engine that does not tell what it compiles is warm when its speed is', () => {
  const plan = auto();
  play(plan, (transfers) => ({ nsPerTransfer: transfers < 400_000 ? 900 : 150, compiledBytes: null }));
  assert.equal(plan.steady, true);
});

test('warm-up: of transfers that take a second each it begins with a few', () => {
  const legs = play(auto(), () => ({ nsPerTransfer: 1e9, compiledBytes: 0 }));
  assert.equal(sum(legs.map(({ transfers }) => transfers)), 64);
});

test('warm-up: its own legs are of even numbers', () => {
  for (const { transfers } of play(auto(), compiledAt(100_000))) assert.equal(transfers % 2, 0);
});

const quiet: Loop = () => ({ nsPerTransfer: 150, compiledBytes: 0 });
const fixed: [warmup: WarmUpLength, legs: number[], loop: Loop, steady: boolean | null][] = [
  [200_000, [50_000, 50_000, 50_000, 50_000], quiet, true],
  [1001, [250, 250, 250, 251], quiet, true],
  [2, [1, 1], quiet, true],
  [1, [1], quiet, true],
  [0, [], quiet, false],
  [1000, [250, 250, 250, 250], () => ({ nsPerTransfer: 150, compiledBytes: 9 }), false],
  [1000, [250, 250, 250, 250], (_, leg) => ({ nsPerTransfer: 150, compiledBytes: leg < 3 ? 9 : 0 }), true],
  [1000, [250, 250, 250, 250], () => ({ nsPerTransfer: 150, compiledBytes: null }), null],
];
for (const [warmup, expected, loop, steady] of fixed)
  test(`warm-up: ${warmup} transfers in ${expected.length} legs, steady ${steady}`, () => {
    const plan = planOf(warmup);
    const legs = play(plan, loop);
    assert.deepEqual(
      legs.map(({ transfers }) => transfers),
      expected,
    );
    assert.equal(plan.steady, steady);
  });
