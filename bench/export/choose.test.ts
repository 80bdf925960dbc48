/** Which records stand in one document, and which under one name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunRecord } from '../records/record.ts';
import { recordOf, repetition } from '../records/test-record.ts';
import { exported, fileOf, textOf } from './test-exported.ts';
import { readCsv, readGo } from './test-readers.ts';

const at = (change: Partial<RunRecord['environment']>, rest: Partial<RunRecord> = {}): RunRecord => {
  const record = recordOf(rest);
  return { ...record, environment: { ...record.environment, ...change } };
};
const plain = recordOf();
const other = at({ machine: 'other-machine', commit: null, dirty: null });
const later = at({ commit: 'd00dfeed' });
const changed = at({ dirty: true });
const newer = at({ node: '22.1.0' });
const [before, after, none] = ['before', 'after', 'none'].map((label) => recordOf({ label })) as [
  RunRecord,
  RunRecord,
  RunRecord,
];
/** Alike in their first 120 characters. */
const [long, longer] = ['a', 'b'].map((end) => recordOf({ label: `${'x'.repeat(200)}${end}` })) as [
  RunRecord,
  RunRecord,
];

const mixed: [what: string, records: RunRecord[], choose: string][] = [
  ['two machines', [plain, at({ machine: 'other' })], 'one machine: choose with --machine'],
  ['two commits', [plain, later], 'one commit: choose with --commit'],
  [
    'no commit, and two versions',
    [other, at({ ...other.environment, version: '0.2.0' })],
    'one commit: choose with --commit',
  ],
  [
    'a commit with and without uncommitted changes',
    [plain, changed],
    'one state of a checkout, with or without uncommitted changes: choose with --clean or --dirty',
  ],
  ['two labels', [before, after], 'one label: choose with --label or --no-label'],
  ['a label, and none', [before, plain], 'one label: choose with --label or --no-label'],
  ['label none, and none', [none, plain], 'one label: choose with --label or --no-label'],
  ['labels that end differently', [long, longer], 'one label: choose with --label or --no-label'],
  ['two versions of Node', [plain, newer], 'one version of Node: choose with --node'],
];
for (const format of ['bencher', 'github-bigger', 'github-smaller', 'hgrm'])
  for (const [what, records, choose] of mixed)
    test(`export: ${format} makes no median of ${what}`, async () => {
      const ended = await exported(['--format', format, fileOf(records)]);
      const message = `vringbench: --format ${format} takes the records of ${choose}\n`;
      assert.deepEqual(ended, { code: 2, out: '', err: message });
    });

const ALL = [plain, other, later, changed, newer, before, after, none, long, longer];
const choices: [args: string[], chosen: RunRecord[]][] = [
  [['--machine', 'other'], [other]],
  [['--commit', 'd00d'], [later]],
  [['--commit', 'unknown'], [other]],
  [['--commit', 'unknown 0.1'], [other]],
  [['--commit', 'unknown 0.2'], []],
  [['--id', other.id.slice(0, 20)], [other]],
  [['--dirty'], [changed]],
  [
    ['--clean', '--no-label', '--node', '20'],
    [plain, later],
  ],
  [['--no-label', '--node', '22'], [newer]],
  [['--label', 'before'], [before]],
  [['--label', 'none'], [none]],
  [['--label', 'bef'], []],
  [['--label', longer.label], [longer]],
];
for (const [args, chosen] of choices)
  test(`export: ${args
    .join(' ')
    .slice(0, 40)
    .replace(/[0-9a-f]{8}-.*/, 'ID')} chooses`, async () => {
    const { out } = await exported(['--format', 'csv', fileOf(ALL), ...args]);
    const [header, ...rows] = out === '' ? [[]] : readCsv(out);
    assert.deepEqual(
      rows.map((row) => row[header!.indexOf('id')]),
      chosen.map(({ id }) => id),
    );
  });

for (const args of [
  ['--clean', '--dirty'],
  ['--label', 'x', '--no-label'],
])
  test(`export: ${args.join(' ')} cannot be given together`, async () => {
    const { code, err } = await exported(['--format', 'csv', fileOf(ALL), ...args]);
    assert.equal(code, 2);
    assert.match(err, /^vringbench: --\S+ cannot be given with --\S+\n$/);
  });

test('export: go tells programs apart by comments, and says that its readers do not', async () => {
  const { code, out, err } = await exported(['--format', 'go', fileOf([before, after, changed])]);
  assert.equal(code, 0);
  assert.match(
    err,
    /^note: --format go: several states of a checkout.*, labels in one document, .*; choose with .*--label/,
  );
  assert.equal(readGo(out).results.length, 3);
  assert.deepEqual(out.match(/, label \S+|and uncommitted changes/g), [
    ', label before',
    ', label after',
    'and uncommitted changes',
  ]);
});

for (const [what, record, commit] of [
  ['a checkout with uncommitted changes', changed, /\ncommit: c0ffee.* and uncommitted changes$/],
  ['no commit', other, /\ncommit: unknown$/],
] as const)
  test(`export: github says of a point that it is of ${what}`, async () => {
    const [{ extra }] = JSON.parse(await textOf('github-bigger', [record]));
    assert.match(extra, commit);
  });

test('export: how often and how patiently a configuration was measured makes no other benchmark of it', async () => {
  const records = [recordOf({}, ['--repeat', '5']), recordOf({}, ['--repeat', '10', '--timeout', '20'])];
  const document = JSON.parse(await textOf('bencher', records)) as Record<string, unknown>;
  assert.equal(Object.keys(document).length, 1);
});

const failed = recordOf({ outcome: 'check-failed', repetitions: [repetition({ transfersPerSecond: 9e6 })] });

for (const format of ['bencher', 'github-bigger', 'go'])
  test(`export: ${format} has no figure of a run whose check failed, and says so`, async () => {
    const good = recordOf({ repetitions: [repetition({ transfersPerSecond: 5e6 })] });
    const { code, out, err } = await exported(['--format', format, fileOf([good, failed])]);
    assert.deepEqual([code, err], [0, 'warning: 1 of 2 records failed a check; their figures are left out\n']);
    assert.match(out, /5000000/);
    assert.doesNotMatch(out, /9000000/);
    const alone = await exported(['--format', format, fileOf([failed])]);
    assert.deepEqual([alone.code, alone.out], [1, '']);
    assert.match(alone.err, /\nfailed: no finished repetition that counts in 1 of 1 record: nothing to export\n$/);
  });

test('export: csv has those repetitions, too, with the outcome beside them', async () => {
  const { code, out, err } = await exported(['--format', 'csv', fileOf([recordOf(), failed])]);
  const end = 'their repetitions are exported as of outcome check-failed';
  assert.deepEqual([code, err], [0, `warning: 1 of 2 records failed a check; ${end}\n`]);
  const [header, ...rows] = readCsv(out);
  assert.deepEqual(
    rows.map((row) => row[header!.indexOf('outcome')]),
    ['done', 'check-failed'],
  );
});

test('export: records that ended otherwise than well are said to be among them', async () => {
  const { code, err } = await exported(['--format', 'csv', fileOf([recordOf(), recordOf({ outcome: 'stalled' })])]);
  assert.deepEqual([code, err.split(';')[0]], [0, 'warning: 1 of 2 records ended otherwise than well (stalled)']);
});
