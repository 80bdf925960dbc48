/** Claims on an image: of our own, and of QEMU's programs where they are installed. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { lockImage } from './file-lock.ts';
import { whyUnavailable } from './libc.ts';
import { leavingNoneOpen } from './test-leaks.ts';

const skip = whyUnavailable() ?? false;
const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));
const image = join(folder, 'disk.img');
writeFileSync(image, new Uint8Array(65536));

const WRITES = { readOnly: false };
const READS = { readOnly: true };

for (const [what, first, second, refused] of [
  ['two writers', WRITES, WRITES, /^another program has it open for writing$/],
  ['a reader beside a writer', WRITES, READS, /^another program has it open for writing$/],
  ['a writer beside a reader', READS, WRITES, /^another program has it open, and lets nobody else write it$/],
  ['two readers', READS, READS, null],
] as const)
  test(`image lock: ${what}`, { skip }, () =>
    leavingNoneOpen(() => {
      const held = lockImage(image, first);
      if (refused === null) lockImage(image, second).close();
      else assert.throws(() => lockImage(image, second), { message: refused });
      held.close();
      lockImage(image, second).close();
    }),
  );

test('image lock: an image that is not there', { skip }, () =>
  assert.throws(() => lockImage(join(folder, 'none'), READS), { code: 'ENOENT' }),
);

const DAEMON = 'qemu-storage-daemon';
const noDaemon = spawnSync(DAEMON, ['--version']).status === 0 ? skip : `${DAEMON} is not installed`;

/** It serves the image in a process of its own; ended: what it said on standard error. */
function daemon(writable: boolean) {
  const socket = join(folder, 'daemon.sock');
  const mode = writable ? 'on' : 'off';
  const child = spawn(DAEMON, [
    '--blockdev',
    `driver=file,node-name=f0,filename=${image},read-only=${writable ? 'off' : 'on'}`,
    '--export',
    `type=vhost-user-blk,id=e0,node-name=f0,addr.type=unix,addr.path=${socket},writable=${mode}`,
  ]);
  let said = '';
  child.stderr.on('data', (data) => {
    said += data;
  });
  let running = true;
  const ended = new Promise<string>((resolve) =>
    child.on('close', () => {
      running = false;
      resolve(said);
    }),
  );
  return {
    ended,
    /** True once it listens; false if it has ended instead. */
    async serves(): Promise<boolean> {
      while (running && !existsSync(socket)) await delay(10);
      return running;
    },
    async end(): Promise<void> {
      child.kill('SIGTERM');
      await ended;
      rmSync(socket, { force: true });
    },
  };
}

for (const [what, ours, writable, goes] of [
  ['a writer and its writer', WRITES, true, false],
  ['a reader and its writer', READS, true, false],
  ['a reader and its reader', READS, false, true],
] as const) {
  test(`image lock: ${what}, ours first`, { skip: noDaemon, timeout: 60_000 }, async () => {
    const held = lockImage(image, ours);
    const theirs = daemon(writable);
    const serves = await theirs.serves();
    await theirs.end();
    held.close();
    assert.equal(serves, goes);
    if (!goes) assert.match(await theirs.ended, /Failed to get .*lock/);
  });

  test(`image lock: ${what}, theirs first`, { skip: noDaemon, timeout: 60_000 }, async () => {
    const theirs = daemon(writable);
    try {
      assert.equal(await theirs.serves(), true);
      if (goes) lockImage(image, ours).close();
      else assert.throws(() => lockImage(image, ours), /another program has it open/);
    } finally {
      await theirs.end();
    }
  });
}
