/** The command with the guests that come with it, each launcher a process of its own: endings as a shell sees them. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { imageFile } from '../../src/devices/test-image.ts';
import { whyUnavailable } from '../../src/native/libc.ts';

const PROGRAM = fileURLToPath(new URL('../main.js', import.meta.url));
const BAD_GUEST = fileURLToPath(new URL('../../src/launcher/guests/test-bad-guests.js', import.meta.url));
const skip = whyUnavailable() ?? false;
const folder = mkdtempSync(join(tmpdir(), 'launch-guests-'));
after(() => rmSync(folder, { recursive: true }));

interface Launched {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; out: string; err: string }>;
}

/** `onOutput` is called with all output so far whenever there is more. */
function start(args: readonly string[], onOutput: (out: string, child: ChildProcess) => void = () => {}): Launched {
  const child = spawn(process.execPath, [PROGRAM, 'launch', ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
    onOutput(out, child);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, out, err }));
  });
  return { child, ended };
}

test('launch: a bad guest ends with its reason and exit code 1', { skip }, async () => {
  const disk = imageFile(folder, 65536);
  const args = [`--block=${disk}`, '--net', 'loopback', '16', BAD_GUEST, 'next-far'];
  const { code, err } = await start(args).ended;
  assert.equal(code, 1);
  assert.match(err, /Desc next is 65535/);
});

test('launch: two processes in a pair: 1,000 pings, none lost', { skip }, async () => {
  const link = `--net=pair:launch-test-${process.pid}`;
  const echo = start([link, '16', 'net-echo', '--address', '10.0.0.2']);
  try {
    const { code, out } = await start([link, '16', 'net-echo', '--address', '10.0.0.1', 'ping', '10.0.0.2', '1000'])
      .ended;
    assert.match(out, /\n1000 pings sent, 1000 answered, 0 lost\n/);
    assert.equal(code, 0);
  } finally {
    echo.child.kill('SIGTERM');
    await echo.ended;
  }
});

test('launch: a process that is killed while it writes leaves all that a flush acknowledged', { skip }, async () => {
  const disk = imageFile(folder, 2 ** 30);
  const flushed = /flushed up to (\d+)\n/g;
  const writer = start([`--block=${disk}`, '16', 'disk-check', '--flush', '262144', 'write'], (out, child) => {
    if ([...out.matchAll(flushed)].length >= 20) child.kill('SIGKILL');
  });
  const { code, out } = await writer.ended;
  assert.equal(code, null);
  const last = [...out.matchAll(flushed)].at(-1)?.[1];
  assert.ok(Number(last) >= 20 * 262_144, out);
  const reader = await start([`--block=${disk}`, '16', 'disk-check', '--size', last!, 'verify']).ended;
  assert.equal(reader.code, 0, reader.err);
  assert.match(reader.out, /verified \d+ bytes, .*\ndisk-check passed\n$/);
});
