/** The commands, and how a mistake on the command line ends. Knows no process: tests call it. */
import { endianness } from 'node:os';
import { type Console, EXIT_USAGE, type Hooks } from './command-line/command.ts';
import { nearest, UsageError } from './command-line/option-values.ts';
import { printableLine } from './command-line/printable.ts';
import { compareCommand } from './compare/command.ts';
import { dashboardCommand } from './dashboard/command.ts';
import { driveCommand } from './drive/command.ts';
import { exportCommand } from './export/command.ts';
import { launchCommand } from './launch/command.ts';
import { matrixCommand } from './matrix/command.ts';
import { microCommand } from './micro/command.ts';
import { resultsCommand } from './records/command.ts';
import { VERSION } from './records/environment.ts';
import { runCommand } from './run/command.ts';
import { runHelp } from './run/help.ts';
import { serveCommand } from './serve/command.ts';

interface Command {
  /** One line for `help`. */
  summary: string;
  run(args: readonly string[], console: Console, hooks: Hooks): Promise<number>;
}

const COMMANDS: Record<string, Command> = {
  run: { summary: 'the basic test, or the parallel one; what runs when no command is named', run: runCommand },
  matrix: { summary: 'sweeps the options of run, every combination of their values', run: matrixCommand },
  micro: {
    summary: 'what single operations of the ring cost',
    run: (args, console) => microCommand(args, console),
  },
  drive: { summary: 'drives a vhost-user device of any backend, and measures it', run: driveCommand },
  compare: { summary: 'is one set of records faster or slower than another', run: compareCommand },
  results: {
    summary: 'looks after files of records: validates, mends, prints the schema',
    run: (args, console) => resultsCommand(args, console),
  },
  export: {
    summary: 'records in the formats of other programs',
    run: (args, console) => exportCommand(args, console),
  },
  dashboard: {
    summary: 'records as one page of charts that needs no network',
    run: (args, console) => dashboardCommand(args, console),
  },
  serve: { summary: 'a virtio device for a virtual machine, over vhost-user', run: serveCommand },
  launch: { summary: 'boots a guest, and serves its console, disks and networks', run: launchCommand },
  help: {
    summary: 'this list, and the options of run; help COMMAND: those of a command',
    run: async ([name, ...more], console) => {
      if (name !== undefined) return await commandOf(name).run(['--help', ...more], console, {});
      console.out(`${commandList()}\n\n${runHelp()}`);
      return 0;
    },
  },
};

const commandList = () =>
  [
    'vringbench: a virtio ring with both ends in TypeScript, measured',
    '',
    'Commands (each has --help; --version alone prints the version)',
    ...Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(9)} ${summary}`),
  ].join('\n');

/** @throws UsageError */
function commandOf(name: string): Command {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) throw new UsageError(`unknown command '${name}'${nearest(name, Object.keys(COMMANDS))}`);
  return command;
}

/** Lines of standard error are for people, and quote labels, file names and what else comes from strangers. */
const withCleanErrors = ({ out, err }: Console): Console => ({ out, err: (line) => err(printableLine(line)) });

/** Runs the program with its arguments; resolves to the exit code. */
export async function main(args: readonly string[], streams: Console, hooks: Hooks = {}): Promise<number> {
  const console = withCleanErrors(streams);
  try {
    if (endianness() !== 'LE') throw new UsageError('this program needs a little-endian machine');
    const named = args[0] !== undefined && !args[0].startsWith('-');
    const name = named ? args[0]! : 'run';
    if (args.length === 1 && args[0] === '--version') {
      console.out(VERSION);
      return 0;
    }
    return await commandOf(name).run(named ? args.slice(1) : args, console, hooks);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.err(`vringbench: ${error.message}`);
    return EXIT_USAGE;
  }
}
