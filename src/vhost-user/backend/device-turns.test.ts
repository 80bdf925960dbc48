/**
 * Real devices in a session, at what a request of many turns meets: other queues and messages that want their turn, and
 * pauses in its middle. Real memory, eventfds and sockets; nothing is decided by time.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConsoleDevice } from '../../devices/console.ts';
import { EchoPort, StreamPort } from '../../devices/console-port.ts';
import type { Device } from '../../devices/device.ts';
import { NetDevice } from '../../devices/net.ts';
import { openDevice } from '../../devices/open-device.ts';
import { pairLinks } from '../../devices/packet-link.ts';
import { imageFile } from '../../devices/test-image.ts';
import { addEventfd } from '../../native/eventfd.ts';
import { whyUnavailable } from '../../native/libc.ts';
import { leavingNoneOpen } from '../../native/test-leaks.ts';
import { socketPair } from '../../native/unix-socket.ts';
import { VRING_DESC_F_WRITE } from '../../ring/constants.ts';
import { SocketChannel } from '../messages/socket-channel.ts';
import { LocalDevice } from '../queues/local-device.ts';
import type { ServedDevice } from '../queues/queue-runner.ts';
import { WorkerDevice } from '../queues/worker-device.ts';
import { BackendSession } from './backend-session.ts';
import { nativeSystem } from './native-system.ts';
import { offerEverywhere, SHARED, SMALL } from './test-flood.ts';
import { file, TestFrontend, TestGuest, until } from './test-frontend.ts';

const skip = whyUnavailable() ?? false;
const bit = (number: number) => 1n << BigInt(number);
const INDIRECT = bit(28);
const FEATURES = bit(32) | bit(30) | INDIRECT;
const REPLY_ACK = bit(3);
const RARP = bit(2);
const MTU = bit(4);
const RESET = bit(13);
const SLOTS = bit(15);
const PROTOCOL_FEATURES = REPLY_ACK | RESET | SLOTS;

/** A session of the device, negotiated and with its memory; its queues are not set up. */
function inSession(
  open: () => ServedDevice | Promise<ServedDevice>,
  body: (bench: { frontend: TestFrontend; guest: TestGuest; device: ServedDevice }) => Promise<void>,
  protocolFeatures = PROTOCOL_FEATURES,
): Promise<void> {
  return leavingNoneOpen(async () => {
    const device = await open();
    const [ours, theirs] = socketPair();
    const session = new BackendSession({ channel: new SocketChannel(ours), device, system: nativeSystem() });
    const ended = session.run();
    const frontend = new TestFrontend(new SocketChannel(theirs));
    const guest = new TestGuest(device.queueCount);
    try {
      await frontend.negotiate(FEATURES, protocolFeatures);
      await frontend.setMemory(guest);
      await body({ frontend, guest, device });
    } finally {
      frontend.channel.close();
      await ended;
      await device.close();
      guest.close();
    }
  });
}

for (const where of ['the session', 'one of its own'])
  test(`device turns: reads of 500 MiB on one queue, by all heads: another queue and the session go on, in the thread of ${where}`, {
    skip,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
    try {
      const block = { kind: 'block', image: imageFile(folder, 2 ** 30), queues: 2 } as const;
      const open = () =>
        where === 'the session' ? new LocalDevice(openDevice(block)) : WorkerDevice.open({ device: block, threads: 1 });
      await inSession(open, async ({ frontend, guest, device }) => {
        for (const index of [0, 1]) await frontend.setUp(guest, index);
        offerEverywhere(guest, 0, { first: 16, count: 1000, write: true, last: 1 });
        const { driver, kick } = guest.ring(1);
        const at = SMALL + 4096;
        driver.writeChain(0, [
          { offset: at, length: 16 },
          { offset: at + 1024, length: 512, flags: VRING_DESC_F_WRITE },
          { offset: at + 16, length: 1, flags: VRING_DESC_F_WRITE },
        ]);
        for (let round = 0; round < 5; round++) {
          driver.offer(0);
          addEventfd(kick);
          assert.deepEqual(await guest.nextUsed(1), { id: 0, length: 513 });
          assert.equal(await frontend.value({ request: 'GET_QUEUE_NUM' }), 2n);
        }
        assert.ok(device.runner(0).stats.requests < 16, 'the first queue is at it still');
        const stood = await frontend.stop(0);
        assert.ok(stood < 16, 'what is unfinished is in the ring again');
        assert.equal(guest.ring(0).driver.readUsed() === null, stood === 0);
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

test(
  'device turns: 500 MiB of output by all heads, which nothing holds back: the session goes on, and ends',
  { skip },
  () =>
    inSession(
      () => new LocalDevice(new ConsoleDevice({ port: new StreamPort(null, null) })),
      async ({ frontend, guest, device }) => {
        for (const index of [0, 1]) await frontend.setUp(guest, index);
        offerEverywhere(guest, 1, { count: 1000, write: false });
        for (let round = 0; round < 5; round++) {
          assert.equal(await frontend.value({ request: 'GET_QUEUE_NUM' }), 2n);
          await until(() => device.runner(1).stats.bytes > round * 65536, 'output');
        }
        assert.equal(await frontend.stop(1), 0);
      },
    ),
);

const SENT_BYTES = 100_000;

/** A console that gives back what it is sent; its queues are set up, and a request is half done. */
async function halfDone(frontend: TestFrontend, guest: TestGuest, device: ServedDevice): Promise<void> {
  for (const index of [0, 1]) await frontend.setUp(guest, index);
  for (let i = 0; i < SENT_BYTES; i++) guest.view.u8[SHARED + i] = (i * 7 + (i >> 8)) & 0xff;
  const { driver, kick } = guest.ring(1);
  driver.writeChain(0, [{ offset: SHARED, length: SENT_BYTES }]);
  driver.offer(0);
  addEventfd(kick);
  await until(() => device.runner(1).stats.bytes === 65536, 'as much as the port takes');
}

/** Reads what comes back until the request is done and so many bytes came. */
async function readBack(guest: TestGuest, totalBytes = SENT_BYTES): Promise<Uint8Array> {
  const { driver, kick } = guest.ring(0);
  const got: number[] = [];
  let isDone = false;
  while (!isDone || got.length < totalBytes) {
    driver.writeChain(0, [{ offset: SMALL, length: 4096, flags: VRING_DESC_F_WRITE }]);
    driver.offer(0);
    addEventfd(kick);
    const { length } = await guest.nextUsed(0);
    got.push(...guest.view.u8.subarray(SMALL, SMALL + length));
    isDone ||= guest.ring(1).driver.readUsed() !== null;
  }
  return Uint8Array.from(got);
}

const pauses: [what: string, pause: (frontend: TestFrontend, guest: TestGuest, other: TestGuest) => Promise<void>][] = [
  [
    'ADD_MEM_REG',
    async (frontend, _guest, other) => {
      const region = { ...other.region, userAddress: 0x7e0000000000n };
      assert.equal(await frontend.value({ request: 'ADD_MEM_REG', region, handles: [file(other.memory)] }), 0n);
    },
  ],
  ['the same memory told again', (frontend, guest) => frontend.setMemory(guest)],
  [
    'GET_VRING_BASE and SET_VRING_BASE',
    async (frontend, guest) => {
      assert.equal(await frontend.stop(1), 0);
      await frontend.setUp(guest, 1, 0);
    },
  ],
  [
    'SET_VRING_ENABLE 0 and 1, three times',
    async (frontend) => {
      for (let i = 0; i < 3; i++)
        for (const num of [0, 1])
          assert.equal(await frontend.value({ request: 'SET_VRING_ENABLE', index: 1, num }), 0n);
    },
  ],
];
for (const [what, pause] of pauses)
  for (const where of ['the session', 'one of its own'])
    test(`device turns: a console's request goes on where it was after ${what}, in the thread of ${where}`, {
      skip,
    }, () => {
      const open = () =>
        where === 'the session'
          ? new LocalDevice(new ConsoleDevice({ port: new EchoPort() }))
          : WorkerDevice.open({ device: { kind: 'console', port: { kind: 'echo' } }, threads: 1 });
      return inSession(open, async ({ frontend, guest, device }) => {
        const other = new TestGuest(0, 0x4000000);
        try {
          await halfDone(frontend, guest, device);
          await pause(frontend, guest, other);
          const got = await readBack(guest);
          assert.equal(got.length, SENT_BYTES);
          assert.equal(Buffer.compare(got, guest.view.u8.subarray(SHARED, SHARED + SENT_BYTES)), 0);
        } finally {
          other.close();
        }
      });
    });

test('device turns: after RESET_DEVICE the same request is a new one', { skip }, () =>
  inSession(
    () => new LocalDevice(new ConsoleDevice({ port: new EchoPort(65536) })),
    async ({ frontend, guest, device }) => {
      await halfDone(frontend, guest, device);
      assert.equal(await frontend.value({ request: 'RESET_DEVICE' }), 0n);
      for (const index of [0, 1]) await frontend.setUp(guest, index);
      // What the life before sent is on its way back, and then all of the new request.
      const got = await readBack(guest, 65536 + SENT_BYTES);
      assert.equal(got.length, 65536 + SENT_BYTES);
      assert.equal(Buffer.compare(got.subarray(65536), guest.view.u8.subarray(SHARED, SHARED + SENT_BYTES)), 0);
    },
  ),
);

test('device turns: RARP sends a frame, and an MTU is taken as far as the device goes', { skip }, () => {
  const [link, peer] = pairLinks();
  const device: Device = new NetDevice({ link, mtu: 1400 });
  return inSession(
    () => new LocalDevice(device),
    async ({ frontend }) => {
      assert.equal((await frontend.value({ request: 'GET_PROTOCOL_FEATURES' })) & (RARP | MTU), RARP | MTU);
      const frame = new Uint8Array(70000);
      assert.equal(await frontend.value({ request: 'SEND_RARP', value: 0x563412005452n }), 0n);
      assert.equal(peer.receive(frame), 60);
      assert.deepEqual([...frame.subarray(6, 14)], [0x52, 0x54, 0, 0x12, 0x34, 0x56, 0x80, 0x35]);
      assert.equal(await frontend.value({ request: 'NET_SET_MTU', value: 1400n }), 0n);
      assert.notEqual(await frontend.value({ request: 'NET_SET_MTU', value: 1401n }), 0n);
    },
    PROTOCOL_FEATURES | RARP | MTU,
  );
});
