/** Columns for the terminal: no borders, two spaces apart. */
import Table from 'cli-table3';
import { printableLine } from './printable.ts';

const CHARS = Object.fromEntries(
  'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid middle'
    .split(' ')
    .map((name) => [name, '']),
);
const STYLE = { head: [], border: [], 'padding-left': 0, 'padding-right': 2 };

/** One line a row, each column as wide as its widest field; nothing in a field ends its line. */
export function alignedColumns(rows: readonly (readonly string[])[], aligns: readonly ('left' | 'right')[]): string[] {
  const table = new Table({ colAligns: [...aligns], chars: CHARS, style: STYLE });
  for (const row of rows) table.push(row.map(printableLine));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

/** A number for people: its thousands stand apart. */
export const grouped = (value: number): string => value.toLocaleString('en-US');
