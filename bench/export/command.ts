/** The command `export`: records in the formats of other programs. Main thread. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Console, EXIT_CODES } from '../command-line/command.ts';
import { flag, type OptionTable, optionLines, readArguments } from '../command-line/option-table.ts';
import { choiceOf, UsageError } from '../command-line/option-values.ts';
import { LATENCY_KINDS, type LatencyKind } from '../latency/summary.ts';
import { namedOrDefault } from '../records/command.ts';
import { loadRecords, passedOver, placeOf } from '../records/load.ts';
import type { RunRecord } from '../records/record.ts';
import { checkNoInput, recordFiles } from '../records/sources.ts';
import { FORMATS, type FormatName } from './formats.ts';

/** `round-trip` and its like, as they are given. */
const KINDS = Object.fromEntries(LATENCY_KINDS.map(([name, kind]) => [name.replaceAll(' ', '-'), kind]));

/** What chooses among the records, by the beginning of a text of theirs. */
const CHOOSERS = {
  machine: ({ environment }: RunRecord) => environment.machine,
  commit: ({ environment }: RunRecord) => environment.commit ?? 'unknown',
  id: ({ id }: RunRecord) => id,
};
type Chooser = keyof typeof CHOOSERS;

const EXPORT_OPTIONS: OptionTable<'format' | 'out' | 'kind' | Chooser> = {
  format: { value: 'NAME', summary: 'what to write', choices: FORMATS },
  out: { value: 'FILE', summary: 'where to, - for standard output', byDefault: '-' },
  kind: { value: 'KIND', summary: `format hgrm: ${Object.keys(KINDS).join(', ')}`, byDefault: 'round-trip' },
  machine: { value: 'NAME', summary: 'only records of a machine whose name begins so' },
  commit: { value: 'HASH', summary: 'only records of a commit that begins so; unknown: of none' },
  id: { value: 'ID', summary: 'only records whose id begins so' },
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
  const note = passedOver(others.map(({ kind }) => kind));
  if (note !== null) console.err(`note: ${note}`);
  for (const problem of problems) console.err(`warning: left out: ${placeOf(problem)}: ${problem.why}`);
  const chosen = records.filter((record) =>
    (Object.keys(CHOOSERS) as Chooser[]).every((by) => CHOOSERS[by](record).startsWith(options.get(by) ?? '')),
  );
  const measured = chosen.filter(({ repetitions }) => repetitions.length > 0);
  if (measured.length === 0) {
    console.err(`failed: no finished repetition in ${chosen.length} of ${records.length} records: nothing to export`);
    return EXIT_CODES.failed;
  }
  const unwell = chosen.filter(({ outcome }) => outcome !== 'done');
  if (unwell.length > 0)
    console.err(
      `warning: ${unwell.length} of ${chosen.length} records ended otherwise than well ` +
        `(${[...new Set(unwell.map(({ outcome }) => outcome))].join(', ')}); their finished repetitions are exported`,
    );
  const text = FORMATS[format].text(measured, kind);
  if (out === '-') console.out(text.replace(/\n$/, ''));
  else write(out, text);
  return problems.length === 0 ? EXIT_CODES.done : EXIT_CODES['check-failed'];
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
Benchmarks are named by what of their configuration is not the default, like
ring/eventidx=on/batch=4. Formats other than go and csv take the records of one
machine and one commit. Lines that are no records are named on standard error.

${optionLines(EXPORT_OPTIONS)}

Examples
  vringbench export --format go base.ndjson > base.txt
  vringbench export --format bencher --out bencher.json head.ndjson
  vringbench export --format hgrm --kind kick-to-wake --id 7c7c118a
  vringbench export --format csv --commit unknown results/my-machine.ndjson

Exit codes
  0 done   1 nothing to export, or a line is no record (the others are exported)
  2 usage`;
}
