/** View: what a transfer costs along any field that is a number; along sizes, what of it each byte costs. */
import { nsAt, sayCost } from '../../../statistics/cost-fit.ts';
import { extremesOf, median, quantile } from '../../../statistics/sample.ts';
import { type ChartSeries, drawChart } from '../chart.ts';
import { type CostLine, costLines, costOf, numericFields, speedsOf } from '../cost-lines.ts';
import { note } from '../dom.ts';
import { chartTitleOf, count, figure, titleOf, withUnit } from '../metrics.ts';
import type { Field } from '../records.ts';
import { foldedTable, tableOf } from '../table.ts';
import { SERIES_MAX } from '../theme.ts';
import { numberTicks, sizeTicks, ticksIn } from '../ticks.ts';
import { chosenIds, legendOf } from './legend.ts';
import { type Context, chosenOf, controls, optionChoice } from './view.ts';

const LISTED_MAX = 100;
const SIZE = 'size';
/** An axis whose ends are farther apart than so many times is logarithmic. */
const LOG_FROM = 10;
const TICKS_MAX = 8;

/** What the y axis shows of a speed in transfers a second. */
interface Shown {
  value: string;
  text: string;
  unit: string;
  of: (perSecond: number, bytes: number) => number;
}

const NS: Shown = { value: 'ns', text: 'Time per transfer', unit: 'ns', of: (perSecond) => 1e9 / perSecond };
const SHOWN: readonly Shown[] = [
  NS,
  { value: 'speed', text: 'Throughput', unit: 'M/s', of: (perSecond) => perSecond / 1e6 },
];
const BYTES: Shown = { value: 'bytes', text: 'Bytes a second', unit: 'GB/s', of: (s, bytes) => (s * bytes) / 1e9 };

export function costView(into: HTMLElement, context: Context): void {
  const { records, passing } = context;
  const fields = numericFields(records, passing);
  if (fields.length === 0) {
    into.append(
      note(
        'No option that is a number has several values in the records that the filters keep. A sweep that shows what a byte costs: npm run matrix -- --workload bulk --size 4,64,256,1k,4k,16k,64k',
      ),
    );
    return;
  }
  const axes = fields.map(({ name }) => ({ value: name, text: name }));
  const along = fields.find(({ name }) => name === chosenOf(context, 'along', axes))!;
  // Other workloads carry what they carry.
  const shows = along.name === SIZE ? [...SHOWN, BYTES] : SHOWN;
  const shown = shows.find(({ value }) => value === chosenOf(context, 'cost', shows))!;
  into.append(controls(optionChoice(context, 'cost', 'Show', shows), optionChoice(context, 'along', 'Along', axes)));
  const lines = costLines(records, passing, along).filter(({ at }) =>
    [...at.values()].some((of) => speedsOf(records, of).length > 0),
  );
  if (lines.length === 0) {
    into.append(note('No record that the filters keep has a finished repetition.'));
    return;
  }
  const ids = lines.map(({ id }) => id);
  const chosen = chosenIds(context, 'lines', ids, () => ids.slice(0, SERIES_MAX));
  const drawn = chosen.map((id) => lines.find((line) => line.id === id)!);
  drawCost(into, context, drawn, along, shown);
  into.append(
    legendOf(context, {
      option: 'lines',
      box: 'line',
      title: 'Configurations',
      all: ids,
      chosen,
      nameOf: (id) => lines.find((line) => line.id === id)!.name,
      listedMax: LISTED_MAX,
      note: `Points are medians of all repetitions, bars their middle half${along.name === SIZE ? '; thin lines are the costs of the table' : ''}. At most ${SERIES_MAX} configurations are drawn.`,
    }),
  );
}

function drawCost(into: HTMLElement, context: Context, lines: readonly CostLine[], along: Field, shown: Shown): void {
  const { records } = context;
  const xs = [...new Set(lines.flatMap(({ at }) => [...at.keys()]))].sort((a, b) => a - b);
  const sized = along.name === SIZE;
  const log = farApart(xs);
  const placed = log ? xs.map((x) => Math.log2(x)) : xs;
  const sayXs = sized ? sizeTicks : numberTicks;
  const xTexts = new Map(sayXs(xs).map((text, i) => [placed[i]!, text]));
  const values = lines.map(({ at }) =>
    xs.map((x) => speedsOf(records, at.get(x) ?? []).map((perSecond) => shown.of(perSecond, x))),
  );
  const all = values.flat(2);
  const fits = sized ? lines.map((line) => costOf(records, line)) : [];
  const metric = { title: shown.text, unit: shown.unit };
  const title = `${titleOf(metric)}, by ${along.name}`;
  const known = (of: readonly number[], show: (of: readonly number[]) => number) => (of.length === 0 ? null : show(of));
  const measured = lines.map(
    ({ name }, place): ChartSeries => ({
      name,
      place,
      values: values[place]!.map((of) => known(of, median)),
      low: values[place]!.map((of) => known(of, (some) => quantile(some, 0.25))),
      high: values[place]!.map((of) => known(of, (some) => quantile(some, 0.75))),
      points: true,
      say: (i) => `${name}: ${withUnit(median(values[place]![i]!), shown.unit)}`,
    }),
  );
  const fitted = fits.flatMap((fit, place): ChartSeries[] =>
    fit === null
      ? []
      : [
          {
            name: `${lines[place]!.name}, fitted`,
            place,
            // What the line says below zero is nothing that can be drawn.
            values: xs.map((x) => (nsAt(fit, x) > 0 ? shown.of(1e9 / nsAt(fit, x), x) : null)),
            points: false,
            thin: true,
            say: () => '',
          },
        ],
  );
  const step = Math.ceil(xs.length / TICKS_MAX);
  drawChart(into, {
    id: 'chart-cost',
    title: `${chartTitleOf(metric)}, by ${along.name}`,
    name: `${title}: ${count(lines.length, 'configuration')} at ${count(xs.length, 'value')}.`,
    x: placed,
    sayX: (i) => `${along.name} ${sized ? xTexts.get(placed[i]!)! : xs[i]!.toLocaleString('en-US')}`,
    xSplits: placed.filter((_, i) => i % step === 0),
    xTicks: (places) => places.map((place) => xTexts.get(place)!),
    yTicks: ticksIn(shown.unit),
    yLog: farApart(all),
    fromZero: true,
    series: [...measured, ...fitted],
  });
  if (fits.some((fit) => fit !== null)) into.append(fitTable(lines, fits));
  const rows = lines.flatMap((line, place) =>
    xs.flatMap((x, i) => (values[place]![i]!.length === 0 ? [] : [{ line, x, of: values[place]![i]! }])),
  );
  into.append(
    foldedTable('table-cost', {
      caption: title,
      head: ['Configuration', along.name, 'Median', 'Lowest', 'Highest', 'Repetitions'],
      figures: [1, 2, 3, 4, 5],
      count: rows.length,
      row: (i) => {
        const { line, x, of } = rows[i]!;
        const ends = extremesOf(of).map(figure);
        return [line.name, x.toLocaleString('en-US'), figure(median(of)), ...ends, of.length.toLocaleString('en-US')];
      },
    }),
  );
}

function fitTable(lines: readonly CostLine[], fits: readonly ReturnType<typeof costOf>[]): HTMLElement {
  return tableOf({
    caption: 'Cost: a straight line through the medians of at least three sizes',
    head: ['Configuration', 'Cost', 'Farthest size off by'],
    // The cost is a sentence: it may need several lines.
    figures: [2],
    count: lines.length,
    row: (i) => {
      const fit = fits[i]!;
      return [
        lines[i]!.name,
        fit === null ? 'fewer than three sizes' : sayCost(fit),
        fit === null ? '–' : `${(100 * fit.worst).toFixed(0)} %`,
      ];
    },
  });
}

/** A logarithmic axis has no zero. */
function farApart(values: readonly number[]): boolean {
  const [least, most] = extremesOf(values);
  return least > 0 && most > LOG_FROM * least;
}
