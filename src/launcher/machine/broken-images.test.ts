/** Broken images: each ends in a clear error, and before that in not one byte written. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LauncherError, type LauncherErrorCode } from '../errors.ts';
import { BytesImage } from './image-file.ts';
import { loadGuest } from './load.ts';
import { parseKernel } from './parse-kernel.ts';
import {
  ELF_HEADER,
  isZero,
  makeBzImage,
  makeElf,
  memoryWithCanaries,
  PROGRAM_HEADER,
  pattern,
  silent,
} from './test-images.ts';

const MB = 2 ** 20;
const MEMORY_MB = 2;
/** A guest without initrd: the page directory and one table are at the end. */
const TABLES = 2 * MB - 2 * 4096;

const GOOD_ELF = makeElf(
  [
    { address: 0x100000, bytes: pattern(700, 1), memoryBytes: 0x1000 },
    { address: 0x101000, bytes: pattern(300, 2) },
  ],
  0x100000,
);
const GOOD_BZIMAGE = makeBzImage({ setupSectors: 2, version: 'v', kernel: pattern(900, 3) });

/** Tries to load; nothing but a typed error may come of it. Null: it was loaded. */
function attempt(kernel: Uint8Array | null, initrd: Uint8Array | null = null): LauncherError | null {
  const { memory, untouched } = memoryWithCanaries(MEMORY_MB);
  const imageOf = (name: string, bytes: Uint8Array | null) => (bytes === null ? null : new BytesImage(name, bytes));
  const options = {
    kernel: imageOf('kernel', kernel),
    initrd: imageOf('initrd', initrd),
    args: ['one'],
    verbose: silent,
  };
  try {
    loadGuest(memory, options);
    return null;
  } catch (error) {
    if (!(error instanceof LauncherError)) throw error;
    assert.ok(isZero(memory), `${error.message}: but memory was written`);
    return error;
  } finally {
    assert.ok(untouched(), 'device pages were touched');
  }
}

const program = (index: number, field: number) => ELF_HEADER + PROGRAM_HEADER * index + field;
const [OFFSET, PADDR, FILESZ, MEMSZ] = [4, 12, 16, 20];
const elfWith = (change: (elf: Buffer) => void) => {
  const elf = Buffer.from(GOOD_ELF);
  change(elf);
  return elf;
};
const u8 = (at: number, value: number) => elfWith((elf) => elf.writeUInt8(value, at));
const u16 = (at: number, value: number) => elfWith((elf) => elf.writeUInt16LE(value, at));
const u32 = (at: number, value: number) => elfWith((elf) => elf.writeUInt32LE(value, at));
/** Section 1 at another address. */
const at = (address: number, memoryBytes = 300) =>
  elfWith((elf) => {
    elf.writeUInt32LE(address, program(1, PADDR));
    elf.writeUInt32LE(memoryBytes, program(1, MEMSZ));
  });
const bzWith = (change: (image: Buffer) => void) => {
  const image = Buffer.from(GOOD_BZIMAGE);
  change(image);
  return image;
};

const broken: [string, Uint8Array, LauncherErrorCode, number, RegExp][] = [
  // what, image, code, value, message
  ['an empty file', Buffer.alloc(0), 'empty-image', 0, /is empty/],
  ['a file of one byte', Buffer.of(0x7f), 'image-truncated', 0, /^Reading kernel/],
  ['51 bytes', GOOD_ELF.subarray(0, 51), 'image-truncated', 0, /^Reading kernel: 52 bytes/],
  ['zeroes', Buffer.alloc(4096), 'not-a-bzimage', 0, /^This doesn't look like a bzImage to me/],
  ['text', Buffer.from('text'.repeat(200)), 'not-a-bzimage', 0x65747478, /^This doesn't look like a bzImage/],
  ['an ELF magic with a wrong byte', u8(3, 0x47), 'not-a-bzimage', GOOD_ELF.readUInt32LE(0x202), /bzImage to me/],
  ['class 64', u8(4, 2), 'malformed-elf', 2, /^Malformed elf header: kernel: its class is 2/],
  ['class 0', u8(4, 0), 'malformed-elf', 0, /class/],
  ['big-endian', u8(5, 2), 'malformed-elf', 2, /data encoding/],
  ['a relocatable object', u16(16, 1), 'malformed-elf', 1, /type/],
  ['a shared object', u16(16, 3), 'malformed-elf', 3, /type/],
  ['machine x86-64', u16(18, 62), 'malformed-elf', 62, /machine/],
  ['program headers of 56 bytes', u16(42, 56), 'malformed-elf', 56, /size of a program header/],
  ['program headers of 0 bytes', u16(42, 0), 'malformed-elf', 0, /size of a program header/],
  ['no program header', u16(44, 0), 'malformed-elf', 0, /number of program headers/],
  ['2049 program headers', u16(44, 2049), 'malformed-elf', 2049, /number of program headers/],
  ['65535 program headers', u16(44, 65535), 'malformed-elf', 65535, /number of program headers/],
  ['more program headers than the file holds', u16(44, 2048), 'image-truncated', 52, /^Reading program headers/],
  ['program headers behind the file', u32(28, GOOD_ELF.length), 'image-truncated', GOOD_ELF.length, /program headers/],
  ['program headers at the end of 32 bits', u32(28, 0xffffffff), 'image-truncated', 0xffffffff, /program headers/],
  ['no section to load', elfWith((e) => e.fill(0, 52, 116)), 'empty-image', 0, /no loadable section/],
  [
    'a section of no bytes alone',
    makeElf([{ address: 0x100000, bytes: Buffer.alloc(0) }], 0),
    'empty-image',
    0,
    /no lo/,
  ],
  ['a section behind the file', u32(program(0, OFFSET), 5000), 'image-truncated', 5000, /^Reading Section 0/],
  ['a section past the file', u32(program(1, FILESZ), 301), 'malformed-elf', 301, /Section 1 has 301 bytes for 300/],
  [
    'a section past the file, with memory for it',
    elfWith((elf) => {
      elf.writeUInt32LE(301, program(1, FILESZ));
      elf.writeUInt32LE(301, program(1, MEMSZ));
    }),
    'image-truncated',
    GOOD_ELF.length - 300,
    /^Reading Section 1: 301 bytes/,
  ],
  [
    'a section at the end of 32 bits of file',
    u32(program(0, OFFSET), 0xffffff00),
    'image-truncated',
    0xffffff00,
    /Sec/,
  ],
  ['a section at the end of memory', at(2 * MB), 'outside-memory', 2 * MB, /^Not enough memory to load Section 1/],
  ['a section that passes the end of memory', at(2 * MB - 299), 'outside-memory', 2 * MB - 299, /memory ends at 0x2/],
  ['a section in the device pages', at(2 * MB + 4096), 'outside-memory', 2 * MB + 4096, /Section 1/],
  ['a section at the end of 32 bits', at(0xffffff00), 'outside-memory', 0xffffff00, /0xffffff00/],
  ['a section that wraps', at(0xfffff000, 0x2000), 'outside-memory', 0xfffff000, /8192 bytes/],
  ['a section of 4 GiB', at(0x180000, 0xffffffff), 'outside-memory', 0x180000, /4294967295 bytes/],
  ['a section over the boot parameters', at(0), 'overlap', 0, /^Overlapping in memory: Section 1 .* boot parameters/],
  ['a section over their last byte', at(0xfff), 'overlap', 0xfff, /boot parameters/],
  ['a section over the command line', at(0x1004), 'overlap', 0x1004, /command line/],
  ['a section over another', at(0x100fff), 'overlap', 0x100fff, /Section 1 .* and Section 0/],
  ['a section around another', at(0x0ff000, 0x3000), 'overlap', 0x0ff000, /Section 1 .* and Section 0/],
  ['two sections in one place', at(0x100000), 'overlap', 0x100000, /Section 1 .* and Section 0/],
  ['a section over the page tables', at(TABLES - 1), 'overlap', TABLES, /page tables .* and Section 1/],
  ['an entry at the end of memory', u32(24, 2 * MB), 'invalid-address', 2 * MB, /^Invalid address 0x200000/],
  ['an entry at a virtual address', u32(24, 0xc0100000), 'invalid-address', 0xc0100000, /0xc0100000: the entry/],
  ['a bzImage without its magic', bzWith((i) => i.writeUInt8(0x49, 0x202)), 'not-a-bzimage', 0x53726449, /at 0x202/],
  ['a bzImage cut in its header', GOOD_BZIMAGE.subarray(0, 0x217), 'not-a-bzimage', 0x217, /has 535 bytes/],
  ['a bzImage of its set-up code alone', GOOD_BZIMAGE.subarray(0, 1536), 'malformed-bzimage', 2, /^Malformed bzImage/],
  ['set-up code past the end', bzWith((i) => i.writeUInt8(255, 0x1f1)), 'malformed-bzimage', 255, /255 sectors/],
  [
    'a bzImage that enters outside memory',
    bzWith((i) => i.writeUInt32LE(2 * MB, 0x214)),
    'invalid-address',
    2 * MB,
    /e/,
  ],
  ['a bzImage larger than memory', makeBzImage({ kernel: Buffer.alloc(MB + 1) }), 'outside-memory', MB, /kernel/],
  ['a bzImage over the page tables', makeBzImage({ kernel: Buffer.alloc(MB) }), 'overlap', TABLES, /page tables/],
];
for (const [what, image, code, value, message] of broken)
  test(`broken image: ${what}`, () => {
    const error = attempt(image);
    assert.ok(error !== null, 'it was loaded');
    assert.deepEqual([error.code, error.value], [code, value]);
    assert.match(error.message, message);
  });

const initrds: [string, number, Uint8Array | null, LauncherErrorCode, number, RegExp][] = [
  // what, bytes, kernel, code, value, message
  ['empty', 0, null, 'empty-image', 0, /initrd is empty/],
  ['larger than memory', 2 * MB + 1, null, 'outside-memory', -4096, /^Not enough memory to load initrd/],
  ['as large as memory', 2 * MB, null, 'overlap', 0, /initrd .* boot parameters/],
  ['over the command line', 2 * MB - 4096, null, 'overlap', 4096, /initrd .* command line/],
  ['that leaves the page tables no room', 2 * MB - 3 * 4096, null, 'overlap', 4096, /page tables .* command line/],
  ['over the kernel', MB - 500, GOOD_BZIMAGE, 'overlap', MB, /initrd .* and kernel/],
];
for (const [what, sizeBytes, kernel, code, value, message] of initrds)
  test(`broken image: an initrd ${what}`, () => {
    const error = attempt(kernel, Buffer.alloc(sizeBytes, 1));
    assert.ok(error !== null, 'it was loaded');
    assert.deepEqual([error.code, error.value], [code, value]);
    assert.match(error.message, message);
  });

for (const [what, image, wholeFrom] of [
  // Both ends of what is cut off decide: the whole image is the only good one, whatever the length.
  ['ELF', GOOD_ELF, GOOD_ELF.length],
  // A bzImage does not say how long it is: it may end anywhere behind its first byte.
  ['bzImage', GOOD_BZIMAGE, 1537],
] as const)
  test(`broken image: an ${what} cut at every byte`, () => {
    for (let length = 0; length <= image.length; length++) {
      let error: unknown = null;
      try {
        parseKernel(new BytesImage('kernel', image.subarray(0, length)));
      } catch (thrown) {
        error = thrown;
      }
      if (length >= wholeFrom) assert.equal(error, null, `cut at ${length}`);
      else assert.ok(error instanceof LauncherError, `cut at ${length}: ${error}`);
    }
  });

test('the images that are broken here are good ones before', () => {
  assert.equal(attempt(GOOD_ELF), null);
  assert.equal(attempt(GOOD_BZIMAGE), null);
  assert.equal(attempt(GOOD_ELF, Buffer.alloc(4097, 1)), null);
});

/** A small generator with a seed: the same mutations on every run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
const VALUES = [0, 1, 2, 0x7f, 0x80, 0xff, 0xfff, 0x1000, 0xffff, 0xfffff, 0x100000, 0x200000, 0x7fffffff, 0xffffffff];

/** One to four changes: bytes, words of interest, a cut, bytes behind the end. Mostly in the headers. */
function mutate(image: Buffer, headerBytes: number, below: (n: number) => number): Buffer {
  let mutant = Buffer.from(image);
  for (let changes = 1 + below(4); changes > 0 && mutant.length >= 4; changes--) {
    const place = below(8) === 0 ? mutant.length : Math.min(headerBytes, mutant.length);
    const offset = below(place - 3);
    switch (below(6)) {
      case 0:
        mutant = mutant.subarray(0, below(mutant.length + 1));
        break;
      case 1:
        mutant = Buffer.concat([mutant, Buffer.alloc(below(600), below(256))]);
        break;
      case 2:
        mutant[offset]! ^= 1 << below(8);
        break;
      case 3:
        mutant[offset] = below(256);
        break;
      default:
        // Fields are aligned to words, mostly.
        mutant.writeUInt32LE(VALUES[below(VALUES.length)]!, offset & ~3);
    }
  }
  return mutant;
}

for (const [what, image, headerBytes] of [
  ['ELF', GOOD_ELF, ELF_HEADER + 2 * PROGRAM_HEADER],
  ['bzImage', GOOD_BZIMAGE, 0x240],
] as const)
  test(`broken image: 5,000 mutations of an ${what}: loaded, or refused with a typed error`, () => {
    const below = random(0x6b8b4567);
    const { memory, untouched } = memoryWithCanaries(MEMORY_MB);
    const ram = memory.bytes(0, memory.ramBytes);
    const outcomes = new Map<string, number>();
    for (let i = 0; i < 5000; i++) {
      const kernel = new BytesImage('kernel', mutate(image, headerBytes, below));
      let outcome = 'loaded';
      try {
        loadGuest(memory, { kernel, initrd: null, args: [], verbose: silent });
        ram.fill(0);
      } catch (error) {
        assert.ok(error instanceof LauncherError, `mutation ${i}: ${error}`);
        outcome = error.code;
      }
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    // Refused ones wrote nothing, and loaded ones nothing outside: what is left is zeroes and canaries.
    assert.ok(isZero(memory) && untouched());
    // The mutations reach both ends.
    assert.ok((outcomes.get('loaded') ?? 0) > 100, JSON.stringify([...outcomes]));
    assert.ok(outcomes.size >= 5, JSON.stringify([...outcomes]));
  });
