/** Two axes of a sweep as a map in the terminal: how fast, over all values of the other axes. */
import { extremesOf, greatest } from '../statistics/sample.ts';
import { type Axis, type Cell, varied } from './axes.ts';
import type { Figures } from './figures.ts';

/** Backgrounds of the 256-colour table, bad to good, with black text; and what stands for them without colours. */
const COLOURS = [210, 216, 222, 228, 192, 156, 120];
const SHADES = ' ░▒▓█';
const COLUMN_GAP = 2;
const WIDTH_MIN = 10;

/** What the map shows of a cell: NaN where there is nothing to show. */
interface Quantity {
  title: string;
  of: (figures: Figures) => number;
  digits: number;
  /** The larger the better. */
  rising: boolean;
}

const SPEED: Quantity = { title: 'M/s', of: ({ median }) => median / 1e6, digits: 3, rising: true };
/** At a fixed rate all are as fast as the rate. */
const ROUND_TRIP: Quantity = {
  title: 'Median round trip in µs',
  of: ({ roundTripNs }) => (roundTripNs?.p50 ?? Number.NaN) / 1e3,
  digits: 1,
  rising: false,
};

/** Geometric mean: cells of very different speeds count alike. */
function geometricMean(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : Math.exp(values.reduce((sum, v) => sum + Math.log(v), 0) / values.length);
}

interface Field {
  value: number;
  /** Of how many cells. */
  count: number;
}

export function heatMapLines(
  [row, column]: readonly [number, number],
  axes: readonly Axis[],
  cells: readonly Cell[],
  figures: readonly Figures[],
  coloured: boolean,
): string[] {
  const [rows, columns] = [axes[row]!, axes[column]!];
  const quantity = cells.some(({ config }) => config.rate > 0) ? ROUND_TRIP : SPEED;
  const fieldAt = (rowValue: string, columnValue: string): Field => {
    const known = cells.flatMap(({ values }, i) => {
      const value = quantity.of(figures[i]!);
      return values[row] === rowValue && values[column] === columnValue && !Number.isNaN(value) ? [value] : [];
    });
    return { value: geometricMean(known), count: known.length };
  };
  const fields = rows.values.map((rowValue) => columns.values.map((columnValue) => fieldAt(rowValue, columnValue)));
  const known = fields.flat().filter(({ count }) => count > 0);
  if (known.length === 0) return [];
  const values = known.map(({ value }) => value);
  const [least, most] = extremesOf(values);
  /** 0 to 1, bad to good, on a logarithmic scale. */
  const warmth = (value: number) => {
    if (most === least) return 1;
    const share = Math.log(value / least) / Math.log(most / least);
    return quantity.rising ? share : 1 - share;
  };

  const whole = greatest(known.map(({ count }) => count));
  const left = greatest([rows.name, ...rows.values].map(({ length }) => length)) + COLUMN_GAP;
  const width = Math.max(WIDTH_MIN, greatest(columns.values.map((value) => value.length + COLUMN_GAP)));
  const line = (name: string, texts: readonly string[]) => `  ${name.padEnd(left)}${texts.join('')}`.trimEnd();
  const show = ({ value, count }: Field) => {
    if (count === 0) return '–'.padStart(width);
    const text = `${value.toFixed(quantity.digits)}${count < whole ? '*' : ''}`;
    return coloured
      ? `\x1b[48;5;${pick(COLOURS, warmth(value))}m\x1b[30m${text.padStart(width - 1)} \x1b[0m`
      : `${text} ${pick([...SHADES], warmth(value))}`.padStart(width);
  };
  const others = varied(axes).filter(({ place }) => place !== row && place !== column);
  const over = others.length === 0 ? '' : `, geometric mean over ${others.map(({ name }) => name).join(', ')}`;
  return [
    `${quantity.title} by ${rows.name} and ${columns.name}${over}`,
    line(
      '',
      columns.values.map((value) => value.padStart(width)),
    ),
    ...rows.values.map((value, i) => line(value, fields[i]!.map(show))),
    ...(known.some(({ count }) => count < whole) ? ['  * of fewer cells than the others'] : []),
  ];
}

/** The entry for a share of 0 to 1. */
function pick<Entry>(scale: readonly Entry[], share: number): Entry {
  return scale[Math.min(scale.length - 1, Math.floor(share * scale.length))]!;
}
