import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EMPTY } from '../guest/queue.ts';
import { ScatterList } from '../guest/scatter-list.ts';
import { NetDevice } from './net.ts';
import { loopbackLink, pairLinks } from './packet-link.ts';
import { systemFailure } from './test-disk.ts';
import { randomFrom, started, TestQueue, type TestQueueOptions } from './test-queue.ts';

const MRG_RXBUF = 1n << 15n;
const VERSION_1 = 1n << 32n;

/** A device over one end of a pair of links; the other end is the test's. */
function setUp(features = VERSION_1, capacity = 8, options: TestQueueOptions = {}) {
  const [link, peer] = pairLinks(capacity);
  const device = new NetDevice({ link });
  const rx = new TestQueue(options);
  const tx = new TestQueue(options);
  const receive = started(device, 0, rx, features);
  const transmit = device.start(1, tx.target);
  return { link, peer, device, rx, tx, receive, transmit };
}
const frameOf = (length: number, seed = 1) => Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 0xff);
const into = new Uint8Array(70000);

for (const [what, features, headerBytes] of [
  ['legacy', 0n, 10],
  ['version 1', VERSION_1, 12],
  ['merged buffers', MRG_RXBUF, 12],
] as const)
  test(`net: a packet each way, ${what}: headers of ${headerBytes} bytes`, () => {
    const { peer, rx, tx, receive, transmit } = setUp(features);
    const frame = frameOf(100);
    tx.data.u8.set(frame, 64 + headerBytes);
    tx.offer(0, [{ offset: 64, length: headerBytes + 100 }]);
    assert.deepEqual(tx.serve(transmit), [{ id: 0, length: 0 }]);
    assert.equal(peer.receive(into), 100);
    assert.deepEqual(into.slice(0, 100), frame);

    rx.data.u8.fill(0xee);
    rx.offer(0, [{ offset: 64, length: 1526, write: true }]);
    peer.send(frame, 100);
    assert.deepEqual(rx.serve(receive), [{ id: 0, length: headerBytes + 100 }]);
    const header = [...rx.data.u8.subarray(64, 64 + headerBytes)];
    assert.deepEqual(header, headerBytes === 10 ? Array(10).fill(0) : [...Array(10).fill(0), 1, 0]);
    assert.deepEqual(rx.data.u8.slice(64 + headerBytes, 164 + headerBytes), frame);
    assert.equal(rx.data.u8[164 + headerBytes], 0xee);
    assert.deepEqual([transmit.bytes, receive.bytes, transmit.failures, receive.failures], [100, 100, 0, 0]);
  });

test('net: an address is announced by one frame to everybody', () => {
  const { peer, device } = setUp();
  const mac = [0x52, 0x54, 0, 0x12, 0x34, 0x56];
  assert.equal(device.announce(Uint8Array.from(mac)), true);
  assert.equal(peer.receive(into), 60);
  const arp = [0, 1, 8, 0, 6, 4, 0, 3, ...mac, 0, 0, 0, 0, ...mac, 0, 0, 0, 0];
  assert.deepEqual(
    [...into.subarray(0, 60)],
    [...Array(6).fill(0xff), ...mac, 0x80, 0x35, ...arp, ...Array(18).fill(0)],
  );
  assert.equal(peer.receive(into), -1);
});

test('net: without room on the link nothing is announced, and that is said', () => {
  const { device, link } = setUp(VERSION_1, 1);
  assert.deepEqual([device.announce(new Uint8Array(6)), device.announce(new Uint8Array(6))], [true, false]);
  link.send = () => {
    throw systemFailure('ENODEV');
  };
  assert.equal(device.announce(new Uint8Array(6)), false);
});

test('net: an MTU is kept as far as the device has said it goes, until it is reset', () => {
  const device = new NetDevice({ link: loopbackLink(), mtu: 1400 });
  const mtu = () => new DataView(device.config.buffer).getUint16(10, true);
  assert.deepEqual([device.setMtu(1401), mtu()], [false, 1400]);
  assert.deepEqual([device.setMtu(1300), mtu()], [true, 1300]);
  assert.deepEqual([device.setMtu(1400), mtu()], [true, 1400]);
  device.setMtu(68);
  device.reset();
  assert.equal(mtu(), 1400);
  const silent = new NetDevice({ link: loopbackLink() });
  assert.deepEqual([silent.setMtu(65535), silent.setMtu(68), silent.config[10], silent.config[11]], [true, true, 0, 0]);
});

test('net: header and frame cut anywhere, both ways', () => {
  const { peer, rx, tx, receive, transmit } = setUp();
  const frame = frameOf(60);
  for (let first = 1; first < 71; first++)
    for (const second of [1, 2, 40]) {
      const lengths = [first, second, 72 - first - second].filter((length) => length > 0);
      if (lengths.reduce((a, b) => a + b) !== 72) continue;
      let offset = 0;
      const pieces = lengths.map((length) => {
        const piece = { offset, length };
        offset += length + 3;
        return piece;
      });
      const flat = (u8: Uint8Array) =>
        pieces.flatMap((piece) => [...u8.subarray(piece.offset, piece.offset + piece.length)]);
      const sent = [...Array(12).fill(0), ...frame];
      let done = 0;
      for (const piece of pieces) {
        tx.data.u8.set(sent.slice(done, done + piece.length), piece.offset);
        done += piece.length;
      }
      tx.offer(0, pieces);
      tx.serve(transmit);
      assert.equal(peer.receive(into), 60);
      assert.deepEqual(into.slice(0, 60), frame, `${lengths}`);
      rx.offer(
        0,
        pieces.map((piece) => ({ ...piece, write: true })),
      );
      peer.send(frame, 60);
      assert.deepEqual(rx.serve(receive), [{ id: 0, length: 72 }]);
      assert.deepEqual(flat(rx.data.u8), [...Array(10).fill(0), 1, 0, ...frame], `${lengths}`);
    }
});

for (const [what, length] of [
  ['nothing', 0],
  ['half a header', 6],
  ['a header alone', 12],
  ['less than an Ethernet header', 12 + 13],
  ['more than any frame has', 12 + 65554],
] as const)
  test(`net: ${what} sent is dropped and counted`, () => {
    const { peer, tx, transmit } = setUp();
    tx.offer(0, [{ offset: 0, length }]);
    tx.offer(1, [{ offset: 0, length: 12 + 14 }]);
    assert.equal(tx.serve(transmit).length, 2);
    assert.equal(transmit.failures, 1);
    assert.deepEqual([peer.receive(into), peer.receive(into)], [14, -1]);
  });

test('net: what the link has no room for stays in the ring until it has', () => {
  const { peer, tx, transmit } = setUp(VERSION_1, 2);
  for (let head = 0; head < 5; head++) {
    tx.data.u8.fill(head, 100 * head, 100 * head + 32);
    tx.offer(head, [{ offset: 100 * head, length: 32 }]);
  }
  assert.deepEqual(
    tx.serve(transmit).map(({ id }) => id),
    [0, 1],
  );
  assert.equal(tx.wakes, 0);
  assert.equal(peer.receive(into), 20);
  assert.equal(tx.wakes, 1);
  assert.deepEqual(
    tx.serve(transmit).map(({ id }) => id),
    [2],
  );
  transmit.stop();
  assert.doesNotThrow(() => tx.target.queue.state(), 'nothing is in flight');
  const heads = [];
  while (peer.receive(into) > 0) heads.push(into[0]);
  assert.deepEqual(heads, [1, 2]);
  assert.equal(tx.wakes, 1, 'a stopped queue is left alone');
});

test('net: without guest buffers packets wait in the link, and come when there are some', () => {
  const { link, peer, rx, receive } = setUp(VERSION_1, 4);
  let kept = 0;
  while (peer.send(frameOf(20, kept), 20)) kept++;
  const wakes = rx.wakes;
  assert.deepEqual([rx.serve(receive), kept], [[], 4]);
  // One waits in the device; the link has room for one more and wakes nobody with it.
  assert.equal(peer.send(frameOf(20, 4), 20), true);
  assert.equal(peer.send(frameOf(20, 5), 20), false);
  assert.equal(rx.wakes, wakes);
  for (let head = 0; head < 8; head++) rx.offer(head, [{ offset: 64 * head, length: 64, write: true }]);
  assert.equal(rx.serve(receive).length, 5);
  for (let head = 0; head < 5; head++)
    assert.deepEqual(rx.data.u8.slice(64 * head + 12, 64 * head + 32), frameOf(20, head));
  peer.send(frameOf(20, 9), 20);
  assert.equal(rx.wakes, wakes + 1, 'it listens again');
  assert.equal(rx.serve(receive).length, 1);
  link.close();
});

test('net: a device without guest buffers is not woken by packets', () => {
  const { peer, rx, receive } = setUp();
  rx.serve(receive);
  peer.send(frameOf(20), 20);
  assert.equal(rx.wakes, 1);
  rx.serve(receive);
  peer.send(frameOf(20), 20);
  assert.equal(rx.wakes, 1);
});

test('net: buffers that come while it asks for kicks are used, nobody kicks for them', () => {
  const { peer, rx, receive } = setUp();
  peer.send(frameOf(20), 20);
  rx.beforeKicks(() => rx.offer(3, [{ offset: 0, length: 64, write: true }]));
  assert.deepEqual(rx.serve(receive), [{ id: 3, length: 32 }]);
});

test('net: a packet that waits in the device comes after a restart', () => {
  const { peer, device, rx, receive } = setUp();
  peer.send(frameOf(20), 20);
  rx.serve(receive);
  receive.stop();
  const again = device.start(0, rx.target);
  rx.offer(0, [{ offset: 0, length: 64, write: true }]);
  assert.deepEqual(rx.serve(again), [{ id: 0, length: 32 }]);
  assert.deepEqual(rx.data.u8.slice(12, 32), frameOf(20));
});

test('net: without merging, a packet longer than the buffer is dropped and counted, the buffer stays', () => {
  const { peer, rx, receive } = setUp();
  rx.offer(0, [{ offset: 0, length: 12 + 60, write: true }]);
  peer.send(frameOf(61), 61);
  peer.send(frameOf(60, 2), 60);
  assert.deepEqual(rx.serve(receive), [{ id: 0, length: 72 }]);
  assert.deepEqual([receive.failures, receive.requests], [1, 1]);
  assert.deepEqual(rx.data.u8.slice(12, 72), frameOf(60, 2));
});

test('net: merged, a packet fills as many buffers as it needs and waits until there are enough', () => {
  const { peer, rx, receive } = setUp(MRG_RXBUF);
  const frame = frameOf(250);
  peer.send(frame, 250);
  for (let head = 0; head < 2; head++) rx.offer(head, [{ offset: 1000 * head, length: 100, write: true }]);
  assert.deepEqual(rx.serve(receive), []);
  assert.equal(receive.serve(), false, 'it does not go round on buffers that are too few');
  rx.offer(2, [{ offset: 2000, length: 100, write: true }]);
  rx.offer(3, [{ offset: 3000, length: 100, write: true }]);
  assert.deepEqual(rx.serve(receive), [
    { id: 0, length: 100 },
    { id: 1, length: 100 },
    { id: 2, length: 62 },
  ]);
  const { u8 } = rx.data;
  assert.deepEqual([...u8.subarray(0, 12)], [...Array(10).fill(0), 3, 0]);
  assert.deepEqual([...u8.subarray(12, 100), ...u8.subarray(1000, 1100), ...u8.subarray(2000, 2062)], [...frame]);
  assert.deepEqual([receive.requests, receive.bytes], [3, 250]);
});

test('net: merged, buffers that are held go back when the queue stops', () => {
  const { peer, device, rx, receive } = setUp(MRG_RXBUF);
  peer.send(frameOf(250), 250);
  for (let head = 0; head < 2; head++) rx.offer(head, [{ offset: 1000 * head, length: 100, write: true }]);
  rx.serve(receive);
  receive.stop();
  assert.deepEqual(rx.target.queue.state(), { availIdx: 0, usedIdx: 0 });
  const again = device.start(0, rx.target);
  rx.offer(2, [{ offset: 2000, length: 100, write: true }]);
  assert.equal(rx.serve(again).length, 3);
});

test('net: merged, more than the whole ring holds is dropped', () => {
  const { peer, rx, receive } = setUp(MRG_RXBUF, 8, { size: 2 });
  peer.send(frameOf(250), 250);
  peer.send(frameOf(20), 20);
  for (let head = 0; head < 2; head++) rx.offer(head, [{ offset: 1000 * head, length: 100, write: true }]);
  // The second fits into both, which are held already.
  assert.deepEqual(rx.serve(receive), [
    { id: 0, length: 32 },
    { id: 1, length: 0 },
  ]);
  assert.equal(receive.failures, 1);
});

test('net: buffers that are broken or cannot be written to are given back empty', () => {
  const { peer, rx, receive } = setUp(MRG_RXBUF);
  rx.offer(0, [{ offset: 0, length: 100, write: true }]);
  rx.driver.writeDescriptor(1, { address: 0, length: 100, flags: 2 });
  rx.driver.offer(1);
  rx.offer(2, [{ offset: 0, length: 100 }]);
  rx.offer(3, [{ offset: 3000, length: 100, write: true }]);
  peer.send(frameOf(150), 150);
  assert.deepEqual(rx.serve(receive), [
    { id: 1, length: 0 },
    { id: 2, length: 0 },
    { id: 0, length: 100 },
    { id: 3, length: 62 },
  ]);
  assert.deepEqual([receive.brokenRequests, receive.requests], [1, 4]);
});

test('net: merged, stopped with a broken buffer between those it holds, nothing stays in flight', () => {
  const { peer, rx, receive } = setUp(MRG_RXBUF);
  rx.offer(0, [{ offset: 0, length: 100, write: true }]);
  rx.driver.writeDescriptor(1, { address: 0, length: 100, flags: 2 });
  rx.driver.offer(1);
  rx.offer(2, [{ offset: 2000, length: 100, write: true }]);
  peer.send(frameOf(1500), 1500);
  rx.serve(receive);
  receive.stop();
  assert.doesNotThrow(() => rx.target.queue.state());
});

test('net: a ring full of broken buffers does not hold the thread', () => {
  const { peer, rx, receive } = setUp(VERSION_1, 8, { size: 1024 });
  for (let head = 0; head < 1024; head++) {
    rx.driver.writeDescriptor(head, { address: 0, length: 100, flags: 2 });
    rx.driver.offer(head);
  }
  peer.send(frameOf(20), 20);
  while (receive.serve());
  assert.deepEqual([receive.brokenRequests, receive.bytes], [1024, 0]);
});

test('net: a broken ring is thrown', () => {
  const { peer, rx, receive } = setUp();
  rx.driver.offer(5000);
  peer.send(frameOf(20), 20);
  assert.throws(() => receive.serve(), { code: 'avail-head-out-of-range' });
  assert.doesNotThrow(() => receive.stop());
});

test('net: configuration space and features', () => {
  const mac = Uint8Array.of(0x52, 0x54, 0, 1, 2, 3);
  const device = new NetDevice({ link: loopbackLink(), mac, mtu: 9000 });
  assert.deepEqual([...device.config], [...mac, 1, 0, 1, 0, 0x28, 0x23]);
  assert.equal(device.features, (1n << 3n) | (1n << 5n) | (1n << 15n) | (1n << 16n));
  assert.equal(new NetDevice({ link: loopbackLink() }).features, (1n << 15n) | (1n << 16n));
  assert.equal(device.writeConfig(), false);
  for (const options of [{ mac: new Uint8Array(5) }, { mtu: 67 }, { mtu: 65536 }, { mtu: 100.5 }])
    assert.throws(() => new NetDevice({ link: loopbackLink(), ...options }), RangeError);
  assert.throws(() => device.start(2, new TestQueue().target), RangeError);
  for (const capacity of [0, -1, 1.5]) assert.throws(() => loopbackLink(capacity), RangeError);
});

/** Sends and receives over a loopback until all came back, in random turns. The guest's buffers are scarce. */
function exchange(features: bigint, seed: number, packets: number, sizeMax: number): void {
  const random = randomFrom(seed);
  const mergeable = (features & MRG_RXBUF) !== 0n;
  const headerBytes = 12;
  const device = new NetDevice({ link: loopbackLink(1 + random(40)) });
  const [rx, tx] = [0, 1].map(() => new TestQueue({ size: 64, dataBytes: 64 * 4096 })) as [TestQueue, TestQueue];
  const receive = started(device, 0, rx, features);
  const transmit = device.start(1, tx.target);
  const list = new ScatterList(3);
  const bufferBytes = mergeable ? 300 : headerBytes + sizeMax;
  let sent = 0;
  let received = 0;
  const free = { rx: Array.from({ length: 64 }, (_, i) => i), tx: Array.from({ length: 20 }, (_, i) => i) };
  /** Length of packet number `n`, and its bytes. */
  const lengthOf = (n: number) => 14 + ((Math.imul(n + seed, 2654435761) >>> 8) % (sizeMax - 13));
  const byteOf = (n: number, i: number) => (n * 17 + i * 3) & 0xff;
  let asked = { rx: true, tx: true };
  let seen = { rx: 0, tx: 0 };

  const send = () => {
    const slot = free.tx.pop();
    if (slot === undefined || sent === packets) return;
    const at = slot * 4096;
    const length = lengthOf(sent);
    for (let i = 0; i < length; i++) tx.data.u8[at + headerBytes + i] = byteOf(sent, i);
    const first = 1 + random(headerBytes + length - 1);
    list
      .reset()
      .addOut(tx.data, at, first)
      .addOut(tx.data, at + first, headerBytes + length - first);
    if (!tx.guest.add(list, slot)) {
      free.tx.push(slot);
      return;
    }
    sent++;
    if (tx.guest.kickPrepare()) asked.tx = true;
  };
  const refill = () => {
    for (let count = random(6); count > 0; count--) {
      const slot = free.rx.pop();
      if (slot === undefined) return;
      list.reset().addIn(rx.data, slot * 4096, bufferBytes);
      if (!rx.guest.add(list, slot)) {
        free.rx.push(slot);
        return;
      }
      if (rx.guest.kickPrepare()) asked.rx = true;
    }
  };
  const collect = () => {
    for (let slot = rx.guest.getBuf(); slot !== EMPTY; slot = rx.guest.getBuf()) {
      const at = slot * 4096;
      let buffers = rx.data.u16[(at + 10) >> 1]!;
      if (!mergeable) assert.equal(buffers, 1);
      const got: number[] = [...rx.data.u8.subarray(at + headerBytes, at + rx.guest.usedLength)];
      free.rx.push(slot);
      for (; buffers > 1; buffers--) {
        const next = rx.guest.getBuf();
        assert.notEqual(next, EMPTY, 'all buffers of a packet are there at once');
        got.push(...rx.data.u8.subarray(next * 4096, next * 4096 + rx.guest.usedLength));
        free.rx.push(next);
      }
      assert.equal(got.length, lengthOf(received), `packet ${received}`);
      assert.ok(
        got.every((byte, i) => byte === byteOf(received, i)),
        `packet ${received}`,
      );
      received++;
    }
    for (let slot = tx.guest.getBuf(); slot !== EMPTY; slot = tx.guest.getBuf()) free.tx.push(slot);
  };
  /** Serves a queue as a transport does: only when it was kicked, or asked for it. */
  const serve = (which: 'rx' | 'tx') => {
    const queue = which === 'rx' ? rx : tx;
    if (!asked[which] && queue.wakes === seen[which]) return false;
    asked = { ...asked, [which]: false };
    seen = { ...seen, [which]: queue.wakes };
    if ((which === 'rx' ? receive : transmit).serve()) asked[which] = true;
    return true;
  };
  for (let idle = 0; received < packets; ) {
    const before = received + sent;
    const turn = random(5);
    if (turn === 0) send();
    else if (turn === 1) refill();
    else if (turn === 2) collect();
    else serve(turn === 3 ? 'rx' : 'tx');
    idle = received + sent === before ? idle + 1 : 0;
    assert.ok(idle < 5000, `stuck: ${sent} sent, ${received} received`);
  }
  assert.deepEqual([receive.failures, transmit.failures], [0, 0]);
  assert.equal(receive.bytes, transmit.bytes);
}

for (const [what, features, sizeMax] of [
  ['one buffer a packet', VERSION_1, 1514],
  ['merged buffers', MRG_RXBUF | VERSION_1, 2000],
] as const)
  test(`net: 10,000 packets over a loopback, ${what}: all come back, in order`, () => {
    for (let seed = 1; seed <= 4; seed++) exchange(features, seed, 2500, sizeMax);
  });
