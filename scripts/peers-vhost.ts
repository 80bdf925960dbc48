/**
 * Real peers for our vhost-user parts: installs them (Debian packages by name), starts them against our programs or
 * against each other, checks what came out, and ends them.
 *
 *     npm run peers-vhost -- install | list | run [NAME…]
 */
import { argv, exit, stderr, stdout } from 'node:process';
import { flag, type OptionTable, optionLines, readArguments } from '../bench/command-line/option-table.ts';
import { choiceOf, countOf, secondsOf, UsageError } from '../bench/command-line/option-values.ts';
import { greatest } from '../bench/statistics/sample.ts';
import { Missing } from './peers/failure.ts';
import { install, PEER_SETS } from './peers/install.ts';
import { ORIGINS } from './peers/origin.ts';
import { OUR_PROGRAM } from './peers/programs.ts';
import { runScenarios, selectScenarios } from './peers/run.ts';
import { SCENARIOS } from './peers/scenarios/table.ts';

const ROUNDS = '7';
const SECONDS = '2';
const REQUESTS = '10M';

const OPTIONS: OptionTable<'from' | 'program' | 'serve' | 'rounds' | 'seconds' | 'requests' | 'keep'> = {
  from: {
    value: 'SET',
    summary: `whose programs the peers are: ${Object.keys(ORIGINS).join(', ')}`,
    byDefault: 'system',
  },
  program: { value: 'FILE', summary: 'our built command', byDefault: 'dist/bench/main.js' },
  serve: { value: 'OPTIONS', summary: "more options of our backend, as --serve='--threads --poll-us 50'" },
  rounds: { value: 'N', summary: 'of speed: repetitions of each job on each backend', byDefault: ROUNDS },
  seconds: { value: 'S', summary: 'of speed: how long each of them takes', byDefault: SECONDS },
  requests: { value: 'N', summary: 'of memory: requests', byDefault: REQUESTS },
  keep: flag('keep every file of the run; the logs of failures stay anyhow'),
  help: flag('this text; -h too'),
};

const HELP = `npm run peers-vhost -- install [SET…]   installs the peers: ${Object.keys(PEER_SETS).join(', ')}
npm run peers-vhost -- list             the scenarios
npm run peers-vhost -- run [NAME…]      runs them; 'blk' stands for every 'blk:…'

${optionLines(OPTIONS)}

Without names, every scenario runs that this machine has the parts for, but those on
demand; a scenario that is named must be possible.

Exit codes
  0 all passed   1 one failed, or a part is missing   2 usage   130 interrupted`;

const say = (line: string) => stdout.write(`${line}\n`);

async function main(args: readonly string[]): Promise<number> {
  const { options: given, positionals } = readArguments(OPTIONS, args, { positionals: true });
  const [command, ...names] = positionals;
  if (given.has('help')) {
    say(HELP);
    return 0;
  }
  if (command === 'install') {
    const sets = names.map((name) => choiceOf('install', name, PEER_SETS));
    await install(sets.length > 0 ? sets : Object.keys(PEER_SETS), say);
    return 0;
  }
  if (command === 'list') {
    const width = greatest(Object.keys(SCENARIOS).map(({ length }) => length));
    for (const [name, { summary, onDemand }] of Object.entries(SCENARIOS))
      say(`${name.padEnd(width)}  ${summary}${onDemand ? ' (on demand)' : ''}`);
    return 0;
  }
  if (command !== 'run') throw new UsageError(`peers-vhost wants install, list or run, not '${command ?? ''}'`);
  const settings = {
    program: given.get('program') ?? OUR_PROGRAM,
    origin: ORIGINS[choiceOf('--from', given.get('from') ?? 'system', ORIGINS)],
    serveOptions: (given.get('serve') ?? '').split(' ').filter((word) => word !== ''),
    rounds: countOf('--rounds', given.get('rounds') ?? ROUNDS, 1, 1000),
    seconds: secondsOf('--seconds', given.get('seconds') ?? SECONDS),
    requests: countOf('--requests', given.get('requests') ?? REQUESTS, 1, 1e9),
  };
  const selected = selectScenarios(SCENARIOS, names);
  return await runScenarios(selected, settings, { mustRun: names.length > 0, keep: given.has('keep'), say });
}

// The scopes that are open end what they started when this process ends, so ending it is all there is to do.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => exit(130));
try {
  exit(await main(argv.slice(2)));
} catch (error) {
  const known = error instanceof UsageError || error instanceof Missing;
  stderr.write(`peers-vhost: ${known ? error.message : (error as Error).stack}\n`);
  exit(error instanceof UsageError ? 2 : 1);
}
