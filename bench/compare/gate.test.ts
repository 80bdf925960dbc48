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
    [/^1 of 16 did not end well, 0 of 15 before$/],
  ],
];
test('gate: nothing that could be compared does not pass', () => {
  const side = { observations: [], failures: 0 };
  const { pairs } = pairCells([recordOf(before)], [recordOf(before)], false);
  assert.deepEqual(regressions(compareCells([{ ...pairs[0]!, b: side }], 2), 5), ['no cell could be compared']);
});

test('gate: notifications that scatter from run to run are no regression', () => {
  const scattered = (rates: number[]) => rates.map((notified) => recordOf({ speeds: [3e6], notified }));
  const { pairs } = pairCells(scattered([0.31, 0.2, 0.41]), scattered([0.79, 0.95, 0.84]), false);
  assert.deepEqual(regressions(compareCells(pairs, 2), 5), []);
});

for (const [what, after, percent, failing] of cases)
  test(`gate of ${percent} %: ${what}`, () => {
    const { pairs } = pairCells([recordOf(before)], [recordOf(after)], false);
    const lines = regressions(compareCells(pairs, 2), percent);
    assert.equal(lines.length, failing.length, lines.join('\n'));
    for (const [i, message] of failing.entries()) assert.match(lines[i]!, message);
  });
