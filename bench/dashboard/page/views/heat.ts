/** View: the cells of a sweep, or of all that is kept, over two axes. A table that is coloured: it can be read as one. */

import { extremesOf, median } from '../../../statistics/sample.ts';
import { ABSENT } from '../../page-data.ts';
import { type Choice, element, note } from '../dom.ts';
import { valuesOf } from '../history-points.ts';
import { count, figure, type Metric, minuteOf, titleOf, withUnit } from '../metrics.ts';
import { isSaidWhereNeeded, namesAmong } from '../names.ts';
import { type Field, groupedBy, isOfSeries, type Records, shownOf, varyingIn } from '../records.ts';
import { foldedTable } from '../table.ts';
import { shadeOf } from '../theme.ts';
import { type Context, chosenOf, controls, metricChoices, metricOf, optionChoice } from './view.ts';

interface Cell {
  record: number;
  values: number[];
  median: number;
}

/** One cell a configuration and machine: the median of all repetitions. */
function cellsOf(records: Records, among: readonly number[], metric: Metric): Cell[] {
  return [...groupedBy(among, (record) => records.seriesOf[record]!).values()].flatMap((of) => {
    const values = valuesOf(records, metric, of);
    return values.length === 0 ? [] : [{ record: of[0]!, values, median: median(values) }];
  });
}

/** Geometric, so that cells of very different speeds count alike; arithmetic where something is zero. */
function meanOf(values: readonly number[], geometric: boolean): number {
  if (!geometric) return values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** Sweeps that have records here, the newest first. */
function sweepsOf({ records, passing }: Context): Choice[] {
  const field = records.field('sweep');
  const sweeps = new Map<string, { records: number; lastMs: number; cells: Set<number> }>();
  for (const record of passing) {
    const sweep = field.values[field.placeOf(record)]!;
    if (sweep === ABSENT) continue;
    const known = sweeps.get(sweep) ?? { records: 0, lastMs: 0, cells: new Set() };
    known.records++;
    known.lastMs = records.atMs[record]!;
    known.cells.add(records.seriesOf[record]!);
    sweeps.set(sweep, known);
  }
  return [...sweeps]
    .sort(([, a], [, b]) => b.lastMs - a.lastMs)
    .map(([value, { lastMs, cells }]) => ({
      value,
      text: `Sweep of ${minuteOf(lastMs)}, ${count(cells.size, 'cell')} (${value.slice(0, 8)})`,
    }));
}

export function heatView(into: HTMLElement, context: Context): void {
  const { records, passing } = context;
  const sources = [...sweepsOf(context), { value: 'all', text: 'All records that the filters keep' }];
  const source = chosenOf(context, 'of', sources);
  const sweeps = records.field('sweep');
  const among =
    source === 'all' ? passing : passing.filter((record) => sweeps.values[sweeps.placeOf(record)] === source);
  const varying = varyingIn(among, records.fields.filter(isOfSeries)).sort(
    (a, b) =>
      Number(isSaidWhereNeeded(a)) - Number(isSaidWhereNeeded(b)) ||
      valuesIn(among, b).length - valuesIn(among, a).length,
  );
  const axes = varying.map(({ name }) => ({ value: name, text: name }));
  const rowName = chosenOf(context, 'rows', axes);
  const columnAxes = [...axes.filter(({ value }) => value !== rowName), { value: 'none', text: 'none' }];
  const columnName = chosenOf(context, 'columns', columnAxes);
  const metric = metricOf(context);
  into.append(
    controls(
      optionChoice(context, 'of', 'Of', sources),
      optionChoice(context, 'metric', 'Show', metricChoices(context)),
      ...(axes.length === 0
        ? []
        : [optionChoice(context, 'rows', 'Rows', axes), optionChoice(context, 'columns', 'Columns', columnAxes)]),
    ),
  );
  const cells = cellsOf(records, among, metric);
  if (cells.length === 0) {
    into.append(note(`No record here has measured this: ${metric.title}.`));
    return;
  }
  if (axes.length === 0) {
    const [only] = cells;
    into.append(
      note(
        `All of these are of one configuration: ${titleOf(metric)} ${figure(only!.median)}. A map wants a sweep: npm run matrix -- --quick`,
      ),
    );
    return;
  }
  into.append(
    mapOf(metric, cells, records.field(rowName), columnName === 'none' ? null : records.field(columnName), varying),
  );
  const names = namesAmong(records, among);
  const sorted = [...cells].sort((a, b) => (metric.rising ? b.median - a.median : a.median - b.median));
  into.append(
    foldedTable('table-heat', {
      caption: `${titleOf(metric)} of every cell, best first`,
      head: ['Configuration', 'Median', 'Lowest', 'Highest', 'Repetitions'],
      figures: [1, 2, 3, 4],
      count: sorted.length,
      row: (i) => {
        const { record, values, median: middle } = sorted[i]!;
        const [low, high] = extremesOf(values);
        return [names.of(record), figure(middle), figure(low), figure(high), values.length.toLocaleString('en-US')];
      },
    }),
  );
}

/** Places of the values that occur, in the field's order. */
const valuesIn = (among: readonly number[], field: Field): number[] =>
  [...new Set(among.map((record) => field.placeOf(record)))].sort((a, b) => a - b);

const said = (field: Field, place: number) => shownOf(field, field.values[place]!);

function mapOf(
  metric: Metric,
  cells: readonly Cell[],
  rows: Field,
  columns: Field | null,
  varying: readonly Field[],
): HTMLElement {
  const among = cells.map(({ record }) => record);
  const rowPlaces = valuesIn(among, rows);
  const columnPlaces = columns === null ? [0] : valuesIn(among, columns);
  const fields = new Map<string, Cell[]>();
  for (const cell of cells) {
    const key = `${rows.placeOf(cell.record)} ${columns?.placeOf(cell.record) ?? 0}`;
    fields.set(key, [...(fields.get(key) ?? []), cell]);
  }
  const geometric = cells.every((cell) => cell.median > 0);
  const means = new Map(
    [...fields].map(([key, of]) => [
      key,
      meanOf(
        of.map((cell) => cell.median),
        geometric,
      ),
    ]),
  );
  const [least, most] = extremesOf(means.values());
  const [, whole] = extremesOf([...fields.values()].map((of) => of.length));
  /** 0 to 1, bad to good, on a logarithmic scale where there is one. */
  const goodness = (value: number) => {
    if (most === least) return 1;
    const share = least > 0 ? Math.log(value / least) / Math.log(most / least) : (value - least) / (most - least);
    return metric.rising ? share : 1 - share;
  };
  const readOut = element('p', { className: 'read-out', id: 'heat-read-out', attributes: { 'aria-live': 'polite' } });
  readOut.textContent = 'Point at a cell, or walk the map with the arrow keys, to read it.';
  let partial = false;
  const boxes: HTMLTableCellElement[][] = [];
  const body = rowPlaces.map((rowPlace) => {
    const line: HTMLTableCellElement[] = [];
    boxes.push(line);
    const made = columnPlaces.map((columnPlace) => {
      const of = fields.get(`${rowPlace} ${columnPlace}`);
      if (of === undefined) {
        const empty = element('td', { className: 'empty', tabIndex: -1 }, '–');
        line.push(empty);
        return empty;
      }
      const value = means.get(`${rowPlace} ${columnPlace}`)!;
      const fewer = of.length < whole;
      partial ||= fewer;
      const { background, ink } = shadeOf(goodness(value));
      const box = element('td', { className: 'heat', tabIndex: -1 }, `${figure(value)}${fewer ? '*' : ''}`);
      box.style.background = background;
      box.style.color = ink;
      const say = () => {
        const where = `${rows.name} ${said(rows, rowPlace)}${columns === null ? '' : `, ${columns.name} ${said(columns, columnPlace)}`}`;
        const repetitions = of.reduce((sum, cell) => sum + cell.values.length, 0);
        const [low, high] = extremesOf(of.flatMap((cell) => cell.values));
        const spread = repetitions > 1 ? `, ${figure(low)} to ${figure(high)}` : '';
        readOut.replaceChildren(
          element('strong', {}, where),
          element(
            'span',
            { className: 'reading' },
            `${withUnit(value, metric.unit)}${spread}; ${count(of.length, 'cell')}, ${count(repetitions, 'repetition')}`,
          ),
        );
      };
      box.addEventListener('pointerenter', say);
      box.addEventListener('focus', say);
      line.push(box);
      return box;
    });
    return element('tr', {}, element('th', { scope: 'row' }, said(rows, rowPlace)), ...made);
  });
  walkable(boxes);
  const boxed = [...fields.values()].map((of) => of.map(({ record }) => record));
  const others = varying
    .filter((field) => boxed.some((of) => varyingIn(of, [field]).length > 0))
    .map(({ name }) => name);
  const over = others.length === 0 ? '' : `; ${geometric ? 'geometric mean' : 'mean'} over ${others.join(', ')}`;
  const caption = `${titleOf(metric)}, by ${rows.name}${columns === null ? '' : ` and ${columns.name}`}${over}`;
  const table = element(
    'table',
    { className: 'map', id: 'map', attributes: { 'aria-label': caption } },
    element(
      'thead',
      {},
      element(
        'tr',
        {},
        element('th', { scope: 'col' }, columns === null ? rows.name : `${rows.name} \\ ${columns.name}`),
        ...columnPlaces.map((place) =>
          element('th', { scope: 'col' }, columns === null ? metric.title : said(columns, place)),
        ),
      ),
    ),
    element('tbody', {}, ...body),
  );
  const box = element(
    'div',
    { className: 'scroll', attributes: { role: 'region', 'aria-label': `Heat map: ${caption}` } },
    table,
  );
  const bar = element('span', { className: 'scale', attributes: { 'aria-hidden': 'true' } });
  bar.style.background = `linear-gradient(to right, ${Array.from({ length: 10 }, (_, i) => shadeOf(i / 9).background).join(', ')})`;
  const [bad, good] = metric.rising ? [least, most] : [most, least];
  const key = element(
    'p',
    { className: 'key' },
    `worse, ${withUnit(bad, metric.unit)} `,
    bar,
    ` better, ${withUnit(good, metric.unit)}`,
  );
  const map = element('figure', { className: 'chart' }, element('figcaption', {}, caption), box, key, readOut);
  if (partial) map.append(note('* of fewer cells than the others'));
  return map;
}

/** One stop for the tab key; the arrow keys go on from there. */
function walkable(boxes: readonly HTMLTableCellElement[][]): void {
  if (boxes[0]?.[0]) boxes[0][0].tabIndex = 0;
  const steps: Record<string, [down: number, right: number]> = {
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
  };
  for (const [row, line] of boxes.entries())
    for (const [column, box] of line.entries())
      box.addEventListener('keydown', (event) => {
        const step = steps[event.key];
        const target = step && boxes[row + step[0]]?.[column + step[1]];
        if (!target) return;
        event.preventDefault();
        box.tabIndex = -1;
        target.tabIndex = 0;
        target.focus();
      });
}
