import assert from 'node:assert/strict';
import { test } from 'node:test';
import { doubtsOf } from './doubts.ts';
import type { RunRecord } from './record.ts';
import { recordOf, repetition, side } from './test-record.ts';

const still = repetition({ stoodStillNs: 1.25e9 });
const [pair] = repetition().pairs;
const sided = (change: Parameters<typeof side>[0]) => repetition({ pairs: [{ ...pair!, host: side(change) }] });
const unpinned = sided({ pinned: false, cpu: null, unpinnedReason: 'taskset (util-linux) not found' });
const moved = sided({ pinned: false, cpu: null, unpinnedReason: 'moved off its CPU: pinned to CPU 1, allowed on 0' });
const STILL = 'the run stood still for 1.3 s in its window, stopped from outside: it is in the averages';
const MOVED = 'a thread was moved off its CPU: pinned to CPU 1, allowed on 0';

const rows: [what: string, change: Partial<RunRecord>, doubts: string[]][] = [
  ['nothing', {}, []],
  ['no repetition', { repetitions: [] }, []],
  ['a warning', { warnings: ['the window was not steady'] }, ['the window was not steady']],
  ['a stop that no warning tells', { repetitions: [repetition(), still] }, ['the run stood still for 1.3 s']],
  ['a stop that a warning tells', { warnings: [STILL], repetitions: [still] }, [STILL]],
  [
    'a thread that stayed unpinned',
    { repetitions: [unpinned] },
    ['a thread was not pinned: taskset (util-linux) not found'],
  ],
  ['a thread that was moved', { warnings: [MOVED], repetitions: [moved] }, [MOVED]],
];
for (const [what, change, doubts] of rows)
  test(`doubts: ${what}`, () => assert.deepEqual(doubtsOf(recordOf(change)), doubts));

test('doubts: of a run that was to be unpinned, none', () => {
  const reason = sided({ pinned: false, cpu: null, unpinnedReason: 'by --cpus none' });
  assert.deepEqual(doubtsOf(recordOf({ repetitions: [reason] }, ['--cpus', 'none'])), []);
});
