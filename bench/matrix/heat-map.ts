/** Two axes of a sweep as a map in the terminal: how fast, over all values of the other axes. */
import type { Axis, Cell } from './axes.ts';
import type { Figures } from './figures.ts';

/** Backgrounds of the 256-colour table, slow to fast, with black text; and what stands for them without colours. */
const COLOURS = [210, 216, 222, 228, 192, 156, 120];
const SHADES = ' ░▒▓█';
const COLUMN_GAP = 2;

/** Geometric mean: cells of very different speeds count alike. */
function geometricMean(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : Math.exp(values.reduce((sum, v) => sum + Math.log(v), 0) / values.length);
}

export function heatMapLines(
  [row, column]: readonly [number, number],
  axes: readonly Axis[],
  cells: readonly Cell[],
  figures: readonly Figures[],
  coloured: boolean,
): string[] {
  const [rows, columns] = [axes[row]!, axes[column]!];
  const speedAt = (rowValue: string, columnValue: string) =>
    geometricMean(
      cells.flatMap(({ values }, i) => {
        const { median } = figures[i]!;
        return values[row] === rowValue && values[column] === columnValue && !Number.isNaN(median) ? [median] : [];
      }),
    );
  const speeds = rows.values.map((rowValue) => columns.values.map((columnValue) => speedAt(rowValue, columnValue)));
  const known = speeds.flat().filter((value) => !Number.isNaN(value));
  if (known.length === 0) return [];
  const [slowest, fastest] = [Math.min(...known), Math.max(...known)];
  /** 0 to 1 on a logarithmic scale. */
  const warmth = (value: number) => (fastest === slowest ? 1 : Math.log(value / slowest) / Math.log(fastest / slowest));

  const left = Math.max(rows.name.length, ...rows.values.map((value) => value.length)) + COLUMN_GAP;
  const width = Math.max(8, ...columns.values.map((value) => value.length + COLUMN_GAP));
  const line = (name: string, fields: readonly string[]) => `  ${name.padEnd(left)}${fields.join('')}`;
  const field = (value: number) => {
    if (Number.isNaN(value)) return '–'.padStart(width);
    const text = (value / 1e6).toFixed(3);
    return coloured
      ? `\x1b[48;5;${pick(COLOURS, warmth(value))}m\x1b[30m${text.padStart(width - 1)} \x1b[0m`
      : `${text} ${pick([...SHADES], warmth(value))}`.padStart(width);
  };
  const others = axes.filter((axis, place) => axis.values.length > 1 && place !== row && place !== column);
  const over = others.length === 0 ? '' : `, geometric mean over ${others.map(({ name }) => name).join(', ')}`;
  return [
    `M/s by ${rows.name} and ${columns.name}${over}`,
    line(
      '',
      columns.values.map((value) => value.padStart(width)),
    ).trimEnd(),
    ...rows.values.map((value, i) => line(value, speeds[i]!.map(field)).trimEnd()),
  ];
}

/** The entry for a share of 0 to 1. */
function pick<Entry>(scale: readonly Entry[], share: number): Entry {
  return scale[Math.min(scale.length - 1, Math.floor(share * scale.length))]!;
}
