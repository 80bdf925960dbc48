import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '../messages/channel.ts';
import { ProtocolError, type ProtocolErrorCode } from '../messages/errors.ts';
import type { Handle } from '../messages/handle.ts';
import { decode, encodeReply, type ReplyToSend, type Request } from '../messages/message.ts';
import { channelPair, type MemoryChannel } from '../messages/test-channel.ts';
import { FrontendSession, type RingDescription } from './frontend-session.ts';

const bits = (...numbers: number[]) => numbers.reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n);
const descriptor = (number: number): Handle => ({ kind: 'descriptor', descriptor: number });

const PROTOCOL_FEATURES = bits(30);
const REPLY_ACK = bits(3);
const FEATURES = bits(5, 9, 29, 30, 32);
const ALL_PROTOCOL = bits(0, 1, 3, 5, 9, 12, 15);

/** What the scripted backend answers by default. */
const ANSWERS: { [name: string]: (request: Request) => object | null } = {
  GET_FEATURES: () => ({ value: FEATURES }),
  GET_PROTOCOL_FEATURES: () => ({ value: ALL_PROTOCOL }),
  GET_QUEUE_NUM: () => ({ value: 4n }),
  GET_MAX_MEM_SLOTS: () => ({ value: 8n }),
  GET_CONFIG: (request) =>
    request.request === 'GET_CONFIG'
      ? { offset: request.offset, flags: 0, bytes: request.bytes.map((_, i) => i) }
      : null,
  GET_VRING_BASE: (request) => (request.request === 'GET_VRING_BASE' ? { index: request.index, num: 77 } : null),
  GET_INFLIGHT_FD: () => ({
    sizeBytes: 4096n,
    offsetBytes: 0n,
    queues: 1,
    queueSize: 8,
    handles: [descriptor(70)],
  }),
  SET_LOG_BASE: () => ({ value: 0n }),
};

type Script = { [name: string]: (request: Request, channel: MemoryChannel) => object | Message | null };

/** A backend that notes requests and answers by `script`, else as it should; null: it says nothing. */
function backend(script: Script = {}) {
  const [ours, theirs] = channelPair();
  const seen: Request[] = [];
  const serve = async () => {
    for (let m = await theirs.receive(); m !== null; m = await theirs.receive()) {
      const request = decode(m, 'frontend') as Request;
      seen.push(request);
      const answer = script[request.request] ?? ANSWERS[request.request];
      const values =
        answer === undefined
          ? request.needsReply
            ? { value: 0n, region: null, regions: [] }
            : null
          : answer(request, theirs);
      if (values === null) continue;
      if ('payload' in values) await theirs.send(values as Message);
      else await theirs.send(encodeReply({ request: request.request, ...values } as ReplyToSend));
    }
  };
  void serve();
  return { ours, theirs, seen, names: () => seen.map(({ request }) => request) };
}

const WANTED = { features: bits(9, 29, 32, 28), protocolFeatures: ALL_PROTOCOL };

const RING: RingDescription = {
  index: 1,
  size: 8,
  desc: 0x10000,
  avail: 0x20000,
  used: 0x30000,
  base: 5,
  kick: descriptor(11),
  call: descriptor(12),
  err: descriptor(13),
  logAddress: null,
};

test('frontend session: negotiation asks in order and takes what both want', async () => {
  const { ours, seen, names } = backend();
  const session = new FrontendSession(ours);
  assert.deepEqual(await session.negotiate(WANTED), {
    offered: FEATURES,
    features: bits(9, 29, 30, 32),
    protocolOffered: ALL_PROTOCOL,
    protocolFeatures: ALL_PROTOCOL,
    queues: 4,
    memorySlots: 8,
  });
  assert.deepEqual(names(), [
    'GET_FEATURES',
    'SET_OWNER',
    'GET_PROTOCOL_FEATURES',
    'SET_PROTOCOL_FEATURES',
    'GET_QUEUE_NUM',
    'GET_MAX_MEM_SLOTS',
    'SET_FEATURES',
  ]);
  assert.deepEqual(
    seen.map(({ needsReply }) => needsReply),
    [false, false, false, false, false, false, true],
    'nothing is acknowledged before that was negotiated',
  );
  session.close();
  assert.equal(await session.ended, null);
});

test('frontend session: a backend without protocol features is asked for nothing that it does not know', async () => {
  const { ours, names } = backend({ GET_FEATURES: () => ({ value: bits(9, 32) }) });
  const session = new FrontendSession(ours);
  const { protocolFeatures, queues, memorySlots, features } = await session.negotiate(WANTED);
  assert.deepEqual([protocolFeatures, queues, memorySlots, features], [0n, 1, null, bits(9, 32)]);
  await session.startQueue({ ...RING, err: null });
  assert.deepEqual(names().slice(2), [
    'SET_FEATURES',
    'SET_VRING_NUM',
    'SET_VRING_BASE',
    'SET_VRING_ADDR',
    'SET_VRING_CALL',
    'SET_VRING_KICK',
  ]);
  assert.equal(session.isOpen, true);
  session.close();
});

const REGION = { guestAddress: 0n, sizeBytes: 4096n, userAddress: 0n, mmapOffset: 0n };
const AREA = { handle: descriptor(70), sizeBytes: 4096n, offsetBytes: 0n, queues: 1, queueSize: 8 };

/** What belongs to a feature that was not negotiated. */
const UNNEGOTIATED: readonly (readonly [what: string, call: (session: FrontendSession) => Promise<unknown>])[] = [
  ['reading configuration', (session) => session.getConfig(0, 8)],
  ['writing configuration', (session) => session.setConfig(0, Uint8Array.of(1))],
  ['asking for an in-flight area', (session) => session.getInflight(1, 8)],
  ['setting an in-flight area', (session) => session.setInflight(AREA)],
  ['a log and its call', (session) => session.setLog(AREA, descriptor(2))],
  ['a backend channel', (session) => session.setBackendChannel(descriptor(1))],
  ['taking a region away', (session) => session.removeRegion(REGION)],
  ['enabling a queue', (session) => session.enableQueue(0, true)],
  ['a reset', (session) => session.tell({ request: 'RESET_DEVICE' })],
  ['a kick by message', (session) => session.tell({ request: 'VRING_KICK', index: 0, num: 0 })],
  ['a status', (session) => session.ask({ request: 'GET_STATUS' })],
];
for (const [what, call] of UNNEGOTIATED)
  test(`frontend session: not negotiated, not sent: ${what}`, async () => {
    const { ours, names } = backend({ GET_FEATURES: () => ({ value: bits(9, 32) }) });
    const session = new FrontendSession(ours);
    await session.negotiate(WANTED);
    const before = names();
    await assert.rejects(call(session), { code: 'feature-not-negotiated' });
    assert.equal(session.isOpen, true);
    // The next request is sent; between them there was none.
    await session.stopQueue(0);
    assert.deepEqual(names(), [...before, 'GET_VRING_BASE']);
    session.close();
  });

test('frontend session: a feature without those that it needs is not acknowledged', async () => {
  const offered = bits(3, 14);
  const { ours, seen } = backend({ GET_PROTOCOL_FEATURES: () => ({ value: offered }) });
  const session = new FrontendSession(ours);
  const { protocolFeatures } = await session.negotiate({ ...WANTED, protocolFeatures: bits(3, 5, 14) });
  assert.equal(protocolFeatures, bits(3));
  const told = seen.find(({ request }) => request === 'SET_PROTOCOL_FEATURES') as { value: bigint } | undefined;
  assert.equal(told?.value, bits(3));
  session.close();
});

test('frontend session: memory goes region by region into slots, else as one table', async () => {
  const region = { guestAddress: 2n ** 32n, sizeBytes: 4096n, userAddress: 2n ** 40n, mmapOffset: 0n };
  const regions = [
    { ...region, handle: descriptor(21) },
    { ...region, guestAddress: 0n, handle: descriptor(22) },
  ];
  for (const [protocolFeatures, sent] of [
    [ALL_PROTOCOL, [[21], [22]]],
    [REPLY_ACK, [[21, 22]]],
  ] as const) {
    const { ours, seen } = backend();
    const session = new FrontendSession(ours);
    await session.negotiate({ ...WANTED, protocolFeatures });
    await session.setMemory(regions);
    const told = seen.filter(({ request }) => request === 'ADD_MEM_REG' || request === 'SET_MEM_TABLE');
    assert.deepEqual(
      told.map(({ handles }) => handles.map((handle) => handle.kind === 'descriptor' && handle.descriptor)),
      sent,
    );
    session.close();
  }
});

test('frontend session: more regions than slots are not sent', async () => {
  const { ours } = backend({ GET_MAX_MEM_SLOTS: () => ({ value: 1n }) });
  const session = new FrontendSession(ours);
  await session.negotiate(WANTED);
  const region = { guestAddress: 0n, sizeBytes: 1n, userAddress: 0n, mmapOffset: 0n, handle: descriptor(1) };
  await assert.rejects(session.setMemory([region, region]), { code: 'too-many-regions', value: 1 });
  session.close();
});

test('frontend session: a queue is set up, started, enabled, and stopped where it stands', async () => {
  const { ours, seen } = backend();
  const session = new FrontendSession(ours);
  await session.negotiate(WANTED);
  seen.length = 0;
  await session.startQueue({ ...RING, kick: null, logAddress: 0x99 });
  assert.deepEqual(
    seen.map(({ handles, needsReply, ...rest }) => rest),
    [
      { request: 'SET_VRING_NUM', index: 1, num: 8 },
      { request: 'SET_VRING_BASE', index: 1, num: 5 },
      { request: 'SET_VRING_ADDR', index: 1, flags: 1, desc: 0x10000n, used: 0x30000n, avail: 0x20000n, log: 0x99n },
      { request: 'SET_VRING_ERR', index: 1, noDescriptor: false },
      { request: 'SET_VRING_CALL', index: 1, noDescriptor: false },
      { request: 'SET_VRING_KICK', index: 1, noDescriptor: true },
      { request: 'SET_VRING_ENABLE', index: 1, num: 1 },
    ],
  );
  assert.equal(await session.stopQueue(1), 77);
  session.close();
});

test('frontend session: configuration, in-flight area, log, backend channel', async () => {
  const { ours, seen } = backend();
  const session = new FrontendSession(ours);
  await session.negotiate(WANTED);
  assert.deepEqual(await session.getConfig(4, 3), Uint8Array.of(0, 1, 2));
  await assert.rejects(session.getConfig(250, 7), RangeError);
  const area = await session.getInflight(1, 8);
  assert.deepEqual(area, {
    handle: descriptor(70),
    sizeBytes: 4096n,
    offsetBytes: 0n,
    queues: 1,
    queueSize: 8,
  });
  seen.length = 0;
  await session.setInflight(area!);
  await session.setLog({ handle: descriptor(31), sizeBytes: 64n, offsetBytes: 0n }, descriptor(32));
  await session.setBackendChannel(descriptor(33));
  assert.deepEqual(
    seen.map(({ request, handles }) => [request, handles[0]]),
    [
      ['SET_INFLIGHT_FD', descriptor(70)],
      ['SET_LOG_FD', descriptor(32)],
      ['SET_LOG_BASE', descriptor(31)],
      ['SET_BACKEND_REQ_FD', descriptor(33)],
    ],
  );
  session.close();
});

test('frontend session: no in-flight area, no configuration', async () => {
  const { ours } = backend({
    GET_INFLIGHT_FD: () => ({ sizeBytes: 0n, offsetBytes: 0n, queues: 0, queueSize: 0 }),
    GET_CONFIG: () => ({ offset: 0, flags: 0, bytes: null }),
  });
  const session = new FrontendSession(ours);
  await session.negotiate(WANTED);
  assert.equal(await session.getInflight(1, 8), null);
  await assert.rejects(session.getConfig(0, 8), { code: 'config-refused' });
  assert.equal(session.isOpen, true);
  session.close();
});

test('frontend session: a refusal is an error of its request alone', async () => {
  const { ours } = backend({ SET_VRING_NUM: () => ({ value: 3n }) });
  const session = new FrontendSession(ours);
  await session.negotiate(WANTED);
  await assert.rejects(session.startQueue(RING), { code: 'request-failed', request: 'SET_VRING_NUM', value: 3n });
  assert.equal(session.isOpen, true);
  assert.equal(await session.stopQueue(0), 77);
  session.close();
});

test('frontend session: requests that are made at once go one after the other', async () => {
  const { ours, names } = backend();
  const session = new FrontendSession(ours);
  await session.negotiate(WANTED);
  const bases = await Promise.all([0, 1, 2, 3].map((index) => session.stopQueue(index)));
  assert.deepEqual(bases, [77, 77, 77, 77]);
  assert.equal(names().filter((name) => name === 'GET_VRING_BASE').length, 4);
  session.close();
});

/** A message that no codec of ours would send. */
const raw = (request: number, flags: number, payload: number[] | Uint8Array, handles: Handle[] = []): Message => ({
  request,
  flags,
  payload: Uint8Array.from(payload),
  handles,
});
const EIGHT = new Uint8Array(8);

const wrongAnswers: [what: string, script: Script, code: ProtocolErrorCode, released: number][] = [
  ['an answer to another request', { GET_FEATURES: () => raw(15, 5, EIGHT) }, 'wrong-reply', 0],
  ['a short answer', { GET_FEATURES: () => raw(1, 5, EIGHT.subarray(1)) }, 'wrong-size', 0],
  ['a long answer', { GET_FEATURES: () => raw(1, 5, new Uint8Array(9)) }, 'wrong-size', 0],
  ['an answer that is a request', { GET_FEATURES: () => raw(1, 1, EIGHT) }, 'reply-expected', 0],
  ['another version', { GET_FEATURES: () => raw(1, 6, EIGHT) }, 'bad-version', 0],
  ['unknown flags', { GET_FEATURES: () => raw(1, 0x105, EIGHT) }, 'unknown-flags', 0],
  ['a descriptor', { GET_FEATURES: () => raw(1, 5, EIGHT, [descriptor(5)]) }, 'too-many-descriptors', 1],
  ['no queues', { GET_QUEUE_NUM: () => ({ value: 0n }) }, 'bad-value', 0],
  ['too many queues', { GET_QUEUE_NUM: () => ({ value: 2n ** 60n }) }, 'bad-value', 0],
  [
    'an area without its descriptor',
    { GET_INFLIGHT_FD: () => raw(31, 5, [1, ...new Uint8Array(23)]) },
    'too-few-descriptors',
    0,
  ],
  [
    'an area with two descriptors',
    { GET_INFLIGHT_FD: () => raw(31, 5, [1, ...new Uint8Array(23)], [descriptor(5), descriptor(6)]) },
    'too-many-descriptors',
    2,
  ],
  [
    'a piece of configuration too short',
    { GET_CONFIG: () => ({ offset: 0, flags: 0, bytes: EIGHT }) },
    'wrong-size',
    0,
  ],
  ['the base of another queue', { GET_VRING_BASE: () => ({ index: 9, num: 0 }) }, 'wrong-reply', 0],
  ['a base of 17 bits', { GET_VRING_BASE: () => ({ index: 0, num: 65536 }) }, 'bad-ring-index', 0],
  ['silence', { GET_VRING_BASE: () => null }, 'timed-out', 0],
  [
    'its end',
    {
      GET_VRING_BASE: (_, channel) => {
        channel.close();
        return null;
      },
    },
    'peer-gone',
    0,
  ],
];
for (const [what, script, code, released] of wrongAnswers)
  test(`frontend session: ${what} ends it`, async () => {
    const { ours } = backend(script);
    const session = new FrontendSession(ours, { timeoutMs: 50 });
    const everything = async () => {
      await session.negotiate(WANTED);
      await session.getConfig(0, 60);
      await session.getInflight(1, 8);
      await session.stopQueue(0);
    };
    await assert.rejects(everything(), (error) => error instanceof ProtocolError && error.code === code);
    assert.equal(session.isOpen, false);
    assert.equal(ours.closed, true);
    assert.equal(ours.released.length, released);
    const reason = await session.ended;
    assert.ok(reason instanceof ProtocolError && reason.code === code);
    await assert.rejects(session.ask({ request: 'GET_FEATURES' }), reason);
  });

test('frontend session: an answer that came while this thread stood still is none too late', async () => {
  const late = (_: Request, theirs: MemoryChannel) => {
    const until = performance.now() + 50;
    while (performance.now() < until);
    setImmediate(() => theirs.send(encodeReply({ request: 'GET_FEATURES', value: FEATURES })));
    return null;
  };
  const session = new FrontendSession(backend({ GET_FEATURES: late }).ours, { timeoutMs: 10 });
  // From an immediate on, timers come before the next one.
  await new Promise(setImmediate);
  assert.equal((await session.ask({ request: 'GET_FEATURES' })).value, FEATURES);
});

test('frontend session: what nobody asked for ends it, and its descriptors are given back', async () => {
  const { ours, theirs } = backend();
  const session = new FrontendSession(ours);
  await session.negotiate(WANTED);
  await theirs.send(raw(11, 5, EIGHT, [descriptor(9)]));
  const reason = await session.ended;
  assert.ok(reason instanceof ProtocolError && reason.code === 'unexpected-reply');
  assert.deepEqual(ours.released, [descriptor(9)]);
});

test('frontend session: a backend that goes away between requests is seen without asking', async () => {
  const { ours, theirs } = backend();
  const session = new FrontendSession(ours);
  await session.negotiate(WANTED);
  theirs.close();
  const reason = await session.ended;
  assert.ok(reason instanceof ProtocolError && reason.code === 'peer-gone');
});

test('frontend session: a transport that fails ends it with the transport’s error', async () => {
  const [ours] = channelPair();
  const session = new FrontendSession(ours);
  ours.send = () => Promise.reject(new Error('EPIPE'));
  await assert.rejects(session.ask({ request: 'GET_FEATURES' }), /EPIPE/);
  assert.match((await session.ended)?.message ?? '', /EPIPE/);
});

test('frontend session: waiting for what has no answer is the caller’s mistake', () => {
  const [ours] = channelPair();
  const session = new FrontendSession(ours);
  assert.throws(() => session.ask({ request: 'SET_OWNER' }), RangeError);
  session.close();
});

test('frontend session: PROTOCOL_FEATURES alone decides whether queues are enabled', async () => {
  const { ours, names } = backend({
    GET_FEATURES: () => ({ value: PROTOCOL_FEATURES }),
    GET_PROTOCOL_FEATURES: () => ({ value: 0n }),
  });
  const session = new FrontendSession(ours);
  await session.negotiate(WANTED);
  await session.startQueue(RING);
  assert.equal(names().at(-1), 'SET_VRING_ENABLE');
  session.close();
});
