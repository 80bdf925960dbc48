/** The command against a backend that dies at a message of the handshake: at each, on the first connection and later. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { BlockDevice } from '../../src/devices/block.ts';
import { ArrayDisk } from '../../src/devices/test-disk.ts';
import { whyUnavailable } from '../../src/native/libc.ts';
import { VhostUserServer } from '../../src/vhost-user/backend/server.ts';
import { until } from '../../src/vhost-user/backend/test-frontend.ts';
import type { Channel, Message } from '../../src/vhost-user/messages/channel.ts';
import { nameOf } from '../../src/vhost-user/messages/message.ts';
import { LocalDevice } from '../../src/vhost-user/queues/local-device.ts';
import { main } from '../cli.ts';

const skip = whyUnavailable() ?? false;
/** By the message of this name for this queue the backend is gone. */
type Death = [message: string, queue: number | null];

/** VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD as a bit. */
const INFLIGHT_SHMFD = 1n << 12n;

const IN_GENERAL = [
  'GET_FEATURES',
  'SET_OWNER',
  'GET_PROTOCOL_FEATURES',
  'SET_PROTOCOL_FEATURES',
  'GET_QUEUE_NUM',
  'GET_MAX_MEM_SLOTS',
  'SET_FEATURES',
  'ADD_MEM_REG',
  'GET_CONFIG',
  'SET_BACKEND_REQ_FD',
  'GET_INFLIGHT_FD',
  'SET_INFLIGHT_FD',
];
const OF_A_QUEUE = [
  'SET_VRING_NUM',
  'SET_VRING_BASE',
  'SET_VRING_ADDR',
  'SET_VRING_ERR',
  'SET_VRING_CALL',
  'SET_VRING_KICK',
  'SET_VRING_ENABLE',
];
const deaths: Death[] = [
  ...IN_GENERAL.map((message): Death => [message, null]),
  ...[0, 1].flatMap((queue) => OF_A_QUEUE.map((message): Death => [message, queue])),
];

interface Mortal {
  readonly socket: string;
  /** Deaths that came. */
  died(): number;
  /** Requests done so far. */
  served(): number;
  /** Connections so far. */
  connections(): number;
  /** Ends the present connection. */
  hangUp(): void;
}

/** A server whose connections, by their number, end at a message. */
async function withMortal(
  at: ReadonlyMap<number, Death>,
  keepsInflight: boolean,
  body: (mortal: Mortal) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'vringbench-mortal-'));
  const socket = join(folder, 's');
  let died = 0;
  let present: Channel | null = null;
  const processMessage = (message: Message, channel: Channel): boolean => {
    present = channel;
    const death = at.get(server.sessions);
    if (death === undefined || nameOf(message.request, 'frontend') !== death[0]) return false;
    if (death[1] !== null && message.payload[0] !== death[1]) return false;
    died++;
    channel.release(message.handles);
    channel.close();
    return true;
  };
  /** Without the memory of requests in flight a ring begins anew. */
  const offerProtocolFeatures = (features: bigint) => (keepsInflight ? features : features & ~INFLIGHT_SHMFD);
  const device = new LocalDevice(new BlockDevice({ disk: new ArrayDisk({ sectors: 128 }), queues: 2 }));
  const server = new VhostUserServer({ path: socket, device, hooks: { processMessage, offerProtocolFeatures } });
  server.open();
  try {
    await body({
      socket,
      died: () => died,
      served: () => server.stats.reduce((sum, { requests }) => sum + requests, 0),
      connections: () => server.sessions,
      hangUp: () => present?.close(),
    });
  } finally {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function drive(socket: string, args: readonly string[], signal?: AbortSignal) {
  const err: string[] = [];
  const console = { out: () => {}, err: (line: string) => err.push(line) };
  const all = ['drive', 'blk', '--socket', socket, '--out', 'none', '--queues', '2', ...args];
  const code = await main(all, console, signal === undefined ? {} : { signal: () => signal });
  return { code, err };
}

suite('drive: a backend that dies in a handshake', { concurrency: 4, skip }, () => {
  for (const keepsInflight of [true, false])
    for (const death of deaths) {
      const [message, queue] = death;
      if (!keepsInflight && message.endsWith('INFLIGHT_FD')) continue;
      const where = `${message}${queue === null ? '' : ` of queue ${queue}`}${keepsInflight ? '' : ', nothing kept'}`;
      test(`at ${where}, once and twice in the beginning: the next one is waited for`, async () => {
        for (const connections of [[1], [1, 2]]) {
          const at = new Map(connections.map((connection) => [connection, death]));
          await withMortal(at, keepsInflight, async ({ socket, died }) => {
            const { code, err } = await drive(socket, ['--requests', '500', '--job', 'read', '--reconnect']);
            assert.deepEqual([code, err], [0, []]);
            assert.equal(died(), connections.length);
          });
        }
      });

      // It is asked for once.
      if (message === 'GET_INFLIGHT_FD') continue;
      test(`at ${where}, on a later connection: the next one is waited for`, () =>
        withMortal(new Map([[2, death]]), keepsInflight, async ({ socket, died, served, connections, hangUp }) => {
          const interruption = new AbortController();
          const running = drive(socket, ['--seconds', '3600', '--warmup', '0', '--reconnect'], interruption.signal);
          await until(() => served() > 0, 'requests of the first connection');
          hangUp();
          await until(() => connections() === 3, 'a third connection');
          const before = served();
          await until(() => served() > before + 100, 'requests of the third connection');
          interruption.abort();
          const { code, err } = await running;
          assert.deepEqual([code, err], [130, []]);
          assert.equal(died(), 1);
        }));
    }

  test('without --reconnect it is one failure', async () => {
    for (const death of deaths)
      await withMortal(new Map([[1, death]]), true, async ({ socket, died }) => {
        const { code, err } = await drive(socket, ['--requests', '500']);
        assert.deepEqual([code, err.length, died()], [1, 1, 1], `${death.join(' ')}: ${err.join('\n')}`);
      });
  });

  test('Ctrl-C while the next one is waited for ends the run', async () => {
    const interruption = new AbortController();
    const always = new Map(Array.from({ length: 10_000 }, (_, i): [number, Death] => [i + 1, ['SET_VRING_KICK', 0]]));
    await withMortal(always, true, async ({ socket, died }) => {
      const running = drive(socket, ['--requests', '500', '--timeout', '3600', '--reconnect'], interruption.signal);
      await until(() => died() > 3, 'some deaths');
      interruption.abort();
      assert.equal((await running).code, 130);
    });
  });
});
