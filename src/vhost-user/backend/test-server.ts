/**
 * For tests: a server at a real socket, single hostile connections to it, and what must hold after each: it says why
 * the connection ended, a good frontend is served next, and no descriptor and no mapping is left.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addEventfd } from '../../native/eventfd.ts';
import { leavingNoneOpen, noneLeftOpen, openDescriptors } from '../../native/test-leaks.ts';
import { connectUnix } from '../../native/unix-socket.ts';
import { SocketChannel } from '../messages/socket-channel.ts';
import { LocalDevice } from '../queues/local-device.ts';
import { type ServerEvent, VhostUserServer, type VhostUserServerOptions } from './server.ts';
import { EchoDevice } from './test-echo-device.ts';
import { TestFrontend, TestGuest, until } from './test-frontend.ts';

const VERSION_1 = 1n << 32n;
const PROTOCOL_FEATURES = 1n << 30n;
const REPLY_ACK = 1n << 3n;

/** Files that are mapped, by name. What is closed but not collected yet is anonymous, and no file. */
export function mappedFiles(): string[] {
  return readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => /memfd:|deleted|\/tmp\//.test(line))
    .map((line) => line.slice(line.lastIndexOf(' ') + 1))
    .sort();
}

export interface ServedSocket {
  readonly path: string;
  readonly server: VhostUserServer;
  readonly device: EchoDevice;
  /** Of all connections so far. */
  readonly events: ServerEvent[];
  /** A connection to it. */
  connect(): number;
  /** Waits for the end of all connections so far; what ended the last one. */
  ended(): Promise<Error | null>;
}

/** A server of an echo device with two queues. */
export function withServedSocket(
  body: (served: ServedSocket) => Promise<void>,
  options: Partial<VhostUserServerOptions> = {},
): Promise<void> {
  return leavingNoneOpen(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vringbench-hostile-'));
    const path = join(folder, 'socket');
    const device = new EchoDevice({ queueCount: 2 });
    const events: ServerEvent[] = [];
    const server = new VhostUserServer({
      path,
      device: new LocalDevice(device),
      report: (event) => events.push(event),
      ...options,
    });
    let connections = 0;
    const connect = () => {
      connections++;
      return connectUnix(path);
    };
    const ended = async () => {
      const ends = () => events.filter((event) => event.kind === 'disconnected');
      await until(() => ends().length === connections, 'the end of the connection');
      return ends().at(-1)?.error ?? null;
    };
    server.open();
    try {
      await body({ path, server, device, events, connect, ended });
    } finally {
      await server.close();
      rmSync(folder, { recursive: true });
    }
  });
}

/** A frontend that keeps every rule, from its connection to an answered request on each queue and its end. */
export async function serveGoodFrontend({ connect, ended }: ServedSocket): Promise<void> {
  const frontend = new TestFrontend(new SocketChannel(connect()));
  const guest = new TestGuest(2);
  try {
    await frontend.negotiate(VERSION_1 | PROTOCOL_FEATURES, REPLY_ACK);
    await frontend.setMemory(guest);
    for (const index of [0, 1]) {
      await frontend.setUp(guest, index);
      await guest.exchange(index, 0, 0xabcdef + index, () => addEventfd(guest.ring(index).kick));
    }
  } finally {
    frontend.channel.close();
    guest.close();
  }
  assert.equal(await ended(), null);
}

/** A hostile connection, and then a good one; afterwards as many descriptors and mappings as before. */
export async function surviving(served: ServedSocket, hostile: () => Promise<void>): Promise<void> {
  const descriptors = openDescriptors();
  const mapped = mappedFiles();
  await hostile();
  await serveGoodFrontend(served);
  await noneLeftOpen(descriptors);
  assert.deepEqual(mappedFiles(), mapped, 'mappings left');
}
