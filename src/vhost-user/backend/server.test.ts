/** The server over real sockets at a path: who may listen, who is served when, and that nothing is left. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { closeDescriptor } from '../../native/descriptors.ts';
import { addEventfd } from '../../native/eventfd.ts';
import { whyUnavailable } from '../../native/libc.ts';
import { leavingNoneOpen, openDescriptors } from '../../native/test-leaks.ts';
import { acceptUnix, connectUnix, listenUnix, sendBytes } from '../../native/unix-socket.ts';
import type { Message } from '../messages/channel.ts';
import { ProtocolError } from '../messages/errors.ts';
import { encode } from '../messages/message.ts';
import { SocketChannel } from '../messages/socket-channel.ts';
import { LocalDevice } from '../queues/local-device.ts';
import { type ServerEvent, VhostUserServer, type VhostUserServerOptions } from './server.ts';
import { EchoDevice } from './test-echo-device.ts';
import { file, TestFrontend, TestGuest, until } from './test-frontend.ts';

const skip = whyUnavailable() ?? false;

const FEATURES = (1n << 32n) | (1n << 30n);
const REPLY_ACK = 1n << 3n;

interface Bench {
  readonly path: string;
  readonly server: VhostUserServer;
  readonly device: EchoDevice;
  readonly events: ServerEvent[];
}

function withServer(options: Partial<VhostUserServerOptions>, body: (bench: Bench) => Promise<void>): Promise<void> {
  return leavingNoneOpen(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vringbench-server-'));
    const path = join(folder, 'socket');
    const device = new EchoDevice();
    const events: ServerEvent[] = [];
    const server = new VhostUserServer({
      path,
      device: new LocalDevice(device),
      report: (event) => events.push(event),
      retryMs: 5,
      ...options,
    });
    try {
      await body({ path, server, device, events });
    } finally {
      await server.close();
      assert.equal(device.closed, true);
      rmSync(folder, { recursive: true });
    }
  });
}

function frameOf({ request, flags, payload }: Message): Uint8Array {
  const frame = new Uint8Array(12 + payload.length);
  const view = new DataView(frame.buffer);
  for (const [i, word] of [request, flags, payload.length].entries()) view.setUint32(4 * i, word, true);
  frame.set(payload, 12);
  return frame;
}

/** A frontend from its connection to an answered request and its end. */
async function useOnce(socket: number): Promise<void> {
  const frontend = new TestFrontend(new SocketChannel(socket));
  const guest = new TestGuest();
  try {
    await frontend.negotiate(FEATURES, REPLY_ACK);
    await frontend.setMemory(guest);
    await frontend.setUp(guest, 0);
    await guest.exchange(0, 0, 0xabcdef, () => addEventfd(guest.ring(0).kick));
  } finally {
    frontend.channel.close();
    guest.close();
  }
}

test('server: frontends one after the other, counted', { skip }, () =>
  withServer({}, async ({ path, server, events }) => {
    server.open();
    for (let i = 0; i < 3; i++) await useOnce(connectUnix(path));
    await until(() => events.filter(({ kind }) => kind === 'disconnected').length === 3, 'three ends');
    const [stats] = server.stats;
    assert.deepEqual([stats!.requests, stats!.starts, stats!.bytes], [3, 3, 12]);
    assert.ok(stats!.kicks >= 3 && stats!.calls >= 3);
    assert.equal(server.sessions, 3);
    await server.close();
    assert.equal(existsSync(path), false);
  }),
);

test('server: a second frontend waits until the first is gone', { skip }, () =>
  withServer({}, async ({ path, server }) => {
    server.open();
    const first = new TestFrontend(new SocketChannel(connectUnix(path)));
    assert.notEqual(await first.value({ request: 'GET_FEATURES' }), 0n);
    const second = useOnce(connectUnix(path));
    assert.notEqual(await first.value({ request: 'GET_FEATURES' }), 0n);
    assert.equal(server.sessions, 1);
    first.channel.close();
    await second;
    assert.equal(server.sessions, 2);
  }),
);

/** What a connection does that keeps the server without beginning a session. */
const IDLE: readonly (readonly [what: string, keep: (socket: number) => void])[] = [
  ['says nothing', () => {}],
  ['sends half a header', (socket) => sendBytes(socket, Uint8Array.of(1, 0, 0, 0, 1), 0, 5, [])],
  ['asks for features', (socket) => sendBytes(socket, frameOf(encode({ request: 'GET_FEATURES' })), 0, 12, [])],
];
for (const [what, keep] of IDLE)
  test(`server: a connection that ${what} gives way to the next, and not before one waits`, { skip }, () =>
    withServer({ handshakeTimeoutMs: 20 }, async ({ path, server, events }) => {
      server.open();
      const socket = connectUnix(path);
      keep(socket);
      await until(() => server.sessions === 1, 'the first connection');
      // Far beyond its time: nobody waits.
      await delay(100);
      assert.deepEqual(
        events.map(({ kind }) => kind),
        ['connected'],
      );
      await useOnce(connectUnix(path));
      const [, waiting, gone] = events;
      assert.equal(waiting?.kind, 'waiting');
      assert.ok(gone?.kind === 'disconnected' && gone.error instanceof ProtocolError);
      assert.deepEqual([gone.error.code, gone.error.request, gone.error.value], ['timed-out', 'SET_OWNER', 20]);
      closeDescriptor(socket);
    }),
  );

test('server: a frontend that owns its session may be silent while another waits', { skip }, () =>
  withServer({ handshakeTimeoutMs: 20 }, async ({ path, server, events }) => {
    server.open();
    const first = new TestFrontend(new SocketChannel(connectUnix(path)));
    await first.tell({ request: 'SET_OWNER' });
    assert.notEqual(await first.value({ request: 'GET_FEATURES' }), 0n);
    const second = useOnce(connectUnix(path));
    await until(() => events.at(-1)?.kind === 'waiting', 'the second connection to be seen');
    await delay(100);
    assert.notEqual(await first.value({ request: 'GET_FEATURES' }), 0n);
    first.channel.close();
    await second;
    assert.equal(events.filter(({ kind }) => kind === 'waiting').length, 1, 'told once');
  }),
);

test('server: a socket that nobody serves is replaced, one that is served and a file are not', { skip }, () =>
  withServer({}, async ({ path, server }) => {
    closeDescriptor(listenUnix(path));
    server.open();
    await useOnce(connectUnix(path));
    const refused = new VhostUserServer({ path, device: new LocalDevice(new EchoDevice()) });
    assert.throws(() => refused.open(), { code: 'EADDRINUSE' });
    await refused.close();
    await useOnce(connectUnix(path));
    writeFileSync(`${path}.file`, 'kept');
    const overFile = new VhostUserServer({ path: `${path}.file`, device: new LocalDevice(new EchoDevice()) });
    assert.throws(() => overFile.open(), { code: 'EADDRINUSE' });
    await overFile.close();
    assert.equal(readFileSync(`${path}.file`, 'utf8'), 'kept');
  }),
);

test('server: connects to a frontend that listens, now or later, and again', { skip }, () =>
  withServer({ connects: true }, async ({ path, server }) => {
    server.open();
    const listener = listenUnix(path);
    for (let i = 0; i < 2; i++) {
      let socket = -1;
      await until(() => {
        socket = acceptUnix(listener);
        return socket >= 0;
      }, 'a connection');
      await useOnce(socket);
    }
    closeDescriptor(listener);
  }),
);

test('server: closed while a frontend is served', { skip }, () =>
  withServer({}, async ({ path, server, events }) => {
    server.open();
    const frontend = new TestFrontend(new SocketChannel(connectUnix(path)));
    const guest = new TestGuest();
    await frontend.negotiate(FEATURES, REPLY_ACK);
    await frontend.setMemory(guest);
    await frontend.setUp(guest, 0);
    await server.close();
    assert.equal(await frontend.channel.receive(), null);
    assert.deepEqual(events.at(-1), { kind: 'disconnected', error: null });
    frontend.channel.close();
    guest.close();
  }),
);

const mappings = () =>
  readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.includes('memfd:')).length;

test('server: 500 quick connections leave nothing, whatever they break off', { skip }, () =>
  withServer({}, async ({ path, server, events }) => {
    server.open();
    await useOnce(connectUnix(path));
    await until(() => events.at(-1)?.kind === 'disconnected', 'the end of the first');
    const descriptors = openDescriptors();
    const mapped = mappings();
    const guest = new TestGuest();
    const table = encode({ request: 'SET_MEM_TABLE', regions: [guest.region], handles: [file(guest.memory)] });
    const frame = frameOf(table);
    for (let i = 0; i < 500; i++) {
      const socket = connectUnix(path);
      // From nothing at all over half a header, half a payload with its descriptor, to a whole message and garbage.
      const length = [0, 5, 12, 20, frame.length][i % 5]!;
      if (length > 0) sendBytes(socket, frame, 0, length, length >= 12 ? [guest.memory] : []);
      if (i % 7 === 0) sendBytes(socket, new Uint8Array(64).fill(0xff), 0, 64, [guest.memory, guest.memory]);
      if (i % 10 === 9) {
        closeDescriptor(socket);
        await useOnce(connectUnix(path));
      } else closeDescriptor(socket);
    }
    await useOnce(connectUnix(path));
    guest.close();
    await until(() => events.filter(({ kind }) => kind === 'disconnected').length === 552, 'all ends');
    assert.equal(openDescriptors(), descriptors);
    assert.equal(mappings(), mapped);
  }),
);
