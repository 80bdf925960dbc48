import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from './in-service.ts';

/** Lets the clock go on by this much, milliseconds, however slow the machine is. */
function work(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** Counts rounds of the event loop until `isDone`. */
function roundsUntil(isDone: () => boolean): Promise<number> {
  return new Promise((resolve, reject) => {
    let rounds = 0;
    const next = () => {
      if (isDone()) resolve(rounds);
      else if (++rounds > 10_000) reject(new Error('waited in vain'));
      else setImmediate(next);
    };
    setImmediate(next);
  });
}

test('turns: asked for many times, one comes, not at once, and can be asked for again', async () => {
  let taken = 0;
  const turns = new Turns(() => taken++);
  for (let i = 0; i < 3; i++) turns.ask();
  assert.equal(taken, 0);
  await roundsUntil(() => taken > 0);
  await new Promise(setImmediate);
  assert.equal(taken, 1);
  turns.ask();
  await roundsUntil(() => taken > 1);
  assert.equal(taken, 2);
});

test('turns: one taken at once is none where one is asked for', async () => {
  let taken = 0;
  const turns = new Turns(() => taken++);
  turns.takeNow();
  assert.equal(taken, 1);
  turns.ask();
  turns.takeNow();
  assert.equal(taken, 1);
  await roundsUntil(() => taken === 2);
});

test('turns: one that asks again waits for the next round: something else comes between', async () => {
  const seen: string[] = [];
  const turns: Turns = new Turns(() => {
    seen.push('turn');
    setImmediate(() => seen.push('other'));
    if (seen.length < 6) turns.ask();
  });
  turns.ask();
  await roundsUntil(() => seen.length >= 8);
  assert.deepEqual(seen, ['turn', 'other', 'turn', 'other', 'turn', 'other', 'turn', 'other']);
});

for (const [what, begin] of [
  ['asked for', (turns: Turns) => turns.ask()],
  ['taken at once, as when all queues are kicked', (turns: Turns) => turns.takeNow()],
] as const)
  test(`turns: 60 of 2 ms each, ${what}, leave rounds of the event loop in between, and all come, in order`, async () => {
    const came: number[] = [];
    const all = Array.from(
      { length: 60 },
      (_, i) =>
        new Turns(() => {
          work(2);
          came.push(i);
        }),
    );
    for (const turns of all) begin(turns);
    // 8 ms of a round hold four of them; the fifth may just begin.
    assert.ok(came.length <= 5, `${came.length} came in the round that began them`);
    const rounds = await roundsUntil(() => came.length === all.length);
    assert.ok(rounds >= (60 - 5) / 5 - 1, `${rounds} rounds`);
    assert.deepEqual(came, [...all.keys()]);
  });

test('turns: one that throws loses no other', async () => {
  const came: number[] = [];
  const thrown = new Promise((resolve) => process.setUncaughtExceptionCaptureCallback(resolve));
  new Turns(() => {
    throw new Error('planted');
  }).ask();
  for (let i = 0; i < 3; i++) new Turns(() => came.push(i)).ask();
  assert.match(`${await thrown}`, /planted/);
  process.setUncaughtExceptionCaptureCallback(null);
  await roundsUntil(() => came.length === 3);
  assert.deepEqual(came, [0, 1, 2]);
});
