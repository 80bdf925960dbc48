/** View: what was measured at each commit, a line a configuration, with the places where it changed. */

import { type ChangePoint, changePoints } from '../../../statistics/change-points.ts';
import { median, quantile } from '../../../statistics/sample.ts';
import { drawChart } from '../chart.ts';
import { checkboxOf, element } from '../dom.ts';
import { type History, historyOf, valuesOf } from '../history-points.ts';
import {
  chartTitleOf,
  count,
  dayOf,
  figure,
  METRICS,
  type Metric,
  minuteOf,
  probability,
  titleOf,
  withUnit,
} from '../metrics.ts';
import { type Names, namesAmong } from '../names.ts';
import { foldedTable } from '../table.ts';
import { SERIES_MAX, swatchOf } from '../theme.ts';
import { ticksIn } from '../ticks.ts';
import { chosenIds, legendOf } from './legend.ts';
import { type Context, chosenOf, controls, metricChoices, optionChoice, optionOf, setOption } from './view.ts';

const MS_PER_S = 1000;
const LISTED_MAX = 100;

interface Line {
  id: number;
  name: string;
  place: number;
  /** By the place of the point; null where nothing was measured. */
  values: (readonly number[] | null)[];
  medians: (number | null)[];
  changes: ChangePoint[];
}

export function historyView(into: HTMLElement, context: Context): void {
  const { records, passing } = context;
  const axes = [
    { value: 'commit', text: 'Commits, in order' },
    { value: 'time', text: 'Time' },
  ];
  const both = { value: 'both', text: 'Throughput and notifications' };
  const shows = [both, ...metricChoices(context)];
  const byTime = chosenOf(context, 'x', axes) === 'time';
  const fromZero = optionOf(context, 'zero') === 'on';
  into.append(
    controls(
      optionChoice(context, 'show', 'Show', shows),
      optionChoice(context, 'x', 'Along', axes),
      checkboxOf('option-zero', 'Axis from zero', fromZero, (on) => setOption(context, 'zero', on ? 'on' : '')),
    ),
  );
  const names = namesAmong(records, passing);
  const history = inOrderOfNames(historyOf(records, passing, byTime), context, names);
  const chosen = chosenSeries(context, history);
  const show = chosenOf(context, 'show', shows);
  const metrics = METRICS.filter(({ name }) =>
    show === both.value ? name === 'speed' || name === 'notifications' : name === show,
  );
  for (const [i, metric] of metrics.entries()) {
    drawHistory(into, context, history, names, chosen, metric, byTime, fromZero);
    if (i === 0) into.append(seriesList(context, history, names, chosen));
  }
}

/** Changes are looked for among so many of the last points of a line: the search takes the square of them. */
const CHANGES_AMONG_MAX = 150;
const PERMUTATIONS = 199;

/** Those with most points first, and those with as many by their names. */
function inOrderOfNames({ points, series }: History, { records }: Context, names: Names): History {
  const example = ({ id }: History['series'][number]) => records.exampleOf[id]!;
  return {
    points,
    series: series.toSorted((a, b) => b.at.size - a.at.size || names.compare(example(a), example(b))),
  };
}

/** Those in the address, or the ones with most points. */
function chosenSeries(context: Context, { series }: History): readonly number[] {
  const all = series.map(({ id }) => id);
  return chosenIds(context, 'series', all, () => all.slice(0, SERIES_MAX));
}

function linesOf(
  { records }: Context,
  { points, series }: History,
  names: Names,
  chosen: readonly number[],
  metric: Metric,
): Line[] {
  return chosen.map((id, place) => {
    const { at } = series.find((one) => one.id === id)!;
    const values = points.map((point) => {
      const of = at.get(point.place);
      const found = of === undefined ? [] : valuesOf(records, metric, of);
      return found.length === 0 ? null : found;
    });
    const medians = values.map((found) => (found === null ? null : median(found)));
    const known = medians.flatMap((value, i) => (value === null ? [] : [{ value, i }]));
    const recent = known.slice(-CHANGES_AMONG_MAX);
    const changes = changePoints(
      recent.map(({ value }) => value),
      { permutations: PERMUTATIONS },
    ).map((change) => ({ ...change, index: recent[change.index]!.i }));
    return { id, name: names.of(records.exampleOf[id]!), place, values, medians, changes };
  });
}

function drawHistory(
  into: HTMLElement,
  context: Context,
  history: History,
  names: Names,
  chosen: readonly number[],
  metric: Metric,
  byTime: boolean,
  fromZero: boolean,
): void {
  const { points } = history;
  const lines = linesOf(context, history, names, chosen, metric);
  const x = points.map(({ place, atMs }) => (byTime ? atMs / MS_PER_S : place));
  const sayPoint = (at: number) => `${points[at]!.commit}, ${minuteOf(points[at]!.atMs)} UTC`;
  const end = (share: number) => (values: readonly number[] | null) =>
    values === null || values.length < 2 ? null : quantile(values, share);
  const [low, high] = [end(0.25), end(0.75)];
  const changed = lines.flatMap(({ changes, place, name }) => changes.map((change) => ({ change, place, name })));
  const title = titleOf(metric);
  drawChart(into, {
    id: `chart-${metric.name}`,
    title: chartTitleOf(metric),
    name: `${title} of ${count(lines.length, 'configuration')} over ${count(points.length, byTime ? 'point in time' : 'commit')}, ${count(changed.length, 'change')} found.`,
    x,
    xTime: byTime,
    sayX: sayPoint,
    xTicks: (places, step) =>
      places.map((place) => (byTime ? timeTick(place, step) : (points[place]?.commit.slice(0, 8) ?? ''))),
    yTicks: ticksIn(metric.unit),
    fromZero,
    series: lines.map(({ name, place, values, medians }) => ({
      name,
      place,
      values: medians,
      low: values.map(low),
      high: values.map(high),
      points: points.length <= 120,
      say: (at) => `${name}: ${sayValues(values[at]!, metric)}`,
    })),
    // Between the last commit before and the first one after.
    marks: changed.map(({ change: { index }, place }) => ({
      x: index === 0 ? x[0]! : (x[index]! + x[index - 1]!) / 2,
      place,
    })),
  });
  if (changed.length > 0)
    into.append(
      element(
        'ul',
        { className: 'changes' },
        ...changed.slice(0, LISTED_MAX).map(({ change, name, place }) => {
          const { before, after, p, index } = change;
          const words = `${name}: ${withUnit(before, metric.unit)} → ${withUnit(after, metric.unit)} (${figure(after / before)} times) from ${points[index]!.commit}, ${dayOf(points[index]!.atMs)}; p = ${probability(p)}`;
          return element('li', {}, swatchOf(place), words);
        }),
      ),
    );
  const rows = points.flatMap((_, at) =>
    lines.filter(({ values }) => values[at] !== null).map((line) => ({ at, line })),
  );
  rows.reverse();
  into.append(
    foldedTable(`table-${metric.name}`, {
      caption: `${title}, newest first`,
      head: ['Commit', 'First measured, UTC', 'Configuration', 'Median', 'Lowest', 'Highest', 'Repetitions'],
      figures: [3, 4, 5, 6],
      count: rows.length,
      row: (i) => {
        const { at, line } = rows[i]!;
        const values = line.values[at]!;
        return [
          points[at]!.commit,
          minuteOf(points[at]!.atMs),
          line.name,
          figure(line.medians[at]!),
          figure(Math.min(...values)),
          figure(Math.max(...values)),
          values.length.toLocaleString('en-US'),
        ];
      },
    }),
  );
}

const S_PER_DAY = 86_400;
const timeTick = (atS: number, stepS: number) =>
  stepS < S_PER_DAY ? minuteOf(atS * MS_PER_S).slice('2026-'.length) : dayOf(atS * MS_PER_S);

function sayValues(values: readonly number[], { unit }: Metric): string {
  const middle = withUnit(median(values), unit);
  if (values.length === 1) return `${middle}, one repetition`;
  return `${middle} (${figure(quantile(values, 0.25))} to ${figure(quantile(values, 0.75))})`;
}

function seriesList(context: Context, { series }: History, names: Names, chosen: readonly number[]): HTMLElement {
  const { records } = context;
  const points = new Map(series.map(({ id, at }) => [id, at.size]));
  return legendOf(context, {
    option: 'series',
    box: 'series',
    title: 'Configurations',
    all: series.map(({ id }) => id),
    chosen,
    nameOf: (id) => `${names.of(records.exampleOf[id]!)} (${count(points.get(id)!, 'point')})`,
    listedMax: LISTED_MAX,
    note: `Points are medians, bars the middle half of the repetitions; dashed vertical lines are changes of level, in the colour of their configuration, looked for among its last ${CHANGES_AMONG_MAX} points: steps that neither a straight drift nor noise from run to run explains. At most ${SERIES_MAX} configurations are drawn.`,
  });
}
