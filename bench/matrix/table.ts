/** The table that ends a sweep: a row a cell, fastest first, by what varies. */
import Table from 'cli-table3';
import type { Axis, Cell } from './axes.ts';
import { type Figures, kindOf } from './figures.ts';

const mega = (perSecond: number) => (perSecond / 1e6).toFixed(3);
const percent = (share: number) => `${(100 * share).toFixed(2)} %`;

const microseconds = (ns: number | null | undefined) => (ns == null ? '–' : (ns / 1e3).toFixed(1));

function spread(speeds: Figures['speeds']): string {
  const all = [...speeds.values()];
  return all.length === 1 ? '' : `${mega(Math.min(...all))} – ${mega(Math.max(...all))}`;
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

/** Borderless columns, two spaces apart. */
const CHARS = Object.fromEntries(
  'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid'
    .split(' ')
    .map((name) => [name, '']),
);
const STYLE = { head: [], border: [], 'padding-left': 0, 'padding-right': 2 };

export function tableLines(axes: readonly Axis[], cells: readonly Cell[], figures: readonly Figures[]): string[] {
  const varied = axes.map((axis, place) => ({ ...axis, place })).filter(({ values }) => values.length > 1);
  const names = varied.map(({ name }) => name);
  const latency = figures.some(({ roundTripNs }) => roundTripNs !== null);
  const columns = COLUMNS.filter(({ ofLatency = false }) => latency || !ofLatency);
  const table = new Table({
    head: [...names, ...columns.map(({ head }) => head), 'notes'],
    colAligns: [...names.map(() => 'left' as const), ...columns.map(({ align }) => align), 'left'],
    chars: { ...CHARS, middle: '' },
    style: STYLE,
  });
  const notes = new Map<string, string>();
  const numbered = (note: string) => {
    if (!notes.has(kindOf(note))) notes.set(kindOf(note), note);
    return `[${[...notes.keys()].indexOf(kindOf(note)) + 1}]`;
  };
  const order = figures.map((_, cell) => cell).sort((a, b) => speed(figures[b]!) - speed(figures[a]!));
  for (const cell of order) {
    const { values } = cells[cell]!;
    const of = figures[cell]!;
    const shown = columns.map(({ show }, i) => (of.speeds.size > 0 ? show(of) : i === 0 ? '–' : ''));
    table.push([...varied.map(({ place }) => values[place]!), ...shown, of.notes.map(numbered).join('')]);
  }
  const lines = table.toString().split('\n');
  return [...lines.map((line) => line.trimEnd()), ...[...notes.values()].map((note, i) => `[${i + 1}] ${note}`)];
}

/** Cells without a figure come last. */
const speed = ({ median }: Figures) => (Number.isNaN(median) ? -1 : median);
