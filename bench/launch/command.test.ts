import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { imageFile } from '../../src/devices/test-image.ts';
import { openLoopDevice } from '../../src/devices/test-loop-device.ts';
import { whyUnavailable } from '../../src/native/libc.ts';

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
const GUEST = fileURLToPath(new URL('../../src/launcher/test-guest.js', import.meta.url));
const HELD_GUEST = fileURLToPath(new URL('../../src/launcher/test-held-guest.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'launch-command-'));
after(() => rmSync(folder, { recursive: true }));
const disk = imageFile(folder, 2 ** 20);
/** As little of one as is loaded: the magic, one sector of set-up code, one of kernel. */
const kernel = join(folder, 'bzImage');
const image = Buffer.alloc(2048);
image[0x1f1] = 1;
image.write('HdrS', 0x202);
image.writeUInt32LE(0x100000, 0x214);
writeFileSync(kernel, image);

const link = join(folder, 'link');
symlinkSync(disk, link);
const kernel64 = join(folder, 'vmlinux');
const elf = Buffer.alloc(128);
elf.write('\x7fELF\x02\x01', 'latin1');
elf.writeUInt16LE(2, 16);
elf.writeUInt16LE(62, 18);
writeFileSync(kernel64, elf);

function written(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** Runs the program; `onOutput` sees its standard output so far, `onError` the other one. */
function launch(
  args: readonly string[],
  input: string,
  onOutput?: (out: string, pid: number) => void,
  env: NodeJS.ProcessEnv = {},
  onError?: (err: string, pid: number) => void,
): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, 'launch', ...args], {
    // One that does not end by a signal is killed.
    ...{ timeout: 60_000, killSignal: 'SIGKILL' },
    env: { ...process.env, ...env },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (data: Buffer) => {
    out += data.toString();
    onOutput?.(out, child.pid!);
  });
  child.stderr.on('data', (data: Buffer) => {
    err += data.toString();
    onError?.(err, child.pid!);
  });
  child.stdin.end(input);
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })));
}

const runs: [string, string[], string, number, RegExp, RegExp][] = [
  // what, arguments, input, exit code, standard output, standard error
  ['hello', ['64', 'hello', 'you'], '', 0, /^Hello from the guest\./, /^$/],
  ['piped input', ['4', GUEST, 'parrot'], 'polly', 130, /^>polly/, /^$/],
  ['a reason', ['4', GUEST, 'die', 'of', 'it'], '', 1, /^$/, /vringbench: of it/],
  ['a bad notify', ['4', GUEST, 'notify', '4294967295'], '', 1, /^$/, /vringbench: Bad NOTIFY 0xffffffff/],
  [
    'a disk twice',
    [`--block=${disk}`, `--block=${disk}`, '4', GUEST],
    '',
    1,
    /^$/,
    /^vringbench: --block=.*: the same image is given twice: .* --readonly\n$/,
  ],
  [
    'a disk and a link to it',
    [`--block=${disk}`, `--block=${link}`, '--cpu=qemu', '4', kernel],
    '',
    1,
    /^$/,
    /^vringbench: --block=.*\/link: the same image is given twice: .*\n$/,
  ],
  [
    'a disk below a file',
    [`--block=${disk}/none`, `--block=${disk}`, '4', GUEST],
    '',
    1,
    /^$/,
    /^vringbench: --block=.*\/none: ENOTDIR: [^\n]*\n$/,
  ],
  [
    'a disk of no sectors',
    ['-v', `--block=${written('empty.img', '')}`, '4', GUEST],
    '',
    0,
    /^$/,
    /virtblock 0 sectors/,
  ],
  ['a disk twice to read', ['--readonly', `--block=${disk}`, `--block=${disk}`, '4', GUEST], '', 0, /^$/, /^$/],
  ['TypeScript', ['4', written('guest.ts', '')], '', 2, /^$/, /guest\.ts' is TypeScript: .*\.mjs/],
  [
    'a module of the older kind that logs',
    ['4', written('guest.cjs', 'module.exports = (guest) => { console.log("logged"); guest.halt(); };')],
    '',
    0,
    /^$/,
    /^logged\n$/,
  ],
  [
    'a guest that throws',
    ['4', written('guest.mjs', 'export default () => {\n  throw new Error("a\\u001b[2J\\nb");\n};\n')],
    '',
    1,
    /^$/,
    /^vringbench: the guest failed: a \[2J b\n {4}at .*guest\.mjs:2:9\)?\n$/,
  ],
  ['a 64-bit kernel', ['4', kernel64], '', 2, /^$/, /^vringbench: .*64-bit elf.*run it with --cpu qemu\n$/],
  ['no disk', ['--block=/absent', '4', GUEST], '', 1, /^$/, /vringbench: .*\/absent/],
  ['what is no image', ['4', disk], '', 1, /^$/, /doesn't look like a bzImage to me/],
  ['an x86 kernel', ['4', kernel], '', 2, /^bzImage image: 2048 bytes/, /the worker CPU .* --cpu qemu\n$/],
  ['our guest in QEMU', ['--cpu=qemu', '4', 'hello'], '', 2, /^$/, /hello is no x86 kernel.* --cpu worker\n$/],
  ['a module in QEMU', ['--cpu=qemu', '4', GUEST], '', 2, /^$/, /test-guest\.js is no x86 kernel.* --cpu worker\n$/],
  ['no initrd for QEMU', ['--cpu=qemu', '--initrd=/absent', '4', kernel], '', 2, /^$/, /--initrd \/absent is no file/],
  ['usage', ['--blok=a', '4', GUEST], '', 2, /^$/, /did you mean --block/],
  [
    'a read-only disk',
    ['--readonly', `--block=${disk}`, '4', GUEST, 'sector', '1'],
    '',
    1,
    /^$/,
    /vringbench: write: status 1/,
  ],
  [
    'figures',
    ['--stats', `--block=${disk}`, '4', GUEST, 'sector', '1'],
    '',
    0,
    /^$/,
    /block: 2 requests; 1,024 bytes; \d+ notifications in, \d+ out; latency [\d.,]+ µs, median/,
  ],
  ['a SCSI command', [`--block=${disk}`, '4', GUEST, 'scsi', '2'], '', 0, /^$/, /^Scsi commands unsupported\n$/],
  [
    'a packet, verbose',
    ['-v', '--net=loopback', '4', GUEST, 'frame'],
    '',
    0,
    /^$/,
    /tun input packet len 60 \[01 02\] \(sent\)\n/,
  ],
  ['the base, verbose', ['-v', '4', GUEST], '', 0, /^$/, /^Guest base is at 0x[0-9a-f]+$/m],
  ['verbose', ['-v', `--block=${disk}`, '4', GUEST, 'sector', '9'], '', 0, /^$/, /WRITE to sector 9: 512\n/],
];
for (const [what, args, input, code, out, err] of runs)
  test(`launch: ${what}: exit code ${code}`, async () => {
    // The guest of a test that wants input waits for its end in vain.
    const ended = await launch(args, input === '' ? '' : `${input}\n`, (seen, pid) => {
      if (input !== '' && seen.includes(input)) process.kill(pid, 'SIGTERM');
    });
    assert.match(ended.out, out);
    assert.match(ended.err, err);
    assert.equal(ended.code, code);
  });

test('launch: a block device is a disk, claimed as a file is', async (context) => {
  const why = whyUnavailable() ?? openLoopDevice(folder, 2 ** 20);
  if (typeof why === 'string') return context.skip(why);
  try {
    const ended = await launch([`--block=${why.path}`, '-v', '16', 'disk-check', '--size', '65536'], '');
    assert.match(ended.err, /^device 0: virtblock 2048 sectors$/m);
    assert.deepEqual([ended.code, /Disk 0: 2048 sectors/.test(ended.out)], [0, true]);
    assert.ok(readFileSync(why.file).some((byte) => byte !== 0));
  } finally {
    why.close();
  }
});

test('launch: where QEMU is not installed, its package is named', async () => {
  const ended = await launch(['--cpu=qemu', '4', kernel], '', undefined, { PATH: folder });
  assert.deepEqual([ended.code, ended.out], [2, '']);
  assert.match(ended.err, /--cpu qemu needs qemu-system-x86_64, .* Debian's package qemu-system-x86\n$/);
});

test('launch: interrupted, a guest in an endless loop ends with code 130', async () => {
  const ended = await launch(['4', GUEST, 'say looping; loop'], '', (out, pid) => {
    if (out === 'looping') process.kill(pid, 'SIGINT');
  });
  assert.deepEqual([ended.code, ended.out], [130, 'looping']);
});

test('launch: interrupted, a guest that the kernel holds is left behind, with a word about it and code 130', async () => {
  const ended = await launch([`--block=${disk}`, '4', HELD_GUEST], '', undefined, {}, (err, pid) => {
    if (err === 'held\n') process.kill(pid, 'SIGINT');
  });
  assert.match(ended.err, /^held\nvringbench: the guest's thread did not end within 5000 ms, .* left behind/);
  assert.deepEqual([ended.code, ended.out], [130, '']);
});
