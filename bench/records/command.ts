/** The command `results`: looks after files of records. Main thread. */
import { existsSync } from 'node:fs';
import { type Console, EXIT_CODES } from '../command-line/command.ts';
import { flag, type OptionTable, optionLines, readArguments } from '../command-line/option-table.ts';
import { choiceOf, UsageError } from '../command-line/option-values.ts';
import { printable } from '../command-line/printable.ts';
import { repair } from './append.ts';
import { diagnose } from './doctor.ts';
import { resultsFolder } from './results.ts';
import { jsonSchemaText } from './schema.ts';
import { recordFiles } from './sources.ts';

const RESULTS_OPTIONS: OptionTable<'repair'> = {
  repair: flag('doctor: move a last line that was cut off to FILE.torn, give a whole one its newline'),
  help: flag('this text; -h too'),
};

const SUBCOMMANDS = {
  doctor: { summary: 'validates every line; counts records by kind, machine, commit and outcome' },
  schema: { summary: 'prints the JSON Schema of a record' },
};

/** Runs `results` with its arguments; resolves to the exit code. @throws UsageError naming the argument */
export async function resultsCommand(args: readonly string[], console: Console): Promise<number> {
  const { options, positionals } = readArguments(RESULTS_OPTIONS, args, { positionals: true });
  if (options.has('help')) {
    console.out(resultsHelp());
    return 0;
  }
  const [name, ...files] = positionals;
  if (name === undefined) throw new UsageError(`results wants one of ${Object.keys(SUBCOMMANDS).join(', ')}`);
  if (choiceOf('results', name, SUBCOMMANDS) === 'doctor') return doctor(files, options.has('repair'), console);
  if (files.length > 0) throw new UsageError(`unexpected argument '${files[0]}'`);
  if (options.has('repair')) throw new UsageError('--repair is an option of results doctor');
  console.out(jsonSchemaText());
  return 0;
}

/** What a command reads that is given no files: the results folder, if there is one. */
export const namedOrDefault = (files: readonly string[]): readonly string[] =>
  files.length > 0 ? files : [resultsFolder()].filter((folder) => existsSync(folder));

function doctor(named: readonly string[], mending: boolean, console: Console): number {
  const paths = namedOrDefault(named);
  for (const file of mending ? recordFiles(paths) : []) {
    try {
      const notice = repair(file);
      if (notice !== null) console.out(printable(notice));
    } catch (error) {
      console.err(`failed: ${printable(file)}: ${printable((error as Error).message)}`);
    }
  }
  const { lines, problems } = diagnose(paths);
  for (const line of lines) console.out(line);
  for (const problem of problems) console.err(problem);
  return problems.length === 0 ? EXIT_CODES.done : EXIT_CODES['check-failed'];
}

function resultsHelp(): string {
  const commands = Object.entries(SUBCOMMANDS).map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}`);
  return `vringbench results: looks after files of records

  npm run results -- doctor [FILES…] [--repair]     or: vringbench results …
  npm run --silent results -- schema

${commands.join('\n')}

FILES are files, or folders, whose *.ndjson are read; without any: results/.
Problems go to standard error, FILE:LINE: WHY; what a folder has and cannot be read
(a folder, a pipe, a link that leads nowhere, no right) is passed over, FILE: WHY.

${optionLines(RESULTS_OPTIONS)}

Examples
  vringbench results doctor
  vringbench results doctor --repair results/my-machine.ndjson
  vringbench results schema > record.schema.json

Exit codes
  0 sound   1 a line is no record, or a file cannot be read   2 usage`;
}
