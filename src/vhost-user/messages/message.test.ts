import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from './channel.ts';
import { ProtocolError, type ProtocolErrorCode } from './errors.ts';
import type { Handle } from './handle.ts';
import {
  type Direction,
  decode,
  decodeReply,
  encode,
  encodeReply,
  isAnswered,
  nameOf,
  REQUEST_NAMES,
  type ReplyToSend,
  type RequestName,
  type RequestToSend,
} from './message.ts';
import * as protocol from './protocol.ts';
import { SAMPLES } from './test-messages.ts';

const file: Handle = { kind: 'descriptor', descriptor: 7 };
const memory: Handle = { kind: 'memory', memory: { buffer: new SharedArrayBuffer(8) } };
const doorbell: Handle = { kind: 'doorbell', doorbell: { strategy: 'futex', words: new SharedArrayBuffer(8) } };

const directionOf = (name: RequestName): Direction => (name.startsWith('BACKEND_') ? 'backend' : 'frontend');
const numbers = protocol as unknown as Record<string, number>;

/** What the codec answers, as a word: the code of the refusal, or that there was none. */
function outcome(run: () => unknown): ProtocolErrorCode | 'accepted' {
  try {
    run();
    return 'accepted';
  } catch (error) {
    assert.ok(error instanceof ProtocolError, String(error));
    return error.code;
  }
}

function refused(run: () => unknown, code: ProtocolErrorCode, request: string, value?: number | bigint): void {
  assert.throws(run, (error: unknown) => {
    assert.ok(error instanceof ProtocolError, String(error));
    assert.deepEqual([error.code, error.request], [code, request]);
    if (value !== undefined) assert.equal(error.value, value);
    return true;
  });
}

test('message: the table has each request of the specification under its number', () => {
  const numbersOf = (direction: Direction) =>
    REQUEST_NAMES.filter((name) => directionOf(name) === direction).map((name) => numbers[`VHOST_USER_${name}`]);
  assert.deepEqual(
    numbersOf('frontend').sort((a, b) => a! - b!),
    Array.from({ length: 45 }, (_, at) => at + 1),
  );
  assert.deepEqual(
    numbersOf('backend'),
    Array.from({ length: 10 }, (_, at) => at + 1),
  );
  for (const name of REQUEST_NAMES) assert.equal(nameOf(numbers[`VHOST_USER_${name}`]!, directionOf(name)), name);
  assert.equal(nameOf(46, 'frontend'), 'frontend request 46');
});

/** Every size up to beyond the second longest payload, and around the longest of one size. */
const SIZES = [...Array(300).keys(), 2048, 2055, 2056, 2057, 4096];

for (const name of REQUEST_NAMES) {
  const { requests, replies } = SAMPLES[name];
  const direction = directionOf(name);

  test(`message: ${name} comes back as it was sent`, () => {
    for (const sample of requests)
      for (const needsReply of [false, true]) {
        const request = { handles: [], ...sample, request: name, needsReply } as RequestToSend;
        const message = encode(request);
        assert.equal(message.request, numbers[`VHOST_USER_${name}`]);
        assert.equal(message.flags, needsReply ? 9 : 1);
        assert.deepEqual(decode(message, direction), request);
      }
    for (const sample of replies) {
      const reply = { handles: [], ...sample, request: name } as ReplyToSend;
      const message = encodeReply(reply);
      assert.equal(message.flags, 5);
      assert.deepEqual(decodeReply(name, message), reply);
      // Backends leave "needs reply" standing in their answers.
      assert.deepEqual(decodeReply(name, { ...message, flags: 13 }), reply);
    }
  });

  test(`message: ${name} is refused with another version, other flags, on the other side`, () => {
    const good = encode({ ...requests[0], request: name } as RequestToSend);
    const reply = encodeReply({ ...replies[0], request: name } as ReplyToSend);
    const read = (flags: number) => decode({ ...good, flags }, direction);
    const readReply = (flags: number) => decodeReply(name, { ...reply, flags });
    for (const flags of [0, 2, 3]) refused(() => read(flags), 'bad-version', name, flags);
    for (const flags of [4, 6, 7]) refused(() => readReply(flags), 'bad-version', name, flags);
    for (const bit of [4, 16, 31]) refused(() => read((1 | (1 << bit)) >>> 0), 'unknown-flags', name);
    for (const bit of [4, 16, 31]) refused(() => readReply((5 | (1 << bit)) >>> 0), 'unknown-flags', name);
    refused(() => read(5), 'unexpected-reply', name, 5);
    refused(() => readReply(1), 'reply-expected', name, 1);
    refused(() => decodeReply(name, { ...reply, request: reply.request + 1 }), 'wrong-reply', name, reply.request + 1);
  });

  test(`message: ${name} is refused with every other size`, () => {
    check(
      requests.map((sample) => encode({ ...sample, request: name } as RequestToSend)),
      (message) => decode(message, direction),
      [],
    );
    check(
      replies.map((sample) => encodeReply({ ...sample, request: name } as ReplyToSend)),
      (message) => decodeReply(name, message),
      SAMPLES[name].toleratedSizes ?? [],
    );

    /** Cut and extended by zeros: only a size that a sample has may be accepted. */
    function check(
      samples: readonly Message[],
      read: (message: Message) => unknown,
      tolerated: readonly number[],
    ): void {
      if (name === 'CREATE_CRYPTO_SESSION') return; // any size up to the bound
      const legal = new Set([...samples.map(({ payload }) => payload.length), ...tolerated]);
      for (const sample of samples)
        for (const sizeBytes of SIZES) {
          const payload = new Uint8Array(sizeBytes);
          payload.set(sample.payload.subarray(0, sizeBytes));
          if (sizeBytes === sample.payload.length) continue;
          const told = outcome(() => read({ ...sample, payload }));
          const isLonger = sizeBytes > sample.payload.length && sizeBytes <= (SAMPLES[name].roomBytes ?? 0);
          if (!legal.has(sizeBytes) && !isLonger)
            assert.ok(told === 'wrong-size' || told === 'bad-region-count', `${sizeBytes}: ${told}`);
        }
    }
  });

  test(`message: ${name} is refused with more, fewer, or other descriptors`, () => {
    const asRequests = requests.map((sample) => encode({ ...sample, request: name } as RequestToSend));
    const asReplies = replies.map((sample) => encodeReply({ ...sample, request: name } as ReplyToSend));
    const read = (message: Message) => decode(message, direction);
    const readReply = (message: Message) => decodeReply(name, message);
    const sides: [Message[], (message: Message) => unknown][] = [
      [asRequests, read],
      [asReplies, readReply],
    ];
    for (const [messages, decoded] of sides)
      for (const message of messages) {
        const { handles } = message;
        const sometimes = SAMPLES[name].optional === true;
        const more = [...handles, file, ...(sometimes ? [file] : [])];
        refused(() => decoded({ ...message, handles: more }), 'too-many-descriptors', name, more.length);
        if (handles.length > 0 && !sometimes) {
          const fewer = handles.slice(1);
          refused(() => decoded({ ...message, handles: fewer }), 'too-few-descriptors', name, fewer.length);
        }
        if (handles.length > 0) {
          const kinds: Handle[] = [file, memory, doorbell].filter(
            (handle) => outcome(() => decoded({ ...message, handles: handles.map(() => handle) })) === 'accepted',
          );
          assert.deepEqual(
            kinds.map(({ kind }) => kind),
            SAMPLES[name].kinds,
          );
          const [wrong] = [doorbell, memory].filter((handle) => !kinds.includes(handle));
          const mixed = [...handles.slice(1), wrong!];
          refused(() => decoded({ ...message, handles: mixed }), 'wrong-handle', name, mixed.length - 1);
        }
      }
  });
}

const bytes = (...parts: (readonly number[])[]) => Uint8Array.from(parts.flat());
/** A number in so many bytes, the lowest first. */
const le = (sizeBytes: number, value: bigint | number) =>
  Array.from({ length: sizeBytes }, (_, at) => Number((BigInt(value) >> BigInt(8 * at)) & 0xffn));

/** Offsets counted by hand from the specification, so that one mistake in a layout cannot cancel itself. */
const wire: [RequestToSend, Uint8Array][] = [
  [{ request: 'SET_FEATURES', value: 0x1_7500_7e46n }, bytes(le(8, 0x175007e46n))],
  [{ request: 'SET_VRING_NUM', index: 3, num: 0x100 }, bytes(le(4, 3), le(4, 0x100))],
  [
    { request: 'SET_VRING_ADDR', index: 1, flags: 1, desc: 2n, used: 3n, avail: 4n, log: 5n },
    bytes(le(4, 1), le(4, 1), le(8, 2), le(8, 3), le(8, 4), le(8, 5)),
  ],
  [{ request: 'SET_VRING_KICK', index: 255, noDescriptor: true }, bytes(le(8, 0x1ff))],
  [{ request: 'SET_VRING_CALL', index: 5, noDescriptor: false, handles: [file] }, bytes(le(8, 5))],
  [
    {
      request: 'SET_MEM_TABLE',
      regions: [
        { guestAddress: 1n, sizeBytes: 2n, userAddress: 3n, mmapOffset: 4n },
        { guestAddress: 5n, sizeBytes: 6n, userAddress: 7n, mmapOffset: 8n },
      ],
      handles: [file, file],
    },
    bytes(le(4, 2), le(4, 0), ...[1, 2, 3, 4, 5, 6, 7, 8].map((value) => le(8, value))),
  ],
  [
    {
      request: 'ADD_MEM_REG',
      region: { guestAddress: 1n, sizeBytes: 2n, userAddress: 3n, mmapOffset: 4n },
      handles: [file],
    },
    bytes(...[0, 1, 2, 3, 4].map((value) => le(8, value))),
  ],
  [{ request: 'SET_LOG_BASE', sizeBytes: 9n, offsetBytes: 8n, handles: [file] }, bytes(le(8, 9), le(8, 8))],
  [
    { request: 'SET_INFLIGHT_FD', sizeBytes: 1n, offsetBytes: 2n, queues: 3, queueSize: 4, handles: [file] },
    bytes(le(8, 1), le(8, 2), le(2, 3), le(2, 4), le(4, 0)),
  ],
  [
    { request: 'SET_CONFIG', offset: 8, flags: 1, bytes: Uint8Array.of(5, 6) },
    bytes(le(4, 8), le(4, 2), le(4, 1), [5, 6]),
  ],
  [
    { request: 'IOTLB_MSG', iova: 1n, sizeBytes: 2n, userAddress: 3n, access: 3, type: 2 },
    bytes(le(8, 1), le(8, 2), le(8, 3), [3, 2], le(6, 0)),
  ],
  [{ request: 'SET_DEVICE_STATE_FD', direction: 1, phase: 0, handles: [file] }, bytes(le(4, 1), le(4, 0))],
  [
    {
      request: 'BACKEND_SHMEM_MAP',
      shmid: 7,
      fileOffset: 1n,
      shmOffset: 2n,
      sizeBytes: 3n,
      flags: 1n,
      handles: [file],
    },
    bytes([7], le(7, 0), le(8, 1), le(8, 2), le(8, 3), le(8, 1)),
  ],
  [
    { request: 'BACKEND_VRING_HOST_NOTIFIER_MSG', index: 2, noDescriptor: true, sizeBytes: 4096n, offsetBytes: 1n },
    bytes(le(8, 0x102), le(8, 4096), le(8, 1)),
  ],
];
for (const [request, expected] of wire)
  test(`message: the bytes of ${request.request}`, () => assert.deepEqual(encode(request).payload, expected));

const raw = (request: number, payload: Uint8Array, handles: readonly Handle[] = []): Message => ({
  request,
  flags: 1,
  payload,
  handles,
});
const hostile: [string, Message, Direction, ProtocolErrorCode, string, number | bigint][] = [
  ['request 0', raw(0, bytes()), 'frontend', 'unknown-request', 'frontend request 0', 0],
  ['a request after the last', raw(46, bytes()), 'frontend', 'unknown-request', 'frontend request 46', 46],
  ['a backend request after the last', raw(11, bytes()), 'backend', 'unknown-request', 'backend request 11', 11],
  [
    'the largest number',
    raw(0xffffffff, bytes()),
    'frontend',
    'unknown-request',
    'frontend request 4294967295',
    0xffffffff,
  ],
  ['no region', raw(5, bytes(le(8, 0))), 'frontend', 'bad-region-count', 'SET_MEM_TABLE', 0],
  ['9 regions', raw(5, bytes(le(4, 9), le(36, 0))), 'frontend', 'bad-region-count', 'SET_MEM_TABLE', 9],
  [
    '2^32 - 1 regions',
    raw(5, bytes(le(4, 0xffffffff), le(36, 0))),
    'frontend',
    'bad-region-count',
    'SET_MEM_TABLE',
    0xffffffff,
  ],
  [
    '2 regions said, 1 there',
    raw(5, bytes(le(4, 2), le(36, 0)), [file]),
    'frontend',
    'wrong-size',
    'SET_MEM_TABLE',
    40,
  ],
  [
    'a table of more than 8 regions’ size',
    raw(5, bytes(le(4, 1), le(261, 0)), [file]),
    'frontend',
    'wrong-size',
    'SET_MEM_TABLE',
    265,
  ],
  [
    'room for 2 regions, 1 said, 2 descriptors',
    raw(5, bytes(le(4, 1), le(68, 0)), [file, file]),
    'frontend',
    'too-many-descriptors',
    'SET_MEM_TABLE',
    2,
  ],
  [
    '1 region, 2 descriptors',
    raw(5, bytes(le(4, 1), le(36, 0)), [file, file]),
    'frontend',
    'too-many-descriptors',
    'SET_MEM_TABLE',
    2,
  ],
  ['reserved bits of a kick', raw(12, bytes(le(8, 0x200)), [file]), 'frontend', 'bad-value', 'SET_VRING_KICK', 0x200n],
  [
    'the highest bit of a call',
    raw(13, bytes(le(8, 1n << 63n)), [file]),
    'frontend',
    'bad-value',
    'SET_VRING_CALL',
    1n << 63n,
  ],
  [
    'a kick without what it announces',
    raw(12, bytes(le(8, 1))),
    'frontend',
    'too-few-descriptors',
    'SET_VRING_KICK',
    0,
  ],
  [
    'a kick with what it denies',
    raw(12, bytes(le(8, 0x100)), [file]),
    'frontend',
    'too-many-descriptors',
    'SET_VRING_KICK',
    1,
  ],
  [
    '257 bytes of configuration',
    raw(24, bytes(le(4, 0), le(4, 257), le(260, 0))),
    'frontend',
    'size-too-large',
    'GET_CONFIG',
    257,
  ],
  [
    '2^32 - 1 bytes of configuration',
    raw(25, bytes(le(4, 0), le(4, 0xffffffff), le(4, 0))),
    'frontend',
    'size-too-large',
    'SET_CONFIG',
    0xffffffff,
  ],
  [
    'configuration shorter than it says',
    raw(25, bytes(le(4, 0), le(4, 4), le(7, 0))),
    'frontend',
    'wrong-size',
    'SET_CONFIG',
    15,
  ],
  ['an object name that is short', raw(6, bytes(le(15, 0))), 'backend', 'wrong-size', 'BACKEND_SHARED_OBJECT_ADD', 15],
  [
    'a crypto session beyond the bound',
    raw(26, new Uint8Array(4097)),
    'frontend',
    'wrong-size',
    'CREATE_CRYPTO_SESSION',
    4097,
  ],
];
for (const [what, message, direction, code, request, value] of hostile)
  test(`message: ${what} is refused: ${code}`, () => refused(() => decode(message, direction), code, request, value));

test('message: a sender that states what its fields cannot hold is told so', () => {
  const wrong: RequestToSend[] = [
    { request: 'SET_VRING_NUM', index: -1, num: 0 },
    { request: 'SET_VRING_NUM', index: 0, num: 2 ** 32 },
    { request: 'SET_VRING_NUM', index: 0.5, num: 0 },
    { request: 'SET_FEATURES', value: 2n ** 64n },
    { request: 'SET_FEATURES', value: -1n },
    { request: 'SET_VRING_KICK', index: 256, noDescriptor: true },
    { request: 'SET_MEM_TABLE', regions: [] },
    { request: 'SET_CONFIG', offset: 0, flags: 0, bytes: new Uint8Array(257) },
    { request: 'BACKEND_SHARED_OBJECT_ADD', uuid: new Uint8Array(15) },
    { request: 'CREATE_CRYPTO_SESSION', bytes: new Uint8Array(4097) },
  ];
  for (const request of wrong) assert.throws(() => encode(request), RangeError, request.request);
  refused(() => encode({ request: 'SET_LOG_FD', handles: [] }), 'too-few-descriptors', 'SET_LOG_FD', 0);
});

test('message: what a payload says is a copy, not a view of what was received', () => {
  const message = encode({ request: 'SET_CONFIG', offset: 0, flags: 0, bytes: Uint8Array.of(1, 2) });
  const decoded = decode(message, 'frontend');
  message.payload.fill(0xff);
  assert.equal(decoded.request === 'SET_CONFIG' && decoded.bytes[0], 1);
});

test('message: what is answered without being asked', () => {
  const always = REQUEST_NAMES.filter(isAnswered);
  for (const name of REQUEST_NAMES) if (name.startsWith('GET_')) assert.ok(always.includes(name), name);
  assert.deepEqual(
    always.filter((name) => !name.startsWith('GET_')),
    [
      'SET_LOG_BASE',
      'IOTLB_MSG',
      'CREATE_CRYPTO_SESSION',
      'POSTCOPY_ADVISE',
      'POSTCOPY_LISTEN',
      'POSTCOPY_END',
      'SET_DEVICE_STATE_FD',
      'CHECK_DEVICE_STATE',
      'BACKEND_SHARED_OBJECT_LOOKUP',
    ],
  );
});
