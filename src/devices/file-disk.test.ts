import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ElementList } from '../host/element-list.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { allocateShared, MemoryRegion } from '../memory/region.ts';
import { whyUnavailable } from '../native/libc.ts';
import { openDescriptors } from '../native/test-leaks.ts';
import { AsyncDisk } from './async-disk.ts';
import type { Disk } from './disk.ts';
import { FileDisk, type FileDiskOptions } from './file-disk.ts';
import { imageFile } from './test-image.ts';
import { openLoopDevice } from './test-loop-device.ts';
import { randomFrom } from './test-queue.ts';
import { VectoredDisk } from './vectored-disk.ts';

const native = whyUnavailable() ?? false;
const LOOP_BYTES = 2 ** 20;
const DISKS: readonly {
  name: string;
  open: (options: FileDiskOptions) => Disk & { spareBytes: number };
  skip: string | false;
}[] = [
  { name: 'file disk', open: (options) => new FileDisk(options), skip: false },
  { name: 'vectored disk', open: (options) => new VectoredDisk(options), skip: native },
  { name: 'async disk', open: (options) => new AsyncDisk(options), skip: native },
  { name: 'async disk, all by threads', open: (options) => new AsyncDisk({ ...options, atOnce: false }), skip: false },
];

/** What an access fails with, however it tells. */
const failing = async (access: () => unknown) => {
  await access();
};

/** A file system whose files can be as large as a file can be. */
const HUGE_FOLDER = '/dev/shm';
const noHuge = existsSync(HUGE_FOLDER) ? false : `there is no ${HUGE_FOLDER}`;

const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));

function listOver(...pieces: [offset: number, length: number][]) {
  const region = new MemoryRegion({ guestBase: 2 ** 32, buffer: allocateShared(2 ** 20) });
  const list = new ElementList(new GuestMemory([region]));
  for (const [offset, length] of pieces) list.append(0, offset, length);
  return { u8: region.u8, list };
}

for (const { name, open, skip } of DISKS) {
  test(`${name}: random ranges, elements cut anywhere, are what an array would hold`, { skip }, async () => {
    const random = randomFrom(99);
    const sizeBytes = 100 * 512;
    const disk = open({ path: imageFile(folder, sizeBytes) });
    const model = new Uint8Array(sizeBytes);
    for (let round = 0; round < 1500; round++) {
      const length = 512 * random(12);
      const at = 512 * random(100 - length / 512 + 1);
      const pieces: [number, number][] = [];
      for (let done = 0, place = 0; done < length; ) {
        const part = Math.min(length - done, 1 + random(2000));
        place += random(50);
        pieces.push([place, part]);
        place += part;
        done += part;
      }
      const { u8, list } = listOver(...pieces);
      const flat = () => Uint8Array.from(pieces.flatMap(([offset, part]) => [...u8.subarray(offset, offset + part)]));
      const kind = random(5);
      if (kind < 2) {
        for (const [offset, part] of pieces) for (let i = 0; i < part; i++) u8[offset + i] = random(256);
        await disk.write(list, at, length);
        model.set(flat(), at);
      } else if (kind < 4) {
        await disk.read(list, at, length);
        assert.deepEqual(flat(), model.slice(at, at + length));
      } else {
        await disk.writeZeroes(at, length);
        model.fill(0, at, at + length);
      }
      if (kind < 4) assert.equal(list.pieceLength, 0, 'the whole list was moved');
    }
    await disk.flush();
    disk.close();
    disk.close();
  });

  test(`${name}: a list is gone on with where it stands`, { skip }, async () => {
    const path = imageFile(folder, 1024);
    const disk = open({ path });
    const { u8, list } = listOver([10, 100], [500, 1000]);
    for (let i = 0; i < 1500; i++) u8[i] = (i * 7 + (i >> 8)) & 0xff;
    list.skip(40);
    await disk.write(list, 512, 512);
    assert.equal(list.pieceLength, 1000 - 452);
    disk.close();
    const bytes = new Uint8Array(1024);
    const descriptor = openSync(path, 'r');
    readSync(descriptor, bytes);
    closeSync(descriptor);
    assert.ok(bytes.subarray(0, 512).every((byte) => byte === 0));
    assert.deepEqual([...bytes.subarray(512)], [...u8.subarray(50, 110), ...u8.subarray(500, 952)]);
  });

  test(`${name}: beyond 4 GiB, and the hole stays one`, { skip }, async () => {
    const sizeBytes = 6 * 2 ** 30;
    const path = imageFile(folder, sizeBytes);
    const disk = open({ path });
    assert.equal(disk.sizeBytes, sizeBytes);
    const { u8, list } = listOver([0, 1024]);
    const end = sizeBytes - 1024;
    u8.fill(9, 0, 1024);
    await disk.write(list, end, 1024);
    u8.fill(0);
    list.rewind();
    await disk.read(list, end, 1024);
    assert.ok(u8.subarray(0, 1024).every((byte) => byte === 9));
    list.rewind();
    await disk.read(list, end - 2 ** 32, 1024);
    assert.ok(
      u8.subarray(0, 1024).every((byte) => byte === 0),
      'not where a 32-bit offset would have put it',
    );
    disk.close();
    assert.ok(statSync(path).blocks * 512 < 2 ** 20);
  });

  test(`${name}: what is no whole sector at the end is out of reach`, { skip }, async () => {
    const disk = open({ path: imageFile(folder, 1500) });
    assert.deepEqual([disk.sizeBytes, disk.spareBytes], [1024, 476]);
    disk.close();
  });

  test(`${name}: an image that became shorter fails as the system does`, { skip }, async () => {
    const path = imageFile(folder, 4096);
    const disk = open({ path });
    truncateSync(path, 1000);
    await assert.rejects(
      failing(() => disk.read(listOver([0, 1024]).list, 512, 1024)),
      { code: 'EIO', syscall: 'read' },
    );
    disk.close();
  });

  test(`${name}: for reading alone it is not written`, { skip }, async () => {
    const disk = open({ path: imageFile(folder, 1024), readOnly: true });
    assert.equal(disk.readOnly, true);
    await assert.rejects(
      failing(() => disk.write(listOver([0, 512]).list, 0, 512)),
      { code: 'EBADF', syscall: /^p?writev?$/ },
    );
    disk.close();
  });

  for (const [what, path, message] of [
    ['what is not there', () => join(folder, 'none.img'), /ENOENT/],
    ['a folder', () => folder, /EISDIR/],
    ['a device of characters', () => '/dev/null', /neither a regular file nor a block device/],
  ] as const)
    test(`${name}: refuses ${what}`, { skip }, async () => {
      assert.throws(() => open({ path: path() }), message);
    });

  for (const [what, sizeBytes, isTaken] of [
    ['2^53 bytes less a sector', 2n ** 53n - 512n, true],
    ['2^53 bytes', 2n ** 53n, false],
    ['2^63 bytes less one', 2n ** 63n - 1n, false],
  ] as const)
    test(`${name}: an image of ${what} is ${isTaken ? 'taken' : 'refused by its name and size'}`, {
      skip: skip || noHuge,
    }, (t) => {
      const huge = mkdtempSync(join(HUGE_FOLDER, 'vringbench-test-'));
      t.after(() => rmSync(huge, { recursive: true }));
      const path = imageFile(huge);
      // No number that the engine hands to the system says it exactly.
      execFileSync('truncate', ['-s', `${sizeBytes}`, path]);
      const before = openDescriptors();
      if (isTaken) {
        const disk = open({ path });
        assert.equal(disk.sizeBytes, Number(sizeBytes));
        disk.close();
      } else {
        assert.throws(() => open({ path }), {
          message: `${path} is too large a disk: it has ${sizeBytes} bytes, 2^53 or more`,
        });
      }
      assert.equal(openDescriptors(), before);
    });

  for (const [what, sizeBytes] of [
    ['an empty file', 0],
    ['less than a sector', 511],
  ] as const)
    test(`${name}: ${what} is a disk of no sectors`, { skip }, () => {
      const disk = open({ path: imageFile(folder, sizeBytes) });
      assert.equal(disk.sizeBytes, 0);
      disk.close();
    });

  test(`${name}: a block device is as long as the system says, read and written`, async (context) => {
    if (native !== false) return context.skip(native);
    const loop = openLoopDevice(folder, LOOP_BYTES);
    if (typeof loop === 'string') return context.skip(loop);
    try {
      const disk = open({ path: loop.path });
      assert.equal(disk.sizeBytes, LOOP_BYTES);
      const { list, u8 } = listOver([0, 512]);
      u8.fill(0x5a, 0, 512);
      await disk.write(list, LOOP_BYTES - 512, 512);
      await disk.flush();
      const back = listOver([512, 512]);
      await disk.read(back.list, LOOP_BYTES - 512, 512);
      assert.deepEqual(back.u8.slice(512, 1024), u8.slice(0, 512));
      disk.close();
      assert.equal(readFileSync(loop.file)[LOOP_BYTES - 1], 0x5a);
    } finally {
      loop.close();
    }
  });

  test(`${name}: a list that is too short is the caller's mistake`, { skip }, async () => {
    const disk = open({ path: imageFile(folder, 4096) });
    await assert.rejects(
      failing(() => disk.read(listOver([0, 512]).list, 0, 1024)),
      RangeError,
    );
    await assert.rejects(
      failing(() => disk.write(listOver([0, 512]).list, 0, 1024)),
      RangeError,
    );
    disk.close();
  });
}

test('vectored disk: more elements than one call takes, over two regions', { skip: native }, () => {
  const disk = new VectoredDisk({ path: imageFile(folder, 2 * 2048 * 512) });
  const regions = [0, 1].map((i) => new MemoryRegion({ guestBase: 2 ** (33 + i), buffer: allocateShared(2 ** 20) }));
  const list = new ElementList(new GuestMemory(regions));
  for (let i = 0; i < 2048; i++) list.append(i & 1, 500 * (i >> 1), 256);
  for (const [n, { u8 }] of regions.entries())
    for (let i = 0; i < u8.length; i++) u8[i] = (i * 7 + (i >> 9) + n) & 0xff;
  const before = regions.map(({ u8 }) => u8.slice());
  disk.write(list, 512, 2048 * 256);
  for (let i = 0; i < 2048; i++) regions[i & 1]!.u8.fill(0, 500 * (i >> 1), 500 * (i >> 1) + 256);
  list.rewind();
  disk.read(list, 512, 2048 * 256);
  for (const [n, { u8 }] of regions.entries()) assert.deepEqual(u8, before[n]);
  disk.close();
});
