/** A backend over a real socket, with real memory and eventfds, against a frontend made of single messages. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { closeDescriptor } from '../../native/descriptors.ts';
import { addEventfd, closeEventfd, openEventfd, takeEventfd } from '../../native/eventfd.ts';
import { whyUnavailable } from '../../native/libc.ts';
import { mapFile } from '../../native/mapping.ts';
import { openMemfd } from '../../native/memfd.ts';
import { leavingNoneOpen } from '../../native/test-leaks.ts';
import { socketPair } from '../../native/unix-socket.ts';
import { VRING_DESC_F_WRITE } from '../../ring/constants.ts';
import { decode } from '../messages/message.ts';
import { SocketChannel } from '../messages/socket-channel.ts';
import { InflightArea } from '../queues/inflight.ts';
import { LocalDevice } from '../queues/local-device.ts';
import type { SessionEvent, SessionHooks } from './backend-options.ts';
import { BackendSession } from './backend-session.ts';
import { nativeSystem } from './native-system.ts';
import { postcopyOpener } from './postcopy.ts';
import { EchoDevice, type EchoOptions } from './test-echo-device.ts';
import { file, TestFrontend, TestGuest, until } from './test-frontend.ts';

const skip = whyUnavailable() ?? false;

const bit = (number: number) => 1n << BigInt(number);
const VERSION_1 = bit(32);
const PROTOCOL = bit(30);
const LOG_ALL = bit(26);
const FEATURES = VERSION_1 | PROTOCOL;
const REPLY_ACK = bit(3);
const BACKEND_REQ = bit(5);
const PAGEFAULT = bit(8);
const INFLIGHT = bit(12);
const INBAND = bit(14);
const SLOTS = bit(15);

interface Bench {
  readonly device: EchoDevice;
  readonly frontend: TestFrontend;
  readonly guest: TestGuest;
  readonly events: SessionEvent[];
  /** Ends when the session has. */
  readonly ended: Promise<void>;
}

/** A session and its frontend; afterwards nothing is left open. */
function withBackend(
  options: EchoOptions & { hooks?: SessionHooks },
  body: (bench: Bench) => Promise<void>,
): Promise<void> {
  return leavingNoneOpen(async () => {
    const [ours, theirs] = socketPair();
    const device = new EchoDevice(options);
    const events: SessionEvent[] = [];
    const session = new BackendSession({
      channel: new SocketChannel(ours),
      device: new LocalDevice(device),
      system: nativeSystem({ postcopy: true }),
      hooks: options.hooks ?? {},
      report: (event) => events.push(event),
    });
    const ended = session.run();
    ended.catch(() => {});
    const frontend = new TestFrontend(new SocketChannel(theirs));
    const guest = new TestGuest(device.queueCount);
    try {
      await body({ device, frontend, guest, events, ended });
    } finally {
      frontend.channel.close();
      await ended.catch(() => {});
      guest.close();
    }
  });
}

test('backend: a request is served, the queue stopped, and served again', { skip }, () =>
  withBackend({}, async ({ frontend, guest, events, ended }) => {
    await frontend.negotiate(FEATURES, REPLY_ACK);
    await frontend.setMemory(guest);
    await frontend.setUp(guest, 0);
    const kick = () => addEventfd(guest.ring(0).kick);
    await guest.exchange(0, 0, 0x11111111, kick);
    await guest.called(0);
    await guest.exchange(0, 4, 0x22222222, kick);
    assert.equal(await frontend.stop(0), 2);
    guest.offer(0, 0, 0x33333333);
    await frontend.setUp(guest, 0, 2);
    assert.deepEqual(await guest.nextUsed(0), { id: 0, length: 4 });
    assert.equal(await frontend.stop(0), 3);
    assert.deepEqual(events, []);
    frontend.channel.close();
    await ended;
  }),
);

/** A session that is negotiated, with its memory and its queues set up. */
function serving(
  options: EchoOptions & { hooks?: SessionHooks; protocolFeatures?: bigint },
  body: (bench: Bench) => Promise<void>,
): Promise<void> {
  return withBackend(options, async (bench) => {
    const { frontend, guest, device } = bench;
    await frontend.negotiate(FEATURES, REPLY_ACK | (options.protocolFeatures ?? 0n));
    await frontend.setMemory(guest);
    for (let index = 0; index < device.queueCount; index++) await frontend.setUp(guest, index);
    await body(bench);
  });
}

const kicking =
  (guest: TestGuest, index = 0) =>
  () =>
    addEventfd(guest.ring(index).kick);

test(
  'backend: a ring that breaks is told by its err eventfd; the other queue goes on, and so does it, set up anew',
  { skip },
  () =>
    serving({ queueCount: 2 }, async ({ frontend, guest, events }) => {
      await guest.exchange(0, 0, 1, kicking(guest, 0));
      guest.ring(0).driver.putHead(999);
      guest.ring(0).driver.publish();
      addEventfd(guest.ring(0).kick);
      await until(() => takeEventfd(guest.ring(0).err), 'the err eventfd');
      await guest.exchange(1, 0, 2, kicking(guest, 1));
      assert.deepEqual(
        events.map((event) => (event.kind === 'queue-broken' ? event.index : event.kind)),
        [0],
      );
      await frontend.stop(0);
      const { driver } = guest.ring(0);
      driver.availIdx = driver.lastUsedIdx;
      driver.publish();
      await frontend.setUp(guest, 0, driver.availIdx);
      await guest.exchange(0, 3, 4, kicking(guest, 0));
      assert.equal(events.length, 1);
    }),
);

test('backend: a device that fails takes its queue out of service, no more', { skip }, () =>
  serving({}, async ({ frontend, device, guest, events }) => {
    device.throws = new Error('a fault of the device');
    guest.offer(0, 0, 1);
    addEventfd(guest.ring(0).kick);
    await until(() => takeEventfd(guest.ring(0).err), 'the err eventfd');
    assert.equal(events.length, 1);
    assert.equal(await frontend.value({ request: 'GET_QUEUE_NUM' }), 1n);
  }),
);

test('backend: memory changes under a queue that runs', { skip }, () =>
  serving({ protocolFeatures: SLOTS }, async ({ frontend, guest }) => {
    await guest.exchange(0, 0, 1, kicking(guest));
    // The same again, as QEMU tells it when memory is plugged in elsewhere.
    await frontend.setMemory(guest);
    await guest.exchange(0, 2, 2, kicking(guest));
    const other = new TestGuest(0, 0x4000000);
    try {
      const region = { ...other.region, userAddress: 0x7e0000000000n };
      const handles = [file(other.memory)];
      assert.equal(await frontend.value({ request: 'ADD_MEM_REG', region, handles }), 0n);
      other.view.u32[0] = 0x5a5a;
      const { driver } = guest.ring(0);
      driver.writeChain(4, [
        { address: other.view.addressOf(0), length: 4 },
        { address: other.view.addressOf(64), length: 4, flags: VRING_DESC_F_WRITE },
      ]);
      driver.offer(4);
      addEventfd(guest.ring(0).kick);
      assert.deepEqual(await guest.nextUsed(0), { id: 4, length: 4 });
      assert.equal(other.view.u32[16], 0x5a5a);
      assert.equal(await frontend.value({ request: 'REM_MEM_REG', region }), 0n);
      await guest.exchange(0, 6, 3, kicking(guest));
    } finally {
      other.close();
    }
  }),
);

test('backend: another call eventfd is rung once at once, and from then on alone', { skip }, () =>
  serving({}, async ({ frontend, guest }) => {
    const { call } = guest.ring(0);
    await guest.exchange(0, 0, 1, kicking(guest));
    await guest.called(0);
    const other = openEventfd();
    try {
      const request = { request: 'SET_VRING_CALL', index: 0, noDescriptor: false, handles: [file(other)] } as const;
      assert.equal(await frontend.value(request), 0n);
      assert.equal(takeEventfd(other), true);
      await guest.exchange(0, 2, 2, kicking(guest));
      await until(() => takeEventfd(other), 'a call by the new eventfd');
      assert.equal(takeEventfd(call), false);
    } finally {
      closeEventfd(other);
    }
  }),
);

test('backend: a queue without kicks is looked at', { skip }, () =>
  serving({}, async ({ frontend, guest }) => {
    await frontend.tell({ request: 'SET_VRING_KICK', index: 0, noDescriptor: true });
    for (let i = 0; i < 3; i++) await guest.exchange(0, 2 * i, i + 1, () => {});
  }),
);

test('backend: kicks and calls by message', { skip }, () =>
  withBackend({}, async ({ frontend, guest }) => {
    const [ours, theirs] = socketPair();
    const calls = new SocketChannel(ours);
    try {
      await frontend.negotiate(FEATURES, REPLY_ACK | BACKEND_REQ | INBAND);
      await frontend.tell({ request: 'SET_BACKEND_REQ_FD', handles: [file(theirs)] });
      await frontend.setMemory(guest);
      await frontend.setUp(guest, 0);
      await frontend.tell({ request: 'SET_VRING_KICK', index: 0, noDescriptor: true });
      await frontend.tell({ request: 'SET_VRING_CALL', index: 0, noDescriptor: true });
      const kick = () => void frontend.tell({ request: 'VRING_KICK', index: 0, num: 0 });
      for (let i = 0; i < 3; i++) {
        await guest.exchange(0, 2 * i, i + 1, kick);
        const message = await calls.receive();
        const { request, index } = decode(message!, 'backend') as { request: string; index?: number };
        assert.deepEqual([request, index], ['BACKEND_VRING_CALL', 0]);
      }
    } finally {
      closeDescriptor(theirs);
      calls.close();
    }
  }),
);

test('backend: written pages are noted while a migration runs, and only then', { skip }, () =>
  serving({ protocolFeatures: bit(1) }, async ({ frontend, guest }) => {
    const logFile = openMemfd('test log', 4096);
    const logMapping = mapFile(logFile, { offsetBytes: 0, sizeBytes: 4096 });
    const logCall = openEventfd();
    const bits = new Uint8Array(logMapping.buffer);
    const isNoted = (address: number) => (bits[address >>> 15]! & (1 << ((address >>> 12) & 7))) !== 0;
    const { size: _, addresses } = guest.ring(0);
    const usedAddress = Number(addresses.used - guest.region.userAddress + guest.region.guestAddress);
    try {
      const area = { sizeBytes: 4096n, offsetBytes: 0n, handles: [file(logFile)] };
      assert.equal(await frontend.value({ request: 'SET_LOG_BASE', ...area }), 0n);
      await frontend.tell({ request: 'SET_LOG_FD', handles: [file(logCall)] });
      await guest.exchange(0, 0, 1, kicking(guest));
      assert.ok(bits.every((byte) => byte === 0));

      const log = BigInt(usedAddress);
      assert.equal(await frontend.value({ request: 'SET_FEATURES', value: FEATURES | LOG_ALL }), 0n);
      assert.equal(await frontend.value({ request: 'SET_VRING_ADDR', index: 0, flags: 1, ...addresses, log }), 0n);
      await guest.exchange(0, 2, 2, kicking(guest));
      assert.ok(isNoted(guest.answerAddress(0, 2)), 'the answer');
      assert.ok(isNoted(usedAddress), 'the used ring');
      assert.equal(isNoted(guest.answerAddress(0, 2) + 4096), false, 'what nobody wrote');
      await until(() => takeEventfd(logCall), 'the log’s call');

      assert.equal(await frontend.value({ request: 'SET_FEATURES', value: FEATURES }), 0n);
      bits.fill(0);
      await guest.exchange(0, 4, 3, kicking(guest));
      assert.ok(
        bits.every((byte) => byte === 0),
        'the migration is over',
      );
    } finally {
      logMapping.close();
      closeDescriptor(logFile);
      closeEventfd(logCall);
    }
  }),
);

test('backend: a frontend that goes away gets what was in flight finished', { skip }, () =>
  withBackend({}, async ({ frontend, guest, device, ended }) => {
    await frontend.negotiate(FEATURES, REPLY_ACK);
    await frontend.setMemory(guest);
    await frontend.setUp(guest, 0);
    device.holds = true;
    guest.offer(0, 0, 7);
    addEventfd(guest.ring(0).kick);
    await until(() => device.heldCount === 1, 'the device to hold it');
    assert.equal(guest.ring(0).driver.readUsed(), null);
    frontend.channel.close();
    await ended;
    assert.deepEqual(guest.ring(0).driver.readUsed(), { id: 0, length: 4 });
    assert.equal(guest.answerOf(0, 0), 7);
  }),
);

test('backend: what a predecessor left in flight is served before anything new', { skip }, () =>
  withBackend({}, async ({ frontend, guest }) => {
    await frontend.negotiate(FEATURES, REPLY_ACK | INFLIGHT);
    const shape = { queues: 1, queueSize: guest.ring(0).size };
    const reply = await frontend.ask({ request: 'GET_INFLIGHT_FD', sizeBytes: 0n, offsetBytes: 0n, ...shape });
    const [area] = reply.handles;
    assert.ok(area?.kind === 'descriptor');
    const mapping = mapFile(area.descriptor, { offsetBytes: 0, sizeBytes: Number(reply.sizeBytes) });
    try {
      // Three were taken in the order 4, 0, 2; the one in the middle was finished.
      for (const head of [4, 0, 2]) guest.offer(0, head, head + 100);
      const before = new InflightArea(new Uint8Array(mapping.buffer), guest.ring(0).size, 'test');
      before.recover(0);
      for (const head of [4, 0, 2]) before.take(head);
      before.link(0);
      guest.view.u16[guest.ring(0).driver.ring.usedIdx >>> 1] = 1;
      guest.ring(0).driver.lastUsedIdx = 1;
      guest.offer(0, 6, 106);

      await frontend.setMemory(guest);
      const { sizeBytes, offsetBytes, handles } = reply;
      const handBack = { request: 'SET_INFLIGHT_FD', sizeBytes, offsetBytes, ...shape, handles } as const;
      assert.equal(await frontend.value(handBack), 0n);
      await frontend.setUp(guest, 0, 1);
      for (const head of [4, 2, 6]) assert.deepEqual(await guest.nextUsed(0), { id: head, length: 4 });
      assert.equal(guest.answerOf(0, 2), 102);
      assert.equal(await frontend.stop(0), 4);
    } finally {
      mapping.close();
      frontend.channel.release([area]);
    }
  }),
);

/** Descriptors of the wrong kind where the backend needs another: refused, nothing hangs, nothing is left. */
for (const what of ['kick', 'memory'] as const)
  test(`backend: a file or a socket as ${what}`, { skip }, () =>
    withBackend({}, async ({ frontend, guest }) => {
      const [one, other] = socketPair();
      try {
        await frontend.negotiate(FEATURES, REPLY_ACK);
        if (what === 'memory') {
          const request = { request: 'SET_MEM_TABLE', regions: [guest.region], handles: [file(one)] } as const;
          assert.equal(await frontend.value(request), 1n);
        }
        await frontend.setMemory(guest);
        await frontend.setUp(guest, 0);
        if (what === 'kick') {
          const request = { request: 'SET_VRING_KICK', index: 0, noDescriptor: false } as const;
          assert.equal(await frontend.value({ ...request, handles: [file(guest.memory)] }), 1n);
          await frontend.stop(0);
          assert.equal(await frontend.value({ ...request, handles: [file(one)] }), 0n);
          // A socket that has ended is readable for ever.
          closeDescriptor(other);
          await until(() => takeEventfd(guest.ring(0).err), 'the err eventfd');
          await frontend.stop(0);
          await frontend.setUp(guest, 0);
        }
        await guest.exchange(0, 0, 1, kicking(guest));
      } finally {
        closeDescriptor(one);
        if (what === 'memory') closeDescriptor(other);
      }
    }),
  );

/** Serves the faults of a userfaultfd for ever: every missing page is full of 0x77. */
const PAGE_SERVER = `
  import { workerData } from 'node:worker_threads';
  const { takeFault, copyPages } = await import(${JSON.stringify(new URL('../../native/userfaultfd.js', import.meta.url).href)});
  const page = new Uint8Array(4096).fill(0x77);
  const asleep = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    const address = takeFault(workerData);
    if (address < 0) Atomics.wait(asleep, 0, 0, 1);
    else copyPages(workerData, address - (address % 4096), page);
  }
`;

const noPostcopy = skip === false && postcopyOpener() === null ? 'needs the right to userfaultfd' : skip;

test('backend: pages that are still on their way are waited for', { skip: noPostcopy, timeout: 60_000 }, () =>
  withBackend({}, async ({ frontend, guest }) => {
    await frontend.negotiate(FEATURES, REPLY_ACK | PAGEFAULT);
    const [uffd] = (await frontend.ask({ request: 'POSTCOPY_ADVISE' })).handles;
    assert.ok(uffd?.kind === 'descriptor');
    assert.equal(await frontend.value({ request: 'POSTCOPY_LISTEN' }), 0n);
    const table = { request: 'SET_MEM_TABLE', regions: [guest.region], handles: [file(guest.memory)] } as const;
    const { regions } = await frontend.ask(table);
    assert.equal(regions.length, 1);
    assert.equal(regions[0]!.userAddress % 4096n, 0n);
    await frontend.channel.send({ request: 5, flags: 1, payload: new Uint8Array(8), handles: [] });
    assert.deepEqual((await frontend.channel.receive())!.payload, new Uint8Array(8));

    const pages = new Worker(new URL(`data:text/javascript,${encodeURIComponent(PAGE_SERVER)}`), {
      workerData: uffd.descriptor,
    });
    try {
      await frontend.setUp(guest, 0);
      const { driver } = guest.ring(0);
      const [missing, answer] = [0x80000, 0x90000];
      driver.writeChain(0, [
        { offset: missing + 4, length: 4 },
        { offset: answer, length: 4, flags: VRING_DESC_F_WRITE },
      ]);
      driver.offer(0);
      addEventfd(guest.ring(0).kick);
      assert.deepEqual(await guest.nextUsed(0), { id: 0, length: 4 });
      assert.equal(guest.view.u32[answer / 4], 0x77777777);
      assert.equal(await frontend.value({ request: 'POSTCOPY_END' }), 0n);
      await guest.exchange(0, 2, 9, kicking(guest));
    } finally {
      await pages.terminate();
      frontend.channel.release([uffd]);
    }
  }),
);
