/** `launch --cpu qemu` with programs that play QEMU, and with QEMU where it is installed; no kernel is needed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { whyNoQemu } from '../../src/launcher/launch-qemu.ts';
import { whyUnavailable } from '../../src/native/libc.ts';
import { boundCommand } from '../../src/processes/bound-child.ts';

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
const skip = whyUnavailable() ?? false;
const folder = mkdtempSync(join(tmpdir(), 'launch-qemu-'));
after(() => rmSync(folder, { recursive: true }));
const temporary = join(folder, 'tmp');
mkdirSync(temporary);
/** A kernel that loops: the magic, one sector of set-up code, one of kernel. */
const kernel = join(folder, 'bzImage');
const image = Buffer.alloc(2048);
image[0x1f1] = 1;
image.write('HdrS', 0x202);
image.writeUInt16LE(0x207, 0x206);
image[0x211] = 1;
image.writeUInt32LE(0x100000, 0x214);
image.writeUInt16LE(0xaa55, 0x1fe);
image.writeUInt16LE(0xfeeb, 1024);
writeFileSync(kernel, image);

interface Ended {
  code: number | null;
  err: string;
  left: string[];
}

/** A folder of programs in which the shell's `script` is QEMU. */
function played(name: string, script: string): string {
  const programs = join(folder, name);
  mkdirSync(programs);
  const qemu = join(programs, 'qemu-system-x86_64');
  writeFileSync(qemu, `#!/bin/sh\n${script}\n`);
  chmodSync(qemu, 0o755);
  return `${programs}:${process.env.PATH}`;
}

function start(args: readonly string[], path = process.env.PATH) {
  const child = spawn(process.execPath, [MAIN, 'launch', '--cpu=qemu', ...args], {
    timeout: 60_000,
    env: { ...process.env, PATH: path, TMPDIR: temporary },
  });
  let err = '';
  child.stderr.on('data', (data: Buffer) => {
    err += data.toString();
  });
  child.stdout.resume();
  const ended = new Promise<Ended>((resolve) =>
    child.on('close', (code) => resolve({ code, err, left: readdirSync(temporary) })),
  );
  return { child, ended };
}

async function run(args: readonly string[], path?: string, input = ''): Promise<Ended> {
  const { child, ended } = start(args, path);
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return await ended;
}

test('launch --cpu qemu: a QEMU that ends without a word of the guest has not halted', { skip }, async () => {
  const ended = await run(['16', kernel], played('quit', 'exit 0'));
  assert.deepEqual(ended, { code: 2, err: 'vringbench: QEMU was ended at its terminal\n', left: [] });
});

test('launch --cpu qemu: what QEMU says of a broken image is told once', { skip }, async () => {
  const { code, err } = await run(['16', kernel], played('broken', 'echo "qemu: invalid kernel header" >&2; exit 1'));
  const expected = 'vringbench: qemu: invalid kernel header\nvringbench: the guest failed: QEMU ended with code 1\n';
  assert.deepEqual([code, err], [1, expected]);
});

const unbound = boundCommand('true', []).command === 'true' ? 'needs setpriv with --pdeathsig' : false;
test('launch --cpu qemu: killed, it leaves no QEMU, and the next run no folder', {
  skip: skip || unbound,
}, async () => {
  const file = join(folder, 'pid');
  const path = played(
    'killed',
    `[ -e ${file} ] && exit 0; echo $$ > ${file}.new; mv ${file}.new ${file}; exec sleep 1000`,
  );
  const { child, ended } = start(['16', kernel], path);
  while (!existsSync(file)) await sleep(5);
  child.kill('SIGKILL');
  assert.equal((await ended).left.length, 1);
  const stat = `/proc/${readFileSync(file, 'utf8').trim()}/stat`;
  while (existsSync(stat) && !/\) [ZX]/.test(readFileSync(stat, 'utf8'))) await sleep(5);
  assert.deepEqual((await run(['16', kernel], path)).left, []);
});

test('launch --cpu qemu: Ctrl-A X ends QEMU, which has warned of nothing', { skip: whyNoQemu() ?? false }, async () => {
  const { child, ended } = start(['--net=loopback', '16', kernel]);
  // QEMU takes what is typed once it runs; it ends by one of these, and the pipe with it.
  child.stdin.on('error', () => {});
  const timer = setInterval(() => child.stdin.write('\x01x'), 200);
  const { code, err } = await ended;
  clearInterval(timer);
  assert.deepEqual([code, err], [2, 'vringbench: QEMU was ended at its terminal\n']);
});
