/** The command `compare`. Main thread; measures nothing. */
import { join } from 'node:path';
import type { Console } from '../command-line/command.ts';
import { UsageError } from '../command-line/option-values.ts';
import { resultsFolder } from '../records/results.ts';
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
  if (options.saveBaseline !== null)
    people(`baseline ${options.saveBaseline}: ${saveBaseline(options.saveBaseline, a.records, shelf)}`);
  return b === null ? 0 : compare(a, b, options, console);
}

function compare(a: Selection, b: Selection, options: CompareOptions, console: Console): number {
  const { cells, heading, notes } = compared(a, b, options);
  if (options.format === 'json') console.out(JSON.stringify({ a: a.name, b: b.name, notes, cells }));
  else
    for (const line of (options.format === 'markdown' ? markdownLines : comparisonLines)(cells, heading))
      console.out(line);
  for (const note of [...a.notes, ...b.notes, ...notes]) console.err(`note: ${note}`);
  if (options.failOnRegression === null) return 0;
  const failing = regressions(cells, options.failOnRegression);
  for (const line of failing) console.err(`regression: ${line}`);
  return failing.length === 0 ? 0 : EXIT_GATE;
}

/** @throws UsageError if the sets cannot be compared */
function compared(a: Selection, b: Selection, { acrossMachines, thresholdPercent }: CompareOptions) {
  try {
    const { pairs, onlyA, onlyB, notes } = pairCells(a.records, b.records, acrossMachines);
    const related = acrossMachines ? relate(pairs) : { pairs, reference: null };
    const cells: CellComparison[] = compareCells(related.pairs, thresholdPercent);
    const heading: Heading = { a: a.name, b: b.name, unit: acrossMachines ? 'of the reference' : 'M/s' };
    const more = [
      ...notes,
      ...(related.reference === null ? [] : [`every speed is divided by that of ${related.reference}`]),
      ...(onlyA > 0 ? [`${onlyA} configurations are only in A`] : []),
      ...(onlyB > 0 ? [`${onlyB} configurations are only in B`] : []),
    ];
    return { cells, heading, notes: more };
  } catch (error) {
    if (error instanceof Incomparable) throw new UsageError(`${a.name} and ${b.name}: ${error.message}`);
    throw error;
  }
}
