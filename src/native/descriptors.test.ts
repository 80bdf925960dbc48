import assert from 'node:assert/strict';
import { closeSync, existsSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { closeDescriptor, duplicateDescriptor, sizeOfFile } from './descriptors.ts';
import { openEventfd } from './eventfd.ts';
import { whyUnavailable } from './libc.ts';
import { isInherited, leavingNoneOpen } from './test-leaks.ts';

const skip = whyUnavailable() ?? false;

test('native descriptors: a duplicate is the same file, outlives the first, and is not inherited', { skip }, () =>
  leavingNoneOpen(() => {
    const first = openSync('/proc/self/exe', 'r');
    const inode = fstatSync(first).ino;
    const second = duplicateDescriptor(first);
    assert.notEqual(second, first);
    closeSync(first);
    assert.equal(fstatSync(second).ino, inode);
    assert.equal(isInherited(second), false);
    closeDescriptor(second);
  }),
);

test('native descriptors: a closed one is an error that names the call', { skip }, () => {
  const descriptor = openEventfd();
  closeDescriptor(descriptor);
  assert.throws(() => closeDescriptor(descriptor), { code: 'EBADF', syscall: 'close' });
  assert.throws(() => duplicateDescriptor(descriptor), { code: 'EBADF', syscall: 'fcntl' });
  assert.throws(() => sizeOfFile(descriptor), { code: 'EBADF', syscall: 'fstat' });
});

test('native descriptors: the size of a file', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'vringbench-'));
  for (const size of [0, 1, 5000]) {
    writeFileSync(join(folder, 'file'), new Uint8Array(size));
    const descriptor = openSync(join(folder, 'file'), 'r');
    assert.equal(sizeOfFile(descriptor), size);
    closeSync(descriptor);
  }
  rmSync(folder, { recursive: true });
});

const sizeless: [what: string, open: () => number][] = [
  ['an eventfd', openEventfd],
  ['a character device', () => openSync('/dev/zero', 'r')],
  ['a folder', () => openSync('/', 'r')],
];
for (const [what, open] of sizeless)
  test(`native descriptors: ${what} has no size`, { skip }, () => {
    const descriptor = open();
    assert.throws(() => sizeOfFile(descriptor), { code: 'ESPIPE', message: new RegExp(`descriptor ${descriptor} `) });
    closeDescriptor(descriptor);
  });

/** A block device that can be read, if this machine shows one. */
const DISKS = ['/dev/vda', '/dev/sda', '/dev/nvme0n1', '/dev/loop0'];

function openDisk(): { descriptor: number; sizeBytes: number } | null {
  for (const disk of DISKS) {
    const size = `/sys/class/block/${disk.slice(5)}/size`;
    try {
      if (existsSync(size)) return { descriptor: openSync(disk, 'r'), sizeBytes: Number(readFileSync(size)) * 512 };
    } catch {}
  }
  return null;
}

test('native descriptors: the size of a block device', { skip }, (context) => {
  const disk = openDisk();
  if (disk === null) return context.skip('no block device can be read');
  assert.equal(sizeOfFile(disk.descriptor), disk.sizeBytes);
  closeSync(disk.descriptor);
});
