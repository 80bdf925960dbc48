import assert from 'node:assert/strict';
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { closeDescriptor } from './descriptors.ts';
import { openEventfd } from './eventfd.ts';
import { whyUnavailable } from './libc.ts';
import { type Mapping, MappingError, type MappingOptions, mapFile } from './mapping.ts';
import { openMemfd } from './memfd.ts';
import { socketPair } from './unix-socket.ts';

const skip = whyUnavailable() ?? false;

function withMemfd(sizeBytes: number, body: (file: number) => void): void {
  const file = openMemfd('mapping test', sizeBytes);
  try {
    body(file);
  } finally {
    closeDescriptor(file);
  }
}

const bytesOf = ({ buffer }: Mapping) => new Uint8Array(buffer);

test('native mapping: memory and file are the same bytes, both ways', { skip }, () =>
  withMemfd(8192, (file) => {
    const mapping = mapFile(file, { offsetBytes: 0, sizeBytes: 8192 });
    assert.equal(mapping.buffer.byteLength, 8192);
    const bytes = bytesOf(mapping);
    bytes.set([1, 2, 3], 5000);
    const read = new Uint8Array(3);
    assert.equal(readSync(file, read, 0, 3, 5000), 3);
    assert.deepEqual([...read], [1, 2, 3]);
    writeSync(file, Uint8Array.of(4, 5), 0, 2, 8190);
    assert.deepEqual([...bytes.subarray(8190)], [4, 5]);
    mapping.close();
  }),
);

test('native mapping: it outlives the descriptor, and a second one is the same memory', { skip }, () => {
  const file = openMemfd('mapping test', 4096);
  const first = mapFile(file, { offsetBytes: 0, sizeBytes: 4096 });
  const second = mapFile(file, { offsetBytes: 0, sizeBytes: 4096 });
  closeDescriptor(file);
  bytesOf(first)[7] = 9;
  assert.equal(bytesOf(second)[7], 9);
  first.close();
  assert.deepEqual([bytesOf(first)[7], bytesOf(second)[7]], [0, 9], 'one is closed, the other is as it was');
  second.close();
});

const pieces: [what: string, offsetBytes: number, sizeBytes: number][] = [
  ['all', 0, 20480],
  ['one byte', 0, 1],
  ['the last bytes', 20472, 8],
  ['within a page', 4104, 100],
  ['across pages', 4088, 16],
  ['pages', 4096, 8192],
  ['to the end, from within a page', 12344, 8136],
];
for (const [what, offsetBytes, sizeBytes] of pieces)
  test(`native mapping: a piece: ${what}`, { skip }, () =>
    withMemfd(20480, (file) => {
      const content = Uint8Array.from({ length: 20480 }, (_, i) => (i * 7) % 251);
      writeSync(file, content, 0, content.length, 0);
      const mapping = mapFile(file, { offsetBytes, sizeBytes });
      assert.deepEqual(bytesOf(mapping), content.subarray(offsetBytes, offsetBytes + sizeBytes));
      assert.equal(mapping.address % 8, 0);
      assert.equal(mapping.address % 4096, offsetBytes % 4096);
      mapping.close();
      assert.ok(bytesOf(mapping).every((byte) => byte === 0));
    }),
  );

const refused: [what: string, options: MappingOptions, message: string][] = [
  ['a byte too long', { offsetBytes: 0, sizeBytes: 8193 }, 'a mapping of 8193 bytes at offset 0 of a file of 8192'],
  ['beyond the end', { offsetBytes: 8192, sizeBytes: 1 }, 'a mapping of 1 bytes at offset 8192 of a file of 8192'],
  [
    'across the end',
    { offsetBytes: 4096, sizeBytes: 8192 },
    'a mapping of 8192 bytes at offset 4096 of a file of 8192',
  ],
  [
    'far away',
    { offsetBytes: 2 ** 53 - 8, sizeBytes: 2 ** 32 },
    'a mapping of 4294967296 bytes at offset 9007199254740984 of a file of 8192',
  ],
  [
    'larger than a view',
    { offsetBytes: 0, sizeBytes: 2 ** 32 + 1 },
    'a mapping of 4294967297 bytes: 1 to 4294967296 are possible',
  ],
  ['empty', { offsetBytes: 0, sizeBytes: 0 }, 'a mapping of 0 bytes: 1 to 4294967296 are possible'],
  ['negative', { offsetBytes: 0, sizeBytes: -1 }, 'a mapping of -1 bytes: 1 to 4294967296 are possible'],
  ['a fraction', { offsetBytes: 0, sizeBytes: 1.5 }, 'a mapping of 1.5 bytes: 1 to 4294967296 are possible'],
  ['before the start', { offsetBytes: -8, sizeBytes: 8 }, 'a mapping at offset -8: not a multiple of 8'],
  ['between words', { offsetBytes: 4, sizeBytes: 8 }, 'a mapping at offset 4: not a multiple of 8'],
  ['no number', { offsetBytes: Number.NaN, sizeBytes: 8 }, 'a mapping at offset NaN: not a multiple of 8'],
];
for (const [what, options, message] of refused)
  test(`native mapping: refused: ${what}`, { skip }, () =>
    withMemfd(8192, (file) => {
      assert.throws(
        () => mapFile(file, options),
        (error) => error instanceof MappingError && error.name === 'MappingError' && error.message === message,
      );
    }),
  );

test('native mapping: as large as a view may be, and at its end a byte', { skip }, () =>
  withMemfd(2 ** 32, (file) => {
    const mapping = mapFile(file, { offsetBytes: 0, sizeBytes: 2 ** 32 });
    const bytes = bytesOf(mapping);
    bytes[2 ** 32 - 1] = 3;
    const read = new Uint8Array(1);
    readSync(file, read, 0, 1, 2 ** 32 - 1);
    assert.equal(read[0], 3);
    mapping.close();
    assert.equal(bytes[2 ** 32 - 1], 0);
  }),
);

test('native mapping: a piece above 4 GiB of a file', { skip }, () =>
  withMemfd(5 * 2 ** 30, (file) => {
    const mapping = mapFile(file, { offsetBytes: 2 ** 32 + 8, sizeBytes: 8 });
    writeSync(file, Uint8Array.of(1, 2, 3), 0, 3, 2 ** 32 + 8);
    assert.deepEqual([...bytesOf(mapping)], [1, 2, 3, 0, 0, 0, 0, 0]);
    mapping.close();
  }),
);

const files: [what: string, code: string, open: () => number[]][] = [
  ['an eventfd', 'ESPIPE', () => [openEventfd()]],
  ['a socket', 'ESPIPE', () => socketPair()],
  ['a file that is read only', 'EACCES', () => [openSync('/proc/self/exe', 'r')]],
];
for (const [what, code, open] of files)
  test(`native mapping: ${what} is ${code}`, { skip }, () => {
    const opened = open();
    assert.throws(() => mapFile(opened[0]!, { offsetBytes: 0, sizeBytes: 8 }), { code });
    for (const descriptor of opened) closeDescriptor(descriptor);
  });

test('native mapping: a closed descriptor is EBADF', { skip }, () => {
  const file = openMemfd('mapping test', 8);
  closeDescriptor(file);
  assert.throws(() => mapFile(file, { offsetBytes: 0, sizeBytes: 8 }), { code: 'EBADF' });
});

test('native mapping: after close views read zeroes and write to nobody; the file may be shortened', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'vringbench-'));
  const path = join(folder, 'file');
  writeFileSync(path, new Uint8Array(8192).fill(5));
  const file = openSync(path, 'r+');
  const mapping = mapFile(file, { offsetBytes: 0, sizeBytes: 8192 });
  const bytes = bytesOf(mapping);
  assert.equal(bytes[8191], 5);
  mapping.close();
  mapping.close();
  ftruncateSync(file, 0);
  assert.equal(bytes[8191], 0);
  bytes[8191] = 6;
  Atomics.add(new Int32Array(mapping.buffer), 0, 1);
  assert.deepEqual([bytes[8191], bytes[0]], [6, 1]);
  assert.equal(readFileSync(path).length, 0);
  closeSync(file);
  rmSync(folder, { recursive: true });
});

/** The engine's collector as a function, which it gives only to contexts made after it was told to. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}

/** Mappings of the process: those of a file of this name, or all. */
const mapsLines = (name = '') =>
  readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.includes(name)).length;

/** Collects until `done`, within a bound: the engine calls finalizers in turns of their own. */
async function collectUntil(done: () => boolean): Promise<void> {
  const collect = collector();
  for (let i = 0; i < 100 && !done(); i++) {
    collect();
    await new Promise(setImmediate);
  }
}

/** Address space of the process, mapped to whatever. */
const addressSpaceBytes = () => Number(readFileSync('/proc/self/statm', 'utf8').split(' ')[0]) * 4096;

test('native mapping: closed, nothing of the file stays mapped; dropped, no address space either', {
  skip,
}, async () => {
  const sizeBytes = 2 ** 20;
  const file = openMemfd('counted', sizeBytes);
  const linesBefore = mapsLines();
  const spaceBefore = addressSpaceBytes();
  for (let i = 0; i < 5000; i++) {
    const mapping = mapFile(file, { offsetBytes: 0, sizeBytes });
    bytesOf(mapping)[0] = 1;
    mapping.close();
    if (i % 500 === 499) await new Promise(setImmediate);
  }
  assert.equal(mapsLines('memfd:counted'), 0);
  const grownBytes = () => addressSpaceBytes() - spaceBefore;
  await collectUntil(() => grownBytes() < 500 * sizeBytes && mapsLines() < linesBefore + 50);
  assert.ok(grownBytes() < 500 * sizeBytes, `${grownBytes()} bytes of address space`);
  assert.ok(mapsLines() < linesBefore + 50, `${linesBefore} mappings before, ${mapsLines()} after`);
  closeDescriptor(file);
});

test('native mapping: one that nobody closed goes with its last view, and not before', { skip }, async () => {
  const file = openMemfd('dropped', 65536);
  const dropped = () => mapsLines('memfd:dropped');
  let held: Uint8Array | null = bytesOf(mapFile(file, { offsetBytes: 0, sizeBytes: 65536 }));
  for (let i = 0; i < 50; i++) mapFile(file, { offsetBytes: 0, sizeBytes: 4096 });
  await collectUntil(() => dropped() === 1);
  assert.equal(dropped(), 1);
  held[65535] = 1;
  assert.equal(held[65535], 1);
  held = null;
  await collectUntil(() => dropped() === 0);
  assert.equal(dropped(), 0);
  closeDescriptor(file);
});

/** Adds to the word of the file whose descriptor it is given, as often as it is told. */
const ADDER = `
  import { parentPort, workerData } from 'node:worker_threads';
  const { mapFile } = await import(${JSON.stringify(new URL('./mapping.js', import.meta.url).href)});
  const mapping = mapFile(workerData.file, { offsetBytes: 0, sizeBytes: 4096 });
  const words = new Int32Array(mapping.buffer);
  for (let i = 0; i < workerData.times; i++) Atomics.add(words, 8, 1);
  mapping.close();
`;

test('native mapping: two threads that mapped by themselves share words atomically', { skip }, async () => {
  const file = openMemfd('shared', 4096);
  const mapping = mapFile(file, { offsetBytes: 0, sizeBytes: 4096 });
  const words = new Int32Array(mapping.buffer);
  const times = 200_000;
  const ended = [0, 1].map(() => {
    const url = new URL(`data:text/javascript,${encodeURIComponent(ADDER)}`);
    const worker = new Worker(url, { workerData: { file, times } });
    return new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
  });
  for (let i = 0; i < times; i++) Atomics.add(words, 8, 1);
  assert.deepEqual(await Promise.all(ended), [0, 0]);
  assert.equal(words[8], 3 * times);
  mapping.close();
  closeDescriptor(file);
});

/** Where huge pages can be had without asking for them, their file system, and the size of one. */
function hugePages(): { folder: string; sizeBytes: number } | null {
  const HUGETLBFS_MAGIC = 0x958458f6;
  try {
    const { type, bsize } = statfsSync('/dev/hugepages');
    const free = Number(/^HugePages_Free:\s*(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0);
    return type === HUGETLBFS_MAGIC && free >= 2 ? { folder: '/dev/hugepages', sizeBytes: bsize } : null;
  } catch {
    return null;
  }
}

test('native mapping: a file of huge pages, from within one', { skip }, (context) => {
  const huge = hugePages();
  if (huge === null) return context.skip('no huge pages are free');
  const path = join(huge.folder, `vringbench-${process.pid}`);
  const file = openSync(path, 'wx+');
  rmSync(path);
  ftruncateSync(file, 2 * huge.sizeBytes);
  const mapping = mapFile(file, { offsetBytes: huge.sizeBytes + 4096, sizeBytes: 8 });
  bytesOf(mapping)[0] = 1;
  mapping.close();
  assert.equal(bytesOf(mapping)[0], 0);
  closeSync(file);
});

test('native mapping: without a view it is given back at once, and has none afterwards', { skip }, () =>
  withMemfd(8192, (file) => {
    const mapped = () => readFileSync('/proc/self/maps', 'utf8').includes('memfd:mapping test');
    const mapping = mapFile(file, { offsetBytes: 0, sizeBytes: 8192 });
    assert.equal(mapped(), true);
    mapping.close();
    mapping.close();
    assert.equal(mapped(), false);
    assert.throws(() => mapping.buffer, TypeError);
  }),
);
