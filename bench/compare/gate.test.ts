import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunRecord } from '../records/record.ts';
import { pairCells } from './cells.ts';
import { compareCells } from './comparison.ts';
import { findings, type Gate, regressions } from './gate.ts';
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

const [plain, eventidx, pipe] = [[], ['--eventidx'], ['--doorbell', 'pipe']].map((args) =>
  recordOf({ speeds: around(3e6, 15), args }),
) as [RunRecord, RunRecord, RunRecord];
const few = recordOf({ speeds: [1.2e6] });
const one = recordOf({ speeds: [3e6] });
/** Each side of it in a mode of its own. */
const [near, far] = [90, 400].map((ns) =>
  recordOf({
    speeds: around(3e6, 15),
    args: ['--batch', '4'],
    crossings: around(ns, 15, 0).map(() => [ns, ns] as const),
  }),
) as [RunRecord, RunRecord];
const NAME = 'ring/engine=wasm/ordering=wasm/doorbell=adaptive/layout=split/host=vringh';
const notInB = `missing: not in B: ${NAME}/eventidx=on/transfers=1000`;
const notInA =
  'missing: not in A: ring/engine=wasm/ordering=wasm/doorbell=pipe/layout=split/host=vringh/transfers=1000';
const NONE: Gate = { failOnRegression: null, allowMissing: false, requireAll: false, requireVerdict: false };
const GATE: Gate = { ...NONE, failOnRegression: 5 };

const looks: [what: string, a: RunRecord[], b: RunRecord[], gate: Gate, passed: string[], failing: string[]][] = [
  ['all the same', [plain], [plain], GATE, [], []],
  ['a missing cell, with a gate', [plain, eventidx], [plain], GATE, [], [notInB]],
  ['a missing cell that may be', [plain, eventidx], [plain], { ...GATE, allowMissing: true }, [notInB], []],
  ['a missing cell, without a gate', [plain, eventidx], [plain], NONE, [notInB], []],
  [
    'a missing cell, without a gate, all required',
    [plain, eventidx],
    [plain],
    { ...NONE, requireAll: true },
    [],
    [notInB],
  ],
  ['a new cell', [plain], [plain, pipe], GATE, [notInA], []],
  ['a new cell, all required', [plain], [plain, pipe], { ...GATE, requireAll: true }, [], [notInA]],
  ['one repetition a side, 60 % less', [one], [few], GATE, ['no verdict: not enough data'], []],
  ['the same, without a gate', [one], [few], NONE, [], []],
  [
    'the same, a verdict required',
    [one],
    [few],
    { ...GATE, requireVerdict: true },
    [],
    ['no verdict: not enough data'],
  ],
  [
    'a cell that was in another mode',
    [plain, near],
    [plain, far],
    { ...NONE, requireVerdict: true },
    [],
    ['no verdict: batch=4: not compared'],
  ],
];
for (const [what, a, b, gate, passed, failing] of looks)
  test(`gate: ${what}: ${failing.length === 0 ? 'passes' : 'fails'}, and says what it did not look at`, () => {
    const { pairs, onlyA, onlyB } = pairCells(a, b, false);
    const found = findings({ cells: compareCells(pairs, 2), onlyA, onlyB }, gate);
    const told = (fail: boolean) =>
      found.filter(({ fails }) => fails === fail).map(({ what, text }) => `${what}: ${text}`);
    assert.deepEqual([told(false), told(true)], [passed, failing]);
  });
