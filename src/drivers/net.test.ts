/** The network driver against the network device, both on one thread, and against a device that lies. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NetDevice, type NetDeviceOptions } from '../devices/net.ts';
import { loopbackLink, type PacketLink } from '../devices/packet-link.ts';
import { randomFrom, TestQueue } from '../devices/test-queue.ts';
import { EMPTY } from '../guest/queue.ts';
import { MockDevice } from '../host/mock-device.ts';
import { Request } from '../host/queue.ts';
import { bindRing } from '../ordering/ring-fields.ts';
import { seqcst } from '../ordering/seqcst.ts';
import { RingError } from '../ring/errors.ts';
import { NET_FEATURES, NetDriver } from './net.ts';
import { NetConfigError, readNetConfig } from './net-config.ts';
import { Slots } from './slots.ts';
import { LyingQueue } from './test-lying-queue.ts';

const MTU = 1n << 3n;
const MAC = 1n << 5n;
const MRG_RXBUF = 1n << 15n;
const STATUS = 1n << 16n;
const ANY_LAYOUT = 1n << 27n;
const VERSION_1 = 1n << 32n;

const SLOT_BYTES = 1526;
const into = new Uint8Array(70000);

interface StageOptions {
  eventIdx?: boolean;
  features?: bigint;
  ringSize?: number;
  receiveSlots?: number;
  receiveSlotBytes?: number;
  transmitSlots?: number;
  transmitSlotBytes?: number;
  config?: Uint8Array;
}

/** Two rings and a driver on them. */
function stage(options: StageOptions = {}) {
  const { features = VERSION_1, ringSize = 16, receiveSlots = 8, transmitSlots = 8 } = options;
  const { receiveSlotBytes = SLOT_BYTES, transmitSlotBytes = SLOT_BYTES, config = new Uint8Array(0) } = options;
  const { eventIdx = true } = options;
  const rx = new TestQueue({ size: ringSize, eventIdx });
  const tx = new TestQueue({ size: ringSize, eventIdx });
  const end = ({ guest, data }: TestQueue, count: number, slotBytes: number) => ({
    queue: guest,
    slots: new Slots({ region: data, offset: 64, count, slotBytes }),
  });
  const receive = end(rx, receiveSlots, receiveSlotBytes);
  const transmit = end(tx, transmitSlots, transmitSlotBytes);
  return { rx, tx, receive, transmit, driver: new NetDriver({ receive, transmit, features, config }) };
}

/** The same with a device behind it. `pump` serves it until it has nothing to do. */
function connected(link: PacketLink, options: StageOptions = {}) {
  const all = stage(options);
  const device = new NetDevice({ link });
  device.acknowledge(options.features ?? VERSION_1);
  const services = [device.start(0, all.rx.target), device.start(1, all.tx.target)];
  const pump = () => {
    for (let before = -1, now = 0; before !== now; ) {
      before = now;
      for (const service of services) while (service.serve());
      now = services.reduce((sum, { requests }) => sum + requests, 0);
    }
  };
  return { ...all, device, services, pump };
}

const frameOf = (length: number, seed = 1) => Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 0xff);

for (const [what, features, headerBytes] of [
  ['legacy', 0n, 10],
  ['legacy, any layout', ANY_LAYOUT, 10],
  ['legacy, merged buffers', MRG_RXBUF, 12],
  ['version 1', VERSION_1, 12],
  ['version 1, merged buffers', VERSION_1 | MRG_RXBUF, 12],
] as const)
  test(`net driver: frames of every size come back from a loop, in order: ${what}`, () => {
    const { driver, pump, tx } = connected(loopbackLink(4), { features });
    assert.equal(driver.headerBytes, headerBytes);
    const lengths = [14, 15, 60, 255, 256, 257, 1513, driver.frameBytesMax];
    const elements = features === 0n || features === MRG_RXBUF ? 2 : 1;
    for (const [i, length] of lengths.entries()) assert.equal(driver.send(frameOf(length, i)), true);
    assert.equal(tx.guest.freeDescriptors, 16 - lengths.length * elements);
    driver.submit();
    const back: Uint8Array[] = [];
    // The link holds four: the others wait in the ring.
    pump();
    for (let length = driver.receive(into); length !== EMPTY; length = driver.receive(into)) {
      back.push(into.slice(0, length));
      pump();
    }
    assert.deepEqual(
      back,
      lengths.map((length, i) => frameOf(length, i)),
    );
    assert.deepEqual([driver.dropped, driver.reclaim(), driver.inFlight], [0, lengths.length, 0]);
  });

for (const [what, options] of [
  ['one receive buffer, one transmit slot', { receiveSlots: 1, transmitSlots: 1 }],
  ['scarce receive buffers', { receiveSlots: 2 }],
  ['scarce transmit slots', { transmitSlots: 2 }],
  ['full rings', { receiveSlots: 16, transmitSlots: 16 }],
  ['merged, buffers of 64 bytes', { features: VERSION_1 | MRG_RXBUF, receiveSlots: 64, receiveSlotBytes: 64 }],
  ['merged, as many buffers as one frame needs', { features: MRG_RXBUF, receiveSlots: 24, receiveSlotBytes: 64 }],
] as const satisfies readonly (readonly [string, StageOptions])[])
  test(`net driver: 5,000 random frames come back in order: ${what}`, () => {
    const random = randomFrom(5);
    const ringSize = 'receiveSlots' in options && options.receiveSlots > 16 ? 64 : 16;
    const { driver, pump, rx } = connected(loopbackLink(3), { ringSize, ...options });
    const total = 5000;
    const lengths = Array.from({ length: total }, () => 18 + random(1440));
    const frame = new Uint8Array(SLOT_BYTES);
    let sent = 0;
    let received = 0;
    while (received < total) {
      for (let burst = random(12); burst > 0 && sent < total; burst--) {
        const length = lengths[sent]!;
        frame.fill(sent & 0xff, 0, length);
        new DataView(frame.buffer).setUint32(14, sent);
        if (!driver.send(frame, length)) break;
        sent++;
      }
      driver.submit();
      if (random(2) === 0) pump();
      for (let burst = random(12); burst > 0; burst--) {
        const length = driver.receive(into);
        if (length === EMPTY) break;
        assert.equal(length, lengths[received]);
        assert.equal(new DataView(into.buffer).getUint32(14), received);
        assert.equal(into[length - 1], received & 0xff);
        received++;
      }
    }
    assert.equal(driver.receive(into), EMPTY);
    assert.equal(driver.dropped, 0);
    assert.equal(rx.guest.clampedLengths, 0);
    const { receiveSlots = 8 } = options as StageOptions;
    const elements = (options as StageOptions).features === MRG_RXBUF ? 2 : 1;
    assert.equal(
      rx.guest.freeDescriptors,
      ringSize - receiveSlots * elements,
      'every receive buffer is with the device',
    );
  });

test('net driver: headers of sent frames are zeros, whatever was in the slots', () => {
  const { rx, tx, transmit } = stage();
  tx.data.u8.fill(0xee);
  const other = new TestQueue({ size: 16 });
  const driver = new NetDriver({
    receive: { queue: other.guest, slots: new Slots({ region: rx.data, offset: 0, count: 1, slotBytes: SLOT_BYTES }) },
    ...{ transmit, features: VERSION_1, config: new Uint8Array(0) },
  });
  driver.send(frameOf(60));
  driver.submit();
  const request = new Request(tx.target.memory);
  assert.equal(tx.target.queue.next(request), true);
  const bytes = new Uint8Array(100);
  assert.equal(request.readable.pull(bytes, 0, 100), 72);
  assert.deepEqual(bytes.slice(0, 72), Uint8Array.of(...new Uint8Array(12), ...frameOf(60)));
});

test('net driver: no room is said, and room is told of', () => {
  const { driver, pump } = connected(loopbackLink(), { transmitSlots: 2, receiveSlots: 4 });
  const frame = frameOf(60);
  assert.deepEqual([driver.send(frame), driver.send(frame), driver.send(frame)], [true, true, false]);
  assert.equal(driver.inFlight, 2);
  driver.submit();
  assert.equal(driver.enableRoomCalls(), true);
  pump();
  assert.equal(driver.enableRoomCalls(), false);
  driver.disableRoomCalls();
  assert.equal(driver.send(frame), true);
  assert.equal(driver.inFlight, 1);
});

for (const eventIdx of [true, false])
  test(`net driver: calls for packets are asked for; for room they are off; event index ${eventIdx}`, () => {
    const { driver, pump, rx, tx } = connected(loopbackLink(), { eventIdx });
    const trip = () => {
      driver.send(frameOf(60));
      assert.equal(driver.submit(), true);
      pump();
    };
    driver.disableCalls();
    trip();
    // With EVENT_IDX the first completion calls whatever was asked for: the event stands at 0.
    const first = eventIdx ? 1 : 0;
    assert.deepEqual([rx.target.call.rings, tx.target.call.rings], [first, first]);
    trip();
    assert.deepEqual([rx.target.call.rings, tx.target.call.rings], [first, first]);
    assert.equal(driver.enableCalls(), false);
    assert.deepEqual([driver.receive(into), driver.receive(into), driver.receive(into)], [60, 60, EMPTY]);
    assert.equal(driver.enableCalls(), true);
    assert.equal(driver.callDue(), false);
    trip();
    assert.deepEqual([rx.target.call.rings, tx.target.call.rings], [first + 1, first]);
    assert.equal(driver.callDue(), true);
  });

test('net driver: buffers go back a quarter at a time, and the rest when no packet is left', () => {
  const { driver, rx } = stage();
  const posted = () => {
    let count = 0;
    const request = new Request(rx.target.memory);
    while (rx.target.queue.next(request)) count++;
    rx.target.queue.rewind(count);
    // Kicked for: nothing is left to kick for.
    assert.equal(rx.guest.kick(), false);
    return count;
  };
  assert.equal(posted(), 8);
  for (let i = 0; i < 8; i++) give(rx, packetOf(good));
  const counts = Array.from({ length: 9 }, () => {
    driver.receive(into);
    return posted();
  });
  assert.deepEqual(counts, [0, 2, 2, 4, 4, 6, 6, 8, 8]);
  give(rx, packetOf(good));
  assert.deepEqual([driver.receive(into), posted()], [100, 7]);
  assert.deepEqual([driver.receive(into), posted()], [EMPTY, 8]);
});

test('net driver: on other queues it goes on; what was on its way is lost', () => {
  const { driver } = stage({ transmitSlots: 4 });
  for (let i = 0; i < 3; i++) driver.send(frameOf(60, i));
  driver.submit();
  const [receive, transmit] = [new TestQueue({ size: 16 }).guest, new TestQueue({ size: 16 }).guest];
  driver.resume(receive, transmit);
  assert.equal(driver.inFlight, 0);
  assert.equal(receive.freeDescriptors, 8);
  for (let i = 0; i < 4; i++) assert.equal(driver.send(frameOf(60, i)), true);
  assert.equal(driver.send(frameOf(60)), false);
  assert.equal(transmit.freeDescriptors, 12);
});

/** Plays the device: writes `bytes` into the next receive buffer and says it were `used` of them. */
function give(rx: TestQueue, bytes: Uint8Array, used = bytes.length): void {
  const { queue, memory } = rx.target;
  const request = new Request(memory);
  assert.equal(queue.next(request), true);
  request.writable.push(bytes, 0, bytes.length);
  queue.completeDeferred(request, used);
  queue.publish();
}

/** A header that says `buffers`, and a frame. */
function packetOf(frame: Uint8Array, buffers = 1): Uint8Array {
  const bytes = new Uint8Array(12 + frame.length);
  bytes[10] = buffers & 0xff;
  bytes[11] = buffers >> 8;
  bytes.set(frame, 12);
  return bytes;
}

const good = frameOf(100, 9);
const hostile: readonly (readonly [string, bigint, (rx: TestQueue) => void, number])[] = [
  // what, features, what the device does, packets dropped
  ['nothing is written', VERSION_1, (rx) => give(rx, new Uint8Array(0)), 1],
  ['less than a header', VERSION_1, (rx) => give(rx, new Uint8Array(12), 11), 1],
  ['less than a header, which asks for more buffers', MRG_RXBUF, (rx) => give(rx, packetOf(good, 7), 11), 1],
  ['a header alone', VERSION_1, (rx) => give(rx, new Uint8Array(12)), 1],
  ['less than an Ethernet header', VERSION_1, (rx) => give(rx, packetOf(frameOf(13))), 1],
  ['a packet of 0 buffers', MRG_RXBUF, (rx) => give(rx, packetOf(good, 0)), 1],
  ['a packet of 2 buffers, of which one comes', MRG_RXBUF, (rx) => give(rx, packetOf(good, 2)), 1],
  ['a packet of 65,535 buffers', MRG_RXBUF, (rx) => give(rx, packetOf(good, 0xffff)), 1],
  [
    'a packet of more buffers than there are, all of them used',
    MRG_RXBUF,
    (rx) => {
      for (let i = 0; i < 8; i++) give(rx, packetOf(good, 9));
    },
    1,
  ],
];
for (const [what, features, lie, dropped] of hostile)
  test(`net driver: dropped and counted: ${what}; the next packet comes`, () => {
    const { driver, rx } = stage({ features });
    lie(rx);
    assert.equal(driver.receive(into), EMPTY);
    assert.equal(driver.dropped, dropped);
    assert.equal(rx.guest.freeDescriptors, features === MRG_RXBUF ? 0 : 8, 'every buffer is with the device again');
    give(rx, packetOf(good));
    assert.equal(driver.receive(into), good.length);
    assert.deepEqual(into.slice(0, good.length), good);
    assert.equal(driver.dropped, dropped);
  });

test('net driver: a packet too short for its header takes no buffers of the next ones', () => {
  const { driver, rx } = stage({ features: MRG_RXBUF, ringSize: 32 });
  give(rx, packetOf(good, 2), 11);
  give(rx, packetOf(good));
  assert.equal(driver.receive(into), good.length);
  assert.equal(driver.dropped, 1);
});

test('net driver: a used length larger than the buffer is cut to it', () => {
  const { driver, rx } = stage();
  give(rx, packetOf(good), 0xffffffff);
  assert.equal(driver.receive(into), SLOT_BYTES - 12);
  assert.deepEqual(into.slice(0, good.length), good);
  assert.equal(rx.guest.clampedLengths, 1);
});

test('net driver: a frame longer than what it is copied into is dropped, and nothing is written behind it', () => {
  const { driver, rx } = stage();
  const small = new Uint8Array(99).fill(0xee);
  give(rx, packetOf(good));
  assert.equal(driver.receive(small), EMPTY);
  assert.equal(driver.dropped, 1);
  assert.deepEqual(small, new Uint8Array(99).fill(0xee));
});

test('net driver: merged, a buffer that adds nothing is allowed', () => {
  const { driver, rx } = stage({ features: VERSION_1 | MRG_RXBUF });
  give(rx, packetOf(good, 3));
  give(rx, new Uint8Array(0));
  give(rx, frameOf(50, 2));
  assert.equal(driver.receive(into), 150);
  assert.deepEqual(into.slice(0, 150), Uint8Array.of(...good, ...frameOf(50, 2)));
});

for (const [what, usedLength] of [
  ['empty packets', 0],
  ['used lengths larger than the buffer, from a queue that does not cut them', SLOT_BYTES + 1],
] as const)
  test(`net driver: ${what} without end do not hold the thread`, () => {
    const { receive, transmit } = stage();
    const queue = new LyingQueue(usedLength);
    const driver = new NetDriver({
      receive: {
        queue,
        slots: new Slots({ region: receive.slots.region, offset: 0, count: 8, slotBytes: SLOT_BYTES }),
      },
      transmit: {
        ...transmit,
        slots: new Slots({ region: transmit.slots.region, offset: 0, count: 1, slotBytes: 64 }),
      },
      features: VERSION_1,
      config: new Uint8Array(0),
    });
    assert.equal(driver.receive(into), EMPTY);
    assert.equal(driver.dropped, 8);
    assert.equal(queue.asked, 8);
  });

/** The device's side of a ring, to break it. */
const breaker = ({ driver: { ring } }: TestQueue) => new MockDevice({ ring, shared: bindRing(seqcst, ring) });

test('net driver: a broken ring is thrown', () => {
  const { driver, tx, rx } = stage();
  breaker(rx).setUsedIdx(9);
  assert.throws(() => driver.receive(into), { code: 'used-index-jump' });
  assert.throws(() => driver.receive(into), RingError);
  breaker(tx).setUsedIdx(1);
  assert.throws(() => driver.reclaim(), { code: 'used-index-jump' });
  assert.throws(() => driver.send(good), RingError);
});

for (const [what, length] of [
  ['shorter than an Ethernet header', 13],
  ['longer than a slot', SLOT_BYTES - 11],
  ['longer than its bytes', 70001],
] as const)
  test(`net driver: refuses to send a frame ${what}`, () => {
    assert.throws(() => stage().driver.send(into, length), RangeError);
  });

for (const [what, options] of [
  ['receive slots shorter than a frame', { receiveSlotBytes: SLOT_BYTES - 1 }],
  ['receive slots shorter than a header and an Ethernet header', { receiveSlotBytes: 25, features: MRG_RXBUF }],
  ['transmit slots shorter than that', { transmitSlotBytes: 25 }],
  ['more receive slots than descriptors', { receiveSlots: 17 }],
  ['more slots than descriptors for their headers', { transmitSlots: 9, features: 0n }],
  [
    'receive slots shorter than the MTU',
    { features: MTU, config: new NetDevice({ link: loopbackLink(), mtu: 9000 }).config },
  ],
  ['no slots', { receiveSlots: 0 }],
  ['more slots than their region', { receiveSlots: 8, receiveSlotBytes: 2 ** 18 }],
] as const satisfies readonly (readonly [string, StageOptions])[])
  test(`net driver: refuses ${what}`, () => assert.throws(() => stage(options), RangeError));

const mac = Uint8Array.of(2, 0, 0, 0, 0, 7);
const configOf = (options: Omit<NetDeviceOptions, 'link'>) =>
  new NetDevice({ link: loopbackLink(), ...options }).config;
const down = (() => {
  const config = configOf({});
  config[6] = 0;
  return config;
})();
for (const [what, config, features, expected] of [
  ['all of it', configOf({ mac, mtu: 1400 }), MAC | MTU | STATUS, { mac, mtu: 1400, linkUp: true }],
  ['what was not negotiated is not read', configOf({ mac, mtu: 1400 }), 0n, { mac: null, mtu: null, linkUp: true }],
  ['link down', down, STATUS, { mac: null, mtu: null, linkUp: false }],
  ['it cannot be read', new Uint8Array(0), MAC | MTU | STATUS, { mac: null, mtu: null, linkUp: true }],
] as const)
  test(`net configuration: ${what}`, () => assert.deepEqual(readNetConfig(config, features), expected));

for (const [what, config, features, said] of [
  ['too short for a MAC address', new Uint8Array(5), MAC, /length 5/],
  ['too short for the status', new Uint8Array(7), STATUS, /length 7/],
  ['too short for the MTU', new Uint8Array(11), MTU, /length 11/],
  ['an MTU that none is', new Uint8Array(12).fill(67, 10, 11), MTU, /mtu 67/],
] as const)
  test(`net configuration: ${what}`, () =>
    assert.throws(
      () => readNetConfig(config, features),
      (error) => error instanceof NetConfigError && said.test(error.message),
    ));

test('net driver: a changed configuration is read again', () => {
  const { driver } = stage({ features: VERSION_1 | STATUS, config: configOf({}) });
  assert.equal(driver.net.linkUp, true);
  driver.reconfigure(down);
  assert.equal(driver.net.linkUp, false);
});

test('net driver: it understands what the device offers', () => {
  const { features } = new NetDevice({ link: loopbackLink(), mac, mtu: 1500 });
  assert.equal(features & ~NET_FEATURES, 0n);
});
