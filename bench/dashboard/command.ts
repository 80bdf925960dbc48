/** The command `dashboard`: from files of records to one page. Main thread. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { type Console, EXIT_CODES } from '../command-line/command.ts';
import { namedOrDefault } from '../records/command.ts';
import { checkNoInput, eachLine, type Problem, passedOver, recordFiles } from '../records/load.ts';
import type { RunRecord } from '../records/record.ts';
import { resultsFolder } from '../records/results.ts';
import type { OtherKind } from '../records/schema.ts';
import { Columns } from './columns.ts';
import { pageHtml } from './html.ts';
import { dashboardHelp, parseDashboardOptions } from './options.ts';

/** So many skipped lines are named; of the others only the number. */
const NAMED_MAX = 5;

/** Runs `dashboard` with its arguments; resolves to the exit code. @throws UsageError */
export async function dashboardCommand(args: readonly string[], console: Console): Promise<number> {
  const { paths, out, title, help } = parseDashboardOptions(args);
  if (help) {
    console.out(dashboardHelp());
    return 0;
  }
  const files = recordFiles(namedOrDefault(paths));
  const target = resolve(out);
  checkNoInput(out, files);

  const columns = new Columns();
  const skipped: Problem[] = [];
  const others: OtherKind[] = [];
  for (const found of eachLine(files)) {
    if ('other' in found) {
      others.push(found.other.kind);
      continue;
    }
    const why = 'why' in found ? found.why : whyNotAdded(columns, found.record);
    if (why !== null) skipped.push({ file: found.file, line: found.line, why });
  }
  for (const { file, line, why } of skipped.slice(0, NAMED_MAX))
    console.err(`skipped: ${basename(file)}, line ${line}: ${why}`);
  if (skipped.length > NAMED_MAX) console.err(`skipped: ${skipped.length} lines in all`);
  const note = passedOver(others);
  if (note !== null) console.err(`note: ${note}`);
  else if (columns.count === 0)
    console.err(`note: no records in ${paths.length === 0 ? resultsFolder() : paths.join(', ')}`);

  const html = pageHtml(columns.pageData(title, new Date().toISOString(), skipped.length));
  try {
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, html);
  } catch (error) {
    console.err(`failed: ${(error as Error).message}`);
    return EXIT_CODES.failed;
  }
  const records = `${columns.count.toLocaleString('en-US')} record${columns.count === 1 ? '' : 's'}`;
  console.out(`${target}: ${records}, ${(html.length / 1e6).toFixed(1)} MB`);
  return 0;
}

/** Null for a record that was added. */
function whyNotAdded(columns: Columns, record: RunRecord): string | null {
  try {
    columns.add(record);
    return null;
  } catch {
    return 'a histogram that cannot be decoded';
  }
}
