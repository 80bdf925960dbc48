import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HaltPolling } from './halt-polling.ts';

const settles: [what: string, maxUs: number, waitsUs: number[], us: number[]][] = [
  ['long waits halve it, down to none', 50, [51, 51, 51, 51, 51, 51, 51], [25, 12.5, 6.25, 3.125, 1.5625, 0, 0]],
  ['short ones double it, up to the longest', 8, [9, 9, 9, 9, 8, 8, 8, 8], [4, 2, 0, 0, 2, 4, 8, 8]],
  ['none stays none', 0, [1, 0, 100], [0, 0, 0]],
];
for (const [what, maxUs, waitsUs, us] of settles)
  test(`halt polling: ${what}`, () => {
    const polling = new HaltPolling(maxUs);
    assert.equal(polling.currentUs, maxUs);
    assert.deepEqual(
      waitsUs.map((waited) => {
        polling.waited(waited);
        return polling.currentUs;
      }),
      us,
    );
  });
