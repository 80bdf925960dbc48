/**
 * The table that ends a sweep: a row a cell, fastest first, by what varies. Where a terminal is too narrow for that, a
 * cell's name has a line of its own and its figures stand below it.
 */
import { fittedColumns } from '../command-line/columns.ts';
import { kindOf } from '../records/kinds-of-notes.ts';
import { greatest, least } from '../statistics/sample.ts';
import { type Axis, type Cell, varied } from './axes.ts';
import type { Figures } from './figures.ts';

const mega = (perSecond: number) => (perSecond / 1e6).toFixed(3);
const percent = (share: number) => `${(100 * share).toFixed(2)} %`;

const microseconds = (ns: number | null | undefined) => (ns == null ? '–' : (ns / 1e3).toFixed(1));

function spread(speeds: Figures['speeds']): string {
  const all = [...speeds.values()];
  return all.length === 1 ? '' : `${mega(least(all))} – ${mega(greatest(all))}`;
}

interface Column {
  head: string;
  align: 'left' | 'right';
  show: (figures: Figures) => string;
  /** Only where round trips were measured. */
  ofLatency?: boolean;
}

const COLUMNS: readonly Column[] = [
  { head: 'M/s', align: 'right', show: ({ median }) => mega(median) },
  { head: 'from – to', align: 'left', show: ({ speeds }) => spread(speeds) },
  { head: 'kicks', align: 'right', show: ({ kicks }) => percent(kicks) },
  { head: 'calls', align: 'right', show: ({ calls }) => percent(calls) },
  { head: 'CPU ns', align: 'right', show: ({ cpuNs }) => cpuNs.toFixed(0) },
  { head: 'p50 µs', align: 'right', ofLatency: true, show: ({ roundTripNs }) => microseconds(roundTripNs?.p50) },
  { head: 'p99 µs', align: 'right', ofLatency: true, show: ({ roundTripNs }) => microseconds(roundTripNs?.p99) },
];

export function tableLines(
  axes: readonly Axis[],
  cells: readonly Cell[],
  figures: readonly Figures[],
  width: number,
): string[] {
  const keyed = varied(axes);
  const names = keyed.map(({ name }) => name);
  const latency = figures.some(({ roundTripNs }) => roundTripNs !== null);
  const columns = COLUMNS.filter(({ ofLatency = false }) => latency || !ofLatency);
  const notes = new Footnotes();
  const order = figures.map((_, cell) => cell).sort((a, b) => speed(figures[b]!) - speed(figures[a]!));
  const keys = [names, ...order.map((cell) => keyed.map(({ place }) => cells[cell]!.values[place]!))];
  const head = [...columns.map((column) => column.head), 'notes'];
  const shown = order.map((cell) => {
    const of = figures[cell]!;
    const row = columns.map(({ show }, i) => (of.speeds.size > 0 ? show(of) : i === 0 ? '–' : ''));
    return [...row, of.notes.map((note) => notes.numberOf(note)).join('')];
  });
  const aligns = [...columns.map(({ align }) => align), 'left' as const];
  const rows = [head, ...shown].map((fields, i) => ({ key: keys[i]!, fields }));
  return [...fittedColumns(rows, aligns, width), ...notes.lines()];
}

/** What must be said of cells, below the table; what differs in its numbers alone is said once. */
class Footnotes {
  private readonly notes = new Map<string, { note: string; alike: boolean }>();

  /** Its number, in brackets. */
  numberOf(note: string): string {
    const kind = kindOf(note);
    const first = this.notes.get(kind);
    this.notes.set(kind, {
      note: first?.note ?? note,
      alike: (first?.alike ?? true) && (first?.note ?? note) === note,
    });
    return `[${[...this.notes.keys()].indexOf(kind) + 1}]`;
  }

  lines(): string[] {
    return [...this.notes.values()].map(
      ({ note, alike }, i) => `[${i + 1}] ${note}${alike ? '' : '; in other cells with other numbers'}`,
    );
  }
}

/** Cells without a figure come last. */
const speed = ({ median }: Figures) => (Number.isNaN(median) ? -1 : median);
