/** The command line of `drive blk`: one table from which parsing, defaults, help and error messages come. */
import { SECTOR_SIZE } from '../../src/formats/block.ts';
import { VRING_SIZE_MAX } from '../../src/ring/constants.ts';
import { flag, type Option, type OptionTable, optionLines, readArguments } from '../command-line/option-table.ts';
import { bytesOf, choiceOf, countOf, secondsOf, UsageError } from '../command-line/option-values.ts';
import { type DriveConfig, JOBS, type JobName } from '../records/drive-record.ts';
import { MACHINE_OPTION, machineOf } from '../records/machine-name.ts';
import { SEED_MAX } from '../statistics/random.ts';

/** Descriptors of a block request: header, data, status. */
const REQUEST_ELEMENTS = 3;
const RING_SIZE = 256;
/** Backends commonly have no larger rings. */
const DEPTH_MAX = 1024;
const BLOCK_SIZE_MAX = 16 * 2 ** 20;
/** Guest memory is one region. */
const MEMORY_BYTES_MAX = 2 ** 31;
const SECONDS = 10;
const WARMUP_SECONDS = 0.5;

const value = (text: string, summary: string, byDefault = ''): Option => ({ value: text, summary, byDefault });

type Name =
  | 'socket'
  | 'job'
  | 'block-size'
  | 'depth'
  | 'queues'
  | 'seconds'
  | 'requests'
  | 'warmup'
  | 'repeat'
  | 'size'
  | 'offset'
  | 'seed'
  | 'ring-size'
  | 'indirect'
  | 'eventidx'
  | 'poll-us'
  | 'timeout'
  | 'reconnect'
  | 'label'
  | 'machine'
  | 'out'
  | 'json';

const OPTIONS: OptionTable<Name> = {
  socket: value('PATH', 'the Unix socket at which a vhost-user-blk backend listens; needed'),
  job: { ...value('NAME', 'what is done; write, randwrite and verify overwrite the disk', 'randread'), choices: JOBS },
  'block-size': value('BYTES', 'of each request, a multiple of 512', '4k'),
  depth: value('N', 'requests in flight, a queue', '32'),
  queues: value('N', 'queues, all driven by this one thread', '1'),
  seconds: value('S', 'how long', `${SECONDS}`),
  requests: value('N', 'so many requests instead', ''),
  warmup: value('S', 'the same before it, not counted; 0: none', `${WARMUP_SECONDS}; with --requests: 0`),
  repeat: value('N', 'repetitions', '1'),
  size: value('BYTES', 'use so much of the disk; default: to its end', ''),
  offset: value('BYTES', 'from there on', '0'),
  seed: value('N', 'of random places and of written bytes', '1'),
  'ring-size': value('N', `descriptors, a power of two; default: ${RING_SIZE}, more where --depth wants it`, ''),
  indirect: value('on|off', 'want VIRTIO_RING_F_INDIRECT_DESC', 'on'),
  eventidx: value('on|off', 'want VIRTIO_RING_F_EVENT_IDX', 'on'),
  'poll-us': value('N', 'look for completions so long before waiting for a call, microseconds', '0'),
  timeout: value('S', 'bound of every wait: an answer, a completion, the backend’s return', '10'),
  reconnect: flag('wait for a backend that is not there yet or goes away; nothing acknowledged is lost'),
  label: value('TEXT', 'kept in the record', ''),
  machine: MACHINE_OPTION,
  out: value(
    'FILE',
    "where the record is appended (folders are made), or none; default: the machine's file in results/",
    '',
  ),
  json: flag('print the record alone on standard output; the rest goes to standard error'),
  help: flag('this text; -h too'),
};

const DEVICES = { blk: { summary: 'a block device' } };

export interface DriveOptions {
  socket: string;
  /** `sizeBytes` null: to the end of the disk. */
  config: Omit<DriveConfig, 'sizeBytes'> & { sizeBytes: number | null };
  /** Else the ring may be made longer for a disk whose limits cut its requests into many elements. */
  ringSizeGiven: boolean;
  label: string;
  /** What the machine is called; null: by what it is. */
  machine: string | null;
  /** A file, `none`, or null for the machine's own file. */
  out: string | null;
  json: boolean;
}

/** Null: help is wanted. @throws UsageError naming the argument */
export function parseDriveOptions(args: readonly string[]): DriveOptions | null {
  const { options: given, positionals } = readArguments(OPTIONS, args, { positionals: true });
  if (given.has('help')) return null;
  const [device, ...more] = positionals;
  if (device === undefined) throw new UsageError(`drive wants one of ${Object.keys(DEVICES).join(', ')}`);
  choiceOf('drive', device, DEVICES);
  if (more.length > 0) throw new UsageError(`unexpected argument '${more[0]}'`);
  const socket = given.get('socket');
  if (socket === undefined) throw new UsageError('--socket is needed: where the backend listens');

  const text = (name: Name) => given.get(name) ?? OPTIONS[name].byDefault ?? '';
  const count = (name: Name, min: number, max: number) => countOf(`--${name}`, text(name), min, max);
  const onOff = (name: Name) => choiceOf(`--${name}`, text(name), { on: true, off: false }) === 'on';
  const job: JobName = choiceOf('--job', text('job'), JOBS);
  const blockSizeBytes = bytesOf('--block-size', text('block-size'), SECTOR_SIZE, BLOCK_SIZE_MAX);
  if (blockSizeBytes % SECTOR_SIZE !== 0)
    throw new UsageError(`--block-size wants a multiple of ${SECTOR_SIZE}, not ${text('block-size')}`);
  const depth = count('depth', 1, DEPTH_MAX);
  const offsetBytes = bytesOf('--offset', text('offset'), 0, Number.MAX_SAFE_INTEGER);
  if (offsetBytes % blockSizeBytes !== 0)
    throw new UsageError(`--offset wants a multiple of the block size, not ${text('offset')}`);
  const config: DriveOptions['config'] = {
    device: 'blk',
    job,
    blockSizeBytes,
    depth,
    queues: count('queues', 1, 256),
    ...lengthOf(job, given),
    repeat: count('repeat', 1, 1_000_000),
    offsetBytes,
    sizeBytes: given.has('size') ? bytesOf('--size', text('size'), blockSizeBytes, Number.MAX_SAFE_INTEGER) : null,
    seed: count('seed', 0, SEED_MAX),
    ringSize: given.has('ring-size') ? count('ring-size', 1, VRING_SIZE_MAX) : ringSizeFor(depth * REQUEST_ELEMENTS),
    indirect: onOff('indirect'),
    eventidx: onOff('eventidx'),
    pollUs: count('poll-us', 0, 1_000_000),
    timeout: secondsOf('--timeout', text('timeout')),
    reconnect: given.has('reconnect'),
  };
  checkRing(config);
  const bytes = config.depth * config.queues * blockSizeBytes;
  if (bytes > MEMORY_BYTES_MAX)
    throw new UsageError(
      `--depth, --queues and --block-size together want ${bytes} bytes of guest memory, more than ${MEMORY_BYTES_MAX}`,
    );
  return {
    socket,
    config,
    ringSizeGiven: given.has('ring-size'),
    label: text('label'),
    machine: machineOf(given),
    out: given.get('out') ?? null,
    json: given.has('json'),
  };
}

/** Seconds, or requests, or each block once. @throws UsageError */
function lengthOf(
  job: JobName,
  given: ReadonlyMap<string, string>,
): Pick<DriveConfig, 'seconds' | 'requests' | 'warmup'> {
  const seconds = given.get('seconds');
  const requests = given.get('requests');
  const warmup = given.get('warmup');
  if (job === 'verify') {
    const extra = ['seconds', 'requests', 'warmup'].find((name) => given.has(name));
    if (extra !== undefined)
      throw new UsageError(`--${extra} cannot be used with --job verify: it does each block once`);
    return { seconds: null, requests: null, warmup: 0 };
  }
  if (seconds !== undefined && requests !== undefined)
    throw new UsageError('--seconds and --requests cannot both be given');
  const asSeconds = (name: string, text: string) => (/^0+(\.0+)?$/.test(text) ? 0 : secondsOf(name, text));
  const warmupGiven = warmup === undefined ? null : asSeconds('--warmup', warmup);
  if (requests !== undefined)
    return { seconds: null, requests: countOf('--requests', requests, 1, 1e12), warmup: warmupGiven ?? 0 };
  return {
    seconds: seconds === undefined ? SECONDS : secondsOf('--seconds', seconds),
    requests: null,
    warmup: warmupGiven ?? WARMUP_SECONDS,
  };
}

/** The shortest ring for as many descriptors that is not shorter than common. */
export const ringSizeFor = (descriptors: number): number => Math.max(RING_SIZE, 2 ** Math.ceil(Math.log2(descriptors)));

/** Descriptors that the ring must have for `depth` requests of that many elements at once. */
export const descriptorsFor = (depth: number, indirect: boolean, elements: number): number =>
  indirect ? Math.max(depth, elements) : depth * elements;

/** @throws UsageError */
function checkRing({ ringSize, depth, indirect }: DriveOptions['config']): void {
  if ((ringSize & (ringSize - 1)) !== 0) throw new UsageError(`--ring-size wants a power of two, not ${ringSize}`);
  const needed = descriptorsFor(depth, indirect, REQUEST_ELEMENTS);
  if (ringSize < needed)
    throw new UsageError(`--ring-size ${ringSize} has no room for --depth ${depth}: ${needed} descriptors`);
}

export function driveHelp(): string {
  return `vringbench drive blk: drives a vhost-user block device, and measures it

  npm run drive -- blk --socket PATH [options]      or: vringbench drive blk …

The backend is any: qemu-storage-daemon, or vringbench serve blk. Every request is
stamped and counted. Places are random or in order within --offset and --size; all
queues take from the same row. write, randwrite and verify overwrite what is there.

BYTES take k, M, G and T, also as KB or KiB: powers of 1024 all of them. Other numbers
take k and M: 1000 and 1,000,000.

A server serves one frontend at a time: while it has another, drive waits for --timeout.
With --reconnect a backend may come later, too; what comes back must be the same disk.

${optionLines(OPTIONS)}

Examples
  vringbench drive blk --socket /tmp/disk.sock
  vringbench drive blk --socket /tmp/disk.sock --job read --block-size 64k --depth 128 --seconds 5
  vringbench drive blk --socket /tmp/disk.sock --job verify --size 64MiB --reconnect
  vringbench drive blk --socket /tmp/disk.sock --queues 2 --requests 1M --json --out none

Exit codes
  0 done   1 an error of the device, a wrong byte, or the run failed   2 usage
  3 a completion without a call, or a backend that does nothing   130 interrupted`;
}
