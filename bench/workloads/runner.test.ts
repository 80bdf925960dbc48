/** The runner's waits that run out, by a clock of the test's own: what is a lost wake-up, what a stall, and when. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WaitSet } from '../../src/doorbell/doorbell.ts';
import { type Loop, MUST_WAIT, REACHED } from './loops.ts';
import { Runner, Stalled } from './runner.ts';

const TIMEOUT_MS = 20;
/** What the peer may be waited for beyond the bound; a peer that waits for this side's next step gives up then. */
const STALL_MS = 500;

/** A side whose waits nobody ends, and for which there is work from a time on. */
function lonely(workAtMs: number) {
  const clock = { ms: 0 };
  const loop = {
    ...{ done: 0, suppressed: 0, dueInMs: () => 0, woken() {}, pause() {} },
    hasWork: () => clock.ms >= workAtMs,
    advance: () => (clock.ms >= workAtMs && clock.ms > TIMEOUT_MS ? REACHED : MUST_WAIT),
  } satisfies Loop;
  const waits = {
    wait: (timeoutMs: number) => {
      clock.ms += timeoutMs;
      return 'timed-out' as const;
    },
  } as unknown as WaitSet;
  return { clock, runner: new Runner('guest', loop, waits, TIMEOUT_MS, 0) };
}

for (const workAtMs of [0, TIMEOUT_MS, TIMEOUT_MS + 1, 200, TIMEOUT_MS + STALL_MS - 1])
  test(`runner: work that nobody rang for after ${workAtMs} ms is a lost wake-up before the peer gives up`, async () => {
    const { clock, runner } = lonely(workAtMs);
    await runner.run(1, true);
    assert.equal(runner.lostWakeups, 1);
    // The peer began to wait when it made the work.
    assert.ok(clock.ms < Math.max(workAtMs, TIMEOUT_MS) + STALL_MS, `found after ${clock.ms} ms`);
  });

test('runner: no work at all is a stall, after the bound and its grace', async () => {
  const { clock, runner } = lonely(Number.POSITIVE_INFINITY);
  await assert.rejects(runner.run(1, true), Stalled);
  assert.equal(clock.ms, TIMEOUT_MS + STALL_MS);
  assert.equal(runner.lostWakeups, 0);
});
