/**
 * The launcher's image loaders on real images out of Debian packages, unpacked in the cache beside the peers' kernel.
 * What is loaded is compared with the file, read here on its own: fields at the offsets of the boot protocol and of ELF.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { describeImage } from '../../src/launcher/machine/describe-image.ts';
import { ImageFile } from '../../src/launcher/machine/image-file.ts';
import { loadGuest } from '../../src/launcher/machine/load.ts';
import { PhysicalMemory } from '../../src/launcher/machine/physical-memory.ts';
import { Missing } from './failure.ts';
import { needKernel, unpackHypervisor, unpackKernel, unpackMemoryTester } from './packages.ts';

const MEMORY_MB = 64;
const KERNEL = 0x100000;

const folder = mkdtempSync(join(tmpdir(), 'vringbench-real-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** When the package tools have had their time, for all tests together: a network may swallow every packet. */
const DEADLINE_MS = performance.now() + 240_000;

/** What the package tools give; null and a skipped test where they cannot, or not in time. */
async function obtain<T>(context: TestContext, get: () => Promise<T>): Promise<T | null> {
  const leftMs = Math.max(DEADLINE_MS - performance.now(), 0);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Missing('the packages did not come in time')), leftMs);
  });
  try {
    return await Promise.race([get(), late]);
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    context.skip(error.message);
    return null;
  } finally {
    clearTimeout(timer);
  }
}

/** The kernel that is unpacked already, or a new one. */
async function linux(): Promise<string> {
  try {
    return needKernel().image;
  } catch {
    return (await unpackKernel(() => undefined)).image;
  }
}

const bootFiles = (root: string, name: RegExp): string[] =>
  readdirSync(join(root, 'boot'))
    .filter((file) => name.test(file))
    .map((file) => join(root, 'boot', file));

function load(path: string, initrd: string | null = null) {
  const memory = new PhysicalMemory(MEMORY_MB);
  const images = [path, ...(initrd === null ? [] : [initrd])].map((name) => new ImageFile(name));
  try {
    const lines: string[] = [];
    const options = { args: ['console=hvc0'], verbose: (line: string) => lines.push(line) };
    const loaded = loadGuest(memory, { kernel: images[0]!, initrd: images[1] ?? null, ...options });
    return { memory, loaded, lines };
  } finally {
    for (const image of images) image.close();
  }
}

/** A bzImage against the file's own bytes. */
function checkBzImage(path: string, version: RegExp): void {
  const file = readFileSync(path);
  assert.equal(file.toString('latin1', 0x202, 0x206), 'HdrS');
  const kernel = file.subarray((file[0x1f1]! + 1) * 512);
  const initrd = join(folder, 'initrd');
  writeFileSync(initrd, file.subarray(0, 10000));

  const { memory, loaded, lines } = load(path, initrd);
  assert.ok(Buffer.from(memory.bytes(KERNEL, kernel.length)).equals(kernel), 'memory is not the file');
  assert.equal(
    memory.bytes(KERNEL + kernel.length, 4096).every((byte) => byte === 0),
    true,
  );
  assert.equal(loaded.kernel?.entry, file.readUInt32LE(0x214));
  const text = file.subarray(0x200 + file.readUInt16LE(0x20e));
  assert.equal(loaded.kernel?.version, text.toString('latin1', 0, text.indexOf(0)));
  assert.match(loaded.kernel?.version ?? '', version);
  const top = MEMORY_MB * 2 ** 20;
  assert.ok(Buffer.from(memory.bytes(top - 12288, 10000)).equals(file.subarray(0, 10000)));
  assert.deepEqual(lines, [
    `mapped initrd ${initrd} size=12288 @ 0x${(top - 12288).toString(16)}`,
    `Linear mapping of ${MEMORY_MB * 256} pages in 16 pte pages at 0x${(top - 12288 - 17 * 4096).toString(16)}`,
  ]);
  const { kind, entry, sizeBytes } = describeImage(path);
  assert.deepEqual([kind, entry, sizeBytes], ['bzImage', loaded.kernel?.entry, file.length]);
}

test('real images: a Linux kernel', async (context) => {
  const path = await obtain(context, linux);
  if (path === null) return;
  checkBzImage(path, /^\d+\.\d+\.\d+/);
  // What `file` says of the same header, where it is installed.
  const said = spawnSync('file', ['-b', path], { encoding: 'utf8' });
  if (said.status === 0) assert.ok(said.stdout.includes(describeImage(path).version!.split(' ')[0]!), said.stdout);
});

test('real images: a Linux kernel that is larger than memory, or cut', async (context) => {
  const path = await obtain(context, linux);
  if (path === null) return;
  const image = new ImageFile(path);
  try {
    const options = { kernel: image, initrd: null, args: [], verbose: () => undefined };
    assert.throws(() => loadGuest(new PhysicalMemory(2), options), { code: 'outside-memory', value: KERNEL });
  } finally {
    image.close();
  }
  const cut = join(folder, 'cut');
  writeFileSync(cut, readFileSync(path).subarray(0, 4096));
  assert.throws(() => describeImage(cut), { code: 'malformed-bzimage' });
});

test('real images: a memory tester, for 32 and for 64 bits', async (context) => {
  const root = await obtain(context, () => unpackMemoryTester(() => undefined));
  if (root === null) return;
  const files = bootFiles(root, /\.bin$/);
  assert.ok(files.length > 0);
  for (const file of files) checkBzImage(file, /^Memtest86\+/);
});

test('real images: a hypervisor, an ELF file for the 386', async (context) => {
  const root = await obtain(context, () => unpackHypervisor(() => undefined));
  if (root === null) return;
  const [packed] = bootFiles(root, /^xen-.*\.gz$/);
  assert.ok(packed !== undefined);
  const file = gunzipSync(readFileSync(packed));
  const path = join(folder, 'xen');
  writeFileSync(path, file);
  const { memory, loaded, lines } = load(path);
  assert.deepEqual([loaded.kernel?.kind, loaded.kernel?.entry], ['elf', file.readUInt32LE(24)]);
  let sections = 0;
  for (let i = 0; i < file.readUInt16LE(44); i++) {
    const word = (field: number) => file.readUInt32LE(file.readUInt32LE(28) + 32 * i + field);
    if (word(0) !== 1) continue;
    assert.equal(lines[sections++], `Section ${i}: size ${word(20)} addr 0x${word(12).toString(16)}`);
    const wanted = Buffer.concat([file.subarray(word(4), word(4) + word(16)), Buffer.alloc(word(20) - word(16))]);
    assert.ok(Buffer.from(memory.bytes(word(12), word(20))).equals(wanted), `section ${i} is not the file`);
  }
  assert.ok(sections > 0);
});
