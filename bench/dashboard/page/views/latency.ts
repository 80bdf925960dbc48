/** View: latency distributions of several records over each other, on an axis that widens towards 100 %. */
import { extremesOf } from '../../../statistics/sample.ts';
import { LATENCY_KINDS, TAILS } from '../../page-data.ts';
import { drawChart } from '../chart.ts';
import { note } from '../dom.ts';
import { count, KIND_TITLES, microseconds, minuteOf } from '../metrics.ts';
import { namesAmong } from '../names.ts';
import { type Distribution, isOfName, valueAtTail } from '../records.ts';
import { foldedTable } from '../table.ts';
import { ticksIn } from '../ticks.ts';
import { chosenIds, legendOf } from './legend.ts';
import { type Context, chosenOf, controls, optionChoice } from './view.ts';

const DRAWN_BY_DEFAULT = 4;
const LISTED_MAX = 200;
const NS_PER_US = 1000;

/** 0 at 0 %, 1 at 90 %, 2 at 99 %: how many nines. */
const nines = (tail: number) => -Math.log10(tail);
const PERCENTILES = [0.5, 0.1, 0.01, 0.001, 0.0001, 0.00001] as const;
const percent = (tail: number) => `${Number((100 * (1 - tail)).toFixed(6))} %`;
const TICKS = [...PERCENTILES, 0.000001];

export function latencyView(into: HTMLElement, context: Context): void {
  const { records, passing } = context;
  const kinds = LATENCY_KINDS.filter((kind) => records.hasLatency(kind));
  if (kinds.length === 0) {
    into.append(note('No record here has measured latency. One that does: npm run bench -- --parallel --latency'));
    return;
  }
  const choices = kinds.map((value) => ({ value, text: KIND_TITLES[value] }));
  const kind = kinds.find((one) => one === chosenOf(context, 'kind', choices))!;
  into.append(controls(optionChoice(context, 'kind', 'Of', choices)));
  const newestFirst = passing.filter((record) => records.distribution(kind, record) !== null).reverse();
  if (newestFirst.length === 0) {
    into.append(note('No record that the filters keep has measured this.'));
    return;
  }
  const names = namesAmong(records, newestFirst, records.fields.filter(isOfName));
  // The commits' order is time's; the records of one stand by their configurations, of each the newest first.
  const commit = records.field('commit');
  const known = newestFirst.toSorted(
    (a, b) => commit.placeOf(a) - commit.placeOf(b) || names.compare(a, b) || records.atMs[b]! - records.atMs[a]!,
  );
  const chosen = chosenIds(context, 'records', known, () => newestOfEach(context, known));
  const nameAt = (record: number) => {
    const doubtful = records.doubtsOf(record).length === 0 ? '' : ', with warnings';
    return `${names.of(record)}, ${minuteOf(records.atMs[record]!)}${doubtful}`;
  };
  const curves = chosen.map((record, place) => ({
    name: nameAt(record),
    place,
    distribution: records.distribution(kind, record)!,
  }));
  const [, last] = extremesOf(curves.map(({ distribution }) => distribution.valuesNs.length));
  const x = TAILS.slice(0, last).map(nines);
  const ticks = TICKS.map(nines).filter((place) => place <= x.at(-1)! + 0.01);
  const title = `${KIND_TITLES[kind]}, µs, by percentile`;
  drawChart(into, {
    id: 'chart-latency',
    title: `${KIND_TITLES[kind]} by percentile`,
    name: `${title}: ${count(curves.length, 'record')} over each other, to ${percent(TAILS[last - 1]!)}.`,
    x,
    sayX: (at) => percent(TAILS[at]!),
    // Of one sample there is its value alone.
    xSplits: ticks.length === 0 ? [0] : ticks,
    xTicks: (places) => places.map((place) => percent(10 ** -place)),
    yTicks: ticksIn('µs'),
    yLog: true,
    rest: Math.min(x.length - 1, TAILS.indexOf(0.01)),
    series: curves.map(({ name, place, distribution }) => ({
      name,
      place,
      values: TAILS.slice(0, last).map((_, i) => usOf(distribution, i)),
      points: false,
      say: (at) => `${name}: ${microseconds(distribution.valuesNs[at]!)} µs`,
    })),
  });
  const head = [...PERCENTILES.map(percent), 'Maximum', 'Samples'];
  into.append(
    foldedTable('table-latency', {
      caption: `${KIND_TITLES[kind]}, µs`,
      head: ['Record', ...head],
      figures: head.map((_, i) => i + 1),
      count: curves.length,
      row: (i) => {
        const { name, distribution } = curves[i]!;
        const values = PERCENTILES.map((tail) => valueAtTail(distribution, tail));
        return [
          name,
          ...values.map((ns) => (ns === null ? '–' : microseconds(ns))),
          microseconds(distribution.maxNs),
          distribution.samples.toLocaleString('en-US'),
        ];
      },
    }),
    legendOf(context, {
      option: 'records',
      box: 'record',
      title: 'Records',
      all: known,
      chosen,
      nameOf: nameAt,
      listedMax: LISTED_MAX,
      note: 'A curve ends where no sample lies beyond. Each is the sum of its record’s repetitions.',
    }),
  );
}

/** A logarithmic axis has no zero. */
const usOf = ({ valuesNs }: Distribution, place: number) =>
  valuesNs[place] === undefined ? null : Math.max(1, valuesNs[place]) / NS_PER_US;

/** The newest record of each configuration, of the newest few. */
function newestOfEach({ records }: Context, newestFirst: readonly number[]): number[] {
  const seen = new Set<number>();
  return newestFirst
    .filter((record) => {
      const series = records.seriesOf[record]!;
      return !seen.has(series) && seen.add(series).size > 0;
    })
    .slice(0, DRAWN_BY_DEFAULT);
}
