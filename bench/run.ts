/** The command `run`: the basic test, or repetitions of one parallel configuration, reported and recorded. */
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { runBasicTest } from './basic.ts';
import { CheckFailed } from './check-failed.ts';
import { captureEnvironment } from './environment.ts';
import { hgrmFiles, writeHgrm } from './latency/summary.ts';
import { UsageError } from './option-values.ts';
import { parseRunOptions, type RunOptions } from './options.ts';
import type { Fault } from './pair/faults.ts';
import { allowedCpus } from './pair/pinning.ts';
import { type Placement, PlacementError, placeThreads } from './placement.ts';
import { makeProgress } from './progress.ts';
import {
  type Harness,
  type Outcome,
  type Repetition,
  type RunConfig,
  type RunRecord,
  SCHEMA_VERSION,
} from './record.ts';
import { runRepetition } from './repetition.ts';
import { originalLines, row, summaryLines, warnings } from './report.ts';
import { appendRecord, checkAppendable, defaultResultsFile } from './results.ts';
import { runHelp } from './run-help.ts';

/** Exit codes by how a run ended. */
export const EXIT_CODES: Record<Outcome, number> = {
  done: 0,
  'check-failed': 1,
  failed: 1,
  stalled: 3,
  'lost-wakeups': 3,
  interrupted: 130,
};

/** Where a command's output goes: the process's own streams, or a test's. */
export interface Console {
  out(line: string): void;
  err(line: string): void;
}

export interface RunHooks {
  /** Asked for by runs that can end early and keep what they have; others leave Ctrl-C to the system. */
  signal?: () => AbortSignal;
  /** Planted by tests in every repetition. */
  fault?: Fault;
}

/** Runs `run` with its arguments; resolves to the exit code. @throws UsageError */
export async function runCommand(args: readonly string[], console: Console, hooks: RunHooks = {}): Promise<number> {
  const options = parseRunOptions(args);
  if (options.help) {
    console.out(runHelp());
    return 0;
  }
  const placement = placementOf(options.config.cpus);
  for (const line of options.idle) console.err(`note: ${line}`);
  return options.config.parallel ? runParallel(options, placement, console, hooks) : runBasic(options, console);
}

function runBasic({ config }: RunOptions, console: Console): number {
  const features = { indirect: config.indirect, eventIdx: config.eventidx, version1: config.virtio1 };
  let part = 0;
  try {
    runBasicTest({ features, slowRange: config.slowRange, ordering: config.ordering }, (line) => {
      part++;
      console.out(`ok ${part}/5  ${line}`);
    });
    return 0;
  } catch (error) {
    if (!(error instanceof CheckFailed)) throw error;
    console.err(`FAILED ${part + 1}/5  ${error.message}`);
    return EXIT_CODES['check-failed'];
  }
}

async function runParallel(
  options: RunOptions,
  placement: Placement,
  console: Console,
  hooks: RunHooks,
): Promise<number> {
  const { config, json } = options;
  const environment = captureEnvironment();
  const file = options.out === 'none' ? null : resolve(options.out ?? defaultResultsFile(environment.machine));
  const hint = options.out === null ? ' (name another with --out FILE, or --out none)' : '';
  if (file !== null) checkFile(`--out ${file}`, file, hint);
  if (options.hgrm !== null) for (const name of hgrmFiles(options.hgrm)) checkFile(`--hgrm ${name}`, name);
  const signal = hooks.signal?.();

  const people = json ? console.err : console.out;
  const progress = makeProgress(process.stderr);
  const at = new Date().toISOString();
  const repetitions: Repetition[] = [];
  let outcome: Outcome = 'done';
  let failure: string | null = null;
  for (let i = 1; i <= config.repeat && failure === null; i++) {
    const where = `repetition ${i} of ${config.repeat}`;
    progress.show(`${where}: building`);
    const result = await runRepetition(config, placement, {
      ...(signal && { signal }),
      ...(hooks.fault && { fault: hooks.fault }),
      onPhase: (phase) => progress.show(`${where}: ${phase}`),
    });
    progress.clear();
    if (outcome === 'done' || result.outcome !== 'done') outcome = result.outcome;
    if ('failure' in result) {
      failure = result.failure;
      continue;
    }
    repetitions.push(result.repetition);
    for (const line of originalLines(result.repetition)) people(line);
  }

  const harness =
    outcome === 'done' && config.layout !== 'null' ? await measureHarness(config, placement, signal) : null;
  const record: RunRecord = {
    schema: SCHEMA_VERSION,
    id: randomUUID(),
    at,
    label: options.label,
    outcome,
    failure: failure?.split('\n')[0] ?? null,
    config,
    environment,
    harness,
    repetitions,
  };
  if (json) console.out(JSON.stringify(record));
  for (const line of summaryLines(config, repetitions, harness)) people(line);
  for (const line of warnings(config, repetitions, environment.cpus)) console.err(`warning: ${line}`);
  if (failure !== null) console.err(`${outcome}: ${failure}`);
  const kept = [
    keep(console, `the distributions could not be written to ${options.hgrm}`, () => {
      if (options.hgrm === null) return;
      for (const name of writeHgrm(options.hgrm, repetitions)) people(row('distribution', name));
    }),
    keep(console, `the record could not be appended to ${file}`, () => {
      if (file === null) return;
      appendRecord(file, record);
      people(row('record', file));
    }),
  ];
  return EXIT_CODES[outcome] || (kept.includes(false) ? EXIT_CODES.failed : 0);
}

/** Does one thing with finished figures; false: it failed, which must not cost the others. */
function keep(console: Console, failure: string, act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    console.err(`failed: ${failure}: ${(error as Error).message}`);
    return false;
  }
}

/** Enough transfers to tell what the loops cost, few enough not to be waited for. */
const HARNESS_TRANSFERS = 500_000;

/** The same loops with no ring between them: what of the figures is the harness's own. */
async function measureHarness(
  config: RunConfig,
  placement: Placement,
  signal: AbortSignal | undefined,
): Promise<Harness> {
  const alone: RunConfig = {
    ...config,
    layout: 'null',
    fastVringh: false,
    latency: 0,
    rate: 0,
    warmup: HARNESS_TRANSFERS,
    transfers: HARNESS_TRANSFERS,
  };
  const result = await runRepetition(alone, placement, signal && { signal });
  if ('failure' in result) return null;
  const { guest, host } = result.repetition.pairs[0]!;
  if (guest.cpuNs === null || host.cpuNs === null) return null;
  return { guestNs: guest.cpuNs / HARNESS_TRANSFERS, hostNs: host.cpuNs / HARNESS_TRANSFERS };
}

function placementOf(cpus: string): Placement {
  try {
    return placeThreads(cpus, allowedCpus());
  } catch (error) {
    if (error instanceof PlacementError) throw new UsageError(`--cpus ${error.message}`);
    throw error;
  }
}

function checkFile(argument: string, file: string, hint = ''): void {
  try {
    checkAppendable(file);
  } catch (error) {
    throw new UsageError(`${argument}: cannot be appended to: ${(error as Error).message}${hint}`);
  }
}
