/**
 * Searches every interleaving of a guest and a host over a small ring, in two memory models, and every mutant of the
 * protocol for the run that shows it.
 *
 *     npm run litmus -- --mutant guest-kick-fence
 */
import { argv, stderr, stdout } from 'node:process';
import { setImmediate as turn } from 'node:timers/promises';
import { flag, type OptionTable, optionLines, readArguments } from '../bench/command-line/option-table.ts';
import { choiceOf, choicesOf, UsageError } from '../bench/command-line/option-values.ts';
import { makeProgress } from '../bench/command-line/progress.ts';
import { greatest } from '../bench/statistics/sample.ts';
import { ALL_WAYS, Check, WAYS, type Way } from './litmus/check.ts';
import { hunt, type Searching, scenarioNames } from './litmus/hunt.ts';
import { MODELS } from './litmus/machine.ts';
import { MUTANTS } from './litmus/mutants.ts';
import { SCENARIOS } from './litmus/scenarios.ts';
import { EXIT_INTERRUPTED, outliveReaders } from './process.ts';

/** Transitions between two looks at signals, some hundredths of a second. */
const SLICE = 20_000;

const OPTIONS: OptionTable<'scenario' | 'model' | 'mutant' | 'list' | 'long'> = {
  scenario: { value: 'LIST', summary: 'these alone, separated by commas; without --mutant: as they are, no mutant' },
  model: { value: 'NAME', summary: 'in one memory alone', choices: MODELS },
  mutant: { value: 'NAME', summary: 'the run that shows it, step by step; all: which run shows which' },
  list: flag('names of scenarios and mutants, and what they are'),
  long: flag('with the deeper scenarios: some minutes'),
  help: flag('this text; -h too'),
};

const HELP = `npm run litmus -- [options]

Without options: every scenario in each memory, then all mutants.

${optionLines(OPTIONS)}

Exit codes
  0 all is proved and every mutant is found   1 not so   2 usage   130 interrupted`;

class Interrupted extends Error {}
const interruption = new AbortController();
const progress = makeProgress(stderr);

function say(line: string): void {
  progress.clear();
  stdout.write(`${line}\n`);
}

const searching: Searching = async ({ search }, transitionsMax, what) => {
  while (!search.advance(Math.min(SLICE, transitionsMax)) && search.transitions < transitionsMax) {
    progress.show(`${what}: ${count(search.states)} states`);
    await turn();
    if (interruption.signal.aborted) throw new Interrupted();
  }
};

const count = (value: number) => value.toLocaleString('en-US');
const secondsSince = (start: number) => `${((performance.now() - start) / 1000).toFixed(1)} s`;

/** Number of the searches that proved nothing. */
async function prove(scenarios: readonly string[], ways: readonly Way[]): Promise<number> {
  const width = greatest(scenarios.map((name) => name.length));
  say(`${'scenario'.padEnd(width)}  memory          states  transitions  interleavings  depth    time`);
  let unproved = 0;
  for (const name of scenarios)
    for (const way of ways) {
      const start = performance.now();
      const check = new Check(SCENARIOS[name]!, way);
      await searching(check, Number.POSITIVE_INFINITY, `${name} ${way}`);
      const { states, transitions, interleavings, depth, complete, failure } = check.search.result();
      const figures = [
        `${name.padEnd(width)}  ${way.padEnd(10)}${count(states).padStart(12)}${count(transitions).padStart(13)}`,
        `${(complete ? interleavings.toExponential(1) : '–').padStart(15)}${String(depth).padStart(7)}`,
        secondsSince(start).padStart(8),
      ];
      say(`${figures.join('')}${complete ? '' : '  NOT PROVED'}`);
      if (complete) continue;
      unproved++;
      if (failure === null) say('  too many states');
      else for (const line of check.trace(failure)) say(`  ${line}`);
    }
  return unproved;
}

/** Number of the mutants that are not as their table says. */
async function hunted(names: readonly string[], scenarios: readonly string[], ways: readonly Way[]): Promise<number> {
  let wrong = 0;
  const shown = names.length === 1;
  const width = greatest(names.map((name) => name.length));
  for (const name of names) {
    const mutant = MUTANTS[name]!;
    const found = await hunt(mutant, scenarios, ways, (check, max, what) => searching(check, max, `${name}: ${what}`));
    const how = found
      ? `found by ${found.scenario} ${found.way}: ${found.failure.why}`
      : found === null
        ? 'shows in no run'
        : 'not found: too many states';
    const asItMust = mutant.redundant === null ? Boolean(found) : found === null;
    if (!asItMust) wrong++;
    if (shown && found) for (const line of found.check.trace(found.failure)) say(line);
    say(
      `${name.padEnd(width)}  ${how}${mutant.redundant === null ? '' : `; ${mutant.redundant}`}${asItMust ? '' : '  WRONG'}`,
    );
    if (shown) say(`${' '.repeat(width)}  ${mutant.summary}`);
  }
  return wrong;
}

function list(): void {
  const width = greatest([...Object.keys(SCENARIOS), ...Object.keys(MUTANTS)].map((name) => name.length));
  for (const [name, { summary, long }] of Object.entries(SCENARIOS))
    say(`${name.padEnd(width)}  ${summary}${long ? ' (--long)' : ''}`);
  say('');
  for (const [name, { summary, redundant }] of Object.entries(MUTANTS))
    say(`${name.padEnd(width)}  ${summary}${redundant === null ? '' : ` (${redundant})`}`);
}

async function main(args: readonly string[]): Promise<number> {
  const given = readArguments(OPTIONS, args);
  if (given.has('help')) say(HELP);
  else if (given.has('list')) list();
  if (given.has('help') || given.has('list')) return 0;
  const named = given.get('scenario');
  if (named !== undefined && given.has('long')) throw new UsageError('--long says nothing beside --scenario');
  const scenarios = named === undefined ? scenarioNames(given.has('long')) : choicesOf('--scenario', named, SCENARIOS);
  const model = given.get('model');
  const only = model === undefined ? null : choiceOf('--model', model, MODELS);
  const ways = ALL_WAYS.filter((way) => only === null || WAYS[way].model === only);
  const wanted = given.get('mutant');
  const mutants =
    wanted === undefined || wanted === 'all'
      ? Object.keys(MUTANTS)
      : [choiceOf('--mutant', wanted, { ...MUTANTS, all: null })];
  let wrong = 0;
  const start = performance.now();
  if (wanted === undefined) wrong += await prove(scenarios, ways);
  if (wanted === undefined && named === undefined) say('');
  if (wanted !== undefined || named === undefined) wrong += await hunted(mutants, scenarios, ways);
  const memoryMb = Math.round(process.resourceUsage().maxRSS / 1024);
  say(
    `${wrong === 0 ? 'all is as it must be' : `${wrong} not as they must be`} (${secondsSince(start)}, ${memoryMb} MB)`,
  );
  return wrong === 0 ? 0 : 1;
}

// A second one ends the process at once.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => interruption.abort());
outliveReaders();

try {
  process.exitCode = await main(argv.slice(2));
} catch (error) {
  progress.clear();
  const usage = error instanceof UsageError;
  process.exitCode = error instanceof Interrupted ? EXIT_INTERRUPTED : usage ? 2 : 1;
  if (!(error instanceof Interrupted)) stderr.write(`litmus: ${usage ? error.message : (error as Error).stack}\n`);
}
