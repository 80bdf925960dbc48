/** Our network driver and our network device over a real socket, both on this thread's event loop. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openDevice } from '../../devices/open-device.ts';
import type { NetDriver } from '../../drivers/net.ts';
import { EMPTY } from '../../guest/queue.ts';
import { whyUnavailable } from '../../native/libc.ts';
import { leavingNoneOpen } from '../../native/test-leaks.ts';
import { threadWatcher } from '../../native/watcher.ts';
import { VhostUserServer } from '../backend/server.ts';
import { VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD, VHOST_USER_PROTOCOL_F_MQ } from '../messages/protocol.ts';
import { LocalDevice } from '../queues/local-device.ts';
import { FRONTEND_PROTOCOL_FEATURES } from './frontend-device.ts';
import { connectNet, type NetConnectionOptions, tripPackets } from './test-packets.ts';

const skip = whyUnavailable() ?? false;
const WAIT_MS = 60_000;
const bits = (...numbers: number[]) => numbers.reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n);
const [MTU, MAC, MRG_RXBUF, STATUS, INDIRECT, EVENT_IDX, VERSION_1] = [3, 5, 15, 16, 28, 29, 32];

const mac = Uint8Array.of(2, 0, 0, 0, 0, 9);

/** A server whose device sends back what it gets. */
function loop(path: string): VhostUserServer {
  const device = openDevice({ kind: 'net', link: { kind: 'loopback' }, mac, mtu: 1500 });
  const server = new VhostUserServer({ path, device: new LocalDevice(device) });
  server.open();
  return server;
}

/** Runs `body` with the path of a socket, and leaves nothing behind. */
async function withFolder(body: (path: string) => Promise<void>): Promise<void> {
  // The thread's own descriptors stay from here on.
  threadWatcher();
  const folder = mkdtempSync(join(tmpdir(), 'vringbench-net-'));
  try {
    await leavingNoneOpen(() => body(join(folder, 's')));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const cases: readonly {
  what: string;
  packets: number;
  window: number;
  options?: Omit<NetConnectionOptions, 'socketPath'>;
}[] = [
  { what: 'everything negotiated', packets: 100_000, window: 200 },
  { what: 'one at a time', packets: 2000, window: 1 },
  { what: 'more than there are buffers', packets: 20_000, window: 10_000, options: { slots: 16 } },
  { what: 'no merged buffers', packets: 20_000, window: 200, options: { features: bits(VERSION_1, EVENT_IDX) } },
  { what: 'no event index', packets: 20_000, window: 200, options: { features: bits(VERSION_1, MRG_RXBUF) } },
  { what: 'legacy', packets: 20_000, window: 100, options: { features: 0n, slots: 128 } },
  {
    what: 'legacy, headers in indirect tables',
    packets: 20_000,
    window: 100,
    options: { features: bits(INDIRECT, EVENT_IDX), slots: 128 },
  },
  { what: 'twelve merged buffers a packet', packets: 20_000, window: 16, options: { receiveSlotBytes: 128 } },
  { what: 'without counting queues', packets: 20_000, window: 200, options: { protocolFeatures: 0n } },
];
for (const { what, packets, window, options } of cases)
  test(`${packets} packets to our device and back, in order: ${what}`, { skip }, () =>
    withFolder(async (socketPath) => {
      const server = loop(socketPath);
      try {
        const { bases } = await tripPackets({ socketPath, ...options }, packets, window);
        assert.equal(bases[1], packets & 0xffff, 'the device took every frame, and no more');
        const [receive, transmit] = server.stats;
        assert.deepEqual([receive!.failures, transmit!.failures, transmit!.requests], [0, 0, packets]);
      } finally {
        await server.close();
      }
    }),
  );

test('the driver reads what our device says of itself', { skip }, () =>
  withFolder(async (socketPath) => {
    const server = loop(socketPath);
    try {
      const features = bits(MAC, MTU, STATUS, VERSION_1);
      const { device, driver } = await connectNet({ socketPath, features });
      assert.deepEqual(driver.net, { mac, mtu: 1500, linkUp: true });
      device.close();
      // One that cannot be read says nothing.
      const silent = await connectNet({ socketPath, features, protocolFeatures: bits(VHOST_USER_PROTOCOL_F_MQ) });
      assert.deepEqual(silent.driver.net, { mac: null, mtu: null, linkUp: true });
      silent.device.close();
    } finally {
      await server.close();
    }
  }),
);

/** Waits until so many frames came back. */
async function receiveFrames(driver: NetDriver, count: number): Promise<void> {
  const into = new Uint8Array(2048);
  const deadline = performance.now() + WAIT_MS;
  for (let received = 0; received < count; await delay(1)) {
    while (driver.receive(into) !== EMPTY) received++;
    assert.ok(performance.now() < deadline, `${received} frames came back of ${count}`);
  }
}

for (const [how, protocolFeatures] of [
  ['resumed', FRONTEND_PROTOCOL_FEATURES],
  ['restarted', FRONTEND_PROTOCOL_FEATURES & ~bits(VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD)],
] as const)
  test(`packets after a reconnection that found the queues ${how}`, { skip }, () =>
    withFolder(async (socketPath) => {
      let server = loop(socketPath);
      try {
        const connection = await connectNet({ socketPath, protocolFeatures });
        const { device, driver, trips } = connection;
        try {
          for (let round = 0; round < 3; round++) {
            await trips.run(1000, 100);
            if (round === 2) break;
            await server.close();
            await connection.ended();
            // Two frames that nobody takes yet.
            for (let i = 0; i < 2; i++) assert.equal(driver.send(new Uint8Array(60)), true);
            driver.submit();
            server = loop(socketPath);
            assert.equal(await device.reconnect(WAIT_MS), how);
            if (how === 'restarted') driver.resume(device.queues[0]!.queue, device.queues[1]!.queue);
            else await receiveFrames(driver, 2);
          }
        } finally {
          device.close();
        }
      } finally {
        await server.close();
      }
    }),
  );
