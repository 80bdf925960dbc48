/** The launcher's devices at their sockets, as QEMU would find them. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { whyUnavailable } from '../../native/libc.ts';
import { connectUnix } from '../../native/unix-socket.ts';
import { LINES_MAX } from '../../vhost-user/backend/event-log.ts';
import { TestFrontend } from '../../vhost-user/backend/test-frontend.ts';
import { VHOST_USER_PROTOCOL_F_CONFIG } from '../../vhost-user/messages/protocol.ts';
import { SocketChannel } from '../../vhost-user/messages/socket-channel.ts';
import { QemuDevices } from './qemu-devices.ts';

const skip = whyUnavailable() ?? false;

/** A network device at a socket, and the lines of `--verbose` about its connections when it is closed. */
async function linesOf(body: (path: string) => Promise<void>): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
  const lines: string[] = [];
  try {
    const devices = await QemuDevices.open({
      devices: [{ kind: 'net', link: { kind: 'loopback' }, mac: Uint8Array.of(2, 0, 0, 0, 0, 1) }],
      folder,
      warn: (line) => lines.push(line),
      tell: (line) => lines.push(line),
    });
    try {
      await body(join(folder, '0.sock'));
    } finally {
      await devices.close();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return lines.filter((line) => line.startsWith('net: '));
}

/** The protocol features that a connection is offered. */
async function protocolFeatures(path: string): Promise<bigint> {
  const frontend = new TestFrontend(new SocketChannel(connectUnix(path)));
  try {
    return await frontend.value({ request: 'GET_PROTOCOL_FEATURES' });
  } finally {
    frontend.channel.close();
  }
}

test('qemu devices: a network device offers no configuration space: QEMU makes one itself', { skip }, async () => {
  const lines = await linesOf(async (path) => {
    const offered = await protocolFeatures(path);
    assert.equal((offered >> BigInt(VHOST_USER_PROTOCOL_F_CONFIG)) & 1n, 0n);
  });
  assert.deepEqual(lines, ['net: connected', 'net: disconnected']);
});

test('qemu devices: connections without end are counted, not told one by one', { skip }, async () => {
  const lines = await linesOf(async (path) => {
    for (let i = 0; i < 2 * LINES_MAX; i++) await protocolFeatures(path);
  });
  assert.equal(lines.length, LINES_MAX + 2, lines.join('\n'));
  assert.match(lines.at(-1)!, /^net: counted: \d+ × connected, \d+ × disconnected/);
});
