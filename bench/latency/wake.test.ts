import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SilentDoorbell, type WaitSet, type Wake } from '../../src/doorbell/doorbell.ts';
import { clockBase, openClock } from './clock.ts';
import { sumOf } from './histogram.ts';
import { HandClock, samplesOf } from './test-clock.ts';
import { makeWakeLines, StampedDoorbell, StampedWaitSet } from './wake.ts';

/** A waiting end that does and says what a test wants of its next wait. */
class ScriptedWaitSet implements WaitSet {
  readonly spins = 3;
  readonly spinUs = 7;
  drained = 0;
  closed = 0;
  reset = 0;
  next: () => Wake | Promise<Wake> = () => 'timed-out';
  wait(): Wake | Promise<Wake> {
    return this.next();
  }
  stopped(): boolean {
    return false;
  }
  drain(): void {
    this.drained++;
  }
  resetCounters(): void {
    this.reset++;
  }
  close(): void {
    this.closed++;
  }
}

function makePair(events = 100) {
  const clock = new HandClock();
  const lines = makeWakeLines();
  const inner = new ScriptedWaitSet();
  const waits = new StampedWaitSet(inner, clock, lines, 'host', events);
  const bell = new StampedDoorbell(new SilentDoorbell(), clock, lines, 'host');
  const ringAt = (nowNs: number) => {
    clock.nowNs = nowNs;
    bell.ring();
  };
  /** A wait in which `during` happens and that ends at `endNs`. */
  const waitUntil = (endNs: number, wake: Wake, during: () => void = () => {}) => {
    inner.next = () => {
      during();
      clock.nowNs = endNs;
      return wake;
    };
    assert.equal(waits.wait(1), wake);
  };
  const samples = () => samplesOf(waits.encoded());
  return { clock, inner, waits, bell, ringAt, waitUntil, samples };
}

type Pair = ReturnType<typeof makePair>;

const cases: [what: string, act: (pair: Pair) => void, expected: number[]][] = [
  ['a ring while waiting', ({ waitUntil, ringAt }) => waitUntil(150, 'rung', () => ringAt(100)), [50]],
  [
    'several rings while waiting: the first',
    ({ waitUntil, ringAt }) =>
      waitUntil(150, 'rung', () => {
        ringAt(100);
        ringAt(120);
        ringAt(149);
      }),
    [50],
  ],
  [
    'a ring before the wait wakes nobody',
    ({ waitUntil, ringAt }) => {
      ringAt(100);
      waitUntil(150, 'rung');
    },
    [],
  ],
  [
    'a ring before the wait, and another in it that did not end it',
    ({ waitUntil, ringAt }) => {
      ringAt(100);
      waitUntil(150, 'rung', () => ringAt(149));
    },
    [],
  ],
  [
    'after a ring before a wait, the next is sampled again',
    ({ waitUntil, ringAt }) => {
      ringAt(100);
      waitUntil(150, 'rung');
      waitUntil(300, 'rung', () => ringAt(270));
    },
    [30],
  ],
  ['nobody rings', ({ waitUntil }) => waitUntil(150, 'timed-out'), []],
  [
    'a ring that comes too late for a wait ends the next, which is no sample',
    ({ waitUntil, ringAt }) => {
      waitUntil(150, 'timed-out', () => ringAt(149));
      waitUntil(160, 'rung');
    },
    [],
  ],
  [
    'after a time-out without a ring the next wait is sampled',
    ({ waitUntil, ringAt }) => {
      waitUntil(150, 'timed-out');
      waitUntil(200, 'rung', () => ringAt(160));
    },
    [40],
  ],
  ['stopped', ({ waitUntil, ringAt }) => waitUntil(150, 'stopped', () => ringAt(100)), []],
  ['a ring that nobody stamped', ({ waitUntil }) => waitUntil(150, 'rung'), []],
  [
    'what was rung before a drain is forgotten',
    ({ waits, waitUntil, ringAt }) => {
      ringAt(100);
      waits.drain();
      waitUntil(250, 'rung', () => ringAt(200));
    },
    [50],
  ],
  [
    'samples before a reset are forgotten',
    ({ waits, waitUntil, ringAt }) => {
      waitUntil(150, 'rung', () => ringAt(100));
      waits.resetCounters();
      waitUntil(220, 'rung', () => ringAt(200));
    },
    [20],
  ],
  [
    'no more samples than there is room for',
    ({ waitUntil, ringAt }) => {
      for (let i = 1; i <= 200; i++) waitUntil(i * 100 + 10, 'rung', () => ringAt(i * 100));
    },
    new Array<number>(101).fill(10),
  ],
];
for (const [what, act, expected] of cases)
  test(`wake: ${what}`, () => {
    const pair = makePair();
    act(pair);
    assert.deepEqual(pair.samples(), expected);
  });

test('wake: a wait that is a promise is sampled when it is resolved, and says the same', async () => {
  const { clock, inner, waits, ringAt, samples } = makePair();
  let end: (wake: Wake) => void = () => {};
  inner.next = () => new Promise<Wake>((resolve) => (end = resolve));
  for (const wake of ['rung', 'timed-out', 'stopped'] as const) {
    const pending = waits.wait(1);
    ringAt(100);
    clock.nowNs = 170;
    end(wake);
    assert.equal(await pending, wake);
    waits.drain();
  }
  assert.deepEqual(samples(), [70]);
});

test('wake: the stride samples one of several waits where there may be too many', () => {
  const { waitUntil, ringAt, samples } = makePair(3 * 2 ** 20);
  for (let i = 1; i <= 7; i++) waitUntil(i * 100 + i, 'rung', () => ringAt(i * 100));
  assert.deepEqual(samples(), [1, 4, 7]);
});

test('wake: the sides do not share a line, and everything else is passed on', () => {
  const clock = new HandClock();
  const lines = makeWakeLines();
  const inner = new ScriptedWaitSet();
  const waits = new StampedWaitSet(inner, clock, lines, 'guest', 10);
  const bell = new StampedDoorbell(new SilentDoorbell(), clock, lines, 'host');
  inner.next = () => {
    bell.ring();
    return 'rung';
  };
  assert.equal(waits.wait(1), 'rung');
  assert.equal(waits.encoded(), null);
  waits.drain();
  waits.resetCounters();
  waits.close();
  bell.resetCounters();
  assert.deepEqual([inner.drained, inner.reset, inner.closed], [1, 1, 1]);
  assert.deepEqual([waits.spins, waits.spinUs, waits.stopped()], [3, 7, false]);
  assert.deepEqual([bell.rings, bell.wakeSyscalls], [0, 0]);
});

test('wake: with the real clock a sample is what lies between', () => {
  const clock = openClock(clockBase());
  const lines = makeWakeLines();
  const inner = new ScriptedWaitSet();
  const waits = new StampedWaitSet(inner, clock, lines, 'guest', 10);
  const bell = new StampedDoorbell(new SilentDoorbell(), clock, lines, 'guest');
  const stamps = new Float64Array(2);
  inner.next = () => {
    clock.stampInto(stamps, 0);
    bell.ring();
    return 'rung';
  };
  waits.wait(1);
  clock.stampInto(stamps, 1);
  const sample = sumOf([waits.encoded()!]).maxValue;
  // Three significant digits: the histogram's bucket may reach a little further.
  assert.ok(sample >= 0 && sample <= (stamps[1]! - stamps[0]!) * 1.002 + 1, `${sample} ns`);
});
