import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BytesImage, type Image } from './image-file.ts';
import { loadGuest } from './load.ts';
import type { PhysicalMemory } from './physical-memory.ts';
import { makeBzImage, makeElf, memoryWithCanaries, PT_NOTE, pattern, silent } from './test-images.ts';

const MB = 2 ** 20;
const PAGE = 4096;

function load(memoryMb: number, kernel: Image | null, initrd: Image | null = null, args: string[] = []) {
  const { memory, untouched } = memoryWithCanaries(memoryMb);
  const lines: string[] = [];
  const loaded = loadGuest(memory, { kernel, initrd, args, verbose: (line) => lines.push(line) });
  assert.ok(untouched(), 'device pages were touched');
  return { memory, lines, loaded };
}

/** [start, end) of every run of bytes that are not zero, short gaps of up to 16 bytes included. */
function written(memory: PhysicalMemory, from = 0, to = memory.ramBytes): [number, number][] {
  const bytes = memory.bytes(0, memory.ramBytes);
  const runs: [number, number][] = [];
  for (let i = from; i < to; i++)
    if (bytes[i] !== 0) {
      const last = runs.at(-1);
      if (last !== undefined && i - last[1] <= 16) last[1] = i + 1;
      else runs.push([i, i + 1]);
    }
  return runs;
}

test('load: an ELF kernel: each section at its physical address, the rest of it zero', () => {
  const text = pattern(5000, 1);
  const data = pattern(300, 2);
  const note = { type: PT_NOTE, address: 0x180000, bytes: pattern(20, 3) };
  const elf = makeElf(
    [
      { address: 0x100000, bytes: text },
      note,
      { address: 0x150010, bytes: data, memoryBytes: 9000 },
      { address: 0x160000, bytes: new Uint8Array(0), memoryBytes: 64 },
    ],
    0x100020,
  );
  const { memory, lines, loaded } = load(2, new BytesImage('vmlinux', elf));
  assert.deepEqual([...memory.bytes(0x100000, 5000)], [...text]);
  assert.deepEqual([...memory.bytes(0x150010, 300)], [...data]);
  assert.deepEqual(written(memory, 0x2000, 0x1f0000), [
    [0x100000, 0x100000 + 5000],
    [0x150010, 0x150010 + 300],
  ]);
  assert.equal(loaded.kernel?.entry, 0x100020);
  assert.deepEqual(lines, [
    'Section 0: size 5000 addr 0x100000',
    'Section 2: size 9000 addr 0x150010',
    'Section 3: size 64 addr 0x160000',
    'Linear mapping of 512 pages in 1 pte pages at 0x1fe000',
  ]);
});

test('load: a bzImage: what follows the set-up code at 1 MB, and nothing of its header', () => {
  const kernel = pattern(70000, 4);
  const image = makeBzImage({ setupSectors: 5, version: '6.6.6-test (me)', entry: 0x100200, kernel });
  const { memory, lines, loaded } = load(2, new BytesImage('bzImage', image));
  assert.deepEqual([...memory.bytes(0x100000, kernel.length)], [...kernel]);
  assert.deepEqual(written(memory, 0x2000, 0x1f0000), [[0x100000, 0x100000 + 70000]]);
  assert.deepEqual(
    [loaded.kernel?.kind, loaded.kernel?.entry, loaded.kernel?.version],
    ['bzImage', 0x100200, '6.6.6-test (me)'],
  );
  assert.deepEqual(lines, ['Linear mapping of 512 pages in 1 pte pages at 0x1fe000']);
});

test('load: a version that is not to be had is null, and one that would steer a terminal is made harmless', () => {
  const versionOf = (breakIt: (image: Buffer) => void, version = '1.2.3') => {
    const image = makeBzImage({ version, kernel: pattern(512) });
    breakIt(image);
    return load(2, new BytesImage('bzImage', image)).loaded.kernel?.version;
  };
  assert.equal(versionOf(silent), '1.2.3');
  assert.equal(versionOf(silent, 'a\x1b[2Jb\xff\nc'), 'a?[2Jb??c');
  assert.equal(
    versionOf((image) => image.writeUInt16LE(0, 0x20e)),
    null,
  );
  assert.equal(
    versionOf((image) => image.writeUInt16LE(0xffff, 0x20e)),
    null,
  );
  assert.equal(
    versionOf((image) => image.fill(0x41, 0x300, 0x800)),
    null,
  );
});

test('load: an initrd at the top of memory, in whole pages', () => {
  const initrd = pattern(3 * PAGE - 5, 6);
  const { memory, lines, loaded } = load(2, null, new BytesImage('initrd.gz', initrd));
  const address = 2 * MB - 3 * PAGE;
  assert.deepEqual(loaded.initrd, { address, sizeBytes: 3 * PAGE });
  assert.deepEqual([...memory.bytes(address, 3 * PAGE)], [...initrd, 0, 0, 0, 0, 0]);
  const boot = memory.view(0, PAGE);
  assert.deepEqual([boot.getUint32(0x218, true), boot.getUint32(0x21c, true)], [address, 3 * PAGE]);
  assert.deepEqual(lines, [
    'mapped initrd initrd.gz size=12288 @ 0x1fd000',
    'Linear mapping of 512 pages in 1 pte pages at 0x1fb000',
  ]);
});

for (const memoryMb of [1, 4, 5, 9])
  test(`load: page tables map each page of ${memoryMb} MB to itself`, () => {
    const { memory, loaded } = load(memoryMb, null, new BytesImage('initrd', pattern(PAGE)));
    const { directory, tables, tableCount } = loaded.pageTables;
    const pages = (memoryMb * MB) / PAGE;
    assert.equal(directory, memoryMb * MB - 2 * PAGE);
    assert.equal(tables, directory - tableCount * PAGE);
    assert.equal(tableCount, Math.ceil(memoryMb / 4));
    const word = (address: number) => memory.view(address, 4).getUint32(0, true);
    // As the processor walks it.
    for (let page = 0; page < pages; page++) {
      const entry = word(directory + 4 * (page >> 10));
      assert.equal(entry & 0xfff, 7);
      assert.equal(word((entry & ~0xfff) + 4 * (page & 1023)), page * PAGE + 7);
    }
    // What maps nothing is not present.
    for (let i = tableCount; i < 1024; i++) assert.equal(word(directory + 4 * i), 0);
    for (let i = pages; i < 1024 * tableCount; i++) assert.equal(word(tables + 4 * i), 0);
  });

test('load: the largest memory there is: addresses up to 4 GiB', () => {
  const memoryMb = 4095;
  const { memory, loaded } = load(memoryMb, null, new BytesImage('initrd', pattern(PAGE)));
  const { directory, tables, tableCount } = loaded.pageTables;
  const word = (address: number) => memory.view(address, 4).getUint32(0, true);
  assert.equal(directory, memoryMb * MB - 2 * PAGE);
  assert.equal(tableCount, 1024);
  assert.equal(word(directory + 4 * 1023), tables + 1023 * PAGE + 7);
  assert.equal(word(tables + 4 * (memoryMb * 256 - 1)), memoryMb * MB - PAGE + 7);
  assert.equal(word(tables + 4 * memoryMb * 256), 0);
  assert.equal(memory.view(0, PAGE).getBigUint64(0x2d8, true), BigInt(memoryMb * MB));
  memory.getPages(256);
  assert.equal(memory.check(2 ** 32 - 1, 1), 2 ** 32 - 1);
  assert.throws(() => memory.check(2 ** 32, 1), { code: 'invalid-address', value: 2 ** 32 });
  assert.equal(memory.guestMemory().find(2 ** 32 - 1), 0);
});

test('load: boot parameters to the byte, without an initrd', () => {
  const { memory, loaded } = load(3, null, null, ['root=/dev/vda', 'quiet', 'ä']);
  const expected = Buffer.alloc(PAGE);
  expected.writeUInt8(1, 0x1e8);
  expected.writeUInt16LE(0x207, 0x206);
  expected.writeUInt8(0x40, 0x211);
  expected.writeUInt32LE(PAGE, 0x228);
  expected.writeUInt32LE(1, 0x23c);
  expected.writeBigUInt64LE(0n, 0x2d0);
  expected.writeBigUInt64LE(BigInt(3 * MB), 0x2d8);
  expected.writeUInt32LE(1, 0x2e0);
  assert.deepEqual(Buffer.from(memory.bytes(0, PAGE)), expected);
  const line = Buffer.from('root=/dev/vda quiet ä \0');
  assert.deepEqual(Buffer.from(memory.bytes(PAGE, line.length)), line);
  assert.equal(loaded.commandLine, 'root=/dev/vda quiet ä ');
  assert.deepEqual([loaded.kernel, loaded.initrd], [null, null]);
});

test('load: with an initrd the loader says that it is unknown', () => {
  const { memory } = load(1, null, new BytesImage('initrd', pattern(1)));
  assert.equal(memory.view(0, PAGE).getUint8(0x210), 0xff);
});

test('load: a command line is empty, as long as a page, or refused', () => {
  const lineOf = (args: string[]) => load(1, null, null, args).loaded.commandLine;
  assert.equal(lineOf([]), '');
  assert.equal(lineOf(['x'.repeat(4094)]).length, 4095);
  assert.throws(() => lineOf(['x'.repeat(4095)]), { code: 'command-line', value: 4097 });
  assert.throws(() => lineOf(['ab', 'c\0d']), { code: 'command-line', value: 4 });
});
