/**
 * A chart: uPlot with interval bars, change points, and a read-out below that follows the pointer and the arrow keys.
 * What a chart shows is also said by its name and by the table that the view puts beside it.
 */
import uPlot from 'uplot';
import { axesOf, type ChartAxes } from './chart-axes.ts';
import { type ChartMark, drawMarks } from './chart-marks.ts';
import { element } from './dom.ts';
import { colourOf, DASHES, SERIES_COLOURS, swatchOf } from './theme.ts';

export interface ChartSeries {
  name: string;
  /** Which of the colours. */
  place: number;
  values: readonly (number | null)[];
  /** Ends of the interval bars. */
  low?: readonly (number | null)[];
  high?: readonly (number | null)[];
  points: boolean;
  /** Of what was computed, not measured: thin, and not read out. */
  thin?: boolean;
  /** What the read-out says of a place. */
  say: (at: number) => string;
}

export interface Chart extends ChartAxes {
  id: string;
  /** The accessible name: what is drawn, in words. */
  name: string;
  title: string;
  x: readonly number[];
  /** What the read-out says of a place on the x axis. */
  sayX: (at: number) => string;
  /** What is read while nobody points: the last place where something was measured, unless it is said. */
  rest?: number;
  fromZero?: boolean;
  series: readonly ChartSeries[];
}

export interface DrawnChart {
  /** Draws these lines in place of those before, and calls the chart by another name. */
  mark: (marks: readonly ChartMark[], name: string) => void;
}

const HEIGHT = 320;
const HEIGHT_NARROW = 260;
const NARROW = 560;
const CAP = 3;
const THIN_DASH = [2, 2];

const drawn: { plot: uPlot; observer: ResizeObserver }[] = [];

/** Gives the charts' canvases back before a view is drawn anew. */
export function dropCharts(): void {
  for (const { plot, observer } of drawn.splice(0)) {
    observer.disconnect();
    plot.destroy();
  }
}

function yRange({ series, yLog = false, fromZero = false }: Chart): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const { values, low: lows = [], high: highs = [] } of series)
    for (const value of [...values, ...lows, ...highs]) {
      if (value === null || !Number.isFinite(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  if (low > high) return [yLog ? 1 : 0, yLog ? 10 : 1];
  if (yLog) return [10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(high * 1.01))];
  const room = (high - low || Math.abs(high) || 1) * 0.1;
  return [fromZero ? Math.min(0, low) : low - room < 0 && low >= 0 ? 0 : low - room, high + room];
}

/** Puts the chart in its place on the page; it follows the width of it. */
export function drawChart(into: HTMLElement, chart: Chart): DrawnChart {
  let marks: readonly ChartMark[] = [];
  const plotBox = element('div', { className: 'plot', tabIndex: 0, id: chart.id });
  const readOut = element('p', { className: 'read-out', id: `${chart.id}-read-out` });
  readOut.setAttribute('aria-live', 'polite');
  plotBox.setAttribute('role', 'group');
  plotBox.setAttribute('aria-roledescription', 'chart');
  into.append(element('figure', { className: 'chart' }, element('figcaption', {}, chart.title), plotBox, readOut));

  const colours = SERIES_COLOURS.map(colourOf);
  const [yMin, yMax] = yRange(chart);
  const [first = 0, last = 1] = [chart.x[0], chart.x.at(-1)];
  const margin = last === first ? 0.5 : (last - first) * 0.03;
  const sizeOf = () => {
    const width = Math.max(200, plotBox.clientWidth);
    return { width, height: width < NARROW ? HEIGHT_NARROW : HEIGHT };
  };
  const rest = chart.rest ?? lastMeasured(chart);
  const say = (at: number) => {
    const lines = chart.series
      .filter(({ values, thin = false }) => !thin && values[at] !== null && values[at] !== undefined)
      .map((series) => {
        return element('span', { className: 'reading' }, swatchOf(series.place), series.say(at));
      });
    readOut.replaceChildren(element('strong', {}, chart.sayX(at)), ...lines);
  };
  const plot = new uPlot(
    {
      ...sizeOf(),
      // Universal time, as everywhere on the page.
      tzDate: (atS) => uPlot.tzDate(new Date(atS * 1000), 'Etc/UTC'),
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false, points: { size: 8 } },
      scales: {
        x: { time: chart.xTime ?? false, range: () => [first - margin, last + margin] },
        y: { distr: chart.yLog ? 3 : 1, range: () => [yMin, yMax] },
      },
      ...axesOf(chart),
      series: [
        {},
        ...chart.series.map(({ name, place, values, points, thin = false }): uPlot.Series => {
          const stroke = colours[place % colours.length]!;
          return {
            label: name,
            stroke,
            width: thin ? 1 : 2,
            dash: thin ? THIN_DASH : DASHES[place % DASHES.length]!,
            spanGaps: true,
            // A line needs two values to be seen.
            points: { show: points || isOnePoint(values), size: 7, fill: stroke },
          };
        }),
      ],
      hooks: {
        setCursor: [(made) => say(made.cursor.idx ?? rest)],
        drawAxes: [(made) => drawMarks(made, marks, colours)],
        draw: [(made) => drawBars(made, chart, colours)],
      },
    },
    [[...chart.x], ...chart.series.map(({ values }) => [...values])] as uPlot.AlignedData,
    plotBox,
  );
  say(rest);
  const callIt = (name: string) => {
    plotBox.setAttribute('aria-label', `${name} Left and right arrow keys read its points.`);
    for (const canvas of plotBox.querySelectorAll('canvas')) {
      canvas.setAttribute('role', 'img');
      canvas.setAttribute('aria-label', name);
    }
  };
  callIt(chart.name);
  plotBox.addEventListener('keydown', (event) => moveCursor(event, plot));
  const observer = new ResizeObserver(() => {
    const size = sizeOf();
    if (size.width !== plot.width) plot.setSize(size);
  });
  observer.observe(plotBox);
  drawn.push({ plot, observer });
  return {
    mark: (next, name) => {
      marks = next;
      callIt(name);
      plot.redraw(false);
    },
  };
}

const isOnePoint = (values: readonly (number | null)[]) => values.filter((value) => value !== null).length === 1;

function lastMeasured({ x, series }: Chart): number {
  const measured = (at: number) => series.some(({ values }) => values[at] !== null && values[at] !== undefined);
  return Math.max(
    0,
    x.findLastIndex((_, at) => measured(at)),
  );
}

function moveCursor(event: KeyboardEvent, plot: uPlot): void {
  const last = plot.data[0].length - 1;
  const at = plot.cursor.idx ?? null;
  const targets: Record<string, number> = {
    ArrowLeft: at === null ? last : Math.max(0, at - 1),
    ArrowRight: at === null ? 0 : Math.min(last, at + 1),
    Home: 0,
    End: last,
  };
  const target = targets[event.key];
  if (target === undefined || last < 0) return;
  event.preventDefault();
  plot.setCursor({ left: plot.valToPos(plot.data[0][target]!, 'x'), top: 1 });
}

function drawBars(plot: uPlot, { x, series }: Chart, colours: readonly string[]): void {
  const { ctx } = plot;
  const cap = CAP * uPlot.pxRatio;
  ctx.save();
  ctx.lineWidth = 1.5 * uPlot.pxRatio;
  for (const { place, low = [], high = [] } of series) {
    ctx.strokeStyle = colours[place % colours.length]!;
    ctx.beginPath();
    for (const [at, value] of x.entries()) {
      const [bottom, top] = [low[at], high[at]];
      if (typeof bottom !== 'number' || typeof top !== 'number' || bottom === top) continue;
      const left = Math.round(plot.valToPos(value, 'x', true));
      const [from, to] = [plot.valToPos(bottom, 'y', true), plot.valToPos(top, 'y', true)];
      ctx.moveTo(left, from);
      ctx.lineTo(left, to);
      for (const end of [from, to]) {
        ctx.moveTo(left - cap, end);
        ctx.lineTo(left + cap, end);
      }
    }
    ctx.stroke();
  }
  ctx.restore();
}
