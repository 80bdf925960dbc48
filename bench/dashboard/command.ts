/** The command `dashboard`: from files of records to one page. Main thread. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Console, EXIT_CODES } from '../command-line/command.ts';
import { printable, printableLine } from '../command-line/printable.ts';
import { namedOrDefault } from '../records/command.ts';
import { eachLine, type Problem, passedOver } from '../records/load.ts';
import { problemLines } from '../records/problem-lines.ts';
import { resultsFolder } from '../records/results.ts';
import type { OtherKind } from '../records/schema.ts';
import { checkNoInput, recordFiles } from '../records/sources.ts';
import { Columns } from './columns.ts';
import { pageHtml } from './html.ts';
import { dashboardHelp, parseDashboardOptions } from './options.ts';

/** Runs `dashboard` with its arguments; resolves to the exit code. @throws UsageError */
export async function dashboardCommand(args: readonly string[], console: Console): Promise<number> {
  const { paths, out, title, help } = parseDashboardOptions(args);
  if (help) {
    console.out(dashboardHelp());
    return 0;
  }
  const inputs = namedOrDefault(paths);
  const target = resolve(out);
  checkNoInput(out, recordFiles(inputs));

  const columns = new Columns();
  const skipped: Problem[] = [];
  const others: OtherKind[] = [];
  for (const found of eachLine(inputs)) {
    if ('other' in found) others.push(found.other.kind);
    else if ('why' in found) skipped.push(found);
    else columns.add(found.record);
  }
  for (const line of problemLines(skipped)) console.err(`skipped: ${line}`);
  const note = passedOver(others);
  if (note !== null) console.err(`note: ${note}`);
  else if (columns.count === 0)
    console.err(`note: no records in ${paths.length === 0 ? resultsFolder() : paths.join(', ')}`);

  const html = pageHtml(columns.pageData(printable(title), new Date().toISOString(), skipped.length));
  try {
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, html);
  } catch (error) {
    console.err(`failed: ${(error as Error).message}`);
    return EXIT_CODES.failed;
  }
  const records = `${columns.count.toLocaleString('en-US')} record${columns.count === 1 ? '' : 's'}`;
  console.out(printableLine(`${target}: ${records}, ${(html.length / 1e6).toFixed(1)} MB`));
  return 0;
}
