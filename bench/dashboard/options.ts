/** The command line of `dashboard`. */
import { flag, type OptionTable, optionLines, readArguments } from '../command-line/option-table.ts';

export const DEFAULT_OUT = 'dashboard.html';

const OPTIONS: OptionTable<'out' | 'title'> = {
  out: { value: 'FILE', summary: 'where the page goes; replaced if it is there', byDefault: DEFAULT_OUT },
  title: { value: 'TEXT', summary: "the page's title", byDefault: 'vringbench' },
  help: flag('this text; -h too'),
};

export interface DashboardOptions {
  /** Files and folders; none: the default folder. */
  paths: string[];
  out: string;
  title: string;
  help: boolean;
}

/** @throws UsageError naming the argument. */
export function parseDashboardOptions(args: readonly string[]): DashboardOptions {
  const { options: given, positionals } = readArguments(OPTIONS, args, { positionals: true });
  return {
    paths: positionals,
    out: given.get('out') ?? DEFAULT_OUT,
    title: given.get('title') ?? 'vringbench',
    help: given.has('help'),
  };
}

export const dashboardHelp = () => `vringbench dashboard: records as one page of charts, a file that needs no network

  npm run dashboard -- [FILES or FOLDERS] [options]       or: vringbench dashboard ...

Reads records (newline-delimited JSON, as run and matrix append them) from files, and
from folders all *.ndjson; without any: results/, where run puts them. The page shows
the history over commits, a sweep as a heat map, latency percentiles, and two commits,
labels or values of any option against each other. Lines that are no record are counted
and skipped.

${optionLines(OPTIONS)}

Examples
  npm run dashboard
  npm run dashboard -- results/amd-epyc-2cpu-b521c948.ndjson --out /tmp/page.html
  npm run dashboard -- monday.ndjson tuesday.ndjson --title 'before and after'

Exit codes
  0 the page is written, even without records   1 it could not be written   2 usage`;
