import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { QemuMonitor, shutdownReason } from './qemu-monitor.ts';

const folder = mkdtempSync(join(tmpdir(), 'qemu-monitor-'));
after(() => rmSync(folder, { recursive: true }));

const SHUTDOWN = '{"timestamp": {}, "event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-reset"}}';

const lines: [string, string | null][] = [
  [SHUTDOWN, 'guest-reset'],
  ['{"event": "RESET", "data": {"reason": "guest-reset"}}', null],
  ['{"event": "SHUTDOWN"}', null],
  ['{"event": "SHUTDOWN", "data": {"reason": 7}}', null],
  ['{"return": {}}', null],
  ['null', null],
  ['{"event": "SHUT', null],
  ['', null],
];
for (const [line, reason] of lines)
  test(`QEMU's monitor: '${line}' says ${reason}`, () => {
    assert.equal(shutdownReason(line), reason);
  });

test("QEMU's monitor: asks for events, and keeps the first reason, also of lines that come at the very end", async () => {
  const path = join(folder, 'a.sock');
  const monitor = await QemuMonitor.open(path);
  const socket = connect(path);
  const asked = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString())));
  assert.equal(asked, '{"execute":"qmp_capabilities"}\n');
  socket.end(`{"return": {}}\n${SHUTDOWN}\n${SHUTDOWN.replace('reset', 'shutdown')}\n`);
  assert.equal(await monitor.lastWord(), 'guest-reset');
  monitor.close();
});

test("QEMU's monitor: nobody came, nothing was said", async () => {
  const monitor = await QemuMonitor.open(join(folder, 'b.sock'));
  assert.equal(await monitor.lastWord(), null);
  monitor.close();
});
