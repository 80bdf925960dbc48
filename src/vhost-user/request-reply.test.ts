import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Channel, Message } from './channel.ts';
import type { ProtocolErrorCode } from './errors.ts';
import type { Handle } from './handle.ts';
import { decode, encodeReply } from './message.ts';
import { requestReply } from './request-reply.ts';

const file: Handle = { kind: 'descriptor', descriptor: 7 };

/** A peer that answers each message by `answer`: a message, or null if it is gone; undefined: never. */
class FakeChannel implements Channel {
  readonly sent: Message[] = [];
  readonly released: Handle[] = [];
  closed = false;
  private readonly answer: (message: Message) => Message | null | undefined;
  private end: (() => void) | null = null;

  constructor(answer: (message: Message) => Message | null | undefined) {
    this.answer = answer;
  }

  async send(message: Message): Promise<void> {
    this.sent.push(message);
  }

  async receive(): Promise<Message | null> {
    const answer = this.answer(this.sent.at(-1)!);
    if (answer === undefined)
      await new Promise<void>((resolve) => {
        this.end = resolve;
      });
    return answer ?? null;
  }

  release(handles: readonly Handle[]): void {
    this.released.push(...handles);
  }

  close(): void {
    this.closed = true;
    this.end?.();
  }
}

test('request and reply: the answer belongs to its request, and is typed by it', async () => {
  const channel = new FakeChannel((message) => {
    const request = decode(message, 'frontend');
    assert.equal(request.request, 'GET_VRING_BASE');
    return encodeReply({ request: 'GET_VRING_BASE', index: 3, num: 77 });
  });
  const { index, num } = await requestReply(channel, { request: 'GET_VRING_BASE', index: 3, num: 0 });
  assert.deepEqual([index, num], [3, 77]);
  assert.equal(channel.closed, false);
});

test('request and reply: what comes along is the caller’s', async () => {
  const area = { sizeBytes: 64n, offsetBytes: 0n, queues: 1, queueSize: 8 };
  const channel = new FakeChannel(() => encodeReply({ request: 'GET_INFLIGHT_FD', ...area, handles: [file] }));
  const { handles } = await requestReply(channel, { request: 'GET_INFLIGHT_FD', ...area });
  assert.deepEqual(handles, [file]);
  assert.deepEqual(channel.released, []);
});

const wrong: [string, Message | null | undefined, ProtocolErrorCode][] = [
  [
    'the answer to another request',
    { request: 2, flags: 5, payload: new Uint8Array(8), handles: [file] },
    'wrong-reply',
  ],
  ['a request', { request: 1, flags: 1, payload: new Uint8Array(8), handles: [file] }, 'reply-expected'],
  ['an answer too short', { request: 1, flags: 5, payload: new Uint8Array(4), handles: [file] }, 'wrong-size'],
  [
    'an answer with a descriptor',
    { request: 1, flags: 5, payload: new Uint8Array(8), handles: [file] },
    'too-many-descriptors',
  ],
  ['no answer: the peer is gone', null, 'peer-gone'],
  ['no answer at all', undefined, 'timed-out'],
];
for (const [what, answer, code] of wrong)
  test(`request and reply: ${what} is ${code}`, async () => {
    const channel = new FakeChannel(() => answer);
    await assert.rejects(requestReply(channel, { request: 'GET_FEATURES' }, 20), {
      code,
      request: 'GET_FEATURES',
    });
    assert.deepEqual(channel.released, answer?.handles ?? []);
    assert.equal(channel.closed, code === 'timed-out');
  });
