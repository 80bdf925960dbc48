import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setImmediate as loopTurn } from 'node:timers/promises';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { ringingEnd, waitingEnd } from '../../doorbell/doorbell.ts';
import { messagePort } from '../../doorbell/message-port.ts';
import { allocateShared } from '../../memory/region.ts';
import type { Message } from './channel.ts';
import { ProtocolError, type ProtocolErrorCode } from './errors.ts';
import type { Handle } from './handle.ts';
import { PENDING_MAX, PortChannel } from './port-channel.ts';
import { VHOST_USER_PAYLOAD_MAX } from './protocol.ts';

const plain = (request: number): Message => ({ request, flags: 1, payload: new Uint8Array(0), handles: [] });

/** A channel and the other thread's port. */
async function withPeer(body: (channel: PortChannel, peer: MessagePort) => Promise<void>): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  const channel = new PortChannel(port1);
  try {
    await body(channel, port2);
  } finally {
    channel.close();
    port2.close();
  }
}

/** Its other end was closed: waited for with the loop kept alive, and not for ever. */
async function closes(port: MessagePort): Promise<void> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), 60_000);
  await once(port, 'close', { signal: limit.signal });
  clearTimeout(timer);
}

async function fails(run: Promise<unknown>, code: ProtocolErrorCode): Promise<void> {
  await assert.rejects(run, (error) => {
    assert.ok(error instanceof ProtocolError, String(error));
    assert.equal(error.code, code);
    return true;
  });
}

test('port channel: messages arrive whole, in order, both ways', async () => {
  await withPeer(async (channel, peer) => {
    const other = new PortChannel(peer);
    for (const [from, to] of [
      [channel, other],
      [other, channel],
    ] as const) {
      const payload = new Uint8Array(VHOST_USER_PAYLOAD_MAX).fill(7);
      await from.send({ request: 0xffffffff, flags: 0xfffffff5, payload, handles: [] });
      await from.send(plain(2));
      assert.deepEqual(await to.receive(), { request: 0xffffffff, flags: 0xfffffff5, payload, handles: [] });
      const receiving = to.receive();
      await from.send(plain(3));
      assert.equal((await receiving)?.request, 2);
      assert.equal((await to.receive())?.request, 3);
    }
  });
});

test('port channel: memory is shared, a doorbell arrives with the end that was given', async () => {
  await withPeer(async (channel, peer) => {
    const other = new PortChannel(peer);
    const memory = allocateShared(4096);
    const bell = messagePort.makeHandle();
    const handles: Handle[] = [
      { kind: 'memory', memory },
      { kind: 'doorbell', doorbell: ringingEnd(bell) },
    ];
    await channel.send({ ...plain(1), handles });
    const message = await other.receive();
    const [area, ringer] = message!.handles;
    assert.ok(area?.kind === 'memory' && ringer?.kind === 'doorbell');
    new Uint8Array(area.memory.buffer)[5] = 42;
    assert.equal(new Uint8Array(memory.buffer)[5], 42);
    assert.equal(ringer.doorbell.waitPort, undefined);

    const waits = messagePort.waitSet(waitingEnd(bell));
    messagePort.doorbell(ringer.doorbell).ring();
    assert.equal(await waits.wait(60_000), 'rung');
    waits.close();
    other.release(message!.handles);
  });
});

test('port channel: between two threads', async () => {
  const { port1, port2 } = new MessageChannel();
  // Sends back what came, after a byte of the memory was written.
  const worker = new Worker(
    `const { workerData: { port } } = require('node:worker_threads');
     port.on('message', (message) => {
       new Uint8Array(message.handles[0].memory.buffer)[0] += 1;
       port.postMessage({ ...message, flags: 5 });
       port.close();
     });`,
    { eval: true, workerData: { port: port2 }, transferList: [port2] },
  );
  const channel = new PortChannel(port1);
  const memory = allocateShared(4096);
  await channel.send({ request: 9, flags: 1, payload: Uint8Array.of(1, 2), handles: [{ kind: 'memory', memory }] });
  const answer = await channel.receive();
  assert.deepEqual([answer?.request, answer?.flags, answer?.payload], [9, 5, Uint8Array.of(1, 2)]);
  assert.equal(new Uint8Array(memory.buffer)[0], 1);
  assert.equal(await channel.receive(), null);
  channel.close();
  await worker.terminate();
});

test('port channel: a peer that goes away ends it, after what it sent', async () => {
  await withPeer(async (channel, peer) => {
    const receiving = channel.receive();
    peer.postMessage(plain(1));
    peer.postMessage(plain(2));
    peer.close();
    assert.equal((await receiving)?.request, 1);
    assert.equal((await channel.receive())?.request, 2);
    assert.equal(await channel.receive(), null);
    assert.equal(await channel.receive(), null);
    await assert.rejects(channel.send(plain(1)), { code: 'EPIPE' });
  });
});

test('port channel: close ends the receive under way and cuts off doorbells that nobody took', async () => {
  await withPeer(async (channel, peer) => {
    const receiving = channel.receive();
    channel.close();
    assert.equal(await receiving, null);
    channel.close();
    await assert.rejects(channel.send(plain(1)), { code: 'EPIPE' });
    peer.close();
  });
  await withPeer(async (channel, peer) => {
    const bell = messagePort.makeHandle();
    const doorbell = ringingEnd(bell);
    peer.postMessage({ ...plain(1), handles: [{ kind: 'doorbell', doorbell }] }, [bell.ringPort!]);
    peer.postMessage(plain(2));
    await loopTurn();
    channel.close();
    await closes(bell.waitPort!);
  });
});

const shared = new SharedArrayBuffer(8);
const doorbell = { strategy: 'futex', words: shared };
const hostile: [string, unknown, ProtocolErrorCode][] = [
  ['nothing', undefined, 'not-a-message'],
  ['null', null, 'not-a-message'],
  ['a number', 7, 'not-a-message'],
  ['a list', [], 'not-a-message'],
  ['no payload', { ...plain(1), payload: undefined }, 'not-a-message'],
  ['a payload of numbers', { ...plain(1), payload: [1, 2] }, 'not-a-message'],
  ['a payload of words', { ...plain(1), payload: new Uint32Array(2) }, 'not-a-message'],
  ['a payload too large', { ...plain(1), payload: new Uint8Array(4097) }, 'size-too-large'],
  ['a request that is no number', { ...plain(1), request: '1' }, 'not-a-message'],
  ['a request below 0', { ...plain(1), request: -1 }, 'not-a-message'],
  ['a request that is not whole', { ...plain(1), request: 1.5 }, 'not-a-message'],
  ['a request of 33 bits', { ...plain(1), request: 2 ** 32 }, 'not-a-message'],
  ['flags that are NaN', { ...plain(1), flags: Number.NaN }, 'not-a-message'],
  ['flags that are a bigint', { ...plain(1), flags: 1n }, 'not-a-message'],
  ['no list of handles', { ...plain(1), handles: {} }, 'not-a-message'],
  ['9 handles', { ...plain(1), handles: Array(9).fill({ kind: 'doorbell', doorbell }) }, 'too-many-descriptors'],
  ['handles that are not there', { ...plain(1), handles: new Array(2 ** 32 - 1) }, 'too-many-descriptors'],
  ['a hole among the handles', { ...plain(1), handles: new Array(1) }, 'wrong-handle'],
  ['a descriptor', { ...plain(1), handles: [{ kind: 'descriptor', descriptor: 0 }] }, 'wrong-handle'],
  ['a handle of no kind', { ...plain(1), handles: [{}] }, 'wrong-handle'],
  [
    'memory that is not shared',
    { ...plain(1), handles: [{ kind: 'memory', memory: { buffer: new ArrayBuffer(8) } }] },
    'wrong-handle',
  ],
  ['memory without a buffer', { ...plain(1), handles: [{ kind: 'memory', memory: null }] }, 'wrong-handle'],
  [
    'a doorbell without words',
    { ...plain(1), handles: [{ kind: 'doorbell', doorbell: { strategy: 'futex' } }] },
    'wrong-handle',
  ],
  [
    'a doorbell with a false port',
    { ...plain(1), handles: [{ kind: 'doorbell', doorbell: { ...doorbell, waitPort: 1 } }] },
    'wrong-handle',
  ],
  [
    'a doorbell with a false descriptor',
    { ...plain(1), handles: [{ kind: 'doorbell', doorbell: { ...doorbell, descriptor: -1 } }] },
    'wrong-handle',
  ],
];
for (const [what, value, code] of hostile)
  test(`port channel: ${what} is ${code}, after what came before it`, async () => {
    await withPeer(async (channel, peer) => {
      const closed = closes(peer);
      peer.postMessage(plain(1));
      peer.postMessage(value);
      peer.postMessage(plain(2));
      assert.equal((await channel.receive())?.request, 1);
      await fails(channel.receive(), code);
      await closed;
    });
  });

test('port channel: ports that come with what is refused are closed', async () => {
  await withPeer(async (channel, peer) => {
    const { port1, port2 } = new MessageChannel();
    const handles = [{ kind: 'doorbell', doorbell: { strategy: 7, words: shared, ringPort: port2 } }];
    peer.postMessage({ ...plain(1), handles }, [port2]);
    await fails(channel.receive(), 'wrong-handle');
    await closes(port1);
  });
});

test('port channel: a payload that its sender can still write to is copied', async () => {
  await withPeer(async (channel, peer) => {
    const bytes = new Uint8Array(new SharedArrayBuffer(4)).fill(1);
    peer.postMessage({ ...plain(1), payload: bytes });
    const { payload } = (await channel.receive())!;
    bytes.fill(2);
    assert.deepEqual([...payload], [1, 1, 1, 1]);
    assert.ok(payload.buffer instanceof ArrayBuffer);
  });
});

test('port channel: more messages than may wait end it, after those that could', async () => {
  await withPeer(async (channel, peer) => {
    for (let at = 0; at <= PENDING_MAX; at++) peer.postMessage(plain(at));
    const closed = closes(peer);
    peer.on('message', () => {});
    await closed;
    for (let at = 0; at < PENDING_MAX; at++) assert.equal((await channel.receive())?.request, at);
    await fails(channel.receive(), 'too-many-pending');
  });
});

test('port channel: what cannot be sent is the caller’s mistake', async () => {
  await withPeer(async (channel) => {
    const file: Handle = { kind: 'descriptor', descriptor: 0 };
    await assert.rejects(channel.send({ ...plain(1), handles: [file] }), TypeError);
    await assert.rejects(channel.send({ ...plain(1), payload: new Uint8Array(4097) }), RangeError);
    await assert.rejects(
      channel.send({ ...plain(1), handles: Array(9).fill({ kind: 'doorbell', doorbell }) }),
      RangeError,
    );
    const receiving = channel.receive();
    await assert.rejects(channel.receive(), TypeError);
    channel.close();
    assert.equal(await receiving, null);
  });
});
