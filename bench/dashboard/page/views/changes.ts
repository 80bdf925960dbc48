/** Below a chart of the history: where its lines changed, as the search finds it; the same as marks in the chart. */
import type { ChangePoint } from '../../../statistics/change-points.ts';
import { searchChanges } from '../change-search.ts';
import type { ChartMark } from '../chart-marks.ts';
import { element } from '../dom.ts';
import type { Point } from '../history-points.ts';
import { count, dayOf, figure, type Metric, probability, withUnit } from '../metrics.ts';
import { swatchOf } from '../theme.ts';

const LISTED_MAX = 100;

/** A line of the chart. */
export interface ChangingLine {
  name: string;
  place: number;
  /** By the place of the point; null where nothing was measured. */
  medians: readonly (number | null)[];
}

interface Change extends ChangePoint {
  line: ChangingLine;
}

/** Where the list and the marks go. */
export interface ChangesOf {
  points: readonly Point[];
  /** Of the points on the x axis. */
  x: readonly number[];
  metric: Metric;
  /** Draws marks into the chart, and says of it what was found; null while that is not known. */
  mark: (marks: readonly ChartMark[], found: string | null) => void;
}

/** Puts the list in its place; it fills itself. */
export function listChanges(into: HTMLElement, lines: readonly ChangingLine[], of: ChangesOf): void {
  const { points, x, metric, mark } = of;
  const list = element('ul', { className: 'changes' });
  const status = element('p', { className: 'note', id: `changes-${metric.name}`, attributes: { role: 'status' } });
  const found: Change[] = [];
  let searched = 0;
  const show = () => {
    const done = searched === lines.length;
    const words = found.length === 0 ? 'No change of level found.' : `${count(found.length, 'change')} of level found.`;
    status.textContent = done ? words : `Looking for changes of level: ${searched} of ${lines.length} lines searched.`;
    list.setAttribute('aria-busy', String(!done));
    const inOrder = found.toSorted((a, b) => a.line.place - b.line.place || a.index - b.index);
    list.replaceChildren();
    for (const change of inOrder.slice(0, LISTED_MAX))
      list.append(element('li', {}, swatchOf(change.line.place), wordsOf(change, points, metric)));
    // Between the last commit before and the first one after.
    const marks = inOrder.map(({ index, line }) => ({ x: (x[index]! + x[index - 1]!) / 2, place: line.place }));
    mark(marks, done ? `${count(found.length, 'change')} found.` : null);
  };
  into.append(status, list);
  for (const line of lines) {
    const known = line.medians.flatMap((value, at) => (value === null ? [] : [{ value, at }]));
    searchChanges(
      known.map(({ value }) => value),
      (changes) => {
        for (const change of changes) found.push({ ...change, index: known[change.index]!.at, line });
        searched++;
        show();
      },
    );
  }
  show();
}

function wordsOf({ before, after, p, index, line }: Change, points: readonly Point[], { unit }: Metric): string {
  const levels = `${withUnit(before, unit)} → ${withUnit(after, unit)} (${figure(after / before)} times)`;
  const { name, atMs } = points[index]!;
  const day = name === dayOf(atMs) ? '' : `, ${dayOf(atMs)}`;
  return `${line.name}: ${levels} from ${name}${day}; p = ${probability(p)}`;
}
