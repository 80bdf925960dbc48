/** A comparison for people: as columns in the terminal, or as a Markdown table; effects first, p values last. */
import { alignedColumns } from '../command-line/columns.ts';
import { markdownText } from '../command-line/markdown.ts';
import { printableLine } from '../command-line/printable.ts';
import { MORE_MAX } from '../statistics/verdict.ts';
import type { CellComparison, ModeComparison } from './comparison.ts';

export interface Heading {
  a: string;
  b: string;
  /** What a speed is: transfers a second, or a multiple of one cell's. */
  unit: 'M/s' | 'of the reference';
}

const HEAD = ['B / A', '95 % interval', 'effect', 'verdict', 'A/A noise', 'notifications', 'p (Holm)'];

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const speed = (value: number, unit: Heading['unit']) => (unit === 'M/s' ? value / 1e6 : value).toFixed(3);

function verdictOf({ speed: { verdict, moreRepetitions } }: ModeComparison): string {
  if (verdict !== 'not enough data' || moreRepetitions === null) return verdict;
  const more = moreRepetitions === MORE_MAX ? `${MORE_MAX} or more` : `${moreRepetitions} more`;
  return `not enough data: ${more} a side`;
}

function outliersOf({ speed: { outliersA, outliersB } }: ModeComparison): string {
  const of = ({ lowSevere, lowMild, highMild, highSevere }: typeof outliersA) => {
    const severe = lowSevere + highSevere;
    const mild = lowMild + highMild;
    return severe + mild === 0 ? null : `${mild} mild, ${severe} severe`;
  };
  const parts = [
    ['A', of(outliersA)],
    ['B', of(outliersB)],
  ].filter(([, text]) => text !== null);
  return parts.map(([side, text]) => `${side}: ${text}`).join('; ');
}

function notificationsOf({ notifications: { medianA, medianB, verdict } }: ModeComparison): string {
  const text = `${percent(medianA)} → ${percent(medianB)}`;
  return verdict === 'more' || verdict === 'fewer' ? `${text} ${verdict}` : text;
}

/** One row a cell and mode, the columns of HEAD after the cell's name and both medians. */
function rowsOf(cells: readonly CellComparison[], unit: Heading['unit']): string[][] {
  return cells.flatMap((cell) =>
    cell.modes.map((mode) => [
      nameOf(cell, mode),
      `${speed(mode.speed.medianA, unit)} (${mode.countA})`,
      `${speed(mode.speed.medianB, unit)} (${mode.countB})`,
      mode.speed.ratio.toFixed(3),
      `${mode.speed.low.toFixed(3)} – ${mode.speed.high.toFixed(3)}`,
      mode.speed.delta.toFixed(2),
      verdictOf(mode),
      mode.noise === null ? '–' : `± ${percent(mode.noise)}`,
      notificationsOf(mode),
      mode.speed.adjustedP < 0.001 ? '< 0.001' : mode.speed.adjustedP.toFixed(3),
    ]),
  );
}

function nameOf({ name }: CellComparison, { crossingNs }: ModeComparison): string {
  if (crossingNs === null) return name;
  const mode = `CPU to CPU ${crossingNs[0].toFixed(0)} – ${crossingNs[1].toFixed(0)} ns`;
  return name === '' ? mode : `${name}, ${mode}`;
}

/** Repetitions in a mode that the other side was never in; all of them, where a side has none. */
function aloneNotes(of: string, { alone, countA, countB }: CellComparison): string[] {
  if (countA === 0 || countB === 0) return [];
  return (['a', 'b'] as const)
    .filter((side) => alone[side] > 0)
    .map(
      (side) =>
        `${of}${alone[side]} repetitions of ${side.toUpperCase()} not compared: the way between the CPUs was one that the other side never had`,
    );
}

/** What the table cannot say. */
function notesOf(cells: readonly CellComparison[]): string[] {
  return cells.flatMap((cell) => {
    const of = cell.name === '' ? '' : `${cell.name}: `;
    const outliers = cell.modes.map(outliersOf).filter((text) => text !== '');
    return [
      ...(cell.countA === 0 ? [`${of}A has no finished repetition`] : []),
      ...(cell.countB === 0 ? [`${of}B has no finished repetition`] : []),
      ...aloneNotes(of, cell),
      ...(cell.modes.some(({ crossingNs }) => crossingNs !== null)
        ? [`${of}the way between the CPUs changed: compared mode by mode`]
        : []),
      ...(cell.unlikeWays
        ? [
            `${of}the way between the CPUs was measured by JavaScript in older records, by Wasm in newer: modes not told apart`,
          ]
        : []),
      ...(cell.changed > 0 ? [`${of}${cell.changed} repetitions left out: the way changed during them`] : []),
      ...(cell.failuresA + cell.failuresB > 0
        ? [`${of}runs that did not end well: ${cell.failuresA} in A, ${cell.failuresB} in B`]
        : []),
      ...outliers.map((text) => `${of}outliers, ${text}`),
    ];
  });
}

/** `3 slower, 1 faster, 20 same` */
export function countLine(cells: readonly CellComparison[]): string {
  const counts = new Map<string, number>();
  for (const { speed: of } of cells.flatMap(({ modes }) => modes))
    counts.set(of.verdict, (counts.get(of.verdict) ?? 0) + 1);
  const none = cells.filter(({ modes }) => modes.length === 0).length;
  if (none > 0) counts.set('not compared', none);
  const order = ['slower', 'faster', 'same', 'not enough data', 'not compared'].filter((verdict) =>
    counts.has(verdict),
  );
  return order.length === 0
    ? 'nothing to compare'
    : order.map((verdict) => `${counts.get(verdict)} ${verdict}`).join(', ');
}

const headOf = ({ unit }: Heading) => ['cell', `A ${unit}`, `B ${unit}`, ...HEAD];
const ALIGNS = ['left', 'right', 'right', 'right', 'left', 'right', 'left', 'right', 'left', 'right'] as const;

export function comparisonLines(cells: readonly CellComparison[], heading: Heading): string[] {
  return [
    printableLine(`A: ${heading.a}   B: ${heading.b}   (medians, repetitions in brackets)`),
    '',
    ...alignedColumns([headOf(heading), ...rowsOf(cells, heading.unit)], ALIGNS),
    ...notesOf(cells).map((note) => printableLine(`note: ${note}`)),
    '',
    countLine(cells),
  ];
}

/** @param regressions why the gate did not pass. */
export function markdownLines(
  cells: readonly CellComparison[],
  heading: Heading,
  notes: readonly string[],
  regressions: readonly string[],
): string[] {
  const line = (fields: readonly string[]) => `| ${fields.map(markdownText).join(' | ')} |`;
  return [
    `**${markdownText(heading.b)}** against **${markdownText(heading.a)}**: ${countLine(cells)}`,
    '',
    ...regressions.map((reason) => `- **regression**: ${markdownText(reason)}`),
    ...(regressions.length > 0 ? [''] : []),
    line(headOf(heading)),
    `| ${ALIGNS.map((align) => (align === 'left' ? '---' : '---:')).join(' | ')} |`,
    ...rowsOf(cells, heading.unit).map(line),
    '',
    ...[...notesOf(cells), ...notes].map((note) => `- ${markdownText(note)}`),
  ];
}
