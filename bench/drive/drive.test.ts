/** The command against real backends: the storage daemon, where it is installed, and ours. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BlockDevice } from '../../src/devices/block.ts';
import type { Device } from '../../src/devices/device.ts';
import { EntropyDevice } from '../../src/devices/entropy.ts';
import { openDevice } from '../../src/devices/open-device.ts';
import { ArrayDisk } from '../../src/devices/test-disk.ts';
import type { Request } from '../../src/host/queue.ts';
import { VhostUserServer } from '../../src/vhost-user/backend/server.ts';
import {
  type BackendKind,
  kinds,
  skips,
  type TestBackend,
  type TestBackendOptions,
  withBackend,
} from '../../src/vhost-user/frontend/test-backends.ts';
import { LocalDevice } from '../../src/vhost-user/queues/local-device.ts';
import { VhostUserQueue } from '../../src/vhost-user/queues/queue.ts';
import { main } from '../cli.ts';
import { sumOf } from '../latency/histogram.ts';
import { type DriveRecord, driveRecordSchema } from '../records/drive-record.ts';
import { loadRecords } from '../records/load.ts';
import { checkPattern, SAME } from './pattern.ts';

const PROGRAM = fileURLToPath(new URL('../main.js', import.meta.url));
const MIB = 2 ** 20;

interface Ended {
  code: number;
  out: string[];
  err: string[];
}

async function drive(backend: { socket: string }, args: readonly string[], signal?: AbortSignal): Promise<Ended> {
  const out: string[] = [];
  const err: string[] = [];
  const console = { out: (line: string) => out.push(line), err: (line: string) => err.push(line) };
  const all = ['drive', 'blk', '--socket', backend.socket, '--out', 'none', ...args];
  return { code: await main(all, console, signal ? { signal: () => signal } : {}), out, err };
}

async function recordOf(backend: TestBackend, args: readonly string[]): Promise<DriveRecord> {
  const { code, out, err } = await drive(backend, ['--json', ...args]);
  assert.equal(code, 0, err.join('\n'));
  assert.equal(out.length, 1);
  return driveRecordSchema.parse(JSON.parse(out[0]!));
}

function against(
  what: string,
  options: Omit<TestBackendOptions, 'kind'>,
  body: (backend: TestBackend, kind: BackendKind) => Promise<void>,
): void {
  for (const kind of kinds)
    test(`drive, ${kind} backend: ${what}`, { skip: skips[kind] }, () =>
      withBackend({ ...options, kind }, (backend) => body(backend, kind)),
    );
}

/** What a verifying job leaves in the image. */
function assertPattern(image: Buffer, seed: number, offsetBytes: number, sizeBytes: number): void {
  const words = new Int32Array(image.buffer, image.byteOffset + offsetBytes, sizeBytes / 4);
  assert.equal(checkPattern(words, 0, seed, offsetBytes / 512, sizeBytes / 512), SAME);
}

const jobs: [job: string, kind: 'reads' | 'writes', other: 'reads' | 'writes'][] = [
  ['read', 'reads', 'writes'],
  ['randread', 'reads', 'writes'],
  ['write', 'writes', 'reads'],
  ['randwrite', 'writes', 'reads'],
];
against('every job does as many requests as it is asked for', { sizeBytes: MIB, queues: 2 }, async (backend) => {
  for (const [job, kind, other] of jobs)
    for (const extra of [[], ['--queues', '2'], ['--poll-us', '20'], ['--eventidx', 'off', '--indirect', 'off']]) {
      const record = await recordOf(backend, ['--job', job, '--requests', '3000', '--depth', '16', ...extra]);
      assert.equal(record.outcome, 'done');
      const [repetition] = record.repetitions;
      assert.equal(repetition?.[kind]?.requests, 3000, `${job} ${extra.join(' ')}`);
      assert.equal(repetition[other], null);
      assert.equal(repetition.bytes, 3000 * 4096);
      assert.equal(repetition.errors, 0);
      const latency = repetition[kind]?.latency;
      assert.equal(sumOf([latency?.histogram ?? '']).totalCount, 3000);
      assert.ok((latency?.p50Ns ?? 0) > 0 && (latency?.p50Ns ?? 0) <= (latency?.maxNs ?? 0));
      assert.ok(repetition.kicks > 0);
    }
});

against('128 in flight, warm-up, repetitions by time', { sizeBytes: MIB }, async (backend) => {
  const args = ['--depth', '128', '--seconds', '0.2', '--warmup', '0.1', '--repeat', '2', '--block-size', '512'];
  const { repetitions, config } = await recordOf(backend, args);
  assert.equal(config.ringSize, 512);
  assert.equal(repetitions.length, 2);
  for (const { reads, wallNs } of repetitions) {
    // The first filling at least, however slow the machine is.
    assert.ok((reads?.requests ?? 0) >= 128);
    assert.ok(wallNs >= 0.2e9);
  }
});

against('verify leaves its bytes in the image, and only there', { sizeBytes: 2 * MIB, queues: 2 }, async (backend) => {
  const before = backend.imageBytes();
  const piece = ['--offset', '512k', '--size', '1MiB'];
  const record = await recordOf(backend, ['--job', 'verify', ...piece, '--seed', '5', '--queues', '2']);
  const [{ reads, writes, mismatches } = {}] = record.repetitions;
  assert.deepEqual([reads?.requests, writes?.requests, mismatches], [256, 256, 0]);
  const after = backend.imageBytes();
  assertPattern(after, 5, MIB / 2, MIB);
  assert.ok(before.subarray(0, MIB / 2).equals(after.subarray(0, MIB / 2)));
  assert.ok(before.subarray(1.5 * MIB).equals(after.subarray(1.5 * MIB)));
});

against(
  'killed and started again under a verify job, nothing is lost',
  { sizeBytes: 32 * MIB },
  async (backend, kind) => {
    const args = ['--job', 'verify', '--block-size', '512', '--depth', '32', '--reconnect', '--seed', '9'];
    const job = recordOf(backend, args);
    let over = false;
    const before = backend.imageBytes().subarray(0, 512);
    const killing = (async () => {
      while (!over && before.equals(backend.imageBytes().subarray(0, 512))) await delay(5);
      for (let kills = 0; kills < 3; kills++) {
        await delay(60);
        if (over) return;
        await backend.freeze();
        // What it had finished is taken back and followed by more, which it never sees.
        for (let turns = 0; turns < 3; turns++) await new Promise(setImmediate);
        await backend.kill();
        await backend.start();
      }
    })();
    const record = await job;
    over = true;
    await killing;
    const [repetition] = record.repetitions;
    assert.ok(repetition !== undefined && repetition.reconnects > 0, 'it was killed in the middle');
    assert.deepEqual([repetition.mismatches, repetition.errors], [0, 0]);
    assert.equal(repetition.writes?.requests, 65536);
    assert.equal(repetition.reads?.requests, 65536);
    // The daemon offers no memory of requests in flight; ours does, and so nothing is sent again.
    assert.equal(repetition.resubmitted > 0, kind === 'daemon');
    assertPattern(backend.imageBytes(), 9, 0, 32 * MIB);
  },
);

/** One request after the other, from the disk's first block on. */
const LONG_WRITING = ['--json', '--job', 'write', '--depth', '1', '--seconds', '3600', '--warmup', '0'];

/** Until some of them are done: none is sent before the one before it was taken back. */
async function someWritten(backend: TestBackend): Promise<void> {
  const third = () => backend.imageBytes().subarray(2 * 4096, 3 * 4096);
  const before = third();
  while (before.equals(third())) await delay(5);
}

test(
  'drive: without --reconnect a backend that dies is a failure that keeps what was measured',
  { skip: skips.own },
  () =>
    withBackend({ kind: 'own', sizeBytes: MIB }, async (backend) => {
      const running = drive(backend, LONG_WRITING);
      await someWritten(backend);
      await backend.kill();
      const { code, out, err } = await running;
      const record = driveRecordSchema.parse(JSON.parse(out[0]!));
      assert.deepEqual([code, record.outcome], [1, 'failed']);
      assert.match(err.join('\n'), /failed: the backend went away: /);
      assert.ok((record.repetitions[0]?.writes?.requests ?? 0) > 0);
    }),
);

/** A disk of any conduct, served by this thread. */
async function withDisk(disk: ArrayDisk, body: (backend: { socket: string }) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
  const socket = join(folder, 's');
  const server = new VhostUserServer({ path: socket, device: new LocalDevice(new BlockDevice({ disk })) });
  server.open();
  try {
    await body({ socket });
  } finally {
    // What it never answered it answers now, so that its queue can stop.
    for (const work of disk.waiting.splice(0)) work();
    await server.close();
    rmSync(folder, { recursive: true });
  }
}

test('drive: wrong bytes are found, named, and fail the run', { skip: skips.own }, () => {
  const disk = new ArrayDisk({ sectors: 128 });
  const flush = disk.flush.bind(disk);
  disk.flush = () => {
    disk.bytes[4103]! ^= 1;
    return flush();
  };
  return withDisk(disk, async (backend) => {
    const { code, out, err } = await drive(backend, ['--job', 'verify']);
    assert.equal(code, 1);
    assert.deepEqual(err, ['check-failed: byte 4100 of the disk is not what was written there']);
    assert.match(out.join('\n'), /errors +0, blocks with wrong bytes 1$/m);
  });
});

test('drive: an error of the device is counted, named, and fails the run', { skip: skips.own }, () => {
  const disk = new ArrayDisk({ sectors: 128 });
  disk.failure = Object.assign(new Error('EIO'), { code: 'EIO', syscall: 'read' });
  return withDisk(disk, async (backend) => {
    const { code, out, err } = await drive(backend, ['--job', 'read', '--requests', '100', '--offset', '4k']);
    assert.equal(code, 1);
    assert.deepEqual(err, ['check-failed: read at byte 4096: io-error (status 1)']);
    assert.match(out.join('\n'), /errors +1$/m);
  });
});

test('drive: used lengths that are longer than their requests are counted and told, and fail nothing', {
  skip: skips.own,
}, (context) => {
  const { completeHead, completeDeferred } = VhostUserQueue.prototype;
  const longest = (request: Request) => request.writable.totalBytes();
  context.mock.method(VhostUserQueue.prototype, 'complete', function (this: VhostUserQueue, request: Request) {
    completeHead.call(this, request.head, longest(request) + 1);
  });
  context.mock.method(VhostUserQueue.prototype, 'completeDeferred', function (this: VhostUserQueue, request: Request) {
    completeDeferred.call(this, request, longest(request) + 1);
  });
  return withDisk(new ArrayDisk({ sectors: 128 }), async (backend) => {
    const args = ['--job', 'read', '--requests', '100', '--warmup', '0.01', '--repeat', '2'];
    const told = await drive(backend, args);
    assert.deepEqual([told.code, told.err], [0, []]);
    assert.equal(told.out.join('\n').match(/used lengths too long +100$/gm)?.length, 2);
    const record = await drive(backend, ['--json', ...args]);
    const { repetitions } = driveRecordSchema.parse(JSON.parse(record.out[0]!));
    assert.deepEqual(
      repetitions.map(({ overlongLengths }) => overlongLengths),
      [100, 100],
    );
  });
});

test('drive: requests that failed are in no rate and no latency', { skip: skips.own }, () => {
  const disk = new ArrayDisk({ sectors: 128 });
  disk.failure = Object.assign(new Error('EIO'), { code: 'EIO', syscall: 'read' });
  return withDisk(disk, async (backend) => {
    const { out } = await drive(backend, ['--json', '--job', 'read', '--requests', '100']);
    const [{ reads, errors, bytes } = {}] = driveRecordSchema.parse(JSON.parse(out[0]!)).repetitions;
    assert.deepEqual([reads?.requests, errors, bytes], [99, 1, 99 * 4096]);
    assert.equal(sumOf([reads?.latency?.histogram ?? '']).totalCount, 99);
  });
});

const others: [what: string, options: ConstructorParameters<typeof ArrayDisk>[0], message: string][] = [
  ['of another size', { sectors: 64 }, '32,768 bytes, was 65,536'],
  ['that is read-only', { sectors: 128, readOnly: true }, 'read-only, was writable'],
];
for (const [what, options, message] of others)
  test(`drive: with --reconnect a disk ${what} is not taken for the first one`, { skip: skips.own }, async () => {
    const first = new ArrayDisk({ sectors: 128 });
    let reads = 0;
    const read = first.read.bind(first);
    first.read = (...request) => {
      reads++;
      return read(...request);
    };
    const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
    const socket = join(folder, 's');
    const serve = (disk: ArrayDisk) => {
      const server = new VhostUserServer({ path: socket, device: new LocalDevice(new BlockDevice({ disk })) });
      server.open();
      return server;
    };
    let server = serve(first);
    try {
      const running = drive({ socket }, ['--json', '--seconds', '60', '--warmup', '0', '--reconnect']);
      while (reads === 0) await delay(5);
      await server.close();
      server = serve(new ArrayDisk(options));
      const { code, out, err } = await running;
      const { outcome, repetitions } = driveRecordSchema.parse(JSON.parse(out[0]!));
      assert.deepEqual([code, outcome], [1, 'failed']);
      assert.equal(err.at(-1), `failed: the backend came back as another disk: ${message}`);
      assert.equal(repetitions[0]?.errors, 0, 'it was never asked for anything');
    } finally {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });

test('drive: a backend that does nothing is a stall, after a bounded time', { skip: skips.own }, () => {
  const disk = new ArrayDisk({ sectors: 128, later: true });
  return withDisk(disk, async (backend) => {
    const { code, err } = await drive(backend, ['--timeout', '3', '--seconds', '60']);
    assert.equal(code, 3);
    assert.deepEqual(err, ['stalled: the backend finished nothing for 3 s (is it a block backend?)']);
  });
});

test('drive: a backend that serves somebody else is a stall, with a word of why', { skip: skips.own }, () =>
  withDisk(new ArrayDisk({ sectors: 128 }), async (backend) => {
    const controller = new AbortController();
    const first = drive(backend, ['--seconds', '60', '--timeout', '20'], controller.signal);
    await delay(500);
    const { code, err } = await drive(backend, ['--timeout', '0.5']);
    controller.abort();
    assert.deepEqual(
      [code, err],
      [
        3,
        [
          `stalled: --socket ${backend.socket}: GET_FEATURES: the peer took too long (timed-out: 500) ` +
            '(is another frontend connected? a server serves one at a time)',
        ],
      ],
    );
    assert.equal((await first).code, 130);
  }),
);

test('drive: Ctrl-C in the warm-up says that nothing was measured', { skip: skips.own }, () =>
  withDisk(new ArrayDisk({ sectors: 128 }), async (backend) => {
    const { code, err } = await drive(backend, ['--warmup', '60'], AbortSignal.timeout(300));
    assert.deepEqual([code, err], [130, ['interrupted in warm-up, nothing was measured']]);
  }),
);

const strangers: [what: string, device: () => Device, code: number, err: RegExp][] = [
  ['rng', () => new EntropyDevice(), 1, /: length 0 \(is it a block backend\?\)$/],
  ['console', () => openDevice({ kind: 'console', port: { kind: 'echo' } }), 3, /for 3 s \(is it a block backend\?\)$/],
  ['net', () => openDevice({ kind: 'net', link: { kind: 'loopback' } }), 1, /\(is it a block backend\?\)$/],
];
for (const [what, device, expected, message] of strangers)
  test(`drive: a ${what} backend is asked whether it is one of disks`, { skip: skips.own }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
    const socket = join(folder, 's');
    const server = new VhostUserServer({ path: socket, device: new LocalDevice(device()) });
    server.open();
    try {
      const { code, err } = await drive({ socket }, ['--timeout', '3']);
      assert.equal(code, expected, err.join('\n'));
      assert.match(err.join('\n'), message);
    } finally {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });

test('drive: Ctrl-C keeps what was measured', { skip: skips.own }, () =>
  withBackend({ kind: 'own', sizeBytes: MIB }, async (backend) => {
    const interrupted = new AbortController();
    const running = drive(backend, LONG_WRITING, interrupted.signal);
    await someWritten(backend);
    interrupted.abort();
    const { code, out } = await running;
    const record = driveRecordSchema.parse(JSON.parse(out[0]!));
    assert.deepEqual([code, record.outcome, record.failure], [130, 'interrupted', null]);
    assert.ok((record.repetitions[0]?.writes?.requests ?? 0) > 0);
  }),
);

test(
  'drive: as a process, with people’s lines and a record that readers of run records pass over',
  { skip: skips.own },
  () =>
    withBackend({ kind: 'own', sizeBytes: MIB }, async (backend) => {
      const file = join(backend.image, '..', 'records.ndjson');
      const args = ['drive', 'blk', '--socket', backend.socket, '--requests', '2000', '--label', 'x', '--out', file];
      const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
      let out = '';
      let err = '';
      child.stdout.on('data', (data) => {
        out += data;
      });
      child.stderr.on('data', (data) => {
        err += data;
      });
      const code = await new Promise((resolve) => child.on('close', resolve));
      assert.equal(code, 0, err);
      assert.match(
        out,
        /^randread: 4096 bytes, depth 32, 1 queue, disk of 1,048,576 bytes\n {2}configuration .*\n {2}read +[\d,]+ IOPS, [\d.]+ MB\/s/,
      );
      assert.match(out, /latency, µs +mean [\d.]+, p50 [\d.]+, p90 [\d.]+, p99 [\d.]+, p99\.9 [\d.]+, max [\d.]+\n/);
      assert.equal(JSON.parse(readFileSync(file, 'utf8')).kind, 'drive');
      const loaded = loadRecords([file]);
      assert.deepEqual([loaded.records.length, loaded.others.length, loaded.problems], [0, 1, []]);
      assert.equal(loaded.others[0]?.label, 'x');
      rmSync(file);
    }),
);

test('drive: a read-only disk is not written to', { skip: skips.own }, () =>
  withBackend({ kind: 'own', sizeBytes: MIB, writable: false }, async (backend) => {
    for (const job of ['write', 'randwrite', 'verify']) {
      const { code, err } = await drive(backend, ['--job', job]);
      assert.deepEqual([code, err], [2, [`vringbench: --job ${job} cannot be done: the disk is read-only`]]);
    }
    assert.equal((await drive(backend, ['--requests', '100'])).code, 0);
  }),
);

test('drive: what the disk cannot do is a mistake of the command line', { skip: skips.own }, () =>
  withBackend({ kind: 'own', sizeBytes: MIB }, async (backend) => {
    const mistakes: [args: string[], err: RegExp][] = [
      [['--queues', '200'], /--queues 200 is more than the backend has: \d+$/],
      [['--size', '2M'], /--offset 0 and --size 2097152 do not fit a disk of 1048576 bytes in blocks of 4096$/],
      [['--offset', '1M'], /--offset 1048576 leaves no block of 4096 bytes of a disk of 1048576 bytes$/],
    ];
    for (const [args, expected] of mistakes) {
      const { code, err } = await drive(backend, args);
      assert.equal(code, 2);
      assert.match(err[0]!, expected);
    }
  }),
);

/** Somebody who listens where a backend should, and hangs up on the first callers. */
async function withRudeListener(calls: number, body: (backend: { socket: string }) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'vringbench-rude-'));
  const socket = join(folder, 's');
  const device = new LocalDevice(new BlockDevice({ disk: new ArrayDisk({ sectors: 128 }) }));
  const server = new VhostUserServer({ device, path: socket });
  let left = calls;
  const rude = createServer((connection) => {
    connection.destroy();
    if (--left === 0) rude.close(() => server.open());
  });
  try {
    await new Promise<void>((resolve) => rude.listen(socket, resolve));
    await body({ socket });
  } finally {
    rude.close();
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

test(
  'drive: a backend that goes away in the first handshake is a failure, no mistake of the command line',
  {
    skip: skips.own,
  },
  () =>
    withRudeListener(1000, async (backend) => {
      const { code, err } = await drive(backend, ['--requests', '10']);
      assert.equal(code, 1);
      assert.match(err.join('\n'), /^failed: --socket .*/);
    }),
);

test('drive: with --reconnect it is tried again from the first handshake on', { skip: skips.own }, () =>
  withRudeListener(3, async (backend) => {
    const { code, err } = await drive(backend, ['--requests', '10', '--reconnect']);
    assert.equal(code, 0, err.join('\n'));
  }),
);

const wrongPlaces: [what: string, make: (path: string) => void, why: string][] = [
  ['nothing', () => {}, 'ENOENT: no such file or directory'],
  ['a file', (path) => writeFileSync(path, ''), 'it exists and is no socket'],
  ['a folder', (path) => mkdirSync(path), 'it exists and is no socket'],
];
for (const [what, make, why] of wrongPlaces)
  test(`drive: ${what} where a socket should be is named once`, { skip: skips.own }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
    const socket = join(folder, 's');
    make(socket);
    try {
      for (const extra of [[], ['--reconnect', '--timeout', '0.2']]) {
        const { code, err } = await drive({ socket }, ['--requests', '10', ...extra]);
        assert.deepEqual([code, err], [2, [`vringbench: --socket ${socket}: ${why}`]]);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
