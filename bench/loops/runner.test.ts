/** The runner's waits that run out, by a clock of the test's own: what is a lost wake-up, what a stall, and when. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { WaitSet } from '../../src/doorbell/doorbell.ts';
import { IDLE, type Loop, MUST_WAIT, REACHED } from './loop.ts';
import { Runner, Stalled } from './runner.ts';

const TIMEOUT_MS = 20;
/** What the peer may be waited for beyond the bound; a peer that waits for this side's next step gives up then. */
const STALL_MS = 500;

/** A side whose waits nobody ends, and for which there is work from a time on. */
function lonely(workAtMs: number) {
  const clock = { ms: 0 };
  const loop = {
    ...{ done: 0, suppressed: 0, looks: 0, lookUs: 0, dueInMs: () => 0, woken() {}, restart() {}, pause() {} },
    hasWork: () => clock.ms >= workAtMs,
    advance: () => (clock.ms >= workAtMs && clock.ms > TIMEOUT_MS ? REACHED : MUST_WAIT),
  } satisfies Loop;
  const waits = {
    wait: (timeoutMs: number) => {
      clock.ms += timeoutMs;
      return 'timed-out' as const;
    },
  } as unknown as WaitSet;
  return { clock, runner: new Runner('guest', loop, waits, TIMEOUT_MS) };
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

/** A side that polls, `lookMs` from look to look, with a pause of the machine before the second; ends at `workAtMs`. */
function polling(
  context: TestContext,
  { lookMs, pauseMs, workAtMs }: Record<'lookMs' | 'pauseMs' | 'workAtMs', number>,
) {
  const clock = { ms: 0, looks: 0 };
  context.mock.method(performance, 'now', () => clock.ms);
  const loop = {
    ...{
      done: 0,
      suppressed: 0,
      looks: 0,
      lookUs: 0,
      dueInMs: () => 0,
      woken() {},
      restart() {},
      pause() {},
      hasWork: () => false,
    },
    advance: () => {
      clock.ms += clock.looks++ === 1 ? pauseMs : lookMs;
      return clock.ms >= workAtMs ? REACHED : IDLE;
    },
  } satisfies Loop;
  const waits = { stopped: () => false } as unknown as WaitSet;
  return { clock, runner: new Runner('host', loop, waits, TIMEOUT_MS) };
}

test('runner: a machine that pauses is no peer that stalls', async (context) => {
  const pauseMs = 10_000;
  const { runner } = polling(context, { lookMs: 1, pauseMs, workAtMs: pauseMs + STALL_MS / 2 });
  await runner.run(1, true);
});

test('runner: polled in vain is a stall, after the bound and its grace', async (context) => {
  const { clock, runner } = polling(context, { lookMs: 1, pauseMs: 1, workAtMs: Number.POSITIVE_INFINITY });
  await assert.rejects(runner.run(1, true), Stalled);
  assert.equal(clock.ms, 1 + TIMEOUT_MS + STALL_MS);
});
