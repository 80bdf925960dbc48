/** View: what was measured at each commit, a line a configuration, with the places where it changed. */

import { extremesOf, median, quantile } from '../../../statistics/sample.ts';
import { ABSENT } from '../../page-data.ts';
import { drawChart } from '../chart.ts';
import { checkboxOf, note } from '../dom.ts';
import { type History, historyOf, valuesOf } from '../history-points.ts';
import { chartTitleOf, count, dayOf, figure, METRICS, type Metric, minuteOf, titleOf, withUnit } from '../metrics.ts';
import { type Names, namesAmong } from '../names.ts';
import { foldedTable } from '../table.ts';
import { SERIES_MAX } from '../theme.ts';
import { ticksIn } from '../ticks.ts';
import { listChanges } from './changes.ts';
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
  /** How many of the point's records have doubtful figures. */
  doubtful: number[];
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
    const doubtful = points.map(
      (point) => (at.get(point.place) ?? []).filter((record) => records.doubtsOf(record).length > 0).length,
    );
    return { id, name: names.of(records.exampleOf[id]!), place, values, medians, doubtful };
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
  if (lines.every(({ medians }) => medians.every((value) => value === null))) {
    into.append(note(`No record of these configurations has measured this: ${metric.title}.`));
    return;
  }
  const x = points.map(({ place, atMs }) => (byTime ? atMs / MS_PER_S : place));
  const sayPoint = (at: number) => {
    const { commit, atMs } = points[at]!;
    return `${commit === ABSENT ? '' : `${commit}, `}${minuteOf(atMs)} UTC`;
  };
  const end = (share: number) => (values: readonly number[] | null) =>
    values === null || values.length < 2 ? null : quantile(values, share);
  const [low, high] = [end(0.25), end(0.75)];
  const title = titleOf(metric);
  const along = byTime ? 'point in time' : points.some(({ commit }) => commit === ABSENT) ? 'point' : 'commit';
  const name = `${title} of ${count(lines.length, 'configuration')} over ${count(points.length, along)}`;
  const drawn = drawChart(into, {
    id: `chart-${metric.name}`,
    title: chartTitleOf(metric),
    name: `${name}.`,
    x,
    xTime: byTime,
    sayX: sayPoint,
    xTicks: (places, step) => places.map((place) => (byTime ? timeTick(place, step) : (points[place]?.tick ?? ''))),
    yTicks: ticksIn(metric.unit),
    fromZero,
    series: lines.map(({ name, place, values, medians, doubtful }) => ({
      name,
      place,
      values: medians,
      low: values.map(low),
      high: values.map(high),
      points: points.length <= 120,
      say: (at) => `${name}: ${sayValues(values[at]!, metric)}${sayDoubtful(doubtful[at]!)}`,
    })),
  });
  listChanges(into, lines, {
    points,
    x,
    metric,
    mark: (marks, found) => drawn.mark(marks, found === null ? `${name}.` : `${name}, ${found}`),
  });
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
        const [lowest, highest] = extremesOf(values);
        return [
          points[at]!.commit,
          minuteOf(points[at]!.atMs),
          line.name,
          figure(line.medians[at]!),
          figure(lowest),
          figure(highest),
          `${values.length.toLocaleString('en-US')}${sayDoubtful(line.doubtful[at]!)}`,
        ];
      },
    }),
  );
}

const S_PER_DAY = 86_400;
const timeTick = (atS: number, stepS: number) =>
  stepS < S_PER_DAY ? minuteOf(atS * MS_PER_S).slice('2026-'.length) : dayOf(atS * MS_PER_S);

const sayDoubtful = (doubtful: number) => (doubtful === 0 ? '' : `; ${count(doubtful, 'record')} with warnings`);

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
    note: `Points are medians, bars the middle half of the repetitions; dashed vertical lines are changes of level, in the colour of their configuration: steps that neither a straight drift nor noise from run to run explains. At most ${SERIES_MAX} configurations are drawn.`,
  });
}
