/** What a person reads of the rows: a table a group, for the terminal or as Markdown, and what must be said below. Pure. */
import Table from 'cli-table3';
import { MODE_FACTOR } from '../../bench/pair/calibration.ts';
import type { OurFigures, PeerFigures, PeerRecord, ShippedFigures } from '../../bench/records/peer-record.ts';
import { medianInterval } from '../../bench/statistics/median-interval.ts';
import { greatest, least, median } from '../../bench/statistics/sample.ts';
import { boundText } from './bound.ts';
import { differenceLines } from './differences.ts';
import { MENDED } from './edits.ts';
import { ratiosOf } from './measure.ts';
import type { Measured } from './measured.ts';
import { argsText, GROUPS, type GroupName } from './rows.ts';

const HEAD = ['flags', 'program', 'M/s (range)', 'speed / C', 'user ns', 'system ns', 'guest', 'host'];
const ALIGNS = HEAD.map((_, i) => (i < 2 ? 'left' : 'right'));
const NONE = '–';

type Figures = PeerFigures | OurFigures | ShippedFigures;

const isMended = ({ program }: PeerRecord): boolean => program.edits.includes(MENDED.name);
const shippedOf = ({ rounds }: PeerRecord): ShippedFigures[] => rounds.flatMap(({ shipped }) => shipped ?? []);

function speedText(runs: readonly Figures[]): string {
  const speeds = runs.map(({ transfersPerSecond }) => transfersPerSecond / 1e6);
  if (speeds.length === 0) return NONE;
  const range = speeds.length === 1 ? '' : ` (${least(speeds).toFixed(2)}–${greatest(speeds).toFixed(2)})`;
  return `${median(speeds).toFixed(2)}${range}`;
}

function ratioText(ratios: readonly number[]): string {
  if (ratios.length === 0) return NONE;
  const { median: middle, low, high, level } = medianInterval(ratios);
  return level === 0 ? middle.toFixed(2) : `${middle.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`;
}

/** `notified / pinged`, in percent of transfers. */
function sideText(runs: readonly Figures[], side: 'guest' | 'host', transfers: number): string {
  const counts = runs.flatMap((run) => run[side] ?? []);
  if (counts.length === 0) return NONE;
  const percent = (of: 'notified' | 'pinged') =>
    ((100 * median(counts.map((count) => count[of]))) / transfers).toFixed(2);
  return `${percent('notified')} / ${percent('pinged')}`;
}

function lineOf(cells: readonly string[], runs: readonly Figures[], ratio: string, transfers: number): string[] {
  const ns = (of: 'cpuUserNs' | 'cpuSystemNs') =>
    runs.length === 0 ? NONE : (median(runs.map((run) => run[of])) / transfers).toFixed(0);
  const sides = (['guest', 'host'] as const).map((side) => sideText(runs, side, transfers));
  return [...cells, speedText(runs), ratio, ns('cpuUserNs'), ns('cpuSystemNs'), ...sides];
}

const runsOf = ({ rounds }: PeerRecord, strategy: string): OurFigures[] =>
  rounds.flatMap(({ ours }) => ours.filter((run) => run.strategy === strategy));

/** A line for theirs, one for it as shipped where that was run, a line for each strategy of ours. */
function linesOf({ row, record }: Measured, nameCpus: boolean): string[][] {
  const { rounds, transfers, ours, cpus } = record;
  const flags = nameCpus ? `${argsText(row)} @${cpus}` : argsText(row);
  const theirs = rounds.map(({ peer }) => peer);
  const shipped = shippedOf(record);
  return [
    lineOf([flags, isMended(record) ? 'C, mended' : 'C'], theirs, '', transfers),
    ...(shipped.length === 0
      ? []
      : [lineOf(['', 'C, as shipped'], shipped, ratioText(shipped.flatMap(({ ratio }) => ratio ?? [])), transfers)]),
    ...Object.keys(ours).map((strategy) =>
      lineOf(['', `ours, ${strategy}`], runsOf(record, strategy), ratioText(ratiosOf(rounds, strategy)), transfers),
    ),
  ];
}

type Form = 'terminal' | 'markdown';

/** The table of one group's rows. */
function tableOf(rows: readonly string[][], form: Form): string[] {
  if (form === 'markdown') {
    const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
    return [line(HEAD), line(ALIGNS.map((align) => (align === 'left' ? '---' : '---:'))), ...rows.map(line)];
  }
  const table = new Table({
    head: HEAD,
    colAligns: ALIGNS as ('left' | 'right')[],
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) table.push(row);
  return table.toString().split('\n');
}

/** Tables of all groups that have a row with a round, and what must be said of them; nothing if there is none. */
export function reportLines(all: readonly Measured[], form: Form): string[] {
  const measured = all.filter(({ record }) => record.rounds.length > 0);
  const lines: string[] = [];
  for (const group of Object.keys(GROUPS) as GroupName[]) {
    const of = measured.filter(({ row }) => row.group === group);
    if (of.length === 0) continue;
    const places = [...new Set(of.map(({ record }) => record.cpus))];
    const one = places.length === 1 && places[0] !== 'same' ? ` (guest, host: CPU ${places[0]})` : '';
    const title = `${group}: ${GROUPS[group]}${one}`;
    const rows = of.flatMap((each) => linesOf(each, places.length > 1));
    for (const line of [form === 'markdown' ? `**${title}**` : title, '', ...tableOf(rows, form), '']) lines.push(line);
  }
  if (lines.length === 0) return [];
  const notes = [...captionLines(measured), ...all.flatMap(notesOf)];
  return [...lines, ...[...notes, ...belowOne(measured)].map((line) => (form === 'markdown' ? `- ${line}` : line))];
}

function captionLines(measured: readonly Measured[]): string[] {
  const ringtest = measured.some(({ row }) => row.group === 'ringtest' && row.ours !== null);
  const levels = measured.flatMap(({ record }) =>
    Object.keys(record.ours).flatMap((strategy) => {
      const ratios = ratiosOf(record.rounds, strategy);
      return ratios.length === 0 ? [] : [medianInterval(ratios).level];
    }),
  );
  const lowest = levels.length === 0 ? 1 : least(levels);
  const mended = measured.some(({ record }) => isMended(record)) ? ' to C (mended, where it can be)' : '';
  const trees = [...new Set(measured.map(({ record: { program } }) => `${program.tree}, ${program.compiler}`))];
  return [
    ...machineLines(measured),
    `C: Linux ${trees.join('; ')}`,
    ...mendedLines(measured),
    `speed / C: the median of the rounds’ ratios${mended} ${intervalText(lowest)}`,
    'M/s: theirs of the whole process with its start, ours of the measured window; CPU time a transfer, of both sides',
    'guest, host: notified / pinged in percent of transfers',
    ...strategyLines(measured),
    ...differenceLines(measured),
    ...(ringtest
      ? [
          'ringtest verifies nothing; ours verifies order and used length',
          'ringtest --sleep burns its exit cost around waits, too; ours around rings alone (--exit-cost)',
        ]
      : []),
  ];
}

/** Where it was measured: one line, of each machine. */
function machineLines(measured: readonly Measured[]): string[] {
  const lines = measured.map(({ record: { environment } }) => {
    const { cpu, cpus, virtualized, kernel, node } = environment;
    return `machine: ${cpu}, ${cpus} ${virtualized ? 'virtual ' : ''}CPUs, ${kernel}, Node ${node}`;
  });
  return [...new Set(lines)];
}

/** What was mended, why, and where it makes no difference. */
function mendedLines(measured: readonly Measured[]): string[] {
  const mended = measured.filter(({ record }) => isMended(record));
  if (mended.length === 0) return [];
  const alone = mended.filter(({ record }) => shippedOf(record).length === 0).map(({ row }) => row.name);
  return [
    'C, mended: its host frees the element lists of a request before it completes it; as shipped it never does, and the ' +
      'memory and page faults of what it leaks (requests of three elements or more) are no work of the ring',
    ...(alone.length === 0
      ? []
      : [`as shipped left out, because what is mended lies not on the way: ${[...new Set(alone)].join(', ')}`]),
  ];
}

function intervalText(level: number): string {
  if (level === 0) return '(of one round, no interval)';
  return level >= 0.95
    ? '[interval of 95 %]'
    : `[interval of ${(100 * level).toFixed(0)} %: fewer than 6 rounds give no 95 %]`;
}

/** What ours was given besides the flags of a row: a line for rows that have the same. */
function strategyLines(measured: readonly Measured[]): string[] {
  const rowsBy = new Map<string, Set<string>>();
  for (const { row, record } of measured)
    for (const [strategy, args] of Object.entries(record.ours)) {
      const own = row.group === 'ringtest' ? args : args.slice(row.ours!.length);
      if (own.length === 0) continue;
      const key = `${strategy}: ${own.join(' ')}`;
      rowsBy.set(key, (rowsBy.get(key) ?? new Set()).add(row.name));
    }
  return [...rowsBy].map(([key, names]) => `ours, ${key} (${[...names].join(', ')})`);
}

/** What was not compared, and how far apart the machine's modes were. */
function notesOf({ row, record }: Measured): string[] {
  const { rounds, ours, cpus, failure, outcome } = record;
  const where = cpus === 'same' ? row.name : `${row.name} @${cpus}`;
  const notes = outcome === 'done' ? [] : [[where, outcome, ...(failure === null ? [] : [failure])].join(': ')];
  const compared: [what: string, runs: readonly (OurFigures | ShippedFigures)[]][] = [
    ['C as shipped', shippedOf(record)],
    ...Object.keys(ours).map((strategy): [string, OurFigures[]] => [strategy, runsOf(record, strategy)]),
  ];
  for (const [what, runs] of compared) {
    const left = runs.filter(({ ratio }) => ratio === null).length;
    if (left > 0)
      notes.push(`${where}, ${what}: ${left} of ${runs.length} rounds not compared: the CPUs' mode changed in them`);
  }
  const shown = rounds.filter((round) => round.ours.length === 0 || round.ours.some(({ ratio }) => ratio !== null));
  const crossings = shown.flatMap(({ peer }) => peer.crossCpuNs.filter((ns) => ns !== null));
  if (crossings.length > 0) {
    const [low, high] = [least(crossings), greatest(crossings)];
    const range = `from CPU to CPU and back ${low.toFixed(0)} to ${high.toFixed(0)} ns`;
    notes.push(`${where}: ${range}${high > MODE_FACTOR * low ? ': rounds of several modes' : ''}`);
  }
  return notes;
}

/** Which rows ours loses, a line for each, and what bounds it there. */
function belowOne(measured: readonly Measured[]): string[] {
  const below = measured.flatMap(({ row, record }) =>
    Object.keys(record.ours).flatMap((strategy) => {
      const ratios = ratiosOf(record.rounds, strategy);
      if (ratios.length === 0) return [];
      const { median: middle, high, level } = medianInterval(ratios);
      if (middle >= 1) return [];
      const doubt = level > 0 && high >= 1 ? ', the interval holds 1' : '';
      return [`below 1: ${row.name}, ${strategy} ${middle.toFixed(2)}${doubt}: ${boundText(record, strategy)}`];
    }),
  );
  return below.length === 0 ? ['below 1: none'] : below;
}
