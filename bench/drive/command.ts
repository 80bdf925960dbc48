/** The command `drive`: connects to a vhost-user backend, runs a job, reports and records. Main thread. */

import { statSync } from 'node:fs';
import { BlockDriver } from '../../src/drivers/block.ts';
import {
  BLOCK_CONFIG_SIZE,
  type BlockConfig,
  BlockConfigError,
  readBlockConfig,
} from '../../src/drivers/block-config.ts';
import {
  VIRTIO_BLK_F_BLK_SIZE,
  VIRTIO_BLK_F_FLUSH,
  VIRTIO_BLK_F_MQ,
  VIRTIO_BLK_F_RO,
  VIRTIO_BLK_F_SEG_MAX,
  VIRTIO_BLK_F_SIZE_MAX,
} from '../../src/formats/block.ts';
import { whyUnavailable } from '../../src/native/libc.ts';
import { VIRTIO_F_VERSION_1, VIRTIO_RING_F_EVENT_IDX, VIRTIO_RING_F_INDIRECT_DESC } from '../../src/ring/constants.ts';
import { featureWord } from '../../src/ring/feature-word.ts';
import { VhostUserDevice } from '../../src/vhost-user/frontend/frontend-device.ts';
import { ProtocolError } from '../../src/vhost-user/messages/errors.ts';
import { type Console, EXIT_CODES, type Hooks } from '../command-line/command.ts';
import { UsageError } from '../command-line/option-values.ts';
import { durationOf, makeProgress, type Progress } from '../command-line/progress.ts';
import { clockBase, openClock } from '../latency/clock.ts';
import { appendRecord } from '../records/append.ts';
import { type DriveConfig, type DriveRecord, type DriveRepetition, makeDriveRecord } from '../records/drive-record.ts';
import { captureEnvironment } from '../records/environment.ts';
import type { Outcome } from '../records/record.ts';
import { resultsFile } from '../records/results.ts';
import { row } from '../run/report.ts';
import { handshakeMessage, outcomeOf, WRONG_KIND_HINT } from './failures.ts';
import { BlockJob } from './job.ts';
import { type DriveOptions, driveHelp, parseDriveOptions } from './options.ts';
import { runRepetition, warmupPhase } from './repetition.ts';
import { headLine, repetitionLines, summaryLines } from './report.ts';

const PAGE_SIZE = 4096;

/** Runs `drive` with its arguments; resolves to the exit code. @throws UsageError */
export async function driveCommand(args: readonly string[], console: Console, hooks: Hooks = {}): Promise<number> {
  const options = parseDriveOptions(args);
  if (options === null) {
    console.out(driveHelp());
    return 0;
  }
  const missing = whyUnavailable();
  if (missing !== null) throw new UsageError(`drive ${missing}`);
  const environment = captureEnvironment();
  const file = resultsFile(options.out, environment.machine);
  const at = new Date().toISOString();
  let device: VhostUserDevice;
  try {
    device = await connect(options);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const outcome = outcomeOf(error);
    console.err(`${outcome}: --socket ${options.socket}: ${handshakeMessage(error as Error)}`);
    return EXIT_CODES[outcome];
  }
  let driven: Driven;
  try {
    const disk = readBlockConfig(device.config, device.features);
    const config = configFor(options, disk);
    driven = {
      ...(await drive(device, config, disk, options, console, hooks)),
      config,
      backend: backendOf(device, disk),
    };
  } catch (error) {
    device.close();
    if (!(error instanceof BlockConfigError)) throw error;
    console.err(`failed: ${error.message} ${WRONG_KIND_HINT}`);
    return EXIT_CODES.failed;
  }
  const { outcome, failure, repetitions, config, backend } = driven;
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
  config: DriveConfig;
  backend: DriveRecord['backend'];
}

/** @throws UsageError where nobody listens, or who listens cannot do what is wanted; else what became of it */
async function connect({ socket, config }: DriveOptions): Promise<VhostUserDevice> {
  const { queues, ringSize, depth, blockSizeBytes, indirect, eventidx, timeout } = config;
  const bits = [
    VIRTIO_F_VERSION_1,
    VIRTIO_BLK_F_SIZE_MAX,
    VIRTIO_BLK_F_SEG_MAX,
    VIRTIO_BLK_F_RO,
    VIRTIO_BLK_F_BLK_SIZE,
    VIRTIO_BLK_F_FLUSH,
    VIRTIO_BLK_F_MQ,
    ...(indirect ? [VIRTIO_RING_F_INDIRECT_DESC] : []),
    ...(eventidx ? [VIRTIO_RING_F_EVENT_IDX] : []),
  ];
  if (statSync(socket, { throwIfNoEntry: false })?.isSocket() === false)
    throw new UsageError(`--socket ${socket}: it exists and is no socket`);
  try {
    return await VhostUserDevice.connect({
      socketPath: socket,
      features: featureWord(...bits),
      queues,
      ringSize,
      memoryBytes: queues * (BlockDriver.bytesFor(depth, blockSizeBytes) + PAGE_SIZE),
      configBytes: BLOCK_CONFIG_SIZE,
      timeoutMs: timeout * 1000,
      withinMs: config.reconnect ? timeout * 1000 : 0,
    });
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'queue-out-of-range')
      throw new UsageError(`--queues ${queues} is more than the backend has: ${error.value}`);
    if ((error as { syscall?: unknown }).syscall !== 'connect') throw error;
    // The call and its path, which the option has named already.
    const why = (error as Error).message.replace(`, connect (${socket})`, '');
    throw new UsageError(`--socket ${socket}: ${why}`);
  }
}

/** The configuration with what only the disk knows. @throws UsageError, BlockConfigError */
function configFor({ config }: DriveOptions, disk: BlockConfig): DriveConfig {
  const { job, offsetBytes, blockSizeBytes } = config;
  if (disk.sizeBytes === 0) throw new BlockConfigError('capacity', 0);
  const left = disk.sizeBytes - offsetBytes;
  if (left < blockSizeBytes)
    throw new UsageError(
      `--offset ${offsetBytes} leaves no block of ${blockSizeBytes} bytes of a disk of ${disk.sizeBytes} bytes`,
    );
  const sizeBytes = config.sizeBytes ?? Math.floor(left / blockSizeBytes) * blockSizeBytes;
  if (sizeBytes < blockSizeBytes || sizeBytes > left)
    throw new UsageError(
      `--offset ${offsetBytes} and --size ${sizeBytes} do not fit a disk of ${disk.sizeBytes} bytes in blocks of ${blockSizeBytes}`,
    );
  if (blockSizeBytes % disk.blockSizeBytes !== 0)
    throw new UsageError(`--block-size ${blockSizeBytes} is no multiple of the disk's: ${disk.blockSizeBytes}`);
  if (disk.readOnly && job !== 'read' && job !== 'randread')
    throw new UsageError(`--job ${job} cannot be done: the disk is read-only`);
  return { ...config, sizeBytes };
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
  device: VhostUserDevice,
  config: DriveConfig,
  disk: BlockConfig,
  { json }: DriveOptions,
  console: Console,
  hooks: Hooks,
): Promise<Pick<Driven, 'outcome' | 'failure' | 'repetitions'>> {
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
  try {
    const unopened = await job.open();
    if (unopened !== null) [outcome, failure] = [unopened.outcome, unopened.message];
    const begin = (where: string) => Object.assign(shown, { where, startedMs: performance.now() });
    if (config.warmup > 0 && outcome === 'done') {
      begin('warm-up');
      const { failure: failed, interrupted } = await job.run(warmupPhase(config));
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
  return { outcome, failure, repetitions };
}

function showProgress(progress: Progress, where: string, requests: number, elapsedMs: number): void {
  progress.show(
    `${where}: ${requests.toLocaleString('en-US')} ${requests === 1 ? 'request' : 'requests'} in ${durationOf(elapsedMs)}`,
  );
}
