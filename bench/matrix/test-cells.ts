/** Cells and figures by hand, for the tests of what a sweep shows. */
import type { Cell } from './axes.ts';
import type { Figures } from './figures.ts';
import { parseMatrixOptions } from './options.ts';

export const NOTHING: Figures = {
  speeds: new Map(),
  median: Number.NaN,
  kicks: Number.NaN,
  calls: Number.NaN,
  cpuNs: Number.NaN,
  roundTripNs: null,
  failed: true,
  notes: ['failed: planted'],
};

/** Of repetitions of these speeds, from the first. */
export function figuresAt(speeds: readonly number[], change: Partial<Figures> = {}): Figures {
  return {
    speeds: new Map(speeds.map((speed, i) => [i + 1, speed])),
    median: [...speeds].sort((a, b) => a - b)[speeds.length >> 1]!,
    kicks: 0.0123,
    calls: 0.5,
    cpuNs: 321.4,
    roundTripNs: null,
    failed: false,
    notes: [],
    ...change,
  };
}

/** Axes and cells of a command line, each cell with the figures that `of` has for its values. */
export function sweepAt(args: readonly string[], of: (values: readonly string[], cell: Cell) => Figures) {
  const { axes, cells } = parseMatrixOptions(args);
  return { axes, cells, figures: cells.map((cell) => of(cell.values, cell)) };
}
