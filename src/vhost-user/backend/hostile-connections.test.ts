/**
 * Connections that break the frame itself, break off, or only take: rows 40, 41, 42 and 46 of the classes of hostile
 * input, against a server. What ends them is said, the next frontend is served, nothing is left.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as loopTurn } from 'node:timers/promises';
import { closeDescriptor } from '../../native/descriptors.ts';
import { addEventfd, closeEventfd, openEventfd } from '../../native/eventfd.ts';
import { whyUnavailable } from '../../native/libc.ts';
import { mapFile } from '../../native/mapping.ts';
import { ODD_DESCRIPTORS } from '../../native/odd-descriptors.ts';
import { openDescriptors } from '../../native/test-leaks.ts';
import { sendBytes } from '../../native/unix-socket.ts';
import { ProtocolError } from '../messages/errors.ts';
import { encode, type NameFrom, type RequestToSend } from '../messages/message.ts';
import { file } from './test-frontend.ts';
import { FEATURES, type Peer, PROTOCOL, REPLY_ACK, withPeer } from './test-hostile-peer.ts';
import { serveGoodFrontend, surviving, withServedSocket } from './test-server.ts';

const skip = whyUnavailable() ?? false;

const codeOf = (error: Error | null) => (error instanceof ProtocolError ? error.code : String(error));

interface Frame {
  readonly request: number;
  readonly flags?: number;
  readonly payload?: Uint8Array;
  /** What the header says; default: the truth. */
  readonly sizeBytes?: number;
}

function bytesOf({ request, flags = 1, payload = new Uint8Array(0), sizeBytes = payload.length }: Frame): Uint8Array {
  const bytes = new Uint8Array(12 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, request, true);
  view.setUint32(4, flags, true);
  view.setUint32(8, sizeBytes, true);
  bytes.set(payload, 12);
  return bytes;
}

const framed = (request: RequestToSend<NameFrom<'frontend'>>, flags?: number): Uint8Array => {
  const message = encode(request);
  return bytesOf({ ...message, flags: flags ?? message.flags });
};

const zeros = (length: number) => new Uint8Array(length);
const MAX32 = 2 ** 32 - 1;

/** What, the code that ends the connection, the bytes, how many descriptors ride along. */
const FRAMES: readonly (readonly [what: string, code: string, bytes: Uint8Array, descriptors: number])[] = [
  ['a payload larger than any', 'size-too-large', bytesOf({ request: 1, sizeBytes: 4097 }), 1],
  ['a payload of 4 GiB', 'size-too-large', bytesOf({ request: 5, sizeBytes: MAX32 }), 8],
  ['a payload where there is none', 'wrong-size', bytesOf({ request: 1, payload: zeros(8) }), 0],
  ['no payload where there is one', 'wrong-size', bytesOf({ request: 2 }), 0],
  ['a number cut short', 'wrong-size', bytesOf({ request: 2, payload: zeros(7) }), 0],
  ['addresses cut short', 'wrong-size', bytesOf({ request: 9, payload: zeros(39) }), 0],
  ['a table of no region', 'bad-region-count', bytesOf({ request: 5, payload: zeros(8) }), 0],
  ['a table of nine regions', 'wrong-size', bytesOf({ request: 5, payload: Uint8Array.of(9, ...zeros(7 + 288)) }), 8],
  [
    'a table that says nine',
    'bad-region-count',
    bytesOf({ request: 5, payload: Uint8Array.of(9, ...zeros(7 + 256)) }),
    8,
  ],
  [
    'a table that says more regions than it has',
    'wrong-size',
    bytesOf({ request: 5, payload: Uint8Array.of(2, ...zeros(39)) }),
    2,
  ],
  ['version 0', 'bad-version', framed({ request: 'GET_FEATURES' }, 0), 0],
  ['version 2', 'bad-version', framed({ request: 'GET_FEATURES' }, 2), 1],
  ['version 3', 'bad-version', framed({ request: 'GET_FEATURES' }, 3), 0],
  ['unknown flags', 'unknown-flags', framed({ request: 'GET_FEATURES' }, 1 | 16), 1],
  ['all flags', 'unknown-flags', framed({ request: 'GET_FEATURES' }, MAX32 - 2), 0],
  ['a reply', 'unexpected-reply', framed({ request: 'GET_FEATURES' }, 1 | 4), 0],
  ['request 0', 'unknown-request', bytesOf({ request: 0 }), 1],
  ['request 46', 'unknown-request', bytesOf({ request: 46 }), 8],
  ['request 2^32 - 1', 'unknown-request', bytesOf({ request: MAX32, payload: zeros(4096) }), 0],
  ['a request that no such device serves', 'unsupported-request', bytesOf({ request: 27, payload: zeros(8) }), 0],
  ['a descriptor that is not asked for', 'too-many-descriptors', framed({ request: 'GET_FEATURES' }), 1],
  ['two for one region', 'too-many-descriptors', bytesOf({ request: 5, payload: Uint8Array.of(1, ...zeros(39)) }), 2],
  ['nine descriptors', 'too-many-descriptors', framed({ request: 'GET_FEATURES' }), 9],
  ['more than are taken at all', 'descriptors-lost', framed({ request: 'GET_FEATURES' }), 34],
  ['none for a region', 'too-few-descriptors', bytesOf({ request: 5, payload: Uint8Array.of(1, ...zeros(39)) }), 0],
  ['one for two regions', 'too-few-descriptors', bytesOf({ request: 5, payload: Uint8Array.of(2, ...zeros(71)) }), 1],
  ['a kick without one', 'too-few-descriptors', bytesOf({ request: 12, payload: zeros(8) }), 0],
  [
    'a kick that says it has none',
    'too-many-descriptors',
    bytesOf({ request: 12, payload: Uint8Array.of(0, 1, ...zeros(6)) }),
    1,
  ],
  ['two calls in one', 'too-many-descriptors', bytesOf({ request: 13, payload: zeros(8) }), 2],
  ['an in-flight area without one', 'too-few-descriptors', bytesOf({ request: 32, payload: zeros(24) }), 0],
  ['a region to be added without one', 'too-few-descriptors', bytesOf({ request: 37, payload: zeros(40) }), 0],
  ['a channel without one', 'too-few-descriptors', bytesOf({ request: 21 }), 0],
];

/** While the queues of a peer run, and before anything was agreed on. */
for (const stage of ['running', null] as const)
  test(`hostile connections, 40 and 41: bad frames ${stage === null ? 'at once' : 'while queues run'}`, { skip }, () =>
    withServedSocket(async (served) => {
      const files = Array.from({ length: 34 }, openEventfd);
      try {
        for (const [what, code, bytes, descriptors] of FRAMES)
          await withPeer(served, async (peer) => {
            // What asks for no acknowledgement must not come to depend on it.
            if (stage !== null) await peer.reach(stage, PROTOCOL | REPLY_ACK);
            assert.equal(sendBytes(peer.socket, bytes, 0, bytes.length, files.slice(0, descriptors)), bytes.length);
            assert.equal(codeOf(await served.ended()), code, what);
          });
      } finally {
        for (const descriptor of files) closeEventfd(descriptor);
      }
    }),
  );

test('hostile connections, 42: broken off after each byte, with queues running', { skip }, () =>
  withServedSocket(async (served) => {
    for (let length = 0; length <= 12 + 40; length++)
      await surviving(served, async () => {
        await withPeer(served, async (peer) => {
          await peer.reach('running', PROTOCOL);
          const bytes = framed({ request: 'SET_MEM_TABLE', regions: [peer.region()], handles: [peer.memory()] });
          assert.equal(bytes.length, 12 + 40);
          if (length > 0) sendBytes(peer.socket, bytes, 0, length, [peer.guest.memory]);
          peer.frontend.channel.close();
          const whole = length === 0 || length === bytes.length;
          assert.equal(codeOf(await served.ended()), whole ? 'null' : 'truncated', `after ${length} bytes`);
        });
      });
  }),
);

test(
  'hostile connections, 42: what was in flight when a message broke off is done, once, and the next one goes on',
  { skip },
  () =>
    withServedSocket(async (served) => {
      const { device } = served;
      let area = -1;
      await withPeer(served, async (peer) => {
        const { frontend, guest } = peer;
        await peer.reach('with memory', PROTOCOL | REPLY_ACK);
        const shape = { queues: 2, queueSize: guest.ring(0).size };
        const reply = await frontend.ask({ request: 'GET_INFLIGHT_FD', sizeBytes: 0n, offsetBytes: 0n, ...shape });
        const { sizeBytes, offsetBytes, handles } = reply;
        assert.ok(handles[0]?.kind === 'descriptor');
        area = handles[0].descriptor;
        const handBack = { request: 'SET_INFLIGHT_FD', sizeBytes, offsetBytes, ...shape, handles } as const;
        assert.equal(await frontend.value(handBack), 0n);
        await frontend.setUp(guest, 0);
        device.holds = true;
        for (const head of [0, 2, 4]) guest.offer(0, head, 100 + head);
        addEventfd(guest.ring(0).kick);
        while (device.heldCount < 3) await loopTurn();
        sendBytes(peer.socket, new Uint8Array(5), 0, 5, [guest.memory]);
        frontend.channel.close();
        assert.equal(codeOf(await served.ended()), 'truncated');
        device.holds = false;

        const mapping = mapFile(area, { offsetBytes: 0, sizeBytes: Number(sizeBytes) });
        const flags = Array.from(
          { length: shape.queueSize },
          (_, head) => new Uint8Array(mapping.buffer)[16 + 16 * head],
        );
        mapping.close();
        assert.ok(
          flags.every((flag) => flag === 0),
          'nothing is left in flight',
        );
        for (const head of [0, 2, 4]) {
          assert.deepEqual(guest.ring(0).driver.readUsed(), { id: head, length: 4 });
          assert.equal(guest.answerOf(0, head), 100 + head);
        }

        // The same memory, rings and area, of a frontend that comes back.
        guest.offer(0, 6, 106);
        const again = peer.again();
        try {
          await again.negotiate(FEATURES, PROTOCOL | REPLY_ACK);
          await again.setMemory(guest);
          assert.equal(await again.value(handBack), 0n);
          await again.setUp(guest, 0, 3);
          assert.deepEqual(await guest.nextUsed(0), { id: 6, length: 4 });
          assert.equal(guest.ring(0).driver.readUsed(), null);
        } finally {
          again.channel.close();
          closeDescriptor(area);
        }
      });
    }),
);

test('hostile connections, 43: more regions than slots', { skip }, () =>
  withServedSocket(async (served) =>
    withPeer(served, async (peer) => {
      const { frontend } = peer;
      await peer.reach('running', PROTOCOL | REPLY_ACK);
      const slots = Number(await frontend.value({ request: 'GET_MAX_MEM_SLOTS' }));
      const add = (i: number) => {
        const place = BigInt(i + 1) * 2n ** 21n;
        const region = peer.region({ guestAddress: place, userAddress: place, sizeBytes: 4096n });
        return frontend.value({ request: 'ADD_MEM_REG', region, handles: [peer.memory()] });
      };
      const before = openDescriptors();
      for (let i = 1; i < slots; i++) assert.equal(await add(i), 0n, `region ${i}`);
      assert.equal(openDescriptors(), before + slots - 1);
      for (let i = 0; i < 3; i++) assert.equal(await add(slots + i), 1n);
      assert.equal(openDescriptors(), before + slots - 1);
      await peer.exchange(0);
    }),
  ),
);

/** The peer's side of its socket is full: the backend has stopped to read. */
async function sendUntilFull({ socket }: Peer, bytes: Uint8Array): Promise<number> {
  let messages = 0;
  for (let refused = 0; refused < 20; ) {
    const sent = sendBytes(socket, bytes, 0, bytes.length, []);
    if (sent === bytes.length) {
      messages++;
      refused = 0;
    } else if (sent < 0) {
      refused++;
      await loopTurn();
    } else break;
  }
  return messages;
}

/** What a peer does that is sent away for it once a message took too long; until then nobody else is held up. */
const SLOW: readonly (readonly [what: string, act: (peer: Peer) => Promise<void>])[] = [
  [
    'a peer that never reads its answers',
    async (peer) => {
      assert.ok((await sendUntilFull(peer, framed({ request: 'GET_FEATURES' }))) > 100);
    },
  ],
  ...[1, 11, 12, 30].map(
    (length) =>
      [
        `${length} of a message’s 52 bytes and then nothing`,
        async (peer: Peer) => {
          const bytes = framed({ request: 'SET_MEM_TABLE', regions: [peer.region()], handles: [peer.memory()] });
          sendBytes(peer.socket, bytes, 0, length, [peer.guest.memory]);
        },
      ] as const,
  ),
];
/** Longer than any test waits; and a time to wait out, which may be over before the peer has done all it wants. */
const [NEVER_MS, SOON_MS] = [2 ** 30, 150];

for (const [what, act] of SLOW) {
  test(`hostile connections, 46: ${what}: both queues go on`, { skip }, () =>
    withServedSocket(
      (served) =>
        withPeer(served, async (peer) => {
          await peer.reach('running', PROTOCOL);
          await act(peer);
          for (const index of [0, 1]) await peer.exchange(index);
          assert.equal(served.events.at(-1)!.kind, 'connected');
        }),
      { messageTimeoutMs: NEVER_MS },
    ),
  );

  test(`hostile connections, 46: ${what}: it is sent away`, { skip }, () =>
    withServedSocket(
      (served) =>
        withPeer(served, async (peer) => {
          await peer.reach('running', PROTOCOL);
          await act(peer).catch((error) => assert.equal(error.code, 'EPIPE'));
          assert.equal(codeOf(await served.ended()), 'timed-out');
        }),
      { messageTimeoutMs: SOON_MS },
    ),
  );
}

test('hostile connections, 46: messages at full rate hold up neither queues nor the loop', { skip }, () =>
  withServedSocket((served) =>
    withPeer(served, async (peer) => {
      const { guest } = peer;
      const { size, addresses, kick, call } = guest.ring(1);
      await peer.reach('running', PROTOCOL);
      /** A queue stopped and started again, another memory table, another call: nothing that is answered but the stop. */
      const round: readonly RequestToSend<NameFrom<'frontend'>>[] = [
        { request: 'SET_MEM_TABLE', regions: [peer.region()], handles: [peer.memory()] },
        { request: 'SET_VRING_CALL', index: 1, noDescriptor: false, handles: [file(call)] },
        { request: 'SET_VRING_ENABLE', index: 1, num: 0 },
        { request: 'SET_VRING_ENABLE', index: 1, num: 1 },
        { request: 'SET_VRING_NUM', index: 1, num: size },
        { request: 'SET_VRING_ADDR', index: 1, flags: 0, ...addresses, log: 0n },
        { request: 'SET_VRING_KICK', index: 1, noDescriptor: false, handles: [file(kick)] },
        { request: 'SET_FEATURES', value: FEATURES },
      ];
      for (let i = 0; i < 100; i++) {
        for (const request of round) void peer.frontend.tell(request);
        if (i % 10 === 0)
          await guest.exchange(i % 20 === 0 ? 0 : 1, 4, i, () => addEventfd(guest.ring(i % 20 === 0 ? 0 : 1).kick));
      }
      await peer.synchronize();
      assert.deepEqual(
        served.events.filter(({ kind }) => kind !== 'connected' && kind !== 'disconnected'),
        [],
      );
    }),
  ),
);

test(
  'hostile connections, 46: a guest that kicks all the time holds up neither messages nor the other queue',
  { skip },
  () =>
    withServedSocket((served) =>
      withPeer(served, async (peer) => {
        await peer.reach('running', PROTOCOL | REPLY_ACK);
        let flooding = true;
        const flood = () => {
          addEventfd(peer.guest.ring(0).kick);
          if (flooding) setImmediate(flood);
        };
        flood();
        for (let i = 0; i < 100; i++) {
          await peer.synchronize();
          await peer.exchange(1);
        }
        flooding = false;
        peer.frontend.channel.close();
        assert.equal(await served.ended(), null);
      }),
    ),
);

test('hostile connections, 46: as many at once as may wait', { skip }, () =>
  withServedSocket((served) =>
    surviving(served, async () => {
      const garbage = new Uint8Array(64).fill(0xff);
      const odd = ODD_DESCRIPTORS['a pipe to be read']();
      const sockets = Array.from({ length: 10 }, () => served.connect());
      for (const socket of sockets) sendBytes(socket, garbage, 0, garbage.length, [odd.descriptor]);
      const good = serveGoodFrontend(served);
      for (const socket of sockets) closeDescriptor(socket);
      await good;
      odd.close();
      assert.equal(served.server.sessions, sockets.length + 1);
    }),
  ),
);
