/** `vringbench launch --cpu qemu` with a real kernel: it uses every device, and the run leaves nothing behind. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { whyNoQemu } from '../../src/launcher/launch-qemu.ts';
import { Missing } from './failure.ts';
import { guestImage } from './image.ts';
import { type Kernel, needKernel } from './packages.ts';
import { OUR_PROGRAM } from './programs.ts';

const BOOT_TIMEOUT_MS = 120_000;
const MEMORY_MB = '256';
const DISK_BYTES = 2 ** 20;

const folder = mkdtempSync(join(tmpdir(), 'launch-qemu-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** What a boot needs; a string: why it cannot be. */
function prepare(script: string): { kernel: Kernel; initrd: string } | string {
  try {
    const missing = whyNoQemu();
    if (missing !== null) return missing;
    const kernel = needKernel();
    const initrd = join(folder, 'initramfs');
    writeFileSync(initrd, guestImage(kernel, script));
    return { kernel, initrd };
  } catch (error) {
    if (error instanceof Missing) return error.message;
    throw error;
  }
}

interface Ended {
  code: number | null;
  out: string;
  err: string;
  /** What it left of its temporary files. */
  left: string[];
}

/** Runs the program; `onOutput` sees its standard output so far. */
function launch(args: readonly string[], onOutput?: (out: string, pid: number) => void): Promise<Ended> {
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary, { recursive: true });
  const child = spawn(process.execPath, [OUR_PROGRAM, 'launch', '--cpu', 'qemu', ...args], {
    timeout: BOOT_TIMEOUT_MS,
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (data: Buffer) => {
    out += data.toString();
    onOutput?.(out, child.pid!);
  });
  child.stderr.on('data', (data: Buffer) => {
    err += data.toString();
  });
  return new Promise((resolve) =>
    child.on('close', (code) => resolve({ code, out, err, left: readdirSync(temporary) })),
  );
}

/** The console has CR LF. */
const said = ({ out }: Ended, key: string): string | undefined =>
  new RegExp(`^SAID ${key}=(.*?)\\r?$`, 'm').exec(out)?.[1];

const SCRIPT = `say() { echo "SAID $1=$2" >/dev/console; }
say cmdline "$(cat /proc/cmdline)"
say readonly "$(cat /sys/block/vda/ro) $(cat /sys/block/vdb/ro)"
say first "$(md5sum </dev/vda | cut -d' ' -f1)"
dd if=/dev/vda of=/dev/vdb bs=64k conv=fsync 2>/dev/null
ip addr add 192.0.2.1/24 dev eth0
ip link set eth0 up
ping -c 1 -W 1 192.0.2.2 || true
say received "$(cat /sys/class/net/eth0/statistics/rx_packets)"
say mac "$(cat /sys/class/net/eth0/address)"
say random "$(head -c 64 /dev/hwrng | wc -c)"
say errors "$(dmesg | grep -cE 'I/O error|Call Trace|BUG:' || true)"
`;

test('launch --cpu qemu: a Linux kernel uses its disks, its network and the entropy, and powers off', async (context) => {
  const prepared = prepare(SCRIPT);
  if (typeof prepared === 'string') return context.skip(prepared);
  const [first, second] = [join(folder, 'first.img'), join(folder, 'second.img')];
  const bytes = randomBytes(DISK_BYTES);
  writeFileSync(first, bytes);
  writeFileSync(second, new Uint8Array(DISK_BYTES));
  const devices = [`--block=${first}`, '--net=loopback', `--block=${second}`];
  const ended = await launch([
    ...['--verbose', '--stats', ...devices, `--initrd=${prepared.initrd}`],
    ...[MEMORY_MB, prepared.kernel.image, 'quiet', 'panic=-1', 'marker=7'],
  ]);
  assert.equal(ended.code, 0, `${ended.err}\n${ended.out}`);
  assert.equal(said(ended, 'first'), createHash('md5').update(bytes).digest('hex'));
  assert.ok(readFileSync(second).equals(bytes), 'the second disk is not the first one');
  assert.equal(said(ended, 'readonly'), '0 0');
  assert.match(said(ended, 'cmdline')!, /^console=ttyS0 quiet panic=-1 marker=7$/);
  assert.ok(Number(said(ended, 'received')) > 0, 'no packet came back');
  assert.match(said(ended, 'mac')!, /^02:/);
  assert.equal(said(ended, 'random'), '64');
  assert.equal(said(ended, 'errors'), '0');
  for (const line of [
    /^device 0: virtblock 2048 sectors$/m,
    /^device 1: loopback net$/m,
    /^device 2: virtblock 2048 sectors$/m,
    /^device 3: entropy$/m,
    /^qemu-system-x86_64 -accel tcg .*vhost-user-blk-pci/m,
    /^block: disconnected$/m,
    /^net 1: [1-9]\d* requests; /m,
    /^entropy: [1-9]\d* requests; /m,
  ])
    assert.match(ended.err, line);
  assert.deepEqual([...ended.err.matchAll(/^block: [\d,]+ requests; ([\d,]+) bytes/gm)].length, 2);
  assert.deepEqual(ended.left, []);
});

test('launch --cpu qemu: interrupted, it ends QEMU and leaves nothing', async (context) => {
  const prepared = prepare('echo "waiting, $(cat /sys/block/vda/ro)" >/dev/console; sleep 600');
  if (typeof prepared === 'string') return context.skip(prepared);
  const disk = join(folder, 'kept.img');
  writeFileSync(disk, new Uint8Array(DISK_BYTES));
  let told = false;
  const ended = await launch(
    ['--readonly', `--block=${disk}`, `--initrd=${prepared.initrd}`, MEMORY_MB, prepared.kernel.image, 'quiet'],
    (out, pid) => {
      if (told || !/waiting, \d/.test(out)) return;
      told = true;
      process.kill(pid, 'SIGTERM');
    },
  );
  assert.deepEqual([ended.code, ended.left], [130, []], ended.err);
  assert.match(ended.out, /^waiting, 1/m);
});

test('launch --cpu qemu: a kernel that panics has died', async (context) => {
  const prepared = prepare('echo c >/proc/sysrq-trigger');
  if (typeof prepared === 'string') return context.skip(prepared);
  const ended = await launch([`--initrd=${prepared.initrd}`, MEMORY_MB, prepared.kernel.image, 'quiet', 'panic=-1']);
  assert.deepEqual([ended.code, ended.left], [1, []], ended.out);
  assert.match(ended.out, /sysrq triggered crash/);
  assert.match(ended.err, /^vringbench: the guest has reset the machine/m);
});

test('launch --cpu qemu: what QEMU refuses is told with its words', async (context) => {
  const missing = whyNoQemu();
  if (missing !== null) return context.skip(missing);
  const image = join(folder, 'no-kernel');
  writeFileSync(image, 'no kernel');
  const ended = await launch(['64', image]);
  assert.equal(ended.code, 1);
  assert.match(ended.err, /^vringbench: qemu.*kernel.*\nvringbench: the guest failed: QEMU ended with code 1\n$/);
  assert.deepEqual(ended.left, []);
});
