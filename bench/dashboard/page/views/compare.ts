/** View: A against B, cell by cell, as ratios with intervals; a plot in a table. */

import { type Ratio, ratioOfMedians } from '../../../statistics/bootstrap.ts';
import { extremesOf, median } from '../../../statistics/sample.ts';
import { areByTurns, turnsNote } from '../../../statistics/turns.ts';
import { type Choice, element, note } from '../dom.ts';
import { timesOf, valuesOf } from '../history-points.ts';
import { count, figure, type Metric, minuteOf, titleOf, withUnit } from '../metrics.ts';
import { namesAmong } from '../names.ts';
import { apartIn, conditionsOf, differingToo, fieldsAlong, type Matched, matchedAlong } from '../pairs.ts';
import { type Field, groupedBy, type Records, shownOf } from '../records.ts';
import { tableOf } from '../table.ts';
import { shapeOf } from '../theme.ts';
import { type Context, chosenOf, controls, metricChoices, metricOf, optionChoice } from './view.ts';

/** Fewer repetitions say next to nothing of their scatter; what an interval of a few is worth: `ratioOfMedians`. */
const REPETITIONS_MIN = 3;
const ROWS_SHOWN = 100;

interface Pair {
  name: string;
  a: number[];
  b: number[];
  /** Of the medians, B over A. */
  ratio: number;
  byTurns: boolean;
}

/** Enough for a page that is looked at: compare, the command, takes ten times as many. */
const RESAMPLES = 1000;

/** One of the values of the field that is compared along. */
interface Side extends Choice {
  of: readonly number[];
}

const isByTime = ({ name }: Field) => name === 'commit' || name === 'label';

/** The values that these records have, as the field lists them. */
function sidesOf({ records, passing }: Context, along: Field): Side[] {
  const groups = groupedBy(passing, (record) => along.placeOf(record));
  return [...groups]
    .sort(([one], [other]) => one - other)
    .map(([place, of]) => {
      const value = along.values[place]!;
      const last = isByTime(along) ? `, ${minuteOf(records.atMs[of.at(-1)!]!)}` : '';
      return { value, of, text: `${shownOf(along, value)} (${count(of.length, 'record')}${last})` };
    });
}

export function compareView(into: HTMLElement, context: Context): void {
  const { records, passing } = context;
  const fields = fieldsAlong(records, passing);
  if (fields.length === 0) {
    into.append(
      note(
        'There is only one configuration here, of one commit and label: nothing to compare. Measure another, or take a filter back.',
      ),
    );
    return;
  }
  const alongs = fields.map(({ name }) => ({ value: name, text: name }));
  const along = fields.find(({ name }) => name === chosenOf(context, 'by', alongs))!;
  const metric = metricOf(context);
  const [forA, forB] = sideLists(context, along);
  const [a, b] = [chosenOf(context, 'a', forA), chosenOf(context, 'b', forB)];
  into.append(
    controls(
      optionChoice(context, 'by', 'Compare along', alongs),
      optionChoice(context, 'a', 'A', forA),
      optionChoice(context, 'b', 'B', forB),
      optionChoice(context, 'metric', 'Show', metricChoices(context)),
    ),
  );
  const [inA, inB] = [forA.find(({ value }) => value === a)!.of, forB.find(({ value }) => value === b)!.of];
  const matched = matchedAlong(records, along, inA, inB);
  const pairs = pairsOf(records, along, matched, metric).sort((x, y) =>
    metric.rising ? x.ratio - y.ratio : y.ratio - x.ratio,
  );
  if (pairs.length === 0) {
    into.append(note(sayNothing(matched.length === 0 ? apartIn(records, along, inA, inB) : null)));
    return;
  }
  drawPairs(into, pairs, metric);
  const turns = turnsNote(pairs.filter(({ byTurns }) => !byTurns).length, pairs.length);
  if (turns !== null) into.append(element('p', { className: 'note', id: 'compare-turns' }, turns));
  const differing = differingToo(records, along, matched).map(({ name }) => name);
  if (differing.length > 0)
    into.append(
      element('p', { className: 'note', id: 'compare-too' }, `A and B differ in this, too: ${differing.join(', ')}.`),
    );
}

/**
 * The lists for A and B. In time, what is new is B; else what comes first is A. The other is by default the next one
 * that has something in common with it.
 */
function sideLists(context: Context, along: Field): [forA: Side[], forB: Side[]] {
  const all = sidesOf(context, along);
  const option = isByTime(along) ? 'b' : 'a';
  const chosen = chosenOf(context, option, all);
  const one = all.find(({ value }) => value === chosen)!;
  const others = all.filter((side) => side !== one);
  const alike = others.find(({ of }) => matchedAlong(context.records, along, one.of, of).length > 0);
  const forOther = [...(alike ? [alike] : []), ...others.filter((side) => side !== alike), one];
  return option === 'b' ? [forOther, all] : [all, forOther];
}

function sayNothing(apart: readonly Field[] | null): string {
  if (apart === null) return 'No configuration that A and B have in common has measured this.';
  const names = apart.map(({ name }) => name);
  const why = names.length === 0 ? '' : ` They differ in this, too: ${names.join(', ')}.`;
  return `No record of A has its like in B.${why}`;
}

function pairsOf(records: Records, along: Field, matched: readonly Matched[], metric: Metric): Pair[] {
  const names = namesAmong(
    records,
    matched.map(({ a: [first] }) => first!),
    conditionsOf(records, along),
  );
  return matched.flatMap(({ a, b }): Pair[] => {
    const [inA, inB] = [valuesOf(records, metric, a), valuesOf(records, metric, b)];
    const ratio = median(inB) / median(inA);
    // Nothing over nothing is no ratio.
    if (!Number.isFinite(ratio) || ratio <= 0) return [];
    const byTurns = areByTurns(timesOf(records, metric, a), timesOf(records, metric, b));
    return [{ name: names.of(a[0]!), a: inA, b: inB, ratio, byTurns }];
  });
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
      // The verdict beside the name: a narrow page shows the first columns.
      head: ['Configuration', 'Verdict', 'B / A', 'Interval', axis, 'A', 'B'],
      figures: [2, 3, 5, 6],
      count: pairs.length,
      row: (i) => {
        const pair = pairs[i]!;
        const interval = intervalOf(pair);
        const [word, kind] = verdictOf(interval, metric);
        return [
          pair.name,
          element('span', { className: `verdict ${kind}` }, word),
          figure(pair.ratio),
          interval === null ? '–' : `${figure(interval.low)} to ${figure(interval.high)}`,
          plotOf(pair.ratio, interval, reach, kind),
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
