/** The frontend against real backends in processes of their own: the storage daemon, where it is installed, and ours. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Device } from '../../devices/device.ts';
import { BlockDriver } from '../../drivers/block.ts';
import { BlockClient } from '../../drivers/block-client.ts';
import { BLOCK_CONFIG_SIZE } from '../../drivers/block-config.ts';
import { VIRTIO_BLK_F_BLK_SIZE, VIRTIO_BLK_F_FLUSH, VIRTIO_BLK_F_RO } from '../../formats/block.ts';
import { EMPTY } from '../../guest/queue.ts';
import { leavingNoneOpen } from '../../native/test-leaks.ts';
import { VhostUserServer } from '../backend/server.ts';
import { EchoDevice } from '../backend/test-echo-device.ts';
import type { Message } from '../messages/channel.ts';
import {
  VHOST_USER_GET_CONFIG,
  VHOST_USER_PROTOCOL_F_CONFIG,
  VHOST_USER_PROTOCOL_F_MQ,
  VHOST_USER_PROTOCOL_F_REPLY_ACK,
} from '../messages/protocol.ts';
import { LocalDevice } from '../queues/local-device.ts';
import { type Reconnection, RING_FEATURES, VhostUserDevice, type VhostUserDeviceOptions } from './frontend-device.ts';
import { type BackendKind, kinds, skips, TestBackend, type TestBackendOptions, withBackend } from './test-backends.ts';

const MIB = 2 ** 20;
/** Of a wait for what does not come. */
const WAIT_MS = 60_000;
const word = (...bits: number[]) => bits.reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n);
const FEATURES = RING_FEATURES | word(VIRTIO_BLK_F_FLUSH, VIRTIO_BLK_F_RO, VIRTIO_BLK_F_BLK_SIZE);

interface Driven {
  device: VhostUserDevice;
  clients: BlockClient[];
  drivers: BlockDriver[];
  ended: Promise<Error | null>;
}

/** Connects, puts a driver on each queue and starts; closes afterwards. `byHand`: the clients take nothing back. */
async function withDevice(
  backend: TestBackend,
  options: Partial<VhostUserDeviceOptions> & { depth?: number; slotBytes?: number; byHand?: boolean },
  body: (driven: Driven) => Promise<void>,
): Promise<void> {
  const { depth = 32, slotBytes = 65536, queues = 1, byHand = false, ...rest } = options;
  const device = await VhostUserDevice.connect({
    socketPath: backend.socket,
    features: FEATURES,
    queues,
    memoryBytes: queues * (BlockDriver.bytesFor(depth, slotBytes) + 4096),
    configBytes: BLOCK_CONFIG_SIZE,
    ...rest,
  });
  try {
    const { region } = device.memory;
    const drivers = device.queues.map(
      ({ queue }) =>
        new BlockDriver({
          queue,
          region,
          offset: device.memory.allocate(BlockDriver.bytesFor(depth, slotBytes), 4096),
          depth,
          slotBytes,
          features: device.features,
          config: device.config,
        }),
    );
    const clients = drivers.map((driver) => new BlockClient(driver));
    let tellEnd: (error: Error | null) => void = () => {};
    const ended = new Promise<Error | null>((resolve) => {
      tellEnd = resolve;
    });
    const serve = (index: number) => clients[index]!.serve();
    await device.start({ onCall: byHand ? () => {} : serve, onEnd: tellEnd });
    await body({ device, clients, drivers, ended });
  } finally {
    device.close();
  }
}

function against(
  what: string,
  options: Omit<TestBackendOptions, 'kind'>,
  body: (backend: TestBackend, kind: BackendKind) => Promise<void>,
): void {
  for (const kind of kinds)
    test(`frontend device, ${kind} backend: ${what}`, { skip: skips[kind] }, () =>
      leavingNoneOpen(() => withBackend({ ...options, kind }, (backend) => body(backend, kind))),
    );
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

for (const { how, mib = 4, given } of [
  { how: 'memory in slots', mib: 64, given: {} },
  {
    how: 'memory as a table',
    given: {
      protocolFeatures: word(VHOST_USER_PROTOCOL_F_MQ, VHOST_USER_PROTOCOL_F_REPLY_ACK, VHOST_USER_PROTOCOL_F_CONFIG),
    },
  },
  { how: 'nothing acknowledged', given: { protocolFeatures: word(VHOST_USER_PROTOCOL_F_CONFIG) } },
  { how: 'no event index, no indirect tables', given: { features: FEATURES & ~word(28, 29) } },
])
  against(`${mib} MiB are read whole over two queues; ${how}`, { sizeBytes: mib * MIB, queues: 2 }, async (backend) => {
    const queues = 'protocolFeatures' in given && (given.protocolFeatures & 1n) === 0n ? 1 : 2;
    await withDevice(backend, { ...given, queues }, async ({ device, clients, drivers }) => {
      assert.equal(drivers[0]!.disk.sizeBytes, mib * MIB);
      const all = new Uint8Array(mib * MIB);
      const pieces = Array.from({ length: all.length / 65536 }, (_, i) => i);
      await Promise.all(
        pieces.map((i) => clients[i % queues]!.read(i * 128, all.subarray(i * 65536, (i + 1) * 65536))),
      );
      assert.equal(sha256(all), sha256(backend.imageBytes()));
      const stopped = await device.stop();
      assert.equal(
        stopped.reduce((sum, base) => sum + base, 0),
        pieces.length,
        'the backend took every request, and no more',
      );
    });
  });

against('what is written and flushed is in the image', { sizeBytes: 4 * MIB }, (backend) =>
  withDevice(backend, {}, async ({ clients: [client] }) => {
    const bytes = Uint8Array.from({ length: 65536 }, (_, i) => i * 13);
    await client!.write(8, bytes);
    await client!.flush();
    assert.deepEqual(new Uint8Array(backend.imageBytes().subarray(4096, 4096 + 65536)), bytes);
    const back = new Uint8Array(65536);
    await client!.read(8, back);
    assert.deepEqual(back, bytes);
  }),
);

against('it has a name, and a request past its end is an error of its own', { sizeBytes: MIB }, (backend, kind) =>
  withDevice(backend, {}, async ({ clients: [client] }) => {
    const name = await client!.getId();
    if (kind === 'daemon') assert.equal(name, 'vhost_user_blk');
    await assert.rejects(client!.read(MIB / 512, new Uint8Array(512)), { code: 'io-error' });
    await client!.read(MIB / 512 - 1, new Uint8Array(512));
  }),
);

against('a read-only disk says so and refuses writes', { sizeBytes: MIB, writable: false }, (backend) =>
  withDevice(backend, {}, async ({ clients: [client], drivers: [driver] }) => {
    assert.equal(driver!.disk.readOnly, true);
    await assert.rejects(client!.write(0, new Uint8Array(512)), { name: 'BlockError' });
    assert.equal(await client!.read(0, new Uint8Array(512)), undefined);
  }),
);

against('128 requests in flight, many times over', { sizeBytes: MIB }, (backend) =>
  withDevice(backend, { depth: 128, slotBytes: 4096 }, async ({ clients: [client] }) => {
    const image = backend.imageBytes();
    const reads = Array.from({ length: 4096 }, async (_, i) => {
      const bytes = new Uint8Array(512);
      const sector = (i * 977) % (MIB / 512);
      await client!.read(sector, bytes);
      assert.ok(image.subarray(sector * 512, sector * 512 + 512).equals(bytes));
    });
    await Promise.all(reads);
  }),
);

against('a second frontend is served after the first one', { sizeBytes: MIB }, async (backend) => {
  for (let i = 0; i < 3; i++)
    await withDevice(backend, {}, async ({ clients: [client] }) => {
      await client!.read(0, new Uint8Array(512));
    });
});

against('more queues than it has are refused', { sizeBytes: MIB }, async (backend) => {
  await assert.rejects(
    withDevice(backend, { queues: 300, depth: 1, slotBytes: 512 }, async () => {}),
    { code: 'queue-out-of-range' },
  );
});

/** In flight when the backend dies, and done when it is back; what is acknowledged before stays so. */
const outcomes: Record<BackendKind, Reconnection> = { daemon: 'restarted', own: 'resumed' };
against('killed, it comes back, and what was in flight is done', { sizeBytes: MIB }, (backend, kind) =>
  withDevice(backend, { depth: 64, slotBytes: 4096, byHand: true }, async ({ device, drivers, ended }) => {
    const driver = drivers[0]!;
    const { region } = device.memory;
    let done = 0;
    const takeAll = () => {
      for (let slot = driver.take(); slot !== EMPTY; slot = driver.take()) {
        assert.equal(driver.status, 0);
        done++;
      }
    };
    const expected = backend.imageBytes();
    // The process does not run while it is killed: it cannot have done anything.
    await backend.kill();
    for (let slot = driver.acquire(); slot !== EMPTY; slot = driver.acquire()) {
      const data = region.u8.subarray(driver.dataOffset(slot), driver.dataOffset(slot) + 4096);
      data.fill(slot + 1);
      expected.set(data, slot * 4096);
      driver.write(slot, slot * 8, 4096);
    }
    driver.submit();
    assert.equal(driver.take(), EMPTY);
    assert.notEqual(await ended, null);
    assert.equal(device.isConnected, false);
    const back = device.reconnect(WAIT_MS);
    await backend.start();
    assert.equal(await back, outcomes[kind]);
    if (outcomes[kind] === 'restarted') {
      assert.equal(driver.resume(device.queues[0]!.queue), 64);
      driver.submit();
    }
    const deadline = performance.now() + WAIT_MS;
    while (done < 64) {
      assert.ok(performance.now() < deadline, `${done} of 64 done`);
      takeAll();
      await new Promise(setImmediate);
    }
    assert.equal(sha256(backend.imageBytes()), sha256(expected));
  }),
);

/** A device served by this thread, at a path of its own; `path` again for another one that follows it. */
async function withServer(
  device: Device,
  path: string,
  body: (server: VhostUserServer) => Promise<void>,
): Promise<void> {
  const server = new VhostUserServer({ path, device: new LocalDevice(device) });
  server.open();
  try {
    await body(server);
  } finally {
    await server.close();
  }
}

async function withPath(body: (path: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
  try {
    await leavingNoneOpen(() => body(join(folder, 's')));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const PLAIN = { features: RING_FEATURES | 3n, memoryBytes: 4096, configBytes: 8 };

test('frontend device: a configuration that changes is read again', { skip: skips.own }, () =>
  withPath((path) => {
    const echo = new EchoDevice();
    return withServer(echo, path, async (server) => {
      const device = await VhostUserDevice.connect({ ...PLAIN, socketPath: path });
      try {
        assert.deepEqual(device.config, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
        let onConfigChange: (config: Uint8Array) => void = () => {};
        const changed = new Promise<Uint8Array>((resolve) => {
          onConfigChange = resolve;
        });
        await device.start({ onCall() {}, onEnd() {}, onConfigChange });
        echo.config[7] = 99;
        server.notifyConfigChange();
        assert.deepEqual(await changed, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 99));
      } finally {
        device.close();
        device.close();
      }
    });
  }),
);

/** Turns of the event loop in which a change that was told is on its way. */
const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
};

test('frontend device: changes without end while no read is answered are one read more', { skip: skips.own }, () =>
  withPath(async (path) => {
    const changes = 200;
    const echo = new EchoDevice();
    let reads = 0;
    let answer: (() => void) | null = null;
    /** From the second on reads are held until the flood is over. */
    const processMessage = async ({ request }: Message): Promise<boolean> => {
      if (request === VHOST_USER_GET_CONFIG && ++reads === 2)
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
      return false;
    };
    const server = new VhostUserServer({ path, device: new LocalDevice(echo), hooks: { processMessage } });
    server.open();
    const device = await VhostUserDevice.connect({ ...PLAIN, socketPath: path });
    try {
      let last = 0;
      await device.start({ onCall() {}, onEnd() {}, onConfigChange: (config) => (last = config[7]!) });
      for (let i = 0; i < changes; i++) {
        server.notifyConfigChange();
        await turns(2);
      }
      const deadline = performance.now() + WAIT_MS;
      while (answer === null && performance.now() < deadline) await turns(1);
      echo.config[7] = 99;
      server.notifyConfigChange();
      (answer as (() => void) | null)!();
      while (last !== 99 && performance.now() < deadline) await turns(1);
      assert.equal(last, 99);
      // A request takes its turn behind all reads that were asked for.
      await device.stop();
      assert.ok(reads <= 4, `${reads} reads for ${changes} changes`);
    } finally {
      device.close();
      await server.close();
    }
  }),
);

const elsewhere = 'another device at the same path is not taken for the one that is gone';
test(`frontend device: ${elsewhere}`, { skip: skips.own }, () =>
  withPath(async (path) => {
    const connected: VhostUserDevice[] = [];
    try {
      let onEnd: (error: Error | null) => void = () => {};
      const ended = new Promise<Error | null>((resolve) => {
        onEnd = resolve;
      });
      await withServer(new EchoDevice({ features: 1n }), path, async () => {
        connected.push(await VhostUserDevice.connect({ ...PLAIN, socketPath: path }));
        await connected[0]!.start({ onCall() {}, onEnd });
      });
      assert.notEqual(await ended, null);
      await withServer(new EchoDevice({ features: 2n }), path, async () => {
        await assert.rejects(connected[0]!.reconnect(WAIT_MS), { code: 'feature-not-offered', value: 1n });
      });
    } finally {
      connected[0]?.close();
    }
    await assert.rejects(connected[0]!.reconnect(WAIT_MS), RangeError);
  }),
);

test('frontend device: nobody listens', { skip: skips.own }, () =>
  leavingNoneOpen(async () => {
    const backend = new TestBackend({ kind: 'own', sizeBytes: 512 });
    try {
      await assert.rejects(
        withDevice(backend, {}, async () => {}),
        { code: 'ENOENT' },
      );
    } finally {
      await backend.close();
    }
  }),
);

test('frontend device: a backend that does not come back is given up after a bounded time', { skip: skips.own }, () =>
  leavingNoneOpen(() =>
    withBackend({ kind: 'own', sizeBytes: 512 }, (backend) =>
      withDevice(backend, {}, async ({ device, ended }) => {
        await backend.kill();
        await ended;
        await assert.rejects(device.reconnect(60), { code: 'ECONNREFUSED' });
        await assert.rejects(device.reconnect(WAIT_MS, AbortSignal.timeout(30)), { name: 'AbortError' });
      }),
    ),
  ),
);
