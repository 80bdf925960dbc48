/** The command against disks that take little at once: no request has more than they say. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { BlockDevice } from '../../src/devices/block.ts';
import { ArrayDisk } from '../../src/devices/test-disk.ts';
import type { ElementList } from '../../src/host/element-list.ts';
import { whyUnavailable } from '../../src/native/libc.ts';
import { VIRTIO_RING_F_INDIRECT_DESC } from '../../src/ring/constants.ts';
import { featureWord } from '../../src/ring/feature-word.ts';
import { VhostUserServer } from '../../src/vhost-user/backend/server.ts';
import { LocalDevice } from '../../src/vhost-user/queues/local-device.ts';
import { main } from '../cli.ts';
import { driveRecordSchema } from '../records/drive-record.ts';

const skip = whyUnavailable() ?? false;

interface Limits {
  readonly sizeMax: number;
  readonly segMax: number;
  /** It takes no indirect tables. */
  readonly direct?: true;
}

/** Runs `drive` on a disk of these limits that counts what keeps to them. */
async function drive(limits: Limits, args: readonly string[]) {
  const { direct = false, ...announced } = limits;
  const disk = new ArrayDisk({ sectors: 2048 });
  const elementBytesMax = limits.sizeMax === 0 ? Number.POSITIVE_INFINITY : limits.sizeMax;
  let served = 0;
  const check = (elements: ElementList): void => {
    served++;
    assert.ok(elements.count - 1 <= limits.segMax, `${elements.count - 1} elements`);
    for (let i = 0; i < elements.count; i++) assert.ok(elements.lengths[i]! <= elementBytesMax);
  };
  const { read, write } = disk;
  disk.read = (into, ...where) => {
    check(into);
    return read.call(disk, into, ...where);
  };
  disk.write = (from, ...where) => {
    check(from);
    return write.call(disk, from, ...where);
  };
  const folder = mkdtempSync(join(tmpdir(), 'vringbench-limits-'));
  const path = join(folder, 's');
  const offerFeatures = (features: bigint) =>
    direct ? features & ~featureWord(VIRTIO_RING_F_INDIRECT_DESC) : features;
  const device = new LocalDevice(new BlockDevice({ disk, ...announced }));
  const server = new VhostUserServer({ path, device, hooks: { offerFeatures } });
  server.open();
  const out: string[] = [];
  const err: string[] = [];
  const console = { out: (line: string) => out.push(line), err: (line: string) => err.push(line) };
  try {
    const code = await main(['drive', 'blk', '--socket', path, '--out', 'none', '--json', ...args], console);
    return { code, out, err, served };
  } finally {
    await server.close();
    rmSync(folder, { recursive: true });
  }
}

const done: [what: string, limits: Limits, args: string[], ringSize: number][] = [
  ['as much as fits exactly', { sizeMax: 4096, segMax: 16 }, ['--block-size', '64k'], 256],
  ['elements that are no multiple of a sector', { sizeMax: 1000, segMax: 126 }, ['--block-size', '64k'], 256],
  ['one element', { sizeMax: 65536, segMax: 1 }, ['--block-size', '64k'], 256],
  ['no limit of an element', { sizeMax: 0, segMax: 1 }, ['--block-size', '64k'], 256],
  ['a table longer than common rings', { sizeMax: 512, segMax: 1024 }, ['--block-size', '256k', '--depth', '2'], 1024],
  ['no tables', { sizeMax: 4096, segMax: 16, direct: true }, ['--block-size', '64k'], 1024],
  ['no tables wanted', { sizeMax: 4096, segMax: 16 }, ['--block-size', '64k', '--indirect', 'off'], 1024],
];
for (const [what, limits, args, ringSize] of done)
  test(`drive: requests are cut to what the disk takes: ${what}`, { skip }, async () => {
    const { code, out, err, served } = await drive(limits, ['--job', 'verify', '--seed', '3', ...args]);
    assert.deepEqual([code, err.at(-1)?.startsWith('failed')], [0, false], err.join('\n'));
    const { config, repetitions } = driveRecordSchema.parse(JSON.parse(out[0]!));
    assert.deepEqual([config.ringSize, repetitions[0]?.mismatches, repetitions[0]?.errors], [ringSize, 0, 0]);
    assert.ok(served > 0);
  });

const refused: [limits: Limits, args: string[], line: RegExp][] = [
  [
    { sizeMax: 4096, segMax: 1 },
    ['--block-size', '64k'],
    /^vringbench: --block-size 65536 is more than the disk takes in a request: 4096 bytes, in 1 elements of 4096 at most$/,
  ],
  [{ sizeMax: 4096, segMax: 15 }, ['--block-size', '64k'], /: 61440 bytes, in 15 elements of 4096 at most$/],
  [
    { sizeMax: 4096, segMax: 16 },
    ['--block-size', '64k', '--indirect', 'off', '--ring-size', '256'],
    /^vringbench: --ring-size 256 has no room for --depth 32: 576 descriptors, 18 a request of --block-size 65536$/,
  ],
  [
    { sizeMax: 0, segMax: 126, direct: true },
    ['--depth', '200', '--ring-size', '256'],
    /^vringbench: --ring-size 256 has no room for --depth 200: 600 descriptors, 3 a request of --block-size 4096$/,
  ],
  [
    { sizeMax: 512, segMax: 126, direct: true },
    ['--depth', '1024', '--block-size', '32k'],
    /^vringbench: a ring of 32768 has no room for --depth 1024: 67584 descriptors/,
  ],
];
for (const [limits, args, line] of refused)
  test(`drive: ${args.join(' ')} on a disk of ${JSON.stringify(limits)} is one line`, { skip }, async () => {
    const { code, err, served } = await drive(limits, args);
    assert.deepEqual([code, err.length, served], [2, 1, 0], err.join('\n'));
    assert.match(err[0]!, line);
  });
