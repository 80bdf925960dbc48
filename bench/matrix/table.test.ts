import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tableLines } from './table.ts';
import { figuresAt, NOTHING, sweepAt } from './test-cells.ts';

const WIDE = Number.POSITIVE_INFINITY;
const ARGS = ['--doorbell', 'futex,pipe,spin', '--batch', '16', '--eventidx', 'on'];

function lines(width: number): string[] {
  const { axes, cells, figures } = sweepAt(ARGS, ([, doorbell]) =>
    doorbell === 'spin'
      ? NOTHING
      : doorbell === 'futex'
        ? figuresAt([1e6], { notes: ['others took 7 %'] })
        : figuresAt([2e6, 2.5e6, 3e6], { notes: ['others took 9 %', 'and more'] }),
  );
  return tableLines(axes, cells, figures, width);
}

test('table: a row a cell, fastest first, of what varies; notes below it, once', () => {
  assert.deepEqual(lines(WIDE), [
    'doorbell    M/s  from – to       kicks    calls  CPU ns  notes',
    'pipe      2.500  2.000 – 3.000  1.23 %  50.00 %     321  [1][2]',
    'futex     1.000                 1.23 %  50.00 %     321  [1]',
    'spin          –                                          [3]',
    '[1] others took 9 %; in other cells with other numbers',
    '[2] and more',
    '[3] failed: planted',
  ]);
});

test('table: as wide as the terminal it is whole, one less and a cell has two lines', () => {
  const width = Math.max(
    ...lines(WIDE)
      .slice(0, 4)
      .map((line) => line.length),
  );
  assert.deepEqual(lines(width), lines(WIDE));
  assert.deepEqual(lines(width - 1).slice(0, 8), [
    'doorbell',
    '    M/s  from – to       kicks    calls  CPU ns  notes',
    'pipe',
    '  2.500  2.000 – 3.000  1.23 %  50.00 %     321  [1][2]',
    'futex',
    '  1.000                 1.23 %  50.00 %     321  [1]',
    'spin',
    '      –                                          [3]',
  ]);
});

test('table: round trips have columns where they were measured, too few samples no figure', () => {
  const { axes, cells, figures } = sweepAt(['--batch', '1,2'], ([batch]) =>
    figuresAt([1e6], { roundTripNs: batch === '1' ? { p50: 12_345, p99: null } : null }),
  );
  assert.match(tableLines(axes, cells, figures, WIDE)[0]!, /CPU ns {2}p50 µs {2}p99 µs {2}notes$/);
  assert.match(tableLines(axes, cells, figures, WIDE)[1]!, /321 {4}12\.3 {7}–$/);
});

test('table: one cell has figures and no name, part below part where the terminal is narrow', () => {
  const { axes, cells, figures } = sweepAt(['--batch', '2'], () => figuresAt([1e6]));
  const wide = tableLines(axes, cells, figures, WIDE);
  assert.match(wide[0]!, /^ +M\/s/);
  assert.deepEqual(tableLines(axes, cells, figures, wide[0]!.length), wide);
  const narrow = tableLines(axes, cells, figures, 20);
  assert.ok(narrow.every((line) => line.length <= 20));
  assert.equal(narrow.join(' ').split(/\s+/).sort().join(), wide.join(' ').split(/\s+/).sort().join());
});
