/** The commands, and how a mistake on the command line ends. Knows no process: tests call it. */
import { endianness } from 'node:os';
import { type Console, EXIT_USAGE, type Hooks } from './command-line/command.ts';
import { nearest, UsageError } from './command-line/option-values.ts';
import { printableLine } from './command-line/printable.ts';
import { VERSION } from './records/environment.ts';

type RunOfCommand = (args: readonly string[], console: Console, hooks: Hooks) => Promise<number>;

interface Command {
  /** One line for `help`. */
  summary: string;
  /** Reads the command's modules, which are most of what the program needs to begin: those of no other command. */
  load(): Promise<RunOfCommand>;
}

const COMMANDS: Record<string, Command> = {
  run: {
    summary: 'the basic test, or the parallel one; what runs when no command is named',
    load: async () => (await import('./run/command.ts')).runCommand,
  },
  matrix: {
    summary: 'sweeps the options of run, every combination of their values',
    load: async () => (await import('./matrix/command.ts')).matrixCommand,
  },
  micro: {
    summary: 'what single operations of the ring cost',
    load: async () => {
      const { microCommand } = await import('./micro/command.ts');
      return (args, console) => microCommand(args, console);
    },
  },
  drive: {
    summary: 'drives a vhost-user device of any backend, and measures it',
    load: async () => (await import('./drive/command.ts')).driveCommand,
  },
  compare: {
    summary: 'is one set of records faster or slower than another',
    load: async () => (await import('./compare/command.ts')).compareCommand,
  },
  results: {
    summary: 'looks after files of records: validates, mends, prints the schema',
    load: async () => (await import('./records/command.ts')).resultsCommand,
  },
  export: {
    summary: 'records in the formats of other programs',
    load: async () => (await import('./export/command.ts')).exportCommand,
  },
  dashboard: {
    summary: 'records as one page of charts that needs no network',
    load: async () => (await import('./dashboard/command.ts')).dashboardCommand,
  },
  serve: {
    summary: 'a virtio device for a virtual machine, over vhost-user',
    load: async () => (await import('./serve/command.ts')).serveCommand,
  },
  launch: {
    summary: 'boots a guest, and serves its console, disks and networks',
    load: async () => (await import('./launch/command.ts')).launchCommand,
  },
  help: {
    summary: 'this list, and the options of run; help COMMAND: those of a command',
    load: async () => help,
  },
};

const help: RunOfCommand = async ([name, ...more], console) => {
  if (name !== undefined) return (await commandOf(name).load())(['--help', ...more], console, {});
  const { runHelp } = await import('./run/help.ts');
  console.out(`${commandList()}\n\n${runHelp()}`);
  return 0;
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
    const run = await commandOf(name).load();
    return await run(named ? args.slice(1) : args, console, hooks);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.err(`vringbench: ${error.message}`);
    return EXIT_USAGE;
  }
}
