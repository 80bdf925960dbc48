/** Columns for the terminal: no borders, two spaces apart. */
import Table from 'cli-table3';

const CHARS = Object.fromEntries(
  'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid middle'
    .split(' ')
    .map((name) => [name, '']),
);
const STYLE = { head: [], border: [], 'padding-left': 0, 'padding-right': 2 };

/** One line a row, each column as wide as its widest field. */
export function alignedColumns(rows: readonly (readonly string[])[], aligns: readonly ('left' | 'right')[]): string[] {
  const table = new Table({ colAligns: [...aligns], chars: CHARS, style: STYLE });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

/** A number for people: its thousands stand apart. */
export const grouped = (value: number): string => value.toLocaleString('en-US');

/** `1 cell`, `2,000 cells`. */
export const counted = (count: number, what: string): string => `${grouped(count)} ${what}${count === 1 ? '' : 's'}`;
