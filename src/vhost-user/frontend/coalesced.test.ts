import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coalesced } from './coalesced.ts';

/** The runs so far, each of which ends when it is told to. */
function stage() {
  const ends: (() => void)[] = [];
  const ask = coalesced(
    () =>
      new Promise<void>((resolve) => {
        ends.push(resolve);
      }),
  );
  const finish = async () => {
    ends.at(-1)!();
    await new Promise(setImmediate);
  };
  return { ends, ask, finish };
}

const cases: [what: string, before: number, during: number, runs: number][] = [
  ['nothing asked, nothing run', 0, 0, 0],
  ['one call, one run', 1, 0, 1],
  ['all calls during a run are one more', 1, 1000, 2],
];
for (const [what, before, during, runs] of cases)
  test(`coalesced: ${what}`, async () => {
    const { ends, ask, finish } = stage();
    for (let i = 0; i < before + during; i++) ask();
    assert.equal(ends.length, Math.min(1, before));
    for (let i = 0; i < runs; i++) await finish();
    assert.equal(ends.length, runs);
  });

test('coalesced: a call after the end is a run of its own', async () => {
  const { ends, ask, finish } = stage();
  ask();
  await finish();
  ask();
  assert.equal(ends.length, 2);
});
