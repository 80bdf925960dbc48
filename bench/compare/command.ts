/** The command `compare`. Main thread; measures nothing. */
import { join } from 'node:path';
import type { Console } from '../command-line/command.ts';
import { markdownText } from '../command-line/markdown.ts';
import { UsageError } from '../command-line/option-values.ts';
import { cleanJson, printableLine } from '../command-line/printable.ts';
import { resultsFolder } from '../records/results.ts';
import { turnsNote } from '../statistics/turns.ts';
import { relate } from './across.ts';
import { Incomparable, pairCells } from './cells.ts';
import { type CellComparison, compareCells } from './comparison.ts';
import { regressions } from './gate.ts';
import { type CompareOptions, compareHelp, parseCompareOptions } from './options.ts';
import { comparisonLines, type Heading, markdownLines } from './report.ts';
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
  const { format, failOnRegression } = options;
  const { cells, heading, notes } = compared(a, b, options, console);
  const failing = failOnRegression === null ? [] : regressions(cells, failOnRegression);
  if (format === 'json') console.out(cleanJson({ a: a.name, b: b.name, notes, regressions: failing, cells }));
  else if (format === 'markdown') for (const line of markdownLines(cells, heading, notes, failing)) console.out(line);
  else for (const line of comparisonLines(cells, heading)) console.out(line);
  for (const note of notes) console.err(`note: ${note}`);
  for (const line of failing) console.err(`regression: ${line}`);
  return failing.length === 0 ? 0 : EXIT_GATE;
}

interface Compared {
  cells: CellComparison[];
  heading: Heading;
  notes: string[];
}

/** @throws UsageError if the sets cannot be compared; a Markdown document says so, too */
function compared(a: Selection, b: Selection, options: CompareOptions, console: Console): Compared {
  const { acrossMachines, thresholdPercent } = options;
  try {
    const { pairs, onlyA, onlyB, notes } = pairCells(a.records, b.records, acrossMachines);
    const related = acrossMachines ? relate(pairs) : { pairs, reference: null };
    const ids = new Set(a.records.map(({ id }) => id));
    const cells = compareCells(related.pairs, thresholdPercent);
    // Two machines have no turns: what is compared are ratios of the same machine's rounds.
    const inBlocks = acrossMachines ? [] : cells.filter(({ byTurns }) => !byTurns);
    const turns = turnsNote(inBlocks.length, cells.length);
    const shared = b.records.filter(({ id }) => ids.has(id)).length;
    return {
      cells,
      heading: { a: a.name, b: b.name, unit: acrossMachines ? 'of the reference' : 'M/s' },
      notes: [
        ...a.notes,
        ...b.notes,
        ...notes,
        ...(turns === null ? [] : [turns]),
        ...(shared > 0 ? [`${shared} records are in both: they are compared with themselves`] : []),
        ...(related.reference === null ? [] : [`every speed is divided by that of ${related.reference}`]),
        ...(onlyA > 0 ? [`${onlyA} configurations are only in A`] : []),
        ...(onlyB > 0 ? [`${onlyB} configurations are only in B`] : []),
      ],
    };
  } catch (error) {
    if (!(error instanceof Incomparable)) throw error;
    const message = `${a.name} and ${b.name}: ${error.message}`;
    if (options.format === 'markdown') console.out(`Not compared: ${markdownText(message)}`);
    throw new UsageError(message);
  }
}
