/** The command `run`: the basic test, or repetitions of one parallel configuration, reported and recorded. */

import { CheckFailed } from '../check-failed.ts';
import { counted, grouped } from '../command-line/columns.ts';
import { type Console, EXIT_CODES, faultFor, type Hooks } from '../command-line/command.ts';
import { expectedLine, makeCourse, timeLeft } from '../command-line/progress.ts';
import { TimeLeft } from '../command-line/time-left.ts';
import { hgrmFiles, writeHgrm } from '../latency/summary.ts';
import type { Placement } from '../pair/running-pair.ts';
import { appendRecord } from '../records/append.ts';
import { captureEnvironment } from '../records/environment.ts';
import { makeRecord, type Outcome, type Repetition } from '../records/record.ts';
import { checkWanted, resultsFile } from '../records/results.ts';
import { runBasicTest } from './basic.ts';
import { basicLine, engineSwitch } from './configuration-line.ts';
import { assumedMs } from './expected-time.ts';
import { measureHarness } from './harness.ts';
import { runHelp } from './help.ts';
import { parseRunOptions, type RunOptions } from './options.ts';
import { placementOf } from './placement.ts';
import { runRepetition } from './repetition.ts';
import { originalLines, row, summaryLines } from './report.ts';
import { warningsOf } from './warnings.ts';

/** Runs `run` with its arguments; resolves to the exit code. @throws UsageError */
export async function runCommand(args: readonly string[], console: Console, hooks: Hooks = {}): Promise<number> {
  const options = parseRunOptions(args);
  if (options.help) {
    console.out(runHelp());
    return 0;
  }
  const placements = placementOf(options.config);
  const switched = engineSwitch(options.given, [options.config]);
  for (const note of [options.cpusNote, ...options.idle, switched]) if (note !== null) console.err(`note: ${note}`);
  return options.config.parallel ? runParallel(options, placements, console, hooks) : runBasic(options, console);
}

function runBasic({ config }: RunOptions, console: Console): number {
  const features = { indirect: config.indirect, eventIdx: config.eventidx, version1: config.virtio1 };
  const head = `basic test: ${basicLine(config)}`;
  let part = 0;
  try {
    runBasicTest({ features, slowRange: config.slowRange, ordering: config.ordering }, (line) => {
      if (part++ === 0) console.out(head);
      console.out(`ok ${part}/5  ${line}`);
    });
    return 0;
  } catch (error) {
    if (!(error instanceof CheckFailed)) throw error;
    if (part === 0) console.out(head);
    console.err(`FAILED ${part + 1}/5  ${error.message}`);
    return EXIT_CODES['check-failed'];
  }
}

async function runParallel(
  options: RunOptions,
  placements: readonly Placement[],
  console: Console,
  hooks: Hooks,
): Promise<number> {
  const { config, json } = options;
  const environment = captureEnvironment(options.machine, (note) => console.err(`note: ${note}`));
  const file = resultsFile(options.out, environment.machine);
  if (options.hgrm !== null) for (const name of hgrmFiles(options.hgrm)) checkWanted(`--hgrm ${name}`, name);
  const signal = hooks.signal?.();

  const people = json ? console.err : console.out;
  const course = makeCourse(process.stderr, console.err);
  const time = new TimeLeft([{ assumedMs: assumedMs(config), left: config.repeat }]);
  const whole = counted(config.repeat, 'repetition');
  const expected = expectedLine(time.ms(), whole);
  if (expected !== null) console.err(expected);
  const at = new Date().toISOString();
  const repetitions: Repetition[] = [];
  let outcome: Outcome = 'done';
  let failure: string | null = null;
  for (let i = 1; i <= config.repeat && failure === null; i++) {
    const where = `repetition ${i} of ${config.repeat}`;
    const left = config.repeat === 1 ? '' : timeLeft(time.ms());
    const share = (i - 1) / config.repeat;
    const startMs = performance.now();
    course.show(share, `${where}: building${left}`, `${grouped(i - 1)} of ${whole}${left}`);
    const result = await runRepetition(config, placements, {
      ...(signal && { signal }),
      fault: faultFor(hooks, config),
      crossing: hooks.crossing,
      onPhase: (phase) => course.show(share, `${where}: ${phase}${left}`, null),
    });
    course.clear();
    time.finish(0, performance.now() - startMs);
    if (outcome === 'done' || result.outcome !== 'done') outcome = result.outcome;
    if ('failure' in result) {
      failure = result.failure;
      continue;
    }
    repetitions.push(result.repetition);
    for (const line of originalLines(result.repetition)) people(line);
  }

  const { harness: wanted = true } = hooks;
  const harness =
    wanted && outcome === 'done' && config.layout !== 'null'
      ? await measureHarness(config, placements[0]!, signal)
      : null;
  const warnings = warningsOf(config, repetitions, environment.cpus);
  const record = makeRecord({
    at,
    label: options.label,
    outcome,
    failure,
    config,
    environment,
    sweep: null,
    harness,
    warnings,
    repetitions,
  });
  if (json) console.out(JSON.stringify(record));
  for (const line of summaryLines(config, repetitions, harness)) people(line);
  for (const line of warnings) console.err(`warning: ${line}`);
  if (failure !== null) console.err(`${outcome}: ${failure}`);
  const kept = [
    keep(console, `the distributions could not be written to ${options.hgrm}`, () => {
      if (options.hgrm === null) return;
      for (const name of writeHgrm(options.hgrm, repetitions)) people(row('distribution', name));
    }),
    keep(console, `the record could not be appended to ${file}`, () => {
      if (file === null) return;
      const notice = appendRecord(file, record);
      if (notice !== null) console.err(`note: ${notice}`);
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
