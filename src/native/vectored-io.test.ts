import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { closeDescriptor } from './descriptors.ts';
import { openEventfd } from './eventfd.ts';
import { whyUnavailable } from './libc.ts';
import { type Mapping, mapFile } from './mapping.ts';
import { openMemfd } from './memfd.ts';
import { leavingNoneOpen } from './test-leaks.ts';
import { CANNOT_TELL, fdatasync, IO_VECTOR_MAX, IoVector, WOULD_WAIT } from './vectored-io.ts';

const skip = whyUnavailable() ?? false;

const pattern = (length: number, seed: number) => Uint8Array.from({ length }, (_, i) => (i * 7 + seed) % 251);

/** Memory of this size, and a file of the same size with a pattern in it. */
function withBoth(
  sizeBytes: number,
  body: (memory: Mapping, bytes: Uint8Array, file: number) => void,
): void | Promise<void> {
  return leavingNoneOpen(() => {
    const memfd = openMemfd('memory', sizeBytes);
    const memory = mapFile(memfd, { offsetBytes: 0, sizeBytes });
    const file = openMemfd('file', sizeBytes);
    writeSync(file, pattern(sizeBytes, 0), 0, sizeBytes, 0);
    try {
      body(memory, new Uint8Array(memory.buffer), file);
    } finally {
      memory.close();
      closeDescriptor(memfd);
      closeDescriptor(file);
    }
  });
}

type Piece = [offset: number, length: number];

const cases: [what: string, position: number, pieces: Piece[]][] = [
  ['one piece', 0, [[0, 4096]]],
  ['one byte', 4095, [[8191, 1]]],
  [
    'pieces out of order',
    100,
    [
      [5000, 10],
      [0, 4096],
      [9001, 333],
    ],
  ],
  [
    'empty pieces among them',
    8,
    [
      [0, 0],
      [1, 7],
      [100, 0],
      [200, 9],
      [300, 0],
    ],
  ],
  ['as many as there may be', 1, Array.from({ length: IO_VECTOR_MAX }, (_, i): Piece => [i * 9, 5])],
];
for (const [what, position, pieces] of cases) {
  const total = pieces.reduce((sum, [, length]) => sum + length, 0);
  const vectorOf = (memory: Mapping) => {
    const vector = new IoVector();
    vector.append(memory.address, 0, 4096);
    vector.reset();
    for (const [offset, length] of pieces) vector.append(memory.address, offset, length);
    assert.equal(vector.sizeBytes, total);
    return vector;
  };

  test(`native vectored I/O: read: ${what}`, { skip }, () =>
    withBoth(16384, (memory, bytes, file) => {
      bytes.fill(255);
      const expected = Uint8Array.from(bytes);
      let from = position;
      for (const [offset, length] of pieces) {
        expected.set(pattern(16384, 0).subarray(from, from + length), offset);
        from += length;
      }
      assert.equal(vectorOf(memory).read(file, position), total);
      assert.deepEqual(bytes, expected);
    }),
  );

  test(`native vectored I/O: write: ${what}`, { skip }, () =>
    withBoth(16384, (memory, bytes, file) => {
      bytes.set(pattern(16384, 99));
      const expected = pattern(16384, 0);
      let to = position;
      for (const [offset, length] of pieces) {
        expected.set(bytes.subarray(offset, offset + length), to);
        to += length;
      }
      const vector = vectorOf(memory);
      assert.equal(vector.write(file, position), total);
      assert.equal(vector.write(file, position), total, 'it can be used again');
      const content = new Uint8Array(16384);
      readSync(file, content, 0, 16384, 0);
      assert.deepEqual(content, expected);
    }),
  );
}

test('native vectored I/O: a file that ends before the pieces do', { skip }, () =>
  withBoth(8192, (memory, bytes, file) => {
    const vector = new IoVector();
    vector.append(memory.address, 0, 100);
    vector.append(memory.address, 1000, 100);
    assert.equal(vector.read(file, 8192 - 150), 150);
    assert.deepEqual(bytes.subarray(0, 100), pattern(8192, 0).subarray(8042, 8142));
    assert.deepEqual(bytes.subarray(1000, 1050), pattern(8192, 0).subarray(8142));
    assert.ok(bytes.subarray(1050).every((byte) => byte === 0));
    assert.equal(vector.read(file, 8192), 0);
    assert.equal(vector.read(file, 2 ** 40), 0);
  }),
);

test('native vectored I/O: no piece transfers nothing', { skip }, () => {
  const vector = new IoVector();
  assert.equal(vector.read(-1, 0), 0);
  assert.equal(vector.write(-1, 0), 0);
});

test('native vectored I/O: positions above 4 GiB', { skip }, () =>
  leavingNoneOpen(() => {
    const position = 5 * 2 ** 30 + 3;
    const file = openMemfd('large', position + 4096);
    const memory = mapFile(file, { offsetBytes: 0, sizeBytes: 4096 });
    const bytes = new Uint8Array(memory.buffer);
    bytes.set([1, 2, 3]);
    const vector = new IoVector();
    vector.append(memory.address, 0, 3);
    assert.equal(vector.write(file, position), 3);
    const read = new Uint8Array(3);
    readSync(file, read, 0, 3, position);
    assert.deepEqual([...read], [1, 2, 3]);
    vector.reset();
    vector.append(memory.address, 100, 3);
    assert.equal(vector.read(file, position), 3);
    assert.deepEqual([...bytes.subarray(100, 103)], [1, 2, 3]);
    memory.close();
    closeDescriptor(file);
  }),
);

test('native vectored I/O: what the kernel transfers in two goes is one', { skip }, () =>
  leavingNoneOpen(() => {
    // One call moves 2 GiB less a page at most: the end of the last large piece, and the small one, come by a second.
    const large = 4 * 2 ** 20;
    const total = 2 ** 31 + 8192;
    const file = openMemfd('large', total);
    writeSync(file, pattern(12288, 5), 0, 12288, total - 12288);
    const memfd = openMemfd('memory', large + 8192);
    const memory = mapFile(memfd, { offsetBytes: 0, sizeBytes: large + 8192 });
    const vector = new IoVector();
    for (let i = 0; i < 2 ** 31 / large; i++) vector.append(memory.address, 0, large);
    vector.append(memory.address, large, 8192);
    assert.equal(vector.read(file, 0), total);
    assert.deepEqual(new Uint8Array(memory.buffer, large - 4096), pattern(12288, 5));
    memory.close();
    closeDescriptor(memfd);
    closeDescriptor(file);
  }),
);

test('native vectored I/O: more pieces than the kernel takes are refused', { skip }, () => {
  const vector = new IoVector();
  for (let i = 0; i < IO_VECTOR_MAX; i++) vector.append(0, 0, 0);
  assert.throws(() => vector.append(0, 0, 0), new RangeError('more than 1024 pieces of memory'));
});

const wrong: [what: string, code: string, open: () => number, position: number][] = [
  ['a position below 0', 'EINVAL', () => openMemfd('file', 4096), -1],
  ['what has no positions', 'ESPIPE', openEventfd, 0],
];
for (const [what, code, open, position] of wrong)
  test(`native vectored I/O: ${what} is ${code}`, { skip }, () =>
    withBoth(4096, (memory) => {
      const descriptor = open();
      const vector = new IoVector();
      vector.append(memory.address, 0, 8);
      assert.throws(() => vector.read(descriptor, position), { code, syscall: 'preadv' });
      assert.throws(() => vector.write(descriptor, position), { code, syscall: 'pwritev' });
      closeDescriptor(descriptor);
    }),
  );

test('native vectored I/O: an address where nothing is mapped is EFAULT, not a crash', { skip }, () =>
  withBoth(4096, (memory, bytes, file) => {
    const vector = new IoVector();
    vector.append(memory.address, 0, 16);
    vector.append(8, 0, 16);
    assert.throws(() => vector.read(file, 0), { code: 'EFAULT', message: /at 16\)$/ });
    assert.deepEqual(bytes.subarray(0, 16), pattern(16, 0));
    assert.throws(() => vector.write(file, 0), { code: 'EFAULT' });
  }),
);

test('native vectored I/O: a file written is a file synchronised', { skip }, () =>
  withBoth(4096, (memory, bytes) => {
    const folder = mkdtempSync(join(tmpdir(), 'vringbench-'));
    const path = join(folder, 'file');
    const file = openSync(path, 'w+');
    bytes.set(pattern(4096, 3));
    const vector = new IoVector();
    vector.append(memory.address, 0, 4096);
    assert.equal(vector.write(file, 0), 4096);
    fdatasync(file);
    assert.deepEqual(Uint8Array.from(readFileSync(path)), pattern(4096, 3));
    closeSync(file);
    assert.throws(() => fdatasync(file), { code: 'EBADF', syscall: 'fdatasync' });
    rmSync(folder, { recursive: true });
  }),
);

test('vectored io: a read that does not wait has what the page cache has, or says why not', { skip }, () =>
  withBoth(8192, (memory, bytes, file) => {
    const vector = new IoVector();
    vector.append(memory.address, 100, 1000);
    vector.append(memory.address, 4096, 3000);
    const count = vector.readNow(file, 4000);
    const expected = pattern(8192, 0).subarray(4000, 8000);
    if (count < 0) assert.ok(count === WOULD_WAIT || count === CANNOT_TELL, `${count}`);
    else
      assert.deepEqual([...bytes.subarray(100, 1100), ...bytes.subarray(4096, 7096)].slice(0, count), [
        ...expected.subarray(0, count),
      ]);
    assert.throws(() => vector.readNow(-1, 0), { code: 'EBADF', syscall: 'preadv2' });
  }),
);
