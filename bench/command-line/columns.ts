/** Columns for the terminal: no borders, two spaces apart. */
import Table from 'cli-table3';
import { printableLine } from './printable.ts';

const CHARS = Object.fromEntries(
  'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid middle'
    .split(' ')
    .map((name) => [name, '']),
);
const STYLE = { head: [], border: [], 'padding-left': 0, 'padding-right': 2 };

export type Align = 'left' | 'right';

/** One line a row, each column as wide as its widest field; nothing in a field ends its line. */
export function alignedColumns(rows: readonly (readonly string[])[], aligns: readonly Align[]): string[] {
  const table = new Table({ colAligns: [...aligns], chars: CHARS, style: STYLE });
  for (const row of rows) table.push(row.map(printableLine));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

export interface KeyedRow {
  /** What the row is of. */
  key: readonly string[];
  fields: readonly string[];
}

const GAP = STYLE['padding-right'];
const INDENT = '  ';

/**
 * One line a row; where that is wider than `width`, the key has a line of its own, and the fields stand below it in as
 * many lines as they need; without keys, one part of the table below the other. All rows have as many of both.
 */
export function fittedColumns(rows: readonly KeyedRow[], aligns: readonly Align[], width: number): string[] {
  const keyed = rows.map(({ key, fields }) => [...key, ...fields]);
  const whole = alignedColumns(keyed, [...rows[0]!.key.map(() => 'left' as const), ...aligns]);
  if (whole.every((line) => line.length <= width)) return whole;
  const indent = rows[0]!.key.length === 0 ? '' : INDENT;
  const widths = aligns.map((_, i) => rows.reduce((widest, { fields }) => Math.max(widest, fields[i]!.length), 0));
  const parts = partsWithin(widths, width - indent.length).map(([from, to]) =>
    alignedColumns(
      rows.map(({ fields }) => fields.slice(from, to)),
      aligns.slice(from, to),
    ),
  );
  if (indent === '') return parts.flat();
  return rows.flatMap(({ key }, row) => [
    key.join(INDENT),
    ...parts.map((lines) => `${indent}${lines[row]!}`.trimEnd()),
  ]);
}

/** Columns from one place up to another, as many together as fit. */
function partsWithin(widths: readonly number[], width: number): [from: number, to: number][] {
  const parts: [number, number][] = [];
  let taken = 0;
  for (const [i, own] of widths.entries()) {
    const last = parts.at(-1);
    if (last === undefined || taken + GAP + own > width) {
      parts.push([i, i + 1]);
      taken = own;
    } else {
      last[1] = i + 1;
      taken += GAP + own;
    }
  }
  return parts;
}

/** A number for people: its thousands stand apart. */
export const grouped = (value: number): string => value.toLocaleString('en-US');

/** `1 cell`, `2,000 cells`. */
export const counted = (count: number, what: string): string => `${grouped(count)} ${what}${count === 1 ? '' : 's'}`;
