import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counted, fittedColumns } from './columns.ts';

const ROWS = [
  { key: ['cell'], fields: ['one', 'two', 'three'] },
  { key: ['a longer name'], fields: ['1', '22', '333 333'] },
];
const WHOLE = ['cell           one  two  three', 'a longer name    1   22  333 333'];

const widths: [width: number, lines: string[]][] = [
  [Number.POSITIVE_INFINITY, WHOLE],
  [32, WHOLE],
  [31, ['cell', '  one  two  three', 'a longer name', '    1   22  333 333']],
  [19, ['cell', '  one  two  three', 'a longer name', '    1   22  333 333']],
  [18, ['cell', '  one  two', '  three', 'a longer name', '    1   22', '  333 333']],
  [1, ['cell', '  one', '  two', '  three', 'a longer name', '    1', '   22', '  333 333']],
];
for (const [width, lines] of widths)
  test(`columns: in a width of ${width}`, () =>
    assert.deepEqual(fittedColumns(ROWS, ['right', 'right', 'left'], width), lines));

test('columns: without keys one part of the table stands below the other', () => {
  const rows = ROWS.map(({ fields }) => ({ key: [], fields }));
  assert.deepEqual(fittedColumns(rows, ['right', 'right', 'left'], 8), ['one  two', '  1   22', 'three', '333 333']);
});

test('counted: one is one, others are several', () => {
  assert.deepEqual(
    [0, 1, 2, 3000].map((count) => counted(count, 'record')),
    ['0 records', '1 record', '2 records', '3,000 records'],
  );
});
