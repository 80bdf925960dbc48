import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { describeImage, descriptionLines, refusalOf } from './describe-image.ts';
import { BytesImage, ImageFile, readBytes } from './image-file.ts';
import { loadGuest } from './load.ts';
import { loadFiles } from './load-files.ts';
import { makeBzImage, makeElf, memoryWithCanaries, pattern, silent } from './test-images.ts';

const folder = mkdtempSync(join(tmpdir(), 'vringbench-images-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const fileOf = (name: string, bytes: Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};

test('image file: reads are whole, and inside the file', () => {
  const bytes = pattern(1000);
  const image = new ImageFile(fileOf('bytes', bytes));
  try {
    assert.equal(image.sizeBytes, 1000);
    assert.deepEqual([...readBytes(image, 'test', 990, 10)], [...bytes.subarray(990)]);
    assert.deepEqual([...readBytes(image, 'test', 1000, 0)], []);
    const shared = new Uint8Array(new SharedArrayBuffer(20), 4, 8);
    image.read(3, shared);
    assert.deepEqual([...shared], [...bytes.subarray(3, 11)]);
    for (const [offset, length] of [
      [991, 10],
      [1000, 1],
      [1001, 0],
      [-1, 1],
      [2 ** 40, 1],
    ] as const) {
      const refused = { code: 'image-truncated', value: offset };
      assert.throws(() => readBytes(image, 'test', offset, length), refused);
      assert.throws(() => image.read(offset, new Uint8Array(length)), refused);
      assert.throws(() => new BytesImage('bytes', bytes).read(offset, new Uint8Array(length)), refused);
    }
  } finally {
    image.close();
  }
});

test('image file: one that is cut after it was opened ends in an error', () => {
  const path = fileOf('cut', makeBzImage({ kernel: pattern(10000) }));
  const image = new ImageFile(path);
  try {
    truncateSync(path, 5000);
    const { memory, untouched } = memoryWithCanaries(2);
    const options = { kernel: image, initrd: null, args: [], verbose: silent };
    assert.throws(() => loadGuest(memory, options), { code: 'image-truncated', value: 5000 });
    assert.ok(untouched());
  } finally {
    image.close();
  }
});

const odd: [string, string, (path: string) => void, RegExp][] = [
  // what, name, made by, message
  ['nothing', 'missing', silent, /ENOENT/],
  ['a directory', 'directory', (path) => mkdirSync(path), /no regular file/],
  ['a link to itself', 'loop', (path) => symlinkSync(path, path), /ELOOP/],
  ['a path through a file', 'bytes/below', silent, /ENOTDIR|ENOENT/],
  ['a name with a zero byte', 'a\0b', silent, /null bytes/],
  ['nothing but a name of 5000 letters', 'x'.repeat(5000), silent, /ENAMETOOLONG/],
];
for (const [what, name, make, message] of odd)
  test(`image file: ${what} is refused`, () => {
    const path = join(folder, name);
    make(path);
    const refused = { name: 'LauncherError', code: 'image-unreadable', message };
    assert.throws(() => new ImageFile(path), refused);
    assert.throws(() => describeImage(path), refused);
  });

test('image file: a character device is refused', () => {
  assert.throws(() => new ImageFile('/dev/zero'), { code: 'image-unreadable' });
});

test('image file: a FIFO that nobody writes to is refused at once', (context) => {
  const path = join(folder, 'fifo');
  if (spawnSync('mkfifo', [path]).status !== 0) return context.skip('no mkfifo here');
  assert.throws(() => new ImageFile(path), { code: 'image-unreadable', message: /no regular file/ });
});

test('image file: a socket is refused', async () => {
  const server = createServer();
  const path = join(folder, 'socket');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  try {
    assert.throws(() => new ImageFile(path), { code: 'image-unreadable' });
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

test('describe: a bzImage and an ELF file, and the CPU that runs them', () => {
  const bz = fileOf('bzImage', makeBzImage({ setupSectors: 3, version: '6.1.0', kernel: pattern(5000) }));
  const description = describeImage(bz);
  assert.deepEqual(descriptionLines(description), [
    "bzImage image '6.1.0': 7048 bytes, entry 0x100000",
    'kernel: 5000 bytes of the file, 5000 bytes of memory at 0x100000',
  ]);
  assert.match(refusalOf(bz, description), /bzImage.*--cpu qemu$/);
  const elf = fileOf('elf', makeElf([{ address: 0x200000, bytes: pattern(100), memoryBytes: 400 }], 0x200010));
  assert.deepEqual(descriptionLines(describeImage(elf)), [
    'elf image: 184 bytes, entry 0x200010',
    'Section 0: 100 bytes of the file, 400 bytes of memory at 0x200000',
  ]);
});

test('load files: kernel and initrd out of files, which are closed on every way out', () => {
  const openFiles = () => readdirSync('/proc/self/fd').length;
  const kernel = fileOf('kernel', makeBzImage({ kernel: pattern(5000) }));
  const initrd = fileOf('initrd', pattern(100));
  const { memory, untouched } = memoryWithCanaries(2);
  const options = { kernel, initrd, args: ['a', 'b'], verbose: silent };
  const before = openFiles();
  const loaded = loadFiles(memory, options);
  assert.deepEqual([loaded.kernel?.entry, loaded.initrd?.sizeBytes, loaded.commandLine], [0x100000, 4096, 'a b ']);
  assert.equal(loadFiles(memory, { ...options, kernel: null, initrd: null }).kernel, null);
  for (const bad of [{ kernel: initrd }, { initrd: join(folder, 'no such') }, { kernel: folder }])
    assert.throws(() => loadFiles(memory, { ...options, ...bad }), { name: 'LauncherError' });
  assert.equal(openFiles(), before);
  assert.ok(untouched());
});
