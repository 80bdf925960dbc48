/** The command `compare`. Main thread; measures nothing. */
import { join } from 'node:path';
import { stdout } from 'node:process';
import { counted } from '../command-line/columns.ts';
import type { Console } from '../command-line/command.ts';
import { markdownText } from '../command-line/markdown.ts';
import { UsageError } from '../command-line/option-values.ts';
import { cleanJson, printableLine } from '../command-line/printable.ts';
import { resultsFolder } from '../records/results.ts';
import { turnsNote } from '../statistics/turns.ts';
import { relate } from './across.ts';
import { Incomparable, pairCells } from './cells.ts';
import { compareCells, intervalOf } from './comparison.ts';
import { findings } from './gate.ts';
import { type CompareOptions, compareHelp, parseCompareOptions } from './options.ts';
import { comparisonLines, findingLines, markdownLines, type Report } from './report.ts';
import { type Selection, type Shelf, saveBaseline, select } from './select.ts';

const EXIT_GATE = 1;

/** Runs `compare` with its arguments; resolves to the exit code. @throws UsageError */
export async function compareCommand(args: readonly string[], console: Console): Promise<number> {
  const options = parseCompareOptions(args);
  if (options === null) {
    console.out(compareHelp());
    return 0;
  }
  const results = resultsFolder();
  const shelf: Shelf = { files: [options.in ?? results], baselines: join(results, 'baselines') };
  const a = select(options.a, shelf);
  const b = options.b === null ? null : select(options.b, shelf);
  const people = options.format === 'text' ? console.out : console.err;
  const code = b === null ? 0 : compare(a, b, options, console);
  if (options.saveBaseline !== null)
    people(printableLine(`baseline ${options.saveBaseline}: ${saveBaseline(options.saveBaseline, a.records, shelf)}`));
  return code;
}

function compare(a: Selection, b: Selection, options: CompareOptions, console: Console): number {
  const compared = comparedSets(a, b, options, console);
  const report = { ...compared, findings: findings(compared, options.gate) };
  if (options.format === 'json') console.out(documentOf(report));
  else if (options.format === 'markdown') for (const line of markdownLines(report)) console.out(line);
  else
    for (const line of comparisonLines(report, stdout.isTTY ? stdout.columns : Number.POSITIVE_INFINITY))
      console.out(line);
  // In the text the notes stand among the lines.
  const { passedOver, notes } = report;
  for (const note of options.format === 'text' ? passedOver : [...passedOver, ...notes]) console.err(`note: ${note}`);
  for (const line of findingLines(report.findings)) console.err(line);
  return report.findings.some(({ fails }) => fails) ? EXIT_GATE : 0;
}

/** What is not known is null in it, as JSON has no other word for that. */
function documentOf({ cells, heading, findings, passedOver, notes, ...lists }: Report): string {
  const known = <Figures extends { low: number; high: number }>(figures: Figures) => ({
    ...figures,
    ...(intervalOf(figures) ?? { low: null, high: null }),
  });
  return cleanJson({
    a: heading.a,
    b: heading.b,
    shared: heading.shared,
    ...lists,
    notes: [...passedOver, ...notes],
    regressions: findings.filter(({ what }) => what === 'regression').map(({ text }) => text),
    findings,
    cells: cells.map((cell) => ({
      ...cell,
      modes: cell.modes.map((mode) => ({
        ...mode,
        speed: known(mode.speed),
        notifications: known(mode.notifications),
      })),
    })),
  });
}

/** @throws UsageError if the sets cannot be compared; a Markdown document says so, too */
function comparedSets(a: Selection, b: Selection, options: CompareOptions, console: Console): Omit<Report, 'findings'> {
  const { acrossMachines, thresholdPercent } = options;
  try {
    const { pairs, shared, onlyA, onlyB, notes } = pairCells(a.records, b.records, acrossMachines);
    const related = acrossMachines ? relate(pairs) : { pairs, reference: null };
    const cells = compareCells(related.pairs, thresholdPercent);
    // Two machines have no turns: what is compared are ratios of the same machine's rounds.
    const inBlocks = acrossMachines ? [] : cells.filter(({ byTurns }) => !byTurns);
    const turns = turnsNote(inBlocks.length, cells.length);
    return {
      cells,
      onlyA,
      onlyB,
      heading: { a: a.name, b: b.name, shared, unit: acrossMachines ? 'of the reference' : 'M/s' },
      passedOver: [...a.notes, ...b.notes],
      notes: [
        ...notes,
        ...(turns === null ? [] : [turns]),
        ...inBothNotes(a, b),
        ...(related.reference === null ? [] : [`every speed is divided by that of ${related.reference}`]),
      ],
    };
  } catch (error) {
    if (!(error instanceof Incomparable)) throw error;
    const message = `${a.name} and ${b.name}: ${error.message}`;
    if (options.format === 'markdown') console.out(`Not compared: ${markdownText(message)}`);
    throw new UsageError(message);
  }
}

function inBothNotes(a: Selection, b: Selection): string[] {
  const ids = new Set(a.records.map(({ id }) => id));
  const count = b.records.filter(({ id }) => ids.has(id)).length;
  if (count === 0) return [];
  const themselves =
    count === 1 ? 'is in both: it is compared with itself' : 'are in both: they are compared with themselves';
  return [`${counted(count, 'record')} ${themselves}`];
}
