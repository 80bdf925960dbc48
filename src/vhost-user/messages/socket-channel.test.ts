import assert from 'node:assert/strict';
import { fstatSync } from 'node:fs';
import { test } from 'node:test';
import { setImmediate as loopTurn } from 'node:timers/promises';
import { closeDescriptor } from '../../native/descriptors.ts';
import { addEventfd, openEventfd, takeEventfd } from '../../native/eventfd.ts';
import { whyUnavailable } from '../../native/libc.ts';
import { leavingNoneOpen, openDescriptors } from '../../native/test-leaks.ts';
import { receiveBytes, sendBytes, socketPair } from '../../native/unix-socket.ts';
import type { Message } from './channel.ts';
import { ProtocolError, type ProtocolErrorCode } from './errors.ts';
import type { Handle } from './handle.ts';
import { VHOST_USER_PAYLOAD_MAX } from './protocol.ts';
import { SocketChannel, type SocketChannelOptions } from './socket-channel.ts';

const skip = whyUnavailable() ?? false;

/** The frame of a message, as a peer writes it; `sizeBytes` may lie. */
function frameOf(request: number, payload: readonly number[], sizeBytes = payload.length): Uint8Array {
  const frame = new Uint8Array(12 + payload.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, request, true);
  view.setUint32(4, 1, true);
  view.setUint32(8, sizeBytes, true);
  frame.set(payload, 12);
  return frame;
}

const join = (...frames: Uint8Array[]) => Uint8Array.from(frames.flatMap((frame) => [...frame]));

function sendAll(socket: number, bytes: Uint8Array, descriptors: readonly number[] = []): void {
  assert.equal(sendBytes(socket, bytes, 0, bytes.length, descriptors), bytes.length);
}

interface Ends {
  channel: SocketChannel;
  /** The peer's socket; -1 once it is closed. */
  peer: number;
  /** Event descriptors, to be sent along. */
  files: number[];
}

/** A channel and a peer that writes bytes. Afterwards as many descriptors are open as before. */
async function withPeer(
  body: (ends: Ends) => Promise<void>,
  { files = 1, ...options }: SocketChannelOptions & { files?: number } = {},
): Promise<void> {
  // What the event loop opens at its first use stays open.
  await loopTurn();
  await leavingNoneOpen(async () => {
    const [own, peer] = socketPair();
    const ends: Ends = {
      channel: new SocketChannel(own, options),
      peer,
      files: Array.from({ length: files }, openEventfd),
    };
    try {
      await body(ends);
    } finally {
      ends.channel.close();
      if (ends.peer >= 0) closeDescriptor(ends.peer);
      for (const file of ends.files) closeDescriptor(file);
    }
  });
}

function closePeer(ends: Ends): void {
  closeDescriptor(ends.peer);
  ends.peer = -1;
}

async function fails(run: Promise<unknown>, code: ProtocolErrorCode): Promise<void> {
  await assert.rejects(run, (error) => {
    assert.ok(error instanceof ProtocolError, String(error));
    assert.equal(error.code, code);
    return true;
  });
}

/** A message there must be. */
async function next(channel: SocketChannel): Promise<Message> {
  const message = await channel.receive();
  assert.ok(message !== null, 'the channel ended');
  return message;
}

/** That what came along is `files`, by ringing each: all event descriptors share one inode. */
function checkFiles(handles: readonly Handle[], files: readonly number[]): void {
  assert.equal(handles.length, files.length);
  handles.forEach((handle, at) => {
    assert.ok(handle.kind === 'descriptor');
    assert.notEqual(handle.descriptor, files[at]);
    addEventfd(handle.descriptor);
    files.forEach((file, other) => {
      assert.equal(takeEventfd(file), other === at);
    });
  });
}

const shapes: [number, number][] = [
  // payload's bytes, descriptors
  [0, 0],
  [0, 1],
  [8, 1],
  [264, 8],
  [VHOST_USER_PAYLOAD_MAX, 8],
];
for (const [sizeBytes, count] of shapes)
  test(`socket channel: ${sizeBytes} bytes and ${count} descriptors arrive`, { skip }, async () => {
    await withPeer(
      async ({ channel, peer, files }) => {
        const other = new SocketChannel(peer);
        const payload = Uint8Array.from({ length: sizeBytes }, (_, at) => at % 251);
        const handles = files.map((descriptor): Handle => ({ kind: 'descriptor', descriptor }));
        for (const [from, to] of [
          [channel, other],
          [other, channel],
        ] as const) {
          await from.send({ request: 0xfffffffe, flags: 0xfffffff5, payload, handles });
          const message = await next(to);
          assert.deepEqual([message.request, message.flags], [0xfffffffe, 0xfffffff5]);
          assert.deepEqual(message.payload, payload);
          checkFiles(message.handles, files);
          to.release(message.handles);
        }
      },
      { files: count },
    );
  });

test('socket channel: a peer that writes byte by byte, two messages with descriptors', { skip }, async () => {
  await withPeer(
    async ({ channel, peer, files }) => {
      const frames = [frameOf(1, [1, 2, 3]), frameOf(2, [])];
      const writing = (async () => {
        for (const [at, frame] of frames.entries())
          for (const [index, byte] of frame.entries()) {
            sendAll(peer, Uint8Array.of(byte), index === 0 ? [files[at]!] : []);
            await loopTurn();
          }
      })();
      for (const at of [0, 1]) {
        const message = await next(channel);
        assert.deepEqual([message.request, message.payload.length], [at + 1, at === 0 ? 3 : 0]);
        checkFiles(message.handles, [files[at]!]);
        channel.release(message.handles);
      }
      await writing;
    },
    { files: 2 },
  );
});

test('socket channel: cut anywhere, a descriptor on either part belongs to its message', { skip }, async () => {
  const first = frameOf(1, [1, 2, 3, 4, 5, 6, 7, 8]);
  const second = frameOf(2, [9]);
  for (let cut = 1; cut < first.length; cut++)
    for (const late of [false, true])
      for (const atOnce of [false, true])
        await withPeer(async ({ channel, peer, files }) => {
          const receiving = atOnce ? null : next(channel);
          sendAll(peer, first.subarray(0, cut), late ? [] : files);
          if (!atOnce) await loopTurn();
          sendAll(peer, join(first.subarray(cut), second), late ? files : []);
          const message = await (receiving ?? next(channel));
          assert.deepEqual([...message.payload], [1, 2, 3, 4, 5, 6, 7, 8]);
          checkFiles(message.handles, files);
          channel.release(message.handles);
          assert.deepEqual(await next(channel), { request: 2, flags: 1, payload: Uint8Array.of(9), handles: [] });
        });
});

test('socket channel: each of many waiting messages keeps its own descriptors', { skip }, async () => {
  await withPeer(
    async ({ channel, peer, files }) => {
      for (const [at, file] of files.entries()) sendAll(peer, frameOf(at, [at]), at % 2 === 0 ? [file] : []);
      for (const [at, file] of files.entries()) {
        const { request, handles } = await next(channel);
        assert.equal(request, at);
        checkFiles(handles, at % 2 === 0 ? [file] : []);
        channel.release(handles);
      }
    },
    { files: 8 },
  );
});

const refused: [string, ProtocolErrorCode, (peer: number, files: readonly number[]) => void][] = [
  ['9 descriptors', 'too-many-descriptors', (peer, files) => sendAll(peer, frameOf(5, [1]), files.slice(0, 9))],
  ['32 descriptors', 'too-many-descriptors', (peer, files) => sendAll(peer, frameOf(5, [1]), files.slice(0, 32))],
  ['33 descriptors', 'descriptors-lost', (peer, files) => sendAll(peer, frameOf(5, [1]), files.slice(0, 33))],
  [
    '8 descriptors and one more with the payload',
    'too-many-descriptors',
    (peer, files) => {
      sendAll(peer, frameOf(5, [], 1), files.slice(0, 8));
      sendAll(peer, Uint8Array.of(1), files.slice(8, 9));
    },
  ],
  [
    'one byte more than any payload',
    'size-too-large',
    (peer, files) => sendAll(peer, frameOf(5, [], 4097), files.slice(0, 1)),
  ],
  ['2^32 - 1 bytes', 'size-too-large', (peer, files) => sendAll(peer, frameOf(5, [], 0xffffffff), files.slice(0, 1))],
  [
    'half a header and then nothing',
    'timed-out',
    (peer, files) => sendAll(peer, frameOf(5, []).subarray(0, 6), files.slice(0, 2)),
  ],
  ['a header and then nothing', 'timed-out', (peer, files) => sendAll(peer, frameOf(5, [], 8), files.slice(0, 2))],
];
for (const [what, code, act] of refused)
  for (const asked of ['before', 'after'])
    test(`socket channel: ${what}, ${asked} it is asked for: ${code}, and nothing stays open`, { skip }, async () => {
      await withPeer(
        async (ends) => {
          const { channel, peer, files } = ends;
          const receiving = asked === 'before' ? undefined : channel.receive();
          act(peer, files);
          await fails(receiving ?? channel.receive(), code);
          // Closed: the peer sees it, and the channel says so.
          assert.equal(await channel.receive(), null);
          assert.throws(() => sendAll(peer, Uint8Array.of(1)), { code: 'EPIPE' });
        },
        { files: 33, timeoutMs: 20 },
      );
    });

test('socket channel: a peer that goes away, after each byte of a message', { skip }, async () => {
  const frame = frameOf(7, [1, 2, 3, 4]);
  for (let sent = 0; sent <= frame.length; sent++)
    for (const waiting of [false, true])
      await withPeer(async (ends) => {
        const { channel, files } = ends;
        const early = waiting ? channel.receive() : null;
        if (sent > 0) sendAll(ends.peer, frame.subarray(0, sent), files);
        closePeer(ends);
        const receiving = early ?? channel.receive();
        if (sent === 0) assert.equal(await receiving, null);
        else if (sent < frame.length) await fails(receiving, 'truncated');
        else {
          channel.release((await receiving)!.handles);
          assert.equal(await channel.receive(), null);
          assert.equal(await channel.receive(), null);
        }
      });
});

test('socket channel: a peer that goes away without having read is gone like any other', { skip }, async () => {
  await withPeer(async (ends) => {
    const { channel } = ends;
    await channel.send({ request: 1, flags: 1, payload: new Uint8Array(8), handles: [] });
    closePeer(ends);
    assert.equal(await channel.receive(), null);
    await assert.rejects(channel.send({ request: 1, flags: 1, payload: new Uint8Array(8), handles: [] }), {
      code: 'EPIPE',
    });
  });
});

test('socket channel: close ends the receive under way, and what waits unread is not left open', { skip }, async () => {
  await withPeer(async ({ channel, peer, files }) => {
    const receiving = channel.receive();
    await loopTurn();
    sendAll(peer, frameOf(1, [1]).subarray(0, 5), files);
    await loopTurn();
    channel.close();
    assert.equal(await receiving, null);
    channel.close();
    await assert.rejects(channel.send({ request: 1, flags: 1, payload: new Uint8Array(0), handles: [] }), {
      code: 'EPIPE',
    });
  });
  await withPeer(async ({ channel, peer, files }) => {
    sendAll(peer, join(frameOf(1, []), frameOf(2, [])), files);
    const { handles } = await next(channel);
    channel.close();
    channel.release(handles);
  });
});

test('socket channel: what cannot be sent is the caller’s mistake', { skip }, async () => {
  await withPeer(async ({ channel, files }) => {
    const message: Message = { request: 1, flags: 1, payload: new Uint8Array(0), handles: [] };
    const file: Handle = { kind: 'descriptor', descriptor: files[0]! };
    await assert.rejects(channel.send({ ...message, payload: new Uint8Array(4097) }), RangeError);
    await assert.rejects(channel.send({ ...message, handles: Array(9).fill(file) }), RangeError);
    const memory: Handle = { kind: 'memory', memory: { buffer: new SharedArrayBuffer(8) } };
    await assert.rejects(channel.send({ ...message, handles: [memory] }), TypeError);
    assert.throws(() => channel.release([memory]), TypeError);
    const receiving = channel.receive();
    await assert.rejects(channel.receive(), TypeError);
    channel.close();
    assert.equal(await receiving, null);
  });
});

test('socket channel: nothing is watched while nobody asks', { skip }, async () => {
  await withPeer(async ({ channel, peer }) => {
    const idle = openDescriptors();
    const receiving = next(channel);
    assert.equal(openDescriptors(), idle + 1, 'an epoll descriptor while something is waited for');
    sendAll(peer, join(frameOf(1, []), frameOf(2, [])));
    assert.equal((await receiving).request, 1);
    await loopTurn();
    assert.equal(openDescriptors(), idle);
    assert.equal((await next(channel)).request, 2);
  });
});

/** A wait that is forgotten must not be saved by its bound: that is longer than the test may take. */
const UNBOUNDED = { timeoutMs: 120_000 };
const bounded = { skip, timeout: 60_000 };

/** Longer than a socket's buffer, so that a send must wait. */
const MANY = 400;
const large = (request: number): Message => ({ request, flags: 1, payload: new Uint8Array(4096), handles: [] });

test('socket channel: sends wait for room and keep their order, while messages come in', bounded, async () => {
  await withPeer(async ({ channel, peer }) => {
    const other = new SocketChannel(peer);
    let sent = 0;
    const sending = Promise.all(
      Array.from({ length: MANY }, async (_, at) => {
        await channel.send(large(at));
        sent++;
      }),
    );
    for (let turn = 0; turn < 10; turn++) await loopTurn();
    assert.ok(sent < MANY, `${sent} were sent though nobody reads`);
    // The wait for room survives a receive that comes and goes.
    const answer = next(channel);
    await loopTurn();
    await other.send(large(0xffff));
    assert.equal((await answer).request, 0xffff);
    for (let at = 0; at < MANY; at++) assert.equal((await next(other)).request, at);
    await sending;
    assert.equal(sent, MANY);
  }, UNBOUNDED);
});

test('socket channel: a peer that never reads is given up', { skip }, async () => {
  await withPeer(
    async ({ channel }) => {
      const sends = await Promise.allSettled(Array.from({ length: MANY }, (_, at) => channel.send(large(at))));
      const reasons = sends.flatMap((send) => (send.status === 'rejected' ? [send.reason.code] : []));
      assert.ok(reasons.length > 0);
      assert.deepEqual([...new Set(reasons)], ['timed-out', 'EPIPE']);
      assert.equal(reasons.filter((code) => code === 'timed-out').length, 1);
      assert.equal(await channel.receive(), null);
    },
    { timeoutMs: 20 },
  );
});

test('socket channel: close ends a send that waits', bounded, async () => {
  await withPeer(async ({ channel }) => {
    const sending = Promise.allSettled(Array.from({ length: MANY }, (_, at) => channel.send(large(at))));
    for (let turn = 0; turn < 10; turn++) await loopTurn();
    channel.close();
    const failed = (await sending).find((send) => send.status === 'rejected');
    assert.equal(failed?.reason.code, 'EPIPE');
  }, UNBOUNDED);
});

test('socket channel: a peer that floods lets the event loop turn', { skip }, async () => {
  await withPeer(async ({ channel, peer }) => {
    sendAll(peer, join(...Array.from({ length: 200 }, (_, at) => frameOf(at, []))));
    let received = 0;
    let atTurn = -1;
    setImmediate(() => {
      atTurn = received;
    });
    while (received < 200) {
      await next(channel);
      received++;
    }
    assert.ok(atTurn >= 0 && atTurn < 200, `the loop turned after ${atTurn} of 200 messages`);
  });
});

test('socket channel: what was sent is whole on the other side, descriptors once', { skip }, async () => {
  await withPeer(async ({ channel, peer, files }) => {
    const handles: Handle[] = [{ kind: 'descriptor', descriptor: files[0]! }];
    await channel.send({ request: 3, flags: 1, payload: Uint8Array.of(1, 2), handles });
    const bytes = new Uint8Array(64);
    const found: number[] = [];
    assert.equal(receiveBytes(peer, bytes, 0, 64, found), 14);
    assert.deepEqual(bytes.subarray(0, 14), frameOf(3, [1, 2]));
    assert.equal(found.length, 1);
    for (const descriptor of found) closeDescriptor(descriptor);
    // The sender's own is still its own.
    fstatSync(files[0]!);
  });
});
