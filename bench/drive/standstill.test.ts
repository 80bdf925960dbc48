/** A process that is stopped while it drives: by real signals, once the disk has seen its requests. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BlockDevice } from '../../src/devices/block.ts';
import { ArrayDisk } from '../../src/devices/test-disk.ts';
import { VhostUserServer } from '../../src/vhost-user/backend/server.ts';
import { skips } from '../../src/vhost-user/frontend/test-backends.ts';
import { LocalDevice } from '../../src/vhost-user/queues/local-device.ts';
import { driveRecordSchema } from '../records/drive-record.ts';

const PROGRAM = fileURLToPath(new URL('../main.js', import.meta.url));
const STOPPED_MS = 1500;
/** The window is under way. */
const REQUESTS = 1000;

for (const stopped of [true, false])
  test(`drive: a process that ${stopped ? 'was' : 'was not'} stopped in its window`, { skip: skips.own }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
    const socket = join(folder, 's');
    const disk = new ArrayDisk({ sectors: 128 });
    const server = new VhostUserServer({ path: socket, device: new LocalDevice(new BlockDevice({ disk })) });
    server.open();
    try {
      const args = ['drive', 'blk', '--socket', socket, '--seconds', '1', '--warmup', '0', '--json', '--out', 'none'];
      const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
      let out = '';
      let err = '';
      child.stdout.on('data', (data) => {
        out += data;
      });
      child.stderr.on('data', (data) => {
        err += data;
      });
      const closed = once(child, 'close');
      while (stopped && disk.moved.length < REQUESTS && child.exitCode === null) await sleep(5);
      if (stopped) {
        child.kill('SIGSTOP');
        await sleep(STOPPED_MS);
        child.kill('SIGCONT');
      }
      assert.deepEqual(await closed, [0, null], err);
      const { stoodStillNs } = driveRecordSchema.parse(JSON.parse(out)).repetitions[0]!;
      if (stopped) {
        assert.ok(stoodStillNs! > 0.5e9, `${stoodStillNs} ns`);
        assert.match(err, /^warning: the run stood still for [\d.]+ s in its window, stopped from outside: /m);
      } else {
        assert.equal(stoodStillNs, 0);
        assert.doesNotMatch(err, /warning/);
      }
    } finally {
      await server.close();
      rmSync(folder, { recursive: true });
    }
  });
