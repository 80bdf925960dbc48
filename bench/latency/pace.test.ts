import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockBase, openClock } from './clock.ts';
import { FixedRate, UNPACED } from './pace.ts';
import { HandClock } from './test-clock.ts';
import { printedByEngine } from './test-engine.ts';

/** How many transfers from `first` on are due. */
function dueCount(pace: FixedRate, first: number): number {
  let x = first;
  while (pace.due(x)) x++;
  return x - first;
}

const START_NS = 123_456_789;
const FIRST = 200_000;

const counts: [perSecond: number, afterNs: number, expected: number][] = [
  [1, 0, 1],
  [1, 999_999_999, 1],
  [1, 1_000_000_000, 2],
  [1000, 999_999, 1],
  [1000, 1_000_000, 2],
  [1000, 10_500_000, 11],
  [3, 999_999_999, 3],
  [3, 1_000_000_001, 4],
  [10_000_000, 100, 2],
  [10_000_000, 12_345_678, 123_457],
];
for (const [perSecond, afterNs, expected] of counts)
  test(`pace: at ${perSecond}/s, ${afterNs} ns after the start ${expected} are due`, () => {
    const clock = new HandClock();
    const pace = new FixedRate(clock, perSecond);
    clock.nowNs = START_NS;
    pace.restart(FIRST);
    clock.nowNs = START_NS + afterNs;
    assert.equal(dueCount(pace, FIRST), expected);
    assert.ok(pace.dueInMs(FIRST + expected) > 0);
    assert.ok(pace.dueInMs(FIRST + expected - 1) <= 0);
  });

/** Prints whether the code of a schedule of whole microseconds is optimised, and still is a million transfers later. */
const A_MILLION_LATER = `
  const { FixedRate } = await import(process.argv[1]);
  const clock = { stampInto(stamps, index) { stamps[index] = 0.5; } };
  const pace = new FixedRate(clock, 10000);
  const { dueInMs, dueInto } = FixedRate.prototype;
  const stamps = new Float64Array(1);
  const look = (x) => {
    pace.dueInMs(x);
    pace.dueInto(x, stamps, 0);
  };
  pace.restart(0);
  for (const method of [dueInMs, dueInto]) %PrepareFunctionForOptimization(method);
  for (let x = 1; x < 10; x++) look(x);
  for (const method of [dueInMs, dueInto]) %OptimizeFunctionOnNextCall(method);
  look(10);
  const before = [optimised(dueInMs), optimised(dueInto)];
  look(1000000);
  console.log(...before, optimised(dueInMs), optimised(dueInto));
`;

test('pace: its optimised code outlives the transfers of a window', () => {
  assert.equal(printedByEngine('./pace.js', A_MILLION_LATER), 'true true true true\n');
});

test('pace: until the window begins everything is due', () => {
  const pace = new FixedRate(new HandClock(), 1);
  for (const x of [0, 1, 1_999_999_999]) {
    assert.equal(pace.due(x), true);
    assert.equal(pace.dueInMs(x), 0);
    pace.pause(x);
  }
});

test('pace: when transfers are due, and how long until then', () => {
  const clock = new HandClock();
  const pace = new FixedRate(clock, 2000);
  clock.nowNs = START_NS;
  pace.restart(FIRST);
  const stamps = new Float64Array(2);
  const expected: [x: number, inMs: number][] = [
    [FIRST, 0],
    [FIRST + 1, 0.5],
    [FIRST + 100, 50],
    [1_999_999_999, (1_999_999_999 - FIRST) * 0.5],
  ];
  for (const [x, inMs] of expected) {
    pace.dueInto(x, stamps, 1);
    assert.equal(stamps[1], START_NS + inMs * 1e6);
    assert.equal(pace.dueInMs(x), inMs);
  }
});

test('pace: a pause lasts until the transfer is due', () => {
  const clock = openClock(clockBase());
  const pace = new FixedRate(clock, 500);
  pace.restart(FIRST);
  const stamps = new Float64Array(2);
  for (let x = FIRST; x < FIRST + 20; x++) {
    pace.pause(x);
    clock.stampInto(stamps, 0);
    pace.dueInto(x, stamps, 1);
    assert.ok(stamps[0]! >= stamps[1]!, `transfer ${x} was due at ${stamps[1]}, not ${stamps[0]}`);
    assert.equal(pace.due(x), true);
  }
});

test('pace: a long pause comes back before, to be asked whether the run is being stopped', () => {
  const clock = new HandClock();
  const pace = new FixedRate(clock, 1);
  pace.restart(0);
  // By its clock no time passes: only the bound of its sleep can end it.
  pace.pause(1);
  assert.equal(pace.due(1), false);
  assert.equal(pace.dueInMs(1), 1000);
});

test('pace: what is left of a pause is spun away with few looks at the clock', () => {
  const clock = new HandClock();
  const pace = new FixedRate(clock, 1_000_000);
  pace.restart(0);
  clock.stepNs = 300;
  pace.pause(1);
  assert.ok(pace.due(1));
  assert.ok(clock.nowNs <= 10 * clock.stepNs, `${clock.nowNs / clock.stepNs} looks`);
});

test('pace: as fast as it goes', () => {
  UNPACED.restart(5);
  UNPACED.pause(5);
  const stamps = Float64Array.of(7);
  UNPACED.dueInto(5, stamps, 0);
  assert.deepEqual([UNPACED.due(1e9), UNPACED.dueInMs(1e9), stamps[0]], [true, 0, 7]);
});
