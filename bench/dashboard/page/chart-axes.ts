/** A chart's axes: room for what their labels say, and as many labels as stand beside each other. */
import type uPlot from 'uplot';
import { colourOf } from './theme.ts';
import { logTicks } from './ticks.ts';

const FONT = '12px system-ui, sans-serif';
const X_SIZE = 32;
/** Least distance between ticks, CSS pixels. */
const X_TICK_GAP = 84;
const Y_TICK_GAP = 30;
/** Between two labels of the x axis. */
const LABEL_GAP = 8;
/** Tick and gap between a label of the y axis and the plot. */
const BESIDE_LABEL = 15;
const GUTTER_MIN = 40;
/** Indices have no halves. */
const WHOLE_STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000];

export interface ChartAxes {
  xTime?: boolean;
  xSplits?: readonly number[];
  /** Texts of all ticks; `step` is the distance between two. */
  xTicks: (values: readonly number[], step: number) => string[];
  yTicks: (values: readonly number[]) => string[];
  yLog?: boolean;
}

export function axesOf(chart: ChartAxes): Pick<uPlot.Options, 'axes' | 'padding'> {
  const [ink, grid] = [colourOf('--muted'), colourOf('--grid')];
  const axis = { stroke: ink, font: FONT, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
  /** Half of the last label stands beyond the last value. */
  let roomAtTheRight = 0;
  const x: uPlot.Axis = {
    ...axis,
    size: X_SIZE,
    space: X_TICK_GAP,
    ...(chart.xSplits && { splits: () => [...chart.xSplits!] }),
    ...(!chart.xTime && !chart.xSplits && { incrs: WHOLE_STEPS }),
    values: (plot, splits, _axis, _space, step) => {
      const labels = chart.xTicks(splits, step);
      roomAtTheRight = widthOf(plot, labels.slice(-1)) / 2;
      return withoutOverlaps(plot, splits, labels);
    },
  };
  const y: uPlot.Axis = {
    ...axis,
    size: (plot, labels: readonly string[] | null) => Math.max(GUTTER_MIN, widthOf(plot, labels ?? []) + BESIDE_LABEL),
    // Every line of the grid has its label.
    ...(chart.yLog && {
      splits: (plot: uPlot, _axis: number, low: number, high: number) =>
        logTicks(low, high, (plot.height - X_SIZE) / Y_TICK_GAP),
      filter: (_: uPlot, splits: number[]) => splits,
    }),
    values: (_, splits) => chart.yTicks(splits),
  };
  return { axes: [x, y], padding: [null, () => roomAtTheRight, null, null] };
}

/** Of the widest text, CSS pixels. */
function widthOf({ ctx }: uPlot, texts: readonly string[]): number {
  ctx.save();
  ctx.font = FONT;
  const width = texts.reduce((most, text) => Math.max(most, ctx.measureText(text).width), 0);
  ctx.restore();
  return Math.ceil(width);
}

/** Leaves out each label that would stand on the one before it. */
function withoutOverlaps(plot: uPlot, places: readonly number[], labels: readonly string[]): string[] {
  let end = Number.NEGATIVE_INFINITY;
  return labels.map((label, i) => {
    const [middle, half] = [plot.valToPos(places[i]!, 'x'), widthOf(plot, [label]) / 2];
    if (middle - half < end) return '';
    end = middle + half + LABEL_GAP;
    return label;
  });
}
