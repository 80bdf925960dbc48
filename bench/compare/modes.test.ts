import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Observation } from './cells.ts';
import { modesOf } from './modes.ts';

const by =
  (crossedBy: Observation['crossedBy']) =>
  (...crossings: [number, number][]): Observation[] =>
    crossings.map((of) => ({ atMs: 0, transfersPerSecond: 1, notifications: 0, crossings: of, crossedBy }));
const at = by('wasm');
const once = by('js');
const uncrossed: Observation = { atMs: 0, transfersPerSecond: 1, notifications: 0, crossings: null, crossedBy: 'js' };

const cases: [what: string, a: Observation[], b: Observation[], modes: [number, number][], changed: number][] = [
  ['one mode', at([90, 95], [100, 110]), at([120, 130]), [[2, 1]], 0],
  ['no way to measure', [uncrossed, uncrossed], [uncrossed], [[2, 1]], 0],
  [
    'two modes, both in both',
    at([90, 90], [400, 400]),
    at([410, 400], [95, 95]),
    [
      [1, 1],
      [1, 1],
    ],
    0,
  ],
  [
    'each side in a mode of its own',
    at([90, 90], [91, 91]),
    at([400, 400]),
    [
      [2, 0],
      [0, 1],
    ],
    0,
  ],
  [
    'three modes',
    at([90, 90]),
    at([200, 200], [500, 500]),
    [
      [1, 0],
      [0, 1],
      [0, 1],
    ],
    0,
  ],
  ['a mode that changed within a repetition', at([90, 400], [90, 90]), at([90, 100]), [[1, 1]], 1],
  [
    'measured against not',
    at([90, 90], [400, 400]),
    [uncrossed, uncrossed],
    [
      [0, 2],
      [1, 0],
      [1, 0],
    ],
    0,
  ],
  [
    'not measured against measured',
    [uncrossed],
    at([90, 90]),
    [
      [1, 0],
      [0, 1],
    ],
    0,
  ],
  ['all changed', at([90, 400]), at([400, 90]), [[0, 0]], 2],
  [
    'ways of older records, among each other',
    once([250, 250], [900, 900]),
    once([240, 260]),
    [
      [1, 1],
      [1, 0],
    ],
    0,
  ],
  ['the same machine, its way measured by other means', once([250, 250]), at([100, 100]), [[1, 1]], 0],
  ['another mode that looks the same by other means', once([100, 100]), at([100, 100], [300, 300]), [[1, 2]], 0],
  ['other means, and a mode that changed', once([250, 600], [250, 250]), at([100, 100]), [[1, 1]], 1],
];
for (const [what, a, b, expected, changed] of cases)
  test(`modes: ${what}`, () => {
    const found = modesOf(a, b);
    assert.deepEqual(
      found.modes.map((mode) => [mode.a.length, mode.b.length]),
      expected,
    );
    assert.equal(found.changed, changed);
  });

test('modes: the lowest and highest way of each, fastest first', () => {
  const { modes } = modesOf(at([100, 100], [400, 400]), at([90, 90], [500, 500]));
  const rounded = modes.map(({ crossingNs }) => crossingNs!.map(Math.round));
  assert.deepEqual(rounded, [
    [90, 100],
    [400, 500],
  ]);
});

test('modes: ways by different means are said to be unlike', () => {
  assert.equal(modesOf(once([250, 250]), at([100, 100])).unlikeWays, true);
  assert.equal(modesOf(once([250, 250]), once([250, 250])).unlikeWays, false);
  assert.equal(modesOf(at([250, 250]), [uncrossed]).unlikeWays, false);
});
