import assert from 'node:assert/strict';
import { userInfo } from 'node:os';
import { test } from 'node:test';
import { closeDescriptor } from './descriptors.ts';
import { whyUnavailable } from './libc.ts';
import { connectPackets, listenPackets, PacketSocket, peerUser } from './packet-socket.ts';
import { isInherited, leavingNoneOpen } from './test-leaks.ts';
import { acceptUnix } from './unix-socket.ts';

const skip = whyUnavailable() ?? false;
let names = 0;
const newName = () => `vringbench-test-${process.pid}-${++names}`;

async function pair(body: (one: PacketSocket, two: PacketSocket, name: string) => void): Promise<void> {
  await leavingNoneOpen(() => {
    const name = newName();
    const listener = listenPackets(name);
    const one = new PacketSocket(connectPackets(name));
    const two = new PacketSocket(acceptUnix(listener));
    try {
      body(one, two, name);
    } finally {
      for (const descriptor of [listener, one.descriptor, two.descriptor]) closeDescriptor(descriptor);
    }
  });
}
const bytes = (length: number, value: number) => new Uint8Array(length).fill(value);

test('packet socket: packets keep their borders and their order, up to the largest frame', { skip }, () =>
  pair((one, two) => {
    const lengths = [1, 14, 1514, 65553, 2];
    for (const [i, length] of lengths.entries()) assert.equal(one.send(bytes(length, i), length), true);
    const into = new Uint8Array(65553);
    for (const [i, length] of lengths.entries()) {
      assert.equal(two.isEmpty(), false);
      assert.equal(two.receive(into), length);
      assert.ok(into.subarray(0, length).every((byte) => byte === i));
    }
    assert.deepEqual([two.receive(into), two.ended, two.isEmpty()], [-1, false, true]);
  }),
);

test('packet socket: a packet that is too long is left out, whole', { skip }, () =>
  pair((one, two) => {
    one.send(bytes(100, 1), 100);
    one.send(bytes(10, 2), 10);
    const into = new Uint8Array(50);
    assert.deepEqual([two.receive(into), into[0]], [10, 2]);
  }),
);

test('packet socket: full is no error', { skip }, () =>
  pair((one, two) => {
    let sent = 0;
    while (one.send(bytes(1514, 1), 1514)) assert.ok(++sent < 1e5);
    assert.equal(one.broken, false);
    const into = new Uint8Array(2000);
    for (let received = 0; received < sent; received++) assert.equal(two.receive(into), 1514);
    assert.equal(one.send(bytes(1514, 1), 1514), true);
  }),
);

test('packet socket: what was sent before the end is received before it', { skip }, async () => {
  const name = newName();
  const listener = listenPackets(name);
  const one = new PacketSocket(connectPackets(name));
  const two = new PacketSocket(acceptUnix(listener));
  closeDescriptor(listener);
  // One ends with a packet unread, which its peer is told of as a reset.
  two.send(bytes(20, 9), 20);
  one.send(bytes(30, 7), 30);
  assert.equal(two.hungUp(), false);
  one.close();
  assert.deepEqual([two.hungUp(), two.ended], [true, false]);
  const into = new Uint8Array(100);
  assert.deepEqual([two.receive(into), into[0]], [30, 7]);
  assert.deepEqual([two.receive(into), two.ended, two.broken], [-1, true, true]);
  assert.equal(two.send(bytes(20, 9), 20), false);
  two.close();
});

test('packet socket: names: taken, free again, nobody there, too long; and nothing is inherited', {
  skip,
}, async () => {
  await leavingNoneOpen(() => {
    const name = newName();
    assert.equal(connectPackets(name), -1);
    const listener = listenPackets(name);
    assert.equal(isInherited(listener), false);
    assert.equal(listenPackets(name), -1);
    assert.equal(acceptUnix(listener), -1);
    closeDescriptor(listener);
    assert.equal(connectPackets(name), -1);
    const again = listenPackets(name);
    assert.ok(again >= 0);
    closeDescriptor(again);
    assert.throws(() => listenPackets('x'.repeat(108)), { code: 'ENAMETOOLONG' });
  });
});

test('packet socket: both ends see whose the other is', { skip }, () =>
  pair((one, two) => {
    const { uid } = userInfo();
    assert.deepEqual([peerUser(one.descriptor), peerUser(two.descriptor)], [uid, uid]);
  }),
);

test('packet socket: what is no packet is the caller’s mistake', { skip }, () =>
  pair((one) => {
    for (const length of [0, -1, 11]) assert.throws(() => one.send(bytes(10, 0), length), RangeError);
  }),
);
