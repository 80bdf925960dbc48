import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pairCells } from './cells.ts';
import { compareCells } from './comparison.ts';
import { regressions } from './gate.ts';
import { around, recordOf } from './test-records.ts';

type Given = Parameters<typeof recordOf>[0];
const before: Given = { speeds: around(3e6, 15) };

const cases: [what: string, after: Given, percent: number, failing: RegExp[]][] = [
  ['the same', { speeds: around(3e6, 15) }, 5, []],
  ['faster', { speeds: around(4e6, 15) }, 5, []],
  ['a fifth slower', { speeds: around(2.4e6, 15) }, 5, [/^0\.800 times as fast \(0\.\d+ to 0\.\d+\)$/]],
  ['a fifth slower, and a wider threshold', { speeds: around(2.4e6, 15) }, 30, []],
  ['slower, but the interval reaches the threshold', { speeds: around(2.82e6, 15) }, 6, []],
  ['slower, but of too few repetitions to say', { speeds: around(2.4e6, 1) }, 5, []],
  [
    'as fast with more notifications',
    { speeds: around(3e6, 15), notified: 0.02 },
    5,
    [/^notifications a transfer went from 0\.0200 to 0\.0400$/],
  ],
  ['fewer notifications', { speeds: around(3e6, 15), notified: 0.005 }, 5, []],
  [
    'a run that failed',
    { speeds: around(3e6, 15), outcome: 'lost-wakeups' },
    5,
    [/^1 runs did not end well, 0 before$/],
  ],
];
for (const [what, after, percent, failing] of cases)
  test(`gate of ${percent} %: ${what}`, () => {
    const { pairs } = pairCells([recordOf(before)], [recordOf(after)], false);
    const lines = regressions(compareCells(pairs, 2), percent);
    assert.equal(lines.length, failing.length, lines.join('\n'));
    for (const [i, message] of failing.entries()) assert.match(lines[i]!, message);
  });
