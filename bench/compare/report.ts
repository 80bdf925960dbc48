/** A comparison for people: as columns in the terminal, or as a Markdown table; effects first, p values last. */
import { counted, fittedColumns, type KeyedRow } from '../command-line/columns.ts';
import { markdownText } from '../command-line/markdown.ts';
import { printableLine } from '../command-line/printable.ts';
import { type CellComparison, intervalOf, type ModeComparison } from './comparison.ts';
import type { Finding } from './gate.ts';
import { nameOf, verdictOf } from './verdicts.ts';

export interface Heading {
  a: string;
  b: string;
  /** What is the same in all cells; of only one its whole name. */
  shared: string;
  /** What a speed is: transfers a second, or a multiple of one cell's. */
  unit: 'M/s' | 'of the reference';
}

const HEAD = ['B / A', '95 % interval', 'effect', 'verdict', 'A/A noise', 'notifications', 'p (Holm)'];

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const speed = (value: number, unit: Heading['unit']) => (unit === 'M/s' ? value / 1e6 : value).toFixed(3);

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

/** One row a cell and mode, under its head; the key is the cell's name, if it has one. */
function rowsOf(cells: readonly CellComparison[], { unit }: Heading): KeyedRow[] {
  const rows = cells.flatMap((cell) =>
    cell.modes.map((mode) => ({ name: nameOf(cell, mode), fields: fieldsOf(mode, unit) })),
  );
  const named = rows.some(({ name }) => name !== '');
  const keyed = (name: string, fields: string[]) => ({ key: named ? [name] : [], fields });
  return [keyed('cell', [`A ${unit}`, `B ${unit}`, ...HEAD]), ...rows.map(({ name, fields }) => keyed(name, fields))];
}

/** The medians, then the columns of HEAD. */
function fieldsOf(mode: ModeComparison, unit: Heading['unit']): string[] {
  const { medianA, medianB, ratio, delta, adjustedP } = mode.speed;
  const interval = intervalOf(mode.speed);
  return [
    `${speed(medianA, unit)} (${mode.countA})`,
    `${speed(medianB, unit)} (${mode.countB})`,
    ratio.toFixed(3),
    interval === null ? '–' : `${interval.low.toFixed(3)} – ${interval.high.toFixed(3)}`,
    delta.toFixed(2),
    verdictOf(mode),
    mode.noise === null ? '–' : `± ${percent(mode.noise)}`,
    notificationsOf(mode),
    adjustedP < 0.001 ? '< 0.001' : adjustedP.toFixed(3),
  ];
}

/** Repetitions in a mode that the other side was never in; all of them, where a side has none. */
function aloneNotes(of: string, { alone, countA, countB }: CellComparison): string[] {
  if (countA === 0 || countB === 0) return [];
  return (['a', 'b'] as const)
    .filter((side) => alone[side] > 0)
    .map(
      (side) =>
        `${of}${counted(alone[side], 'repetition')} of ${side.toUpperCase()} not compared: the way between the CPUs was one that the other side never had`,
    );
}

/** What the table cannot say. */
function notesOf(cells: readonly CellComparison[]): string[] {
  return cells.flatMap((cell) => {
    const of = cell.name === '' ? '' : `${cell.name}: `;
    const outliers = cell.modes.map(outliersOf).filter((text) => text !== '');
    return [
      ...(cell.countA === 0 ? [`${of}A has no finished repetition that counts`] : []),
      ...(cell.countB === 0 ? [`${of}B has no finished repetition that counts`] : []),
      ...aloneNotes(of, cell),
      ...(cell.modes.some(({ crossingNs }) => crossingNs !== null)
        ? [`${of}the way between the CPUs changed: compared mode by mode`]
        : []),
      ...(cell.unlikeWays
        ? [
            `${of}the way between the CPUs was measured by JavaScript in older records, by Wasm in newer: modes not told apart`,
          ]
        : []),
      ...(cell.changed > 0
        ? [`${of}${counted(cell.changed, 'repetition')} left out, during which the way between the CPUs changed`]
        : []),
      ...(cell.failuresA + cell.failuresB > 0
        ? [`${of}runs that did not end well: ${cell.failuresA} in A, ${cell.failuresB} in B`]
        : []),
      ...outliers.map((text) => `${of}outliers, ${text}`),
    ];
  });
}

/** `3 slower, 1 faster, 20 same, 1 missing in B` */
export function countLine(cells: readonly CellComparison[], { onlyA, onlyB }: Alone): string {
  const counts = new Map<string, number>();
  for (const { speed: of } of cells.flatMap(({ modes }) => modes))
    counts.set(of.verdict, (counts.get(of.verdict) ?? 0) + 1);
  counts.set('not compared', cells.filter(({ modes }) => modes.length === 0).length);
  counts.set('missing in B', onlyA.length);
  counts.set('missing in A', onlyB.length);
  const order = ['slower', 'faster', 'same', 'not enough data', 'not compared', 'missing in B', 'missing in A'];
  const told = order.filter((what) => (counts.get(what) ?? 0) > 0).map((what) => `${counts.get(what)} ${what}`);
  return told.length === 0 ? 'nothing to compare' : told.join(', ');
}

/** Cells that only one of the two has, by their names. */
export interface Alone {
  onlyA: readonly string[];
  onlyB: readonly string[];
}

/** Everything that is said of a comparison. */
export interface Report extends Alone {
  cells: readonly CellComparison[];
  heading: Heading;
  /** What the files hold besides records of `run`. */
  passedOver: readonly string[];
  notes: readonly string[];
  findings: readonly Finding[];
}

const ALIGNS = ['right', 'right', 'right', 'left', 'right', 'left', 'right', 'left', 'right'] as const;

/** Then what it is stands above the table alone. */
const isOne = (cells: readonly CellComparison[]) => cells.every(({ name }) => name === '');

/** @param width of the terminal, characters; Infinity where there is none. */
export function comparisonLines(report: Report, width: number): string[] {
  const { cells, heading, notes } = report;
  return [
    printableLine(`A: ${heading.a}   B: ${heading.b}   (medians, repetitions in brackets)`),
    `${isOne(cells) ? 'cell' : 'every cell'}: ${heading.shared}`,
    '',
    ...fittedColumns(rowsOf(cells, heading), ALIGNS, width),
    ...[...notesOf(cells), ...notes].map((note) => printableLine(`note: ${note}`)),
    '',
    countLine(cells, report),
  ];
}

/** Of what passes or is missing by the hundred, this many are named. */
const FINDINGS_MAX = 5;

/** A line a finding: why the gate does not pass, or, as a note, what it passed unseen. Regressions are all named. */
export function findingLines(findings: readonly Finding[], emphasis = ''): string[] {
  const told = new Map<string, number>();
  return findings.flatMap(({ what, text, fails }) => {
    const kind = `${fails ? '' : 'note: '}${emphasis}${what}${emphasis}`;
    const count = (told.get(kind) ?? 0) + 1;
    told.set(kind, count);
    if (what === 'regression' || count <= FINDINGS_MAX) return [`${kind}: ${text}`];
    const all = findings.filter((other) => other.what === what && other.fails === fails).length;
    return count === all ? [`${kind}: and ${all - FINDINGS_MAX} more`] : [];
  });
}

export function markdownLines(report: Report): string[] {
  const { cells, heading, passedOver, notes, findings } = report;
  const line = (fields: readonly string[]) => `| ${fields.map(markdownText).join(' | ')} |`;
  const [head, ...rows] = rowsOf(cells, heading).map(({ key, fields }) => [key.join(' '), ...fields]);
  const found = findingLines(
    findings.map((finding) => ({ ...finding, text: markdownText(finding.text) })),
    '**',
  );
  return [
    `**${markdownText(heading.b)}** against **${markdownText(heading.a)}**: ${countLine(cells, report)}`,
    '',
    `${isOne(cells) ? 'Cell' : 'Every cell'}: ${markdownText(heading.shared)}`,
    '',
    ...found.map((finding) => `- ${finding}`),
    ...(found.length > 0 ? [''] : []),
    line(head!.with(0, 'cell')),
    `| ${['---', ...ALIGNS.map((align) => (align === 'left' ? '---' : '---:'))].join(' | ')} |`,
    ...rows.map(line),
    '',
    ...[...notesOf(cells), ...passedOver, ...notes].map((note) => `- ${markdownText(note)}`),
  ];
}
