/** The command `export`: records in the formats of other programs. Main thread. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { counted } from '../command-line/columns.ts';
import { type Console, EXIT_CODES } from '../command-line/command.ts';
import { flag, type OptionTable, optionLines, readArguments } from '../command-line/option-table.ts';
import { choiceOf, UsageError } from '../command-line/option-values.ts';
import { LATENCY_KINDS, type LatencyKind } from '../latency/summary.ts';
import { namedOrDefault } from '../records/command.ts';
import { figuresCount } from '../records/counted.ts';
import { loadRecords, passedOver } from '../records/load.ts';
import { problemLines } from '../records/problem-lines.ts';
import type { RunRecord } from '../records/record.ts';
import { checkNoInput, recordFiles } from '../records/sources.ts';
import { CHOOSERS, chosenBy } from './choose.ts';
import { FORMATS, type Format, type FormatName } from './formats.ts';

/** `round-trip` and its like, as they are given. */
const KINDS = Object.fromEntries(LATENCY_KINDS.map(([name, kind]) => [name.replaceAll(' ', '-'), kind]));

const EXPORT_OPTIONS: OptionTable<'format' | 'out' | 'kind' | keyof typeof CHOOSERS> = {
  format: { value: 'NAME', summary: 'what to write', choices: FORMATS },
  out: { value: 'FILE', summary: 'where to, - for standard output', byDefault: '-' },
  kind: { value: 'KIND', summary: `format hgrm: ${Object.keys(KINDS).join(', ')}`, byDefault: 'round-trip' },
  ...CHOOSERS,
  help: flag('this text; -h too'),
};

/** Runs `export` with its arguments; resolves to the exit code. @throws UsageError naming the argument */
export async function exportCommand(args: readonly string[], console: Console): Promise<number> {
  const { options, positionals } = readArguments(EXPORT_OPTIONS, args, { positionals: true });
  if (options.has('help')) {
    console.out(exportHelp());
    return EXIT_CODES.done;
  }
  const name = options.get('format');
  if (name === undefined) throw new UsageError(`--format wants one of ${Object.keys(FORMATS).join(', ')}`);
  const format: FormatName = choiceOf('--format', name, FORMATS);
  if (options.has('kind') && format !== 'hgrm') throw new UsageError('--kind is an option of --format hgrm');
  const kind: LatencyKind = KINDS[choiceOf('--kind', options.get('kind') ?? EXPORT_OPTIONS.kind.byDefault!, KINDS)]!;

  const inputs = namedOrDefault(positionals);
  const out = options.get('out') ?? '-';
  if (out !== '-') checkNoInput(out, recordFiles(inputs));
  const { records, others, problems } = loadRecords(inputs);
  const passed = passedOver(others.map(({ kind }) => kind));
  if (passed !== null) console.err(`note: ${passed}`);
  for (const line of problemLines(problems)) console.err(`warning: left out: ${line}`);
  const chosen = chosenBy(options, records);
  const { text, note, saysOutcome = false }: Format = FORMATS[format];
  const exported = exportable(chosen, saysOutcome, console);
  if (exported.length === 0) {
    const counts = chosen.every(figuresCount) ? '' : ' that counts';
    const of = counted(records.length, 'record');
    console.err(`failed: no finished repetition${counts} in ${chosen.length} of ${of}: nothing to export`);
    return EXIT_CODES.failed;
  }
  const mixed = note?.(exported) ?? null;
  if (mixed !== null) console.err(`note: ${mixed}`);
  const document = text(exported, kind);
  if (out === '-') console.out(document.replace(/\n$/, ''));
  else write(out, document);
  return problems.length === 0 ? EXIT_CODES.done : EXIT_CODES['check-failed'];
}

/** Those with figures that the format may have; says what became of runs that did not end well. */
function exportable(chosen: readonly RunRecord[], saysOutcome: boolean, console: Console): RunRecord[] {
  const exported = chosen.filter((record) => record.repetitions.length > 0 && (saysOutcome || figuresCount(record)));
  const told = (records: readonly RunRecord[], what: string, end: string) => {
    if (records.length > 0)
      console.err(`warning: ${records.length} of ${counted(chosen.length, 'record')} ${what}; ${end}`);
  };
  const unwell = chosen.filter((record) => record.outcome !== 'done' && figuresCount(record));
  const outcomes = [...new Set(unwell.map(({ outcome }) => outcome))].join(', ');
  told(unwell, `ended otherwise than well (${outcomes})`, 'their finished repetitions are exported');
  told(
    chosen.filter((record) => !figuresCount(record)),
    'failed a check',
    saysOutcome ? 'their repetitions are exported as of outcome check-failed' : 'their figures are left out',
  );
  return exported;
}

/** @throws UsageError */
function write(file: string, text: string): void {
  try {
    mkdirSync(dirname(resolve(file)), { recursive: true });
    writeFileSync(file, text);
  } catch (error) {
    throw new UsageError(`--out ${file}: cannot be written: ${(error as Error).message}`);
  }
}

function exportHelp(): string {
  return `vringbench export: records in the formats of other programs

  npm run --silent export -- --format NAME [RECORDS…]     or: vringbench export …

RECORDS are files, or folders, whose *.ndjson are read; without any: results/.
A benchmark's name says engine, ordering, doorbell, layout and host, and what else of
its configuration is not as in a table that never changes, whatever the defaults are:
ring/engine=wasm/ordering=wasm/doorbell=adaptive/layout=split/host=vringh/batch=4.
Formats other than go and csv take the records of one machine, commit, state of the
checkout, label and version of Node. Figures of runs whose check failed are in csv
alone. Of lines that are no records the first are named on standard error, the others
counted.

${optionLines(EXPORT_OPTIONS)}

Examples
  vringbench export --format go base.ndjson > base.txt
  vringbench export --format bencher --out bencher.json head.ndjson
  vringbench export --format hgrm --kind kick-to-wake --id 7c7c118a
  vringbench export --format github-bigger --commit 7c7c118a --clean --no-label
  vringbench export --format csv --commit unknown results/my-machine.ndjson

Exit codes
  0 done   1 nothing to export, or a line is no record (the others are exported)
  2 usage`;
}
