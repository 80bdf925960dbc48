/**
 * Fuzzers by target, each in a process of its own: what kills it, or holds it for ever, is found from outside, with
 * the number of what it was about, and shortened by trying again in further processes.
 *
 *     npm run fuzz -- --target sessions --seconds 600 --seed 7
 */
import { spawn } from 'node:child_process';
import { openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { argv, exit, stderr, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';
import { flag, type OptionTable, optionLines, readArguments } from '../bench/command-line/option-table.ts';
import { choiceOf, countOf, secondsOf, UsageError } from '../bench/command-line/option-values.ts';
import { LINKED_HALVES } from '../bench/loops/wasm/linked-halves.ts';
import type { FuzzBounds } from '../src/fuzz/bounds.ts';
import { shorten } from '../src/fuzz/shorten.ts';
import { whyUnavailable } from '../src/native/libc.ts';
import { boundCommand } from '../src/processes/bound-child.ts';
import {
  describeCase,
  fuzzRings,
  halvesOf,
  playCase,
  type RingFuzzFigures,
  ringCase,
} from '../src/ring-fuzz/fuzz-rings.ts';
import { ALL_HALVES } from '../src/ring-fuzz/halves.ts';
import type { RingCase } from '../src/ring-fuzz/ring-case.ts';
import { describeAction } from '../src/vhost-user/fuzz/fuzz-actions.ts';
import { describeSession, type FuzzFigures, fuzzSessions, playSession } from '../src/vhost-user/fuzz/fuzz-sessions.ts';
import { EXIT_INTERRUPTED, inOrder, outliveReaders, temporaryFolder } from './process.ts';

/** What cases of rings are played on in turn: most on what accesses of its own are watched. */
const HALVES = [ALL_HALVES.typescript, ...Object.values(ALL_HALVES), LINKED_HALVES];

const SECONDS = '60';
const SEED = '1';
/** Without progress for so long a process hangs. */
const STALL_MS = 60_000;
/** One case alone, from the start of its process. */
const ONE_CASE_MS = 30_000;
/** Processes that a case which kills them is shortened by. */
const TRIALS_MAX = 60;
const LOOK_EVERY_MS = 200;

const OPTIONS: OptionTable<'target' | 'seed' | 'seconds' | 'cases' | 'from' | 'only' | 'kept' | 'progress'> = {
  target: {
    value: 'NAME',
    summary: 'what is fuzzed: sessions (vhost-user, the backend’s side), rings (both halves, against an oracle)',
    byDefault: 'sessions',
  },
  seed: { value: 'N', summary: 'everything follows from it and a case’s number', byDefault: SEED },
  seconds: { value: 'S', summary: `how long; default: ${SECONDS}, or no bound with --cases` },
  cases: { value: 'N', summary: 'how many; with --seconds, too: whichever comes first' },
  from: { value: 'N', summary: 'the first case’s number', byDefault: '0' },
  only: { value: 'N', summary: 'that case alone, and what it does' },
  kept: { value: 'LIST', summary: 'with --only: of its actions these alone, by number' },
  progress: { value: 'FILE', summary: 'where a process of this command tells another which case it is about' },
  help: flag('this text; -h too'),
};

const HELP = `npm run fuzz -- [options]

${optionLines(OPTIONS)}

Ctrl-C ends it after the case under way; a second one at once.
A case that fails is shortened and printed, with the line that plays it again.

Exit codes
  0 nothing was found   1 something was   2 usage   130 interrupted, and nothing was found until then`;

interface Fuzzer {
  /** What the machine lacks for it, as in "it …", or null. */
  readonly missing: () => string | null;
  readonly run: (bounds: FuzzBounds) => Promise<number>;
  readonly one: (seed: number, number: number, kept: readonly number[] | null) => Promise<string | null>;
  readonly describe: (seed: number, number: number, kept: readonly number[] | null) => Promise<readonly string[]>;
}

/** Ctrl-C, once. Both processes get it from a terminal, or the watched one from the other. */
const interruption = new AbortController();

const say = (line: string) => stdout.write(`${line}\n`);

function reportSessions(seed: number, figures: FuzzFigures): number {
  const { sessions, connections, seconds, requests, ends, events, failure } = figures;
  say(
    `seed ${seed}: ${sessions} sessions, ${connections} connections, ${requests} requests in ${seconds.toFixed(1)} s`,
  );
  say(`ended by: ${inOrder(ends, ', ')}`);
  say(`told of: ${inOrder(events, ', ')}`);
  if (failure === null) return 0;
  const { session, why, alone, actions } = failure;
  say(`session ${session}: ${why}`);
  say(alone ? 'what it takes:' : 'not by itself, only after the sessions before it; what it does:');
  for (const action of actions) say(`  ${describeAction(action)}`);
  say(`npm run fuzz -- --target sessions --seed ${seed} ${alone ? `--only ${session}` : `--cases ${session + 1}`}`);
  return 1;
}

function reportRings(seed: number, figures: RingFuzzFigures): number {
  const { cases, calls, requests, refusals, seconds, failure } = figures;
  say(`seed ${seed}: ${cases} rings, ${calls} calls in ${seconds.toFixed(1)} s`);
  say(`requests: ${inOrder(requests, ', ')}`);
  say(`rings with an error: ${inOrder(refusals, ', ')}`);
  if (failure === null) return 0;
  const { number, why, failing } = failure;
  say(`case ${number}: ${why}`);
  say('shortened, for src/ring-fuzz/regressions.ts:');
  say(describeCase(why.split('\n')[0]!, failing));
  say(`npm run fuzz -- --target rings --seed ${seed} --only ${number}`);
  return 1;
}

/** A case, or some of its steps. */
function ringCaseOf(seed: number, number: number, kept: readonly number[] | null): RingCase {
  const one = ringCase(seed, number);
  return kept === null ? one : ({ ...one, steps: kept.map((i) => one.steps[i]) } as RingCase);
}

const FUZZERS: Record<string, Fuzzer> = {
  rings: {
    missing: () => null,
    run: async (bounds) => reportRings(bounds.seed, await fuzzRings({ ...bounds, halves: HALVES })),
    one: async (seed, number, kept) => playCase(ringCaseOf(seed, number, kept), halvesOf(number, HALVES)).why,
    describe: async (seed, number, kept) => ringCaseOf(seed, number, kept).steps.map((step) => JSON.stringify(step)),
  },
  sessions: {
    missing: whyUnavailable,
    run: async (bounds) => reportSessions(bounds.seed, await fuzzSessions(bounds)),
    one: playSession,
    describe: describeSession,
  },
};

interface Ended {
  readonly code: number | null;
  /** How it ended, if not by itself. */
  readonly violently: string | null;
}

/** Another process of this command; it ends when it makes no progress. */
function inProcess(args: readonly string[], quiet: boolean, stalled: (ageMs: number) => boolean): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const bound = boundCommand(process.execPath, [fileURLToPath(import.meta.url), ...args]);
    const child = spawn(bound.command, bound.args, {
      stdio: ['ignore', quiet ? 'ignore' : 'inherit', quiet ? 'ignore' : 'inherit'],
    });
    let hangs = false;
    const timer = setInterval(() => {
      if (!stalled(performance.now() - started)) return;
      hangs = true;
      child.kill('SIGKILL');
    }, LOOK_EVERY_MS);
    const interrupt = () => child.kill('SIGINT');
    interruption.signal.addEventListener('abort', interrupt);
    // The end of this process, however it comes.
    const end = () => child.kill('SIGKILL');
    process.prependListener('exit', end);
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      clearInterval(timer);
      interruption.signal.removeEventListener('abort', interrupt);
      process.off('exit', end);
      const aborted = code !== null && code > 2 && code !== EXIT_INTERRUPTED ? `ended with ${code}` : null;
      resolve({ code, violently: hangs ? 'hangs' : signal === null ? aborted : `died of ${signal}` });
    });
  });
}

/** The case that kills or holds its process, shortened by further processes. */
async function reportViolence(
  fuzzer: Fuzzer,
  target: string,
  seed: number,
  number: number,
  how: string,
): Promise<void> {
  say(`case ${number}: the process ${how}`);
  const alone = ['--target', target, '--seed', String(seed), '--only', String(number)];
  const kills = async (kept: readonly number[]) => {
    const args = kept.length === 0 ? alone : [...alone, '--kept', kept.join(',')];
    if (interruption.signal.aborted) return false;
    const { violently } = await inProcess(args, true, (ageMs) => ageMs > ONE_CASE_MS);
    // Whoever is interrupted has not killed itself.
    return violently !== null && !interruption.signal.aborted;
  };
  const all = (await fuzzer.describe(seed, number, null)).map((_, i) => i);
  if (!(await kills(all))) {
    say('not by itself, only after the cases before it:');
    say(`npm run fuzz -- --target ${target} --seed ${seed} --cases ${number + 1}`);
    return;
  }
  const kept = await shorten(all, (some) => (some.length === 0 ? Promise.resolve(false) : kills(some)), TRIALS_MAX);
  say('what it takes:');
  for (const line of await fuzzer.describe(seed, number, kept)) say(`  ${line}`);
  say(`npm run fuzz -- ${alone.join(' ')} --kept ${kept.join(',')}`);
}

/** Runs the fuzzer in another process and watches it. */
async function watch(fuzzer: Fuzzer, target: string, seed: number, args: readonly string[]): Promise<number> {
  const { folder, remove } = temporaryFolder('vringbench-fuzz-');
  const progress = join(folder, 'case');
  const present = () => {
    try {
      return readFileSync(progress, 'utf8').trim();
    } catch {
      return '';
    }
  };
  let last = '';
  let since = 0;
  try {
    const { code, violently } = await inProcess([...args, '--progress', progress], false, (ageMs) => {
      const now = present();
      if (now !== last) {
        last = now;
        since = ageMs;
      }
      return ageMs - since > STALL_MS;
    });
    if (violently === null) return code ?? 1;
    if (interruption.signal.aborted) return EXIT_INTERRUPTED;
    const [number = ''] = present().split(' ');
    if (number === '') say(`before the first case the process ${violently}`);
    else await reportViolence(fuzzer, target, seed, Number(number), violently);
    return 1;
  } finally {
    remove();
  }
}

/** Writes the number, and how often anything was told: the same case, tried again, is progress, too. */
function telling(path: string): (number: number) => void {
  const file = openSync(path, 'w');
  let told = 0;
  return (number) => {
    told++;
    writeSync(file, `${String(number).padStart(12)} ${String(told).padStart(12)}\n`, 0);
  };
}

async function main(args: readonly string[]): Promise<number> {
  const given = readArguments(OPTIONS, args);
  if (given.has('help')) {
    say(HELP);
    return 0;
  }
  if (given.has('kept') && !given.has('only')) throw new UsageError('--kept wants --only, too');
  for (const name of ['seconds', 'cases', 'from'] as const)
    if (given.has('only') && given.has(name)) throw new UsageError(`--${name} says nothing beside --only`);
  const target = choiceOf('--target', given.get('target') ?? 'sessions', FUZZERS);
  const fuzzer = FUZZERS[target]!;
  const missing = fuzzer.missing();
  if (missing !== null) throw new UsageError(`it ${missing}`);
  const number = (name: 'seed' | 'from' | 'cases' | 'only', byDefault: string) =>
    countOf(`--${name}`, given.get(name) ?? byDefault, 0, 2 ** 32 - 1);
  const seed = number('seed', SEED);
  if (given.has('only')) {
    const only = number('only', '0');
    const last = (await fuzzer.describe(seed, only, null)).length - 1;
    const kept =
      given
        .get('kept')
        ?.split(',')
        .map((text) => countOf('--kept', text, 0, last)) ?? null;
    for (const line of await fuzzer.describe(seed, only, kept)) say(`  ${line}`);
    const why = await fuzzer.one(seed, only, kept);
    say(why ?? 'nothing is wrong');
    if (why !== null) return 1;
    return interruption.signal.aborted ? EXIT_INTERRUPTED : 0;
  }
  const progress = given.get('progress');
  if (progress === undefined) return await watch(fuzzer, target, seed, args);
  const seconds =
    given.has('cases') && !given.has('seconds')
      ? Number.POSITIVE_INFINITY
      : secondsOf('--seconds', given.get('seconds') ?? SECONDS);
  const cases = given.has('cases') ? number('cases', '0') : Number.POSITIVE_INFINITY;
  const { signal } = interruption;
  const from = number('from', '0');
  const code = await fuzzer.run({ seed, from, seconds, cases, signal, starting: telling(progress), say });
  return code === 0 && signal.aborted ? EXIT_INTERRUPTED : code;
}

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => {
    // A watched process is interrupted twice, by the terminal and by the one that watches it, which may kill it.
    if (interruption.signal.aborted && !argv.includes('--progress')) exit(EXIT_INTERRUPTED);
    interruption.abort();
  });

outliveReaders();
try {
  exit(await main(argv.slice(2)));
} catch (error) {
  stderr.write(`fuzz: ${error instanceof UsageError ? error.message : (error as Error).stack}\n`);
  exit(error instanceof UsageError ? 2 : 1);
}
