import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunConfig, RunRecord } from '../records/record.ts';
import { setNotes, whyNothingInCommon } from './differences.ts';
import { recordOf } from './test-records.ts';

const speeds = [1e6, 2e6];
const of = (...args: string[]): RunConfig => recordOf({ speeds, args }).config;

const reasons: [what: string, a: RunConfig[], b: RunConfig[], why: string][] = [
  ['one field', [of()], [of('--doorbell', 'pipe')], 'config.doorbell is adaptive in A, pipe in B'],
  [
    'one field of several cells, whatever else they have in common',
    [of('--batch', '2'), of('--batch', '4')],
    [of('--batch', '4', '--doorbell', 'pipe'), of('--batch', '2', '--doorbell', 'pipe')],
    'config.doorbell is adaptive in A, pipe in B',
  ],
  [
    'fields of many values',
    [1, 2, 3, 4, 5, 6].map((batch) => of('--batch', `${batch}`)),
    [of('--batch', '8')],
    'config.batch is 1, 2, 3, 4 and 2 more in A, 8 in B',
  ],
  [
    'no field alone: the nearest',
    [of('--batch', '2'), of('--eventidx', '--indirect')],
    [of(), of('--batch', '2', '--eventidx', '--indirect')],
    'config.batch is 2 in A, 1 in B',
  ],
  ['nothing finished', [], [of()], 'A has no finished repetition'],
];
for (const [what, a, b, why] of reasons)
  test(`differences: ${what}`, () => assert.equal(whyNothingInCommon(a, b), why));

test('differences: what is looked at grows with the configurations, not with their square', () => {
  const COUNT = 300;
  let looks = 0;
  const watched = (config: RunConfig) =>
    new Proxy(config, {
      get: (target, field) => {
        looks++;
        return Reflect.get(target, field);
      },
    });
  // Every field has a value in both, and nothing is in both.
  const some = (...args: string[]) =>
    Array.from({ length: COUNT }, (_, i) => watched(of('--batch', `${i + 1}`, '--exit-cost', `${i}`, ...args)));
  const a = [...some('--eventidx'), watched(of('--indirect', '--batch', '7'))];
  const b = [...some('--indirect'), watched(of('--eventidx', '--batch', '7'))];
  assert.match(whyNothingInCommon(a, b), /^config\.\w+ is .* in B/);
  assert.ok(looks < 200 * COUNT, `${looks} looks at fields`);
});

const noted: [what: string, a: RunRecord[], b: RunRecord[], notes: RegExp[]][] = [
  ['nothing', [recordOf({ speeds })], [recordOf({ speeds })], []],
  [
    'another Node',
    [recordOf({ speeds })],
    [recordOf({ speeds, environment: { node: '99.0.0' } })],
    [/^environment\.node differs: .* in A, 99\.0\.0 in B$/],
  ],
  [
    'two kernels on both sides, in another order',
    ['one', 'two'].map((kernel) => recordOf({ speeds, environment: { kernel } })),
    ['two', 'one'].map((kernel) => recordOf({ speeds, environment: { kernel } })),
    [],
  ],
  [
    'a side of two commits and labels',
    [recordOf({ speeds })],
    [recordOf({ speeds, label: 'x' }), recordOf({ speeds, environment: { commit: 'b'.repeat(40) } })],
    [/^B holds records of 2 commits, 2 labels, taken together$/],
  ],
  [
    'a side with and without uncommitted changes',
    [recordOf({ speeds, environment: { dirty: true } }), recordOf({ speeds })],
    [recordOf({ speeds })],
    [/^A holds records of 2 states of a checkout, with and without uncommitted changes, taken together$/],
  ],
  [
    'warnings, of those alike but for numbers the first',
    [
      recordOf({ speeds, warnings: ['others took 7 %', 'cold\u001b[2J'] }),
      recordOf({ speeds, warnings: ['others took 9 %'] }),
      recordOf({ speeds }),
    ],
    [recordOf({ speeds, warnings: ['short'] })],
    [
      /^figures of A are doubtful, 2 of 3 records: others took 7 %; in others with other numbers$/,
      /^figures of A are doubtful, 1 of 3 records: cold·\[2J$/,
      /^figures of B are doubtful, 1 of 1 record: short$/,
    ],
  ],
  [
    'a thread that was not pinned, a process that was stopped',
    [recordOf({ speeds, unpinnedReason: 'no taskset' })],
    [recordOf({ speeds, stoodStillNs: 3.2e9 })],
    [/^figures of A .*1 of 1 record: .*no taskset$/, /^figures of B .*1 of 1 record: the run stood still for 3\.2 s$/],
  ],
  [
    'more kinds of warnings than can be read',
    [recordOf({ speeds, warnings: 'abcdefg'.split('') })],
    [recordOf({ speeds })],
    [/a$/, /b$/, /c$/, /d$/, /e$/, /^figures of A are doubtful for 2 other reasons$/],
  ],
];
for (const [what, a, b, notes] of noted)
  test(`differences: notes of ${what}`, () => {
    const lines = setNotes(a, b);
    assert.equal(lines.length, notes.length, lines.join('\n'));
    for (const [i, note] of notes.entries()) assert.match(lines[i]!, note);
  });
