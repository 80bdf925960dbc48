import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Incomparable, pairCells } from './cells.ts';
import { recordOf } from './test-records.ts';

const speeds = [1e6, 2e6];

test('cells: records of one configuration are one cell, however often each was measured', () => {
  const a = [recordOf({ speeds: [1e6] }), recordOf({ speeds })];
  const b = [recordOf({ speeds: [3e6, 4e6, 5e6], args: ['--repeat', '10', '--timeout', '20'] })];
  const { pairs, onlyA, onlyB } = pairCells(a, b, false);
  assert.deepEqual([pairs.length, onlyA, onlyB], [1, [], []]);
  const [pair] = pairs;
  assert.equal(pair!.name, '');
  assert.deepEqual(
    [pair!.a, pair!.b].map(({ observations }) => observations.map((of) => of.transfersPerSecond)),
    [
      [1e6, 1e6, 2e6],
      [3e6, 4e6, 5e6],
    ],
  );
});

test('cells: named by what differs from one to the other; those of only one side by their whole names', () => {
  const eventidx = recordOf({ speeds, args: ['--eventidx'] });
  const plain = recordOf({ speeds });
  const js = recordOf({ speeds, args: ['--ordering', 'seqcst'] });
  const { pairs, shared, onlyA, onlyB } = pairCells([eventidx, plain, js], [plain, eventidx], false);
  assert.deepEqual(
    pairs.map(({ name }) => name),
    ['eventidx=on', 'eventidx=off'],
  );
  const rest = 'doorbell=adaptive/layout=split/host=vringh';
  assert.equal(shared, `ring/engine=wasm/ordering=wasm/${rest}/transfers=1000`);
  assert.deepEqual([onlyA, onlyB], [[`ring/engine=js/ordering=seqcst/${rest}/transfers=1000`], []]);
});

test('cells: rings of both sides a transfer, and calibrations where there are both', () => {
  const a = recordOf({
    speeds,
    second: 7,
    notified: 0.25,
    crossings: [
      [90, 100],
      [95, 99],
    ],
  });
  const { pairs } = pairCells([a], [recordOf({ speeds })], false);
  const atMs = Date.parse(a.at);
  assert.deepEqual(pairs[0]!.a.observations, [
    { atMs, transfersPerSecond: 1e6, notifications: 0.5, crossings: [90, 100], crossedBy: 'wasm' },
    { atMs, transfersPerSecond: 2e6, notifications: 0.5, crossings: [95, 99], crossedBy: 'wasm' },
  ]);
  assert.equal(pairs[0]!.b.observations[0]!.crossings, null);
});

test('cells: runs that did not end well are counted, interrupted ones are none', () => {
  const failed = recordOf({ speeds: [1e6], outcome: 'lost-wakeups' });
  const interrupted = [recordOf({ speeds: [], outcome: 'interrupted' }), recordOf({ speeds, outcome: 'interrupted' })];
  const { pairs } = pairCells([recordOf({ speeds }), failed], [recordOf({ speeds }), ...interrupted], false);
  assert.deepEqual([pairs[0]!.a.failures, pairs[0]!.b.failures], [1, 0]);
  assert.deepEqual([pairs[0]!.a.observations.length, pairs[0]!.b.observations.length], [3, 4]);
});

test('cells: a run whose check failed has no figures, and is counted', () => {
  const failed = recordOf({ speeds: [9e6], outcome: 'check-failed' });
  const { pairs, notes } = pairCells([recordOf({ speeds }), failed], [failed], false);
  assert.deepEqual([pairs[0]!.a.failures, pairs[0]!.b.failures], [1, 1]);
  assert.deepEqual([pairs[0]!.a.observations.length, pairs[0]!.b.observations.length], [2, 0]);
  assert.deepEqual(notes, [
    '1 record of A failed a check: figures of such runs do not count',
    '1 record of B failed a check: figures of such runs do not count',
  ]);
});

const refused: [what: string, a: Parameters<typeof recordOf>[0], b: Parameters<typeof recordOf>[0], message: RegExp][] =
  [
    [
      'another machine',
      { speeds },
      { speeds, environment: { machine: 'other' } },
      /environment\.machine differs: test-machine, other/,
    ],
    [
      'another configuration',
      { speeds },
      { speeds, args: ['--doorbell', 'pipe'] },
      /config\.doorbell is adaptive in A, pipe in B$/,
    ],
    ['another size', { speeds }, { speeds, args: ['--warmup', '5M'] }, /config\.warmup is auto in A, 5000000 in B$/],
  ];
for (const [what, a, b, message] of refused)
  test(`cells refuse: ${what}, by the name of the field`, () => {
    assert.throws(
      () => pairCells([recordOf(a)], [recordOf(b)], false),
      (error: unknown) => error instanceof Incomparable && message.test(error.message),
    );
  });

test('cells: of two machines only where that is wanted; another engine is a note', () => {
  const b = recordOf({ speeds, environment: { machine: 'other', node: '99.0.0' } });
  const { pairs, notes } = pairCells([recordOf({ speeds })], [b], true);
  assert.equal(pairs.length, 1);
  assert.match(notes[0]!, /environment\.node differs: .* in A, 99\.0\.0 in B/);
});
