/** What the page makes of records: fields that can be told apart, figures that count. No browser here. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { doubtsOf } from '../records/doubts.ts';
import { configSchema, environmentSchema, type RunRecord } from '../records/record.ts';
import { recordOf, repetition } from '../records/test-record.ts';
import { Columns } from './columns.ts';
import { historyOf } from './page/history-points.ts';
import { Records } from './page/records.ts';
import { formatState, parseState, withFilter } from './page/state.ts';
import type { PageData } from './page-data.ts';
import { variedRecords } from './test-varied-records.ts';

function dataOf(records: readonly RunRecord[]): PageData {
  const columns = new Columns();
  for (const record of records) columns.add(record);
  // As the page gets it.
  return JSON.parse(JSON.stringify(columns.pageData('', '', 0))) as PageData;
}

const pageOf = (records: readonly RunRecord[]) => new Records(dataOf(records));
const all = (count: number) => Array.from({ length: count }, (_, i) => i);

/** What each field is of, in the order of the page. */
const RAW: Record<string, (record: RunRecord) => unknown> = {
  ...Object.fromEntries(
    (Object.keys(configSchema.shape) as (keyof RunRecord['config'])[]).map((key) => [
      key.replace(/virtio1/, 'virtio-1').replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
      ({ config }: RunRecord) => config[key],
    ]),
  ),
  label: ({ label }) => label,
  commit: ({ environment: { commit, dirty } }) => [commit, commit !== null && dirty === true],
  outcome: ({ outcome }) => outcome,
  sweep: ({ sweep }) => [sweep?.id, sweep?.seed],
  warnings: (record) => doubtsOf(record).length > 0,
  ...Object.fromEntries(
    (Object.keys(environmentSchema.shape) as (keyof RunRecord['environment'])[])
      .filter((key) => key !== 'commit' && key !== 'dirty')
      .map((key) => [key === 'cpus' ? 'machine-cpus' : key, ({ environment }: RunRecord) => environment[key]]),
  ),
};

/** Places of the records by what they have in a field. */
function groupsOf(records: readonly RunRecord[], raw: (record: RunRecord) => unknown): number[][] {
  const groups = new Map<string, number[]>();
  for (const [place, record] of records.entries()) {
    const key = JSON.stringify(raw(record));
    groups.set(key, [...(groups.get(key) ?? []), place]);
  }
  return [...groups.values()];
}

const byFirst = (groups: readonly number[][]) => groups.toSorted(([a], [b]) => a! - b!);

test('columns: every field has a name of its own', () =>
  assert.deepEqual(
    dataOf([recordOf()]).fields.map(({ name }) => name),
    Object.keys(RAW),
  ));

const varied = variedRecords(200, 3);
const page = pageOf(varied);
for (const [name, raw] of Object.entries(RAW))
  test(`columns: a filter by each value of ${name} keeps exactly the records that have it`, () => {
    const field = page.fields.find((one) => one.name === name)!;
    assert.ok(field.values.length > 1, 'varies');
    const kept = field.values.map((value) => {
      const address = formatState(withFilter(parseState(''), name, new Set([value])));
      return page.passing(parseState(address).filters);
    });
    assert.deepEqual(byFirst(kept), byFirst(groupsOf(varied, raw)));
  });

test('columns: a value is shown on one line, and not endless', () => {
  for (const { values } of page.fields)
    for (const value of values) {
      assert.doesNotMatch(value, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
      assert.ok(value.length < 150);
    }
});

const labelled = (...labels: string[]) => pageOf(labels.map((label) => recordOf({ label }))).field('label').values;
const START = 'x'.repeat(120);
const labels: [what: string, labels: string[], shown: RegExp[]][] = [
  [
    'two that are alike in the first 120 characters',
    [`${START}1`, `${START}2`],
    [/^x{120}… #[0-9a-f]{8}$/, /^x{120}… #/],
  ],
  ['one that says `none`, and none', ['none', ''], [/^none$/, /^"none"$/]],
  ['one that says `"none"`, and one that says `none`', ['"none"', 'none'], [/^"none"$/, /^"\\"none\\""$/]],
  ['one that is cleaned to another', ['a\tb', 'a·b'], [/^a·b #[0-9a-f]{8}$/, /^a·b #[0-9a-f]{8}$/]],
];
for (const [what, given, shown] of labels)
  test(`columns: labels: ${what}`, () => {
    const values = labelled(...given);
    assert.equal(new Set(values).size, given.length);
    for (const pattern of shown)
      assert.ok(
        values.some((value) => pattern.test(value)),
        `${values}`,
      );
  });

test('columns: commits that are alike where they are cut stay two', () => {
  const start = '0123456789'.repeat(3);
  const commits = [`${start}aaaaaaaaaa`, `${start}bbbbbbbbbb`];
  const { environment } = recordOf();
  const two = pageOf(commits.map((commit) => recordOf({ environment: { ...environment, commit } })));
  assert.equal(historyOf(two, all(2), false).points.length, 2);
  assert.notEqual(two.value('commit', 0), two.value('commit', 1));
});

test('columns: how often and how patiently was measured is no other configuration', () => {
  const a = recordOf({}, ['--repeat', '5']);
  const b = recordOf({}, ['--repeat', '10', '--timeout', '20']);
  const other = recordOf({}, ['--batch', '2']);
  assert.deepEqual([...pageOf([a, b, other]).seriesOf], [0, 0, 1]);
});

test('columns: figures of a check that failed do not count; those of other ends do', () => {
  const outcomes = ['done', 'check-failed', 'stalled', 'lost-wakeups', 'failed', 'interrupted'] as const;
  const ended = pageOf(outcomes.map((outcome) => recordOf({ outcome })));
  assert.deepEqual(
    all(outcomes.length).filter((record) => !ended.counts(record)),
    [1],
  );
});

test('columns: what speaks against a record is on the page, each text once, and not without end', () => {
  const many = Array.from({ length: 20 }, (_, i) => `warning ${i}`);
  const data = dataOf([
    recordOf(),
    recordOf({ warnings: ['a\nb'] }),
    recordOf({ warnings: many }),
    recordOf({ warnings: ['a\nb'] }),
  ]);
  const doubtful = new Records(data);
  assert.deepEqual(
    all(4).map((record) => doubtful.doubtsOf(record).length),
    [0, 1, 9, 1],
  );
  assert.deepEqual(doubtful.doubtsOf(1), ['a·b']);
  assert.equal(doubtful.doubtsOf(2).at(-1), 'and 12 more');
  assert.equal(data.doubts.texts.filter((text) => text === 'a·b').length, 1);
});

test('columns: a million repetitions are all there', () => {
  const one = repetition();
  const many = pageOf([recordOf({ repetitions: new Array(1_000_000).fill(one) })]);
  assert.equal(many.figures('speed', 0).length, 1_000_000);
});

test('history: without a commit a point is a day, and called by it', () => {
  const days = [1, 2, 3, 4, 5].map((day) => `2026-01-0${day}`);
  const { environment } = recordOf();
  const records = days.flatMap((day) =>
    ['08', '09'].map((hour) =>
      recordOf({ at: `${day}T${hour}:00:00.000Z`, environment: { ...environment, commit: null, dirty: null } }),
    ),
  );
  const { points } = historyOf(pageOf(records), all(10), false);
  assert.deepEqual(
    points.map(({ tick, name }) => [tick, name]),
    days.map((day) => [day, day]),
  );
});

test('history: a commit that says `none` is none of the days without one', () => {
  const { environment } = recordOf();
  const of = (commit: string | null) => recordOf({ environment: { ...environment, commit, dirty: false } });
  const { points } = historyOf(pageOf([of(null), of('none'), of('none 2026-01-01')]), all(3), false);
  assert.equal(points.length, 3);
});

test('history: ticks tell a commit from its changes', () => {
  const { environment } = recordOf();
  const of = (dirty: boolean) => recordOf({ environment: { ...environment, dirty } });
  const { points } = historyOf(pageOf([of(false), of(true)]), all(2), false);
  assert.deepEqual(
    points.map(({ tick }) => tick),
    ['c0ffee00', 'c0ffee00+'],
  );
});
