/** Random frames through a socket and the codec: nothing but a ProtocolError comes out, and nothing stays open. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as loopTurn } from 'node:timers/promises';
import { closeDescriptor } from '../../native/descriptors.ts';
import { openEventfd } from '../../native/eventfd.ts';
import { whyUnavailable } from '../../native/libc.ts';
import { leavingNoneOpen } from '../../native/test-leaks.ts';
import { sendBytes, socketPair } from '../../native/unix-socket.ts';
import { ProtocolError } from './errors.ts';
import {
  decode,
  decodeReply,
  encode,
  encodeReply,
  REQUEST_NAMES,
  type ReplyToSend,
  type RequestToSend,
} from './message.ts';
import { SocketChannel } from './socket-channel.ts';
import { SAMPLES } from './test-messages.ts';

const skip = whyUnavailable() ?? false;

/** xorshift32: the same frames in every run. */
function generator(seed: number): (end: number) => number {
  let state = seed;
  return (end) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % end;
  };
}

const FRAMES = 2000;
const FILES = 34;

interface Frame {
  bytes: Uint8Array;
  descriptors: number;
  /** The request it was made of. */
  name: (typeof REQUEST_NAMES)[number];
  isReply: boolean;
}

/** A legal message in which, mostly, something was changed. */
function randomFrame(random: (end: number) => number): Frame {
  const name = REQUEST_NAMES[random(REQUEST_NAMES.length)]!;
  const { requests, replies } = SAMPLES[name];
  const isReply = random(4) === 0;
  const message = isReply
    ? encodeReply({ ...replies[random(replies.length)], request: name } as ReplyToSend)
    : encode({ ...requests[random(requests.length)], request: name, needsReply: random(2) === 0 } as RequestToSend);
  let { request, flags } = message;
  let payload = message.payload;
  let descriptors = message.handles.length;
  let sizeBytes = payload.length;
  const changes: (() => void)[] = [
    () => {},
    () => {
      request = random(64);
    },
    () => {
      request = random(2 ** 32);
    },
    () => {
      flags = random(2 ** 32);
    },
    () => {
      flags ^= 1 << random(32);
    },
    () => {
      payload = payload.slice(0, random(payload.length + 1));
      sizeBytes = payload.length;
    },
    () => {
      payload = Uint8Array.from({ length: random(400) }, () => random(256));
      sizeBytes = payload.length;
    },
    () => {
      payload = payload.map((byte) => (random(8) === 0 ? random(256) : byte));
    },
    () => {
      // The first words are counts, sizes and indices.
      if (payload.length >= 8) new DataView(payload.buffer).setUint32(4 * random(2), random(300), true);
    },
    () => {
      sizeBytes = random(2) === 0 ? random(5000) : random(2 ** 32);
    },
    () => {
      descriptors = random(FILES + 1);
    },
  ];
  for (let left = random(3); left >= 0; left--) changes[random(changes.length)]!();
  const bytes = new Uint8Array(12 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, request, true);
  view.setUint32(4, flags, true);
  view.setUint32(8, sizeBytes, true);
  bytes.set(payload, 12);
  return { bytes: random(12) === 0 ? bytes.slice(0, random(bytes.length) + 1) : bytes, descriptors, name, isReply };
}

test(`hostile messages: ${FRAMES} random frames`, { skip }, async () => {
  const random = generator(0x5eed);
  const told = new Map<string, number>();
  const count = (what: string) => told.set(what, (told.get(what) ?? 0) + 1);

  /** All that the peer sent until it went away. */
  async function readAll(channel: SocketChannel, { name, isReply }: Frame): Promise<void> {
    for (;;) {
      const message = await channel.receive();
      if (message === null) return;
      try {
        if (isReply) decodeReply(name, message);
        else decode(message, name.startsWith('BACKEND_') ? 'backend' : 'frontend');
        count('accepted');
      } finally {
        channel.release(message.handles);
      }
    }
  }

  await loopTurn();
  await leavingNoneOpen(async () => {
    const files = Array.from({ length: FILES }, openEventfd);
    for (let at = 0; at < FRAMES; at++) {
      const frame = randomFrame(random);
      const [own, peer] = socketPair();
      const channel = new SocketChannel(own);
      try {
        const reading = readAll(channel, frame);
        const cut = random(frame.bytes.length + 1);
        const early = random(frame.descriptors + 1);
        // In two parts, the descriptors with either or with both; then the peer goes away.
        if (cut > 0) sendBytes(peer, frame.bytes, 0, cut, files.slice(0, early));
        if (random(2) === 0) await loopTurn();
        const rest = frame.bytes.length - cut;
        try {
          if (rest > 0) sendBytes(peer, frame.bytes, cut, rest, files.slice(cut > 0 ? early : 0, frame.descriptors));
        } catch (error) {
          assert.equal((error as NodeJS.ErrnoException).code, 'EPIPE');
        }
        closeDescriptor(peer);
        await reading;
      } catch (error) {
        assert.ok(error instanceof ProtocolError, `frame ${at}: ${error}`);
        count(error.code);
      } finally {
        channel.close();
      }
    }
    for (const file of files) closeDescriptor(file);
  });

  // Every kind of answer was seen: the frames reach what they are to reach.
  for (const code of [
    'accepted',
    'bad-region-count',
    'bad-value',
    'bad-version',
    'descriptors-lost',
    'reply-expected',
    'size-too-large',
    'too-few-descriptors',
    'too-many-descriptors',
    'truncated',
    'unexpected-reply',
    'unknown-flags',
    'unknown-request',
    'wrong-reply',
    'wrong-size',
  ])
    assert.ok((told.get(code) ?? 0) > 0, `no frame was ${code}: ${JSON.stringify([...told])}`);
});
