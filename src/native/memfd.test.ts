import assert from 'node:assert/strict';
import { ftruncateSync, readlinkSync, readSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { closeDescriptor, sizeOfFile } from './descriptors.ts';
import { whyUnavailable } from './libc.ts';
import { openMemfd } from './memfd.ts';
import { leavingNoneOpen } from './test-leaks.ts';

const skip = whyUnavailable() ?? false;

for (const size of [0, 1, 4096, 5 * 2 ** 30])
  test(`native memfd: ${size} bytes`, { skip }, () => {
    const descriptor = openMemfd('some memory', size);
    assert.equal(sizeOfFile(descriptor), size);
    assert.match(readlinkSync(`/proc/self/fd/${descriptor}`), /memfd:some memory/);
    closeDescriptor(descriptor);
  });

test('native memfd: zeroes, which can be written; its size cannot be changed by whoever has it', { skip }, () => {
  const descriptor = openMemfd('sealed', 8192);
  const bytes = new Uint8Array(4).fill(1);
  assert.equal(readSync(descriptor, bytes, 0, 4, 4096), 4);
  assert.deepEqual([...bytes], [0, 0, 0, 0]);
  assert.equal(writeSync(descriptor, Uint8Array.of(1, 2, 3, 4), 0, 4, 4096), 4);
  for (const size of [4096, 16384]) assert.throws(() => ftruncateSync(descriptor, size), { code: 'EPERM' });
  assert.equal(sizeOfFile(descriptor), 8192);
  closeDescriptor(descriptor);
});

test('native memfd: what cannot be made leaves nothing open', { skip }, () =>
  leavingNoneOpen(() => {
    for (const size of [-1, 0.5, Number.NaN, 2 ** 53])
      assert.throws(() => openMemfd('none', size), new RangeError(`a memfd of ${size} bytes`));
    assert.throws(() => openMemfd('x'.repeat(250), 1), { code: 'EINVAL', syscall: 'memfd_create' });
  }),
);
