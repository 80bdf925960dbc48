import assert from 'node:assert/strict';
import { test } from 'node:test';
import { main } from '../cli.ts';
import { UsageError } from '../command-line/option-values.ts';
import { driveConfigSchema } from '../records/drive-record.ts';
import { parseDriveOptions } from './options.ts';

const SOCKET = ['blk', '--socket', '/s'];

test('drive options: defaults', () => {
  const options = parseDriveOptions(SOCKET);
  assert.deepEqual(options, {
    socket: '/s',
    config: {
      device: 'blk',
      job: 'randread',
      blockSizeBytes: 4096,
      depth: 32,
      queues: 1,
      seconds: 10,
      requests: null,
      warmup: 0.5,
      repeat: 1,
      offsetBytes: 0,
      sizeBytes: null,
      seed: 1,
      ringSize: 256,
      indirect: true,
      eventidx: true,
      pollUs: 0,
      timeout: 10,
      reconnect: false,
    },
    ringSizeGiven: false,
    label: '',
    machine: null,
    out: null,
    json: false,
  });
  driveConfigSchema.parse({ ...options?.config, sizeBytes: 4096 });
});

const read: [args: string[], expected: object][] = [
  [['--block-size', '64KiB', '--offset', '128k'], { blockSizeBytes: 65536, offsetBytes: 131072 }],
  [['--size', '1G'], { sizeBytes: 2 ** 30 }],
  // What ends in B is a power of 1024, too.
  ...['64M', '64MB', '64MiB', '64mb'].map((size): [string[], object] => [['--size', size], { sizeBytes: 2 ** 26 }]),
  [['--requests', '1M'], { requests: 1_000_000, seconds: null, warmup: 0 }],
  [['--requests', '5', '--warmup', '2'], { requests: 5, warmup: 2 }],
  [['--seconds', '0.5', '--warmup', '0'], { seconds: 0.5, warmup: 0 }],
  [['--job', 'verify', '--reconnect'], { job: 'verify', seconds: null, requests: null, warmup: 0, reconnect: true }],
  [['--depth', '128'], { depth: 128, ringSize: 512 }],
  [['--depth', '128', '--ring-size', '128'], { ringSize: 128 }],
];
for (const [args, expected] of read)
  test(`drive options: ${args.join(' ')}`, () => {
    const config: object = parseDriveOptions([...SOCKET, ...args])!.config;
    assert.deepEqual({ ...config, ...expected }, config);
  });

const mistakes: [args: string[], message: string][] = [
  [[], 'drive wants one of blk'],
  [['blkk'], "drive wants one of blk, not 'blkk'; did you mean blk?"],
  [['blk'], '--socket is needed: where the backend listens'],
  [[...SOCKET, 'more'], "unexpected argument 'more'"],
  [[...SOCKET, '--sokcet', 'x'], "unknown argument '--sokcet'; did you mean --socket?"],
  [
    [...SOCKET, '--job', 'raed'],
    "--job wants one of read, write, randread, randwrite, verify, not 'raed'; did you mean read?",
  ],
  [[...SOCKET, '--block-size', '1000'], '--block-size wants a multiple of 512, not 1000'],
  [[...SOCKET, '--block-size', '4q'], "--block-size wants bytes (like 512, 4k, 64MiB), not '4q'"],
  [[...SOCKET, '--block-size', '0'], '--block-size wants 512 to 16777216 bytes, not 0'],
  [[...SOCKET, '--offset', '512'], '--offset wants a multiple of the block size, not 512'],
  [[...SOCKET, '--seconds', '1', '--requests', '1'], '--seconds and --requests cannot both be given'],
  [
    [...SOCKET, '--job', 'verify', '--seconds', '1'],
    '--seconds cannot be used with --job verify: it does each block once',
  ],
  [[...SOCKET, '--ring-size', '100'], '--ring-size wants a power of two, not 100'],
  [[...SOCKET, '--ring-size', '64', '--indirect', 'off'], '--ring-size 64 has no room for --depth 32: 96 descriptors'],
  [
    [...SOCKET, '--depth', '1024', '--block-size', '16M'],
    '--depth, --queues and --block-size together want 17179869184 bytes of guest memory, more than 2147483648',
  ],
];
for (const [args, message] of mistakes)
  test(`drive options: refuses ${args.join(' ') || 'nothing'}`, () => {
    assert.throws(() => parseDriveOptions(args), new UsageError(message));
  });

test('drive: help names every job, and that some overwrite', async () => {
  const out: string[] = [];
  const console = { out: (line: string) => out.push(line), err: assert.fail };
  assert.equal(await main(['drive', '--help'], console), 0);
  assert.match(out[0]!, /KiB: powers of 1024.*one frontend at a time.*the same disk/s);
  assert.match(out[0]!, /vringbench drive blk.*overwrite.*--job NAME.*randwrite.*Examples.*Exit codes/s);
});
