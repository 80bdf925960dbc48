import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FixedRate } from './pace.ts';
import { NO_PROBE, RoundTripProbe, ScheduledRoundTripProbe } from './round-trip.ts';
import { HandClock, samplesOf } from './test-clock.ts';

const cases: [transfers: number, every: number, first: number][] = [
  [10, 1, 0],
  [10, 3, 0],
  [10, 5, 200_000],
  [11, 5, 7],
  [1, 64, 0],
  [5, 2_000_000_000, 0],
  [6, 2, 1_999_999_990],
];
for (const [transfers, every, first] of cases)
  test(`round trip: every ${every}. of ${transfers} transfers from ${first} on, to the nanosecond`, () => {
    const clock = new HandClock();
    const probe = new RoundTripProbe(clock, transfers, every);
    probe.restart(first);
    // All are sent before the first returns; the x-th takes 1000 ns and x more.
    for (let x = 0; x < transfers; x++) {
      clock.nowNs = x;
      probe.sent(first + x);
    }
    for (let x = 0; x < transfers; x++) {
      clock.nowNs = 1000 + 2 * x;
      probe.returned(first + x);
    }
    const expected = Array.from({ length: Math.ceil(transfers / every) }, (_, i) => 1000 + i * every);
    assert.deepEqual(samplesOf(probe.encoded()), expected);
  });

test('round trip: what came before a restart is forgotten, and more than there is room for is left out', () => {
  const clock = new HandClock();
  const probe = new RoundTripProbe(clock, 4, 2);
  for (let x = 0; x < 100; x++) {
    probe.sent(x);
    clock.nowNs += 5;
    probe.returned(x);
  }
  assert.equal(samplesOf(probe.encoded()).length, 3, 'two, and one more for where the counting begins');
  probe.restart(100);
  assert.deepEqual(samplesOf(probe.encoded()), []);
  probe.sent(100);
  clock.nowNs += 9;
  probe.returned(100);
  assert.deepEqual(samplesOf(probe.encoded()), [9]);
});

test('round trip: at a fixed rate the clock starts when a transfer was due, sent or not', () => {
  const clock = new HandClock();
  const pace = new FixedRate(clock, 10_000_000);
  const probe = new ScheduledRoundTripProbe(clock, 4, 1, pace);
  clock.nowNs = 500;
  probe.restart(50);
  pace.restart(50);
  // The sender wakes up late: what was due at 500, 600, 700 and 800 is sent at 1500 and back at once.
  for (let x = 50; x < 54; x++) {
    clock.nowNs = 1500;
    probe.sent(x);
    probe.returned(x);
  }
  assert.deepEqual(samplesOf(probe.encoded()), [700, 800, 900, 1000]);
});

test('round trip: nobody asked, nothing is known', () => {
  NO_PROBE.restart(0);
  NO_PROBE.sent(0);
  NO_PROBE.returned(0);
  assert.equal(NO_PROBE.encoded(), null);
});
