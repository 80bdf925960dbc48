import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pairCells } from './cells.ts';
import { compareCells } from './comparison.ts';
import { comparisonLines, type Report } from './report.ts';
import { around, recordOf } from './test-records.ts';

const WIDE = Number.POSITIVE_INFINITY;

function reportOf(...cells: string[][]): Report {
  const records = cells.map((args) => recordOf({ speeds: around(3e6, 3), args }));
  const { pairs, shared, onlyA, onlyB } = pairCells(records, records, false);
  const heading = { a: 'a', b: 'b', shared: shared.slice(0, 4), unit: 'M/s' } as const;
  return { cells: compareCells(pairs, 2), heading, passedOver: [], notes: [], findings: [], onlyA, onlyB };
}

/** Each figure once, in whatever lines. */
const words = (lines: readonly string[]) => lines.join(' ').split(/\s+/).sort();

for (const [what, report] of [
  ['one cell', reportOf([])],
  ['two cells', reportOf([], ['--eventidx'])],
] as const)
  test(`report: ${what}: no line is wider than the terminal, and nothing is lost`, () => {
    const wide = comparisonLines(report, WIDE);
    const table = (lines: string[]) => lines.slice(lines.indexOf('') + 1, lines.lastIndexOf(''));
    const width = Math.max(...table(wide).map((line) => line.length));
    assert.ok(width > 80, `${width}`);
    assert.deepEqual(comparisonLines(report, width), wide);
    for (const narrow of [width - 1, 80, 50]) {
      const lines = comparisonLines(report, narrow);
      assert.ok(
        table(lines).every((line) => line.length <= narrow),
        lines.join('\n'),
      );
      assert.deepEqual(words(lines), words(wide));
    }
  });
