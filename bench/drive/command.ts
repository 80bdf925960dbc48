/** The command `drive`: connects to a vhost-user backend, runs a job, reports and records. Main thread. */

import type { BlockConfig } from '../../src/drivers/block-config.ts';
import { whyUnavailable } from '../../src/native/libc.ts';
import type { VhostUserDevice } from '../../src/vhost-user/frontend/frontend-device.ts';
import { counted } from '../command-line/columns.ts';
import { type Console, EXIT_CODES, type Hooks } from '../command-line/command.ts';
import { UsageError } from '../command-line/option-values.ts';
import { durationOf, makeProgress, type Progress } from '../command-line/progress.ts';
import { clockBase, openClock } from '../latency/clock.ts';
import { standstillWarnings } from '../pair/standstill.ts';
import { appendRecord } from '../records/append.ts';
import { type DriveRecord, type DriveRepetition, makeDriveRecord } from '../records/drive-record.ts';
import { captureEnvironment } from '../records/environment.ts';
import type { Outcome } from '../records/record.ts';
import { resultsFile } from '../records/results.ts';
import { row } from '../run/report.ts';
import { type Connected, connectDisk } from './connect.ts';
import { connectMessage, outcomeOf } from './failures.ts';
import { BlockJob } from './job.ts';
import { type DriveOptions, driveHelp, parseDriveOptions } from './options.ts';
import { runRepetition, warmupPhases } from './repetition.ts';
import { configurationRow, headLine, repetitionLines, summaryLines } from './report.ts';

/** Runs `drive` with its arguments; resolves to the exit code. @throws UsageError */
export async function driveCommand(args: readonly string[], console: Console, hooks: Hooks = {}): Promise<number> {
  const options = parseDriveOptions(args);
  if (options === null) {
    console.out(driveHelp());
    return 0;
  }
  const missing = whyUnavailable();
  if (missing !== null) throw new UsageError(`drive ${missing}`);
  const environment = captureEnvironment(options.machine, (note) => console.err(`note: ${note}`));
  const file = resultsFile(options.out, environment.machine);
  const at = new Date().toISOString();
  let connected: Connected;
  try {
    connected = await connectDisk(options);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const outcome = outcomeOf(error);
    console.err(`${outcome}: ${connectMessage(options.socket, error as Error)}`);
    return EXIT_CODES[outcome];
  }
  const { device, disk, config } = connected;
  const backend = backendOf(device, disk);
  let driven: Driven;
  try {
    driven = await drive(connected, options, console, hooks);
  } finally {
    device.close();
  }
  const { outcome, failure, repetitions } = driven;
  const record = makeDriveRecord({
    at,
    label: options.label,
    outcome,
    failure,
    config,
    backend,
    environment,
    repetitions,
  });
  if (options.json) console.out(JSON.stringify(record));
  if (failure !== null) console.err(`${outcome}: ${failure}`);
  if (file === null) return EXIT_CODES[outcome];
  try {
    const notice = appendRecord(file, record);
    if (notice !== null) console.err(`note: ${notice}`);
    (options.json ? console.err : console.out)(row('record', file));
  } catch (error) {
    console.err(`failed: the record could not be appended to ${file}: ${(error as Error).message}`);
    return EXIT_CODES[outcome] || EXIT_CODES.failed;
  }
  return EXIT_CODES[outcome];
}

interface Driven {
  outcome: Outcome;
  failure: string | null;
  repetitions: DriveRepetition[];
}

const hex = (word: bigint) => `0x${word.toString(16)}`;

function backendOf({ negotiated, features }: VhostUserDevice, disk: BlockConfig): DriveRecord['backend'] {
  return {
    features: hex(features),
    protocolFeatures: hex(negotiated.protocolFeatures),
    queues: negotiated.queues,
    capacityBytes: disk.sizeBytes,
    blockSizeBytes: disk.blockSizeBytes,
    readOnly: disk.readOnly,
  };
}

async function drive(
  { device, disk, config }: Connected,
  { json }: DriveOptions,
  console: Console,
  hooks: Hooks,
): Promise<Driven> {
  const people = json ? console.err : console.out;
  const signal = hooks.signal?.();
  const progress = makeProgress(process.stderr);
  const clock = openClock(clockBase());
  const clockNs = clock.costNs();
  const shown = { where: '', startedMs: 0 };
  const job = new BlockJob({
    device,
    config,
    clock,
    ...(signal && { signal }),
    onProgress: (requests) => showProgress(progress, shown.where, requests, performance.now() - shown.startedMs),
  });
  const kicks = () => device.queues.reduce((sum, { kick }) => sum + kick.rings, 0);
  const repetitions: DriveRepetition[] = [];
  let outcome: Outcome = 'done';
  let failure: string | null = null;
  people(headLine(config, disk.sizeBytes));
  people(configurationRow(config, device.features));
  try {
    const unopened = await job.open();
    if (unopened !== null) [outcome, failure] = [unopened.outcome, unopened.message];
    const begin = (where: string) => Object.assign(shown, { where, startedMs: performance.now() });
    for (const phase of warmupPhases(config)) {
      if (outcome !== 'done') break;
      begin('warm-up');
      const { failure: failed, interrupted } = await job.run(phase);
      if (failed !== null) [outcome, failure] = [failed.outcome, failed.message];
      else if (interrupted) {
        outcome = 'interrupted';
        progress.clear();
        console.err('interrupted in warm-up, nothing was measured');
      }
    }
    for (let i = 1; i <= config.repeat && outcome === 'done'; i++) {
      begin(`repetition ${i} of ${config.repeat}`);
      const result = await runRepetition(job, config, disk.canFlush, { kicks, clock, clockNs });
      progress.clear();
      const { repetition, firstError } = result;
      repetitions.push(repetition);
      for (const line of repetitionLines(repetition, i, config.repeat)) people(line);
      if (result.interrupted) outcome = 'interrupted';
      else if (result.failure !== null) [outcome, failure] = [result.failure.outcome, result.failure.message];
      else if (firstError !== null) [outcome, failure] = ['check-failed', firstError];
      else if (repetition.lostCalls > 0) outcome = 'lost-wakeups';
    }
  } finally {
    progress.clear();
    job.close();
  }
  for (const line of summaryLines(repetitions)) people(line);
  for (const line of standstillWarnings(repetitions.map(({ stoodStillNs }) => stoodStillNs)))
    console.err(`warning: ${line}`);
  return { outcome, failure, repetitions };
}

function showProgress(progress: Progress, where: string, requests: number, elapsedMs: number): void {
  progress.show(`${where}: ${counted(requests, 'request')} in ${durationOf(elapsedMs)}`);
}
