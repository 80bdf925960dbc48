/**
 * The kernel's own programs beside ours: builds vringh_test and ringtest from a kernel tree and runs them in turn with
 * ours on this machine, so that only ratios taken in one go are compared.
 *
 *     npm run peers -- [options]
 */
import { writeFileSync } from 'node:fs';
import { argv, exit, stderr, stdout } from 'node:process';
import { counted } from '../bench/command-line/columns.ts';
import { flag, type OptionTable, optionLines, readArguments } from '../bench/command-line/option-table.ts';
import { countOf, secondsOf, UsageError } from '../bench/command-line/option-values.ts';
import { expectedLine, makeCourse } from '../bench/command-line/progress.ts';
import { shortageLine } from '../bench/command-line/shortage.ts';
import { allowedCpus } from '../bench/pair/pinning.ts';
import { appendRecord } from '../bench/records/append.ts';
import { captureEnvironment } from '../bench/records/environment.ts';
import { MACHINE_OPTION, machineOf } from '../bench/records/machine-name.ts';
import { checkWanted, resultsFile } from '../bench/records/results.ts';
import { greatest } from '../bench/statistics/sample.ts';
import { BEST } from './kernel-peers/best.ts';
import { Interrupted } from './kernel-peers/child.ts';
import { SHIPPED_TRANSFERS } from './kernel-peers/edits.ts';
import { assumedRowMs } from './kernel-peers/expected.ts';
import { ROWS, type Row, selectRows } from './kernel-peers/rows.ts';
import { runRows } from './kernel-peers/run.ts';
import { parseStrategy } from './kernel-peers/strategy.ts';
import { reportLines } from './kernel-peers/table.ts';
import { ownTree, packagedTree, SOURCE_PACKAGE } from './kernel-peers/tree.ts';
import { openWorkshop } from './kernel-peers/workshop.ts';
import { Failure, Missing } from './peers/failure.ts';
import { OUR_PROGRAM } from './peers/programs.ts';
import { EXIT_INTERRUPTED, outliveReaders } from './process.ts';

const ROUNDS = '7';
const TIMEOUT = '120';
const LABEL = 'peers';
const BUILD_TIMEOUT_MS = 300_000;

type Name =
  | 'tree'
  | 'rounds'
  | 'transfers'
  | 'only'
  | 'best'
  | 'sweep-cpus'
  | 'program'
  | 'timeout'
  | 'markdown'
  | 'json'
  | 'label'
  | 'machine'
  | 'out'
  | 'list';
const OPTIONS: OptionTable<Name> = {
  tree: { value: 'FOLDER', summary: 'a kernel tree of your own, only read', byDefault: `Debian's ${SOURCE_PACKAGE}` },
  rounds: { value: 'N', summary: 'ratios wanted of each row', byDefault: ROUNDS },
  transfers: {
    value: 'N',
    summary: 'of both programs; other than 10M is a change in the copy of vringh_test',
    byDefault: '10M',
  },
  only: { value: 'ROWS', summary: 'by name, or what stands before or after its colon, with commas' },
  best: { value: 'OPTIONS', summary: "our second strategy in all rows, as --best='--doorbell pipe --batch 16'" },
  'sweep-cpus': flag('rows on two CPUs on every ordered pair of allowed ones, guest first'),
  program: { value: 'FILE', summary: 'our built command', byDefault: 'dist/bench/main.js' },
  timeout: { value: 'S', summary: 'bound of every single run, seconds', byDefault: TIMEOUT },
  markdown: { value: 'FILE', summary: 'the tables as Markdown, too; -: instead, on standard output' },
  json: flag('the records of the rows alone on standard output, a line each; the rest on standard error'),
  label: { value: 'TEXT', summary: 'kept in all records', byDefault: LABEL },
  machine: MACHINE_OPTION,
  out: { value: 'FILE', summary: "where records are appended, or none; default: the machine's file in results/" },
  list: flag('the rows'),
  help: flag('this text; -h too'),
};

const HELP = `npm run peers -- [options]

Builds the kernel's vringh_test and ringtest and runs them in turn with ours: for each row,
rounds of theirs and ours, by default and with its best strategy; which goes first alternates.

vringh_test is compared mended: as shipped its host never frees the element lists of requests of
three elements or more (700 MB and 176,000 page faults in 10M transfers), which is no work of the
ring. In the cached copy it frees both lists before each completion. Every ratio is to that one;
the program as shipped runs in the same rounds, for reference. With --fast-vringh there are no
such lists, and ringtest has none: there nothing runs twice.

${optionLines(OPTIONS)}

A C compiler and make are installed by name where they are missing (as root, by apt), the
sources unpacked in the cache folder. Run nothing else meanwhile, least of all this twice.

Examples
  npm run peers -- --only same --rounds 3
  npm run peers -- --only ringtest --sweep-cpus --markdown -
  npm run peers -- --only eventidx --best='--doorbell pipe --batch 32'

Exit codes
  0 all compared   1 a row failed, or a part is missing   2 usage   130 interrupted`;

type Given = ReadonlyMap<Name | 'help', string>;

function listRows(): void {
  const width = greatest(ROWS.map(({ name }) => name.length));
  for (const row of ROWS)
    stdout.write(
      `${row.name.padEnd(width)}  ${row.program} ${row.args.join(' ')}${row.ours === null ? ' (theirs alone)' : ''}\n`,
    );
}

/** The best strategy of a row: the one given, or the table's. @throws UsageError */
function bestStrategies(given: string | undefined): (row: Row) => readonly string[] | null {
  if (given !== undefined) {
    const words = parseStrategy('--best', given);
    return () => words;
  }
  const table = new Map(Object.entries(BEST).map(([name, text]) => [name, parseStrategy(name, text)]));
  return ({ name }) => table.get(name) ?? null;
}

async function peers(given: Given, signal: AbortSignal): Promise<number> {
  const json = given.has('json');
  const say = (line: string) => stderr.write(`${line}\n`);
  const people = (line: string) => (json ? stderr : stdout).write(`${line}\n`);
  const rounds = countOf('--rounds', given.get('rounds') ?? ROUNDS, 1, 1000);
  const transfers = countOf('--transfers', given.get('transfers') ?? String(SHIPPED_TRANSFERS), 1, 1e9);
  const timeoutMs = secondsOf('--timeout', given.get('timeout') ?? TIMEOUT) * 1000;
  const only = given.get('only');
  const rows = only === undefined ? ROWS : selectRows(ROWS, only);
  const bestOf = bestStrategies(given.get('best'));
  const label = given.get('label') ?? LABEL;
  const markdown = given.get('markdown') ?? null;
  if (markdown === '-' && json) throw new UsageError('--markdown - and --json both want standard output');
  if (markdown !== null && markdown !== '-') checkWanted(`--markdown ${markdown}`, markdown);
  const machine = machineOf(given);
  const environment = captureEnvironment(machine, (note) => say(`note: ${note}`));
  const file = resultsFile(given.get('out') ?? null, environment.machine);
  const cpus = allowedCpus();
  if (cpus === null) throw new Missing('this system does not tell which CPUs are allowed');
  const own = given.get('tree');
  const child = { timeoutMs, signal };
  // Building takes its time whatever bound runs have.
  const building = { timeoutMs: BUILD_TIMEOUT_MS, signal };
  const tree = own === undefined ? await packagedTree(say, building) : ownTree(own);
  const workshop = await openWorkshop(tree, rows, transfers, say, building);
  const asked = { rounds, transfers, bestOf, cpus, sweepCpus: given.has('sweep-cpus') };
  const assumedMs = rows.reduce((sum, row) => sum + assumedRowMs(row, asked), 0);
  const expected = expectedLine(assumedMs, counted(rows.length, 'row'));
  if (expected !== null) say(expected);
  const { measured, ...ended } = await runRows(rows, workshop, {
    ...asked,
    ...{ environment, child, say },
    our: { program: given.get('program') ?? OUR_PROGRAM, file, label, machine },
    progress: makeCourse(stderr, say),
    onRecord: (record) => {
      if (json) stdout.write(`${JSON.stringify(record)}\n`);
      if (record.failure !== null) say(`failed: ${record.row}: ${record.failure}`);
      const notice = file === null ? null : appendRecord(file, record);
      if (notice !== null) say(`note: ${notice}`);
    },
  });
  for (const line of reportLines(measured, markdown === '-' ? 'markdown' : 'terminal')) people(line);
  if (markdown !== null && markdown !== '-')
    writeFileSync(markdown, `${reportLines(measured, 'markdown').join('\n')}\n`);
  if (file !== null && measured.length > 0) people(`records: ${file}`);
  if (ended.interrupted) throw new Interrupted('interrupted');
  return ended.failed > 0 || (only !== undefined && ended.missing > 0) || measured.length === 0 ? 1 : 0;
}

async function main(args: readonly string[]): Promise<number> {
  const given = readArguments(OPTIONS, args);
  if (given.has('help')) {
    stdout.write(`${HELP}\n`);
    return 0;
  }
  if (given.has('list')) {
    listRows();
    return 0;
  }
  const interrupted = new AbortController();
  // A second one ends this process at once, and with it what runs.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => (interrupted.signal.aborted ? exit(EXIT_INTERRUPTED) : interrupted.abort()));
  return await peers(given, interrupted.signal);
}

outliveReaders();
try {
  process.exitCode = await main(argv.slice(2));
} catch (error) {
  if (error instanceof Interrupted) {
    stderr.write('peers: interrupted\n');
    process.exitCode = EXIT_INTERRUPTED;
  } else {
    const known = error instanceof UsageError || error instanceof Missing || error instanceof Failure;
    stderr.write(`peers: ${known ? error.message : (shortageLine(error) ?? (error as Error).stack)}\n`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}
