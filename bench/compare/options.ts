/** The command line of `compare`. */
import {
  flag,
  type GivenOptions,
  type Option,
  type OptionTable,
  optionLines,
  readArguments,
} from '../command-line/option-table.ts';
import { percentOf, UsageError } from '../command-line/option-values.ts';
import type { Gate } from './gate.ts';

type OptionName =
  | keyof typeof GATE_OPTIONS
  | 'threshold'
  | 'in'
  | 'across-machines'
  | 'save-baseline'
  | 'markdown'
  | 'json';

const THRESHOLD_PERCENT = '2';

/** Those that make an exit code of the comparison. */
export const GATE_OPTIONS = {
  'fail-on-regression': {
    value: 'PCT',
    summary: 'exit 1 if a cell is slower by its verdict and by more than PCT %; rings more, fails, or is not in B',
  },
  'allow-missing': flag('a cell that is not in B is no regression'),
  'require-all': flag('exit 1 if a cell is in A or in B alone'),
  'require-verdict': flag('exit 1 if a cell has not enough data, or could not be compared'),
} satisfies Record<string, Option>;

export const COMPARE_OPTIONS: OptionTable<OptionName> = {
  ...GATE_OPTIONS,
  threshold: {
    value: 'PCT',
    summary: 'a difference that lies within so many percent for sure is called same',
    byDefault: THRESHOLD_PERCENT,
  },
  in: { value: 'FILE', summary: "where commits and labels are looked for; default: this machine's results" },
  'across-machines': flag('compare how the cells of each machine relate to their first one'),
  'save-baseline': { value: 'NAME', summary: 'keep the records of A under a name that A or B can be from then on' },
  markdown: flag('print a Markdown table'),
  json: flag('print one JSON document on standard output; the rest goes to standard error'),
  help: flag('this text; -h too'),
};

export interface CompareOptions {
  /** A and B; B is null where A is only to be kept. */
  a: string;
  b: string | null;
  gate: Gate;
  thresholdPercent: number;
  in: string | null;
  acrossMachines: boolean;
  saveBaseline: string | null;
  format: 'text' | 'markdown' | 'json';
}

/** Null: the help was asked for. @throws UsageError naming the argument. */
export function parseCompareOptions(args: readonly string[]): CompareOptions | null {
  const { options: given, positionals } = readArguments(COMPARE_OPTIONS, args, { positionals: true });
  if (given.has('help')) return null;
  const [a, b, ...more] = positionals;
  const saveBaseline = given.get('save-baseline') ?? null;
  if (a === undefined || (b === undefined && saveBaseline === null))
    throw new UsageError('compare wants two sets of records: A B (files, folders, baselines, labels or commits)');
  if (more.length > 0) throw new UsageError(`unexpected argument '${more[0]}': compare takes two sets of records`);
  if (given.has('markdown') && given.has('json')) throw new UsageError('--markdown cannot be given with --json');
  return {
    a,
    b: b ?? null,
    gate: gateOf(given),
    thresholdPercent: percentOf('--threshold', given.get('threshold') ?? THRESHOLD_PERCENT),
    in: given.get('in') ?? null,
    acrossMachines: given.has('across-machines'),
    saveBaseline,
    format: given.has('markdown') ? 'markdown' : given.has('json') ? 'json' : 'text',
  };
}

/** @throws UsageError */
export function gateOf(given: GivenOptions<string>): Gate {
  const percent = given.get('fail-on-regression');
  const allowMissing = given.has('allow-missing');
  if (allowMissing && given.has('require-all'))
    throw new UsageError('--allow-missing cannot be given with --require-all');
  if (allowMissing && percent === undefined)
    throw new UsageError('--allow-missing is an option of --fail-on-regression');
  return {
    failOnRegression: percent === undefined ? null : percentOf('--fail-on-regression', percent),
    allowMissing,
    requireAll: given.has('require-all'),
    requireVerdict: given.has('require-verdict'),
  };
}

export function compareHelp(): string {
  return `vringbench compare: is B faster or slower than A, and how sure is that

  npm run compare -- A B [options]  or: vringbench compare A B [options]

A and B are files or folders of records, names of baselines, labels (--label of run
and matrix), or commits inside the records. Compared are cells that both have:
ratio of the medians with its 95 % interval, Cliff's delta, and a verdict that needs
the interval and a rank test (Mann-Whitney, Holm over all cells) to agree. The unit
is the repetition. Different machines or configurations are refused.

${optionLines(COMPARE_OPTIONS)}

Two commits are best measured by 'npm run ab', by turns. Sides that were not are
compared with a note: what the machine did meanwhile may be the difference. Figures
of runs whose check failed are left out. Cells that are in one of both, and with a gate
those without a verdict, are named on standard error.

Examples
  npm run ab -- main HEAD -- --transfers 2M
  npm run compare -- base.ndjson head.ndjson --fail-on-regression 5
  npm run compare -- before --save-baseline main
  npm run compare -- main results/new.ndjson --markdown

Exit codes
  0 compared, and what was asked for passed
  1 --fail-on-regression, --require-all or --require-verdict did not pass
  2 usage, or the sets cannot be compared`;
}
