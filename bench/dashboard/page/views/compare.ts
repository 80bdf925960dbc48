/** View: A against B, cell by cell, as ratios with intervals; a plot in a table. */

import { type Ratio, ratioOfMedians } from '../../../statistics/bootstrap.ts';
import { extremesOf, median } from '../../../statistics/sample.ts';
import { areByTurns, turnsNote } from '../../../statistics/turns.ts';
import { type Choice, element, note } from '../dom.ts';
import { timesOf, valuesOf } from '../history-points.ts';
import { count, figure, type Metric, minuteOf, titleOf, withUnit } from '../metrics.ts';
import { isOfName, isOfSeries, nameOf, varyingIn } from '../records.ts';
import { tableOf } from '../table.ts';
import { shapeOf } from '../theme.ts';
import { type Context, chosenOf, controls, metricChoices, metricOf, optionChoice } from './view.ts';

/** Fewer repetitions say next to nothing of their scatter; what an interval of a few is worth: `ratioOfMedians`. */
const REPETITIONS_MIN = 3;
const LISTED_MAX = 500;
const ROWS_SHOWN = 100;

interface Pair {
  name: string;
  a: number[];
  b: number[];
  /** Of the medians, B over A. */
  ratio: number;
  byTurns: boolean;
}

type By = 'commit' | 'label' | 'record';

/** The groups there are, the newest first. */
/** Enough for a page that is looked at: compare, the command, takes ten times as many. */
const RESAMPLES = 1000;

function groupsOf({ records, passing }: Context, by: By): Choice[] {
  const newestFirst = [...passing].reverse();
  if (by === 'record') {
    const varying = varyingIn(passing, records.fields.filter(isOfName));
    return newestFirst.slice(0, LISTED_MAX).map((record) => ({
      value: String(record),
      text: `${minuteOf(records.atMs[record]!)} ${nameOf(records, record, varying)}`,
    }));
  }
  const field = records.field(by);
  const groups = new Map<number, { count: number; lastMs: number }>();
  for (const record of newestFirst) {
    const known = groups.get(field.placeOf(record)) ?? { count: 0, lastMs: records.atMs[record]! };
    known.count++;
    groups.set(field.placeOf(record), known);
  }
  return [...groups].map(([place, { count: size, lastMs }]) => ({
    value: field.values[place]!,
    text: `${field.values[place]} (${count(size, 'record')}, ${minuteOf(lastMs)})`,
  }));
}

export function compareView(into: HTMLElement, context: Context): void {
  const bys: Choice[] = [
    { value: 'commit', text: 'Commits' },
    { value: 'label', text: 'Labels' },
    { value: 'record', text: 'Records' },
  ];
  // What can be told apart at all comes first.
  bys.sort(
    (x, y) => Number(groupsOf(context, y.value as By).length > 1) - Number(groupsOf(context, x.value as By).length > 1),
  );
  const by = chosenOf(context, 'by', bys) as By;
  const groups = groupsOf(context, by);
  const metric = metricOf(context);
  const b = chosenOf(context, 'b', groups);
  const forA = [...groups.filter(({ value }) => value !== b), ...groups.filter(({ value }) => value === b)];
  const a = chosenOf(context, 'a', forA);
  into.append(
    controls(
      optionChoice(context, 'by', 'Compare', bys),
      optionChoice(context, 'a', 'A', forA),
      optionChoice(context, 'b', 'B', groups),
      optionChoice(context, 'metric', 'Show', metricChoices(context)),
    ),
  );
  if (groups.length < 2) {
    into.append(note(`There is only one ${by} here: nothing to compare. Measure another, or take a filter back.`));
    return;
  }
  const pairs = pairsOf(context, by, a, b, metric).sort((x, y) =>
    metric.rising ? x.ratio - y.ratio : y.ratio - x.ratio,
  );
  if (pairs.length === 0) {
    into.append(note('A and B have no configuration in common that measured this.'));
    return;
  }
  drawPairs(into, pairs, metric);
  const turns = turnsNote(pairs.filter(({ byTurns }) => !byTurns).length, pairs.length);
  if (turns !== null) into.append(element('p', { className: 'note', id: 'compare-turns' }, turns));
}

function pairsOf(context: Context, by: By, a: string, b: string, metric: Metric): Pair[] {
  const { records, passing } = context;
  const pair = (name: string, ofA: readonly number[], ofB: readonly number[]): Pair[] => {
    const [inA, inB] = [valuesOf(records, metric, ofA), valuesOf(records, metric, ofB)];
    const ratio = median(inB) / median(inA);
    // Nothing over nothing is no ratio.
    if (!Number.isFinite(ratio) || ratio <= 0) return [];
    const byTurns = areByTurns(timesOf(records, metric, ofA), timesOf(records, metric, ofB));
    return [{ name, a: inA, b: inB, ratio, byTurns }];
  };
  // Two records are compared whatever their configurations are.
  if (by === 'record') {
    const [one, other] = [Number(a), Number(b)];
    const varying = varyingIn([one, other], records.fields.filter(isOfSeries));
    const [nameA, nameB] = [nameOf(records, one, varying), nameOf(records, other, varying)];
    return pair(nameA === nameB ? nameA : `A: ${nameA}; B: ${nameB}`, [one], [other]);
  }
  const field = records.field(by);
  const inGroup = (group: string) => passing.filter((record) => field.values[field.placeOf(record)] === group);
  const [inA, inB] = [bySeries(context, inGroup(a)), bySeries(context, inGroup(b))];
  const varying = varyingIn(passing, records.fields.filter(isOfSeries));
  return [...inA].flatMap(([series, of]) => {
    const others = inB.get(series);
    return others === undefined ? [] : pair(nameOf(records, of[0]!, varying), of, others);
  });
}

function bySeries({ records }: Context, among: readonly number[]): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  for (const record of among) {
    const series = records.seriesOf[record]!;
    const known = groups.get(series);
    if (known === undefined) groups.set(series, [record]);
    else known.push(record);
  }
  return groups;
}

function drawPairs(into: HTMLElement, pairs: readonly Pair[], metric: Metric): void {
  const mean = Math.exp(pairs.reduce((sum, { ratio }) => sum + Math.log(ratio), 0) / pairs.length);
  const intervals = new Map<Pair, Ratio | null>();
  const intervalOf = (pair: Pair): Ratio | null => {
    const known = intervals.get(pair);
    if (known !== undefined) return known;
    const enough = Math.min(pair.a.length, pair.b.length) >= REPETITIONS_MIN;
    const positive = [...pair.a, ...pair.b].every((value) => value > 0);
    const made = enough && positive ? ratioOfMedians(pair.a, pair.b, { resamples: RESAMPLES }) : null;
    intervals.set(pair, made);
    return made;
  };
  const shown = pairs.slice(0, ROWS_SHOWN);
  const ends = shown.flatMap((pair) => {
    const interval = intervalOf(pair);
    return interval === null ? [] : [interval.low, interval.high];
  });
  const drawn = [...pairs.map(({ ratio }) => ratio), ...ends].filter((end) => end > 0 && Number.isFinite(end));
  const [, reach] = extremesOf([1.1, ...drawn].map((end) => Math.abs(Math.log(end))));
  const direction = metric.rising ? 'above 1, B is better' : 'below 1, B is better';
  into.append(
    element(
      'p',
      { className: 'sum', id: 'compare-sum' },
      `B / A over ${count(pairs.length, 'cell')}: `,
      element('strong', {}, `${figure(mean)} times`),
      ` (geometric mean; ${direction})`,
    ),
  );
  const caption = `${titleOf(metric)}: B over A, with 95 % intervals of the ratio of medians`;
  const axis = element(
    'span',
    { className: 'ratio-axis' },
    ...[Math.exp(-reach), 1, Math.exp(reach)].map((end) => element('span', {}, figure(end))),
  );
  const box = tableOf(
    {
      caption,
      head: ['Configuration', 'B / A', 'Interval', axis, 'Verdict', 'A', 'B'],
      figures: [1, 2, 5, 6],
      count: pairs.length,
      row: (i) => {
        const pair = pairs[i]!;
        const interval = intervalOf(pair);
        const [word, kind] = verdictOf(interval, metric);
        return [
          pair.name,
          figure(pair.ratio),
          interval === null ? '–' : `${figure(interval.low)} to ${figure(interval.high)}`,
          plotOf(pair.ratio, interval, reach, kind),
          element('span', { className: `verdict ${kind}` }, word),
          withUnit(median(pair.a), metric.unit),
          withUnit(median(pair.b), metric.unit),
        ];
      },
    },
    ROWS_SHOWN,
  );
  into.append(
    element('p', { className: 'table-title' }, `${caption}; worst first`),
    box,
    note(
      `An interval wants ${REPETITIONS_MIN} repetitions on each side, and its 95 % want 5: of 3 it holds the true ratio in 89 % of cases, of 4 in 93 %. Where it holds 1 there is no difference that could be told from scatter. Configurations that only one side has, or where A is zero, are left out.`,
    ),
  );
}

function verdictOf(interval: Ratio | null, { rising }: Metric): [word: string, kind: string] {
  if (interval === null) return ['too few', 'none'];
  if (interval.low <= 1 && interval.high >= 1) return ['= no difference', 'none'];
  return interval.low > 1 === rising ? ['▲ better', 'better'] : ['▼ worse', 'worse'];
}

const WIDTH = 200;
const HEIGHT = 18;

/** The ratio and its interval on a logarithmic axis around 1. The table says the same in figures. */
function plotOf(ratio: number, interval: Ratio | null, reach: number, kind: string): SVGElement {
  const place = (value: number) => {
    const share = Math.log(value) / reach;
    return WIDTH / 2 + Math.max(-1, Math.min(1, Number.isNaN(share) ? 0 : share)) * (WIDTH / 2 - 6);
  };
  const middle = HEIGHT / 2;
  const plot = shapeOf('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: `forest ${kind}`, 'aria-hidden': 'true' });
  plot.append(shapeOf('line', { x1: WIDTH / 2, x2: WIDTH / 2, y1: 0, y2: HEIGHT, class: 'one' }));
  if (interval !== null)
    plot.append(
      shapeOf('line', { x1: place(interval.low), x2: place(interval.high), y1: middle, y2: middle, class: 'interval' }),
    );
  plot.append(shapeOf('circle', { cx: place(ratio), cy: middle, r: 4 }));
  return plot;
}
