/**
 * What a hostile frontend may send to a server, by the classes of hostile input (the numbers are theirs): what answer
 * each gets, that the next frontend is served, and that no descriptor and no mapping is left. Real sockets, real files.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addEventfd } from '../../native/eventfd.ts';
import { whyUnavailable } from '../../native/libc.ts';
import type { OddDescriptorKind } from '../../native/odd-descriptors.ts';
import { ProtocolError } from '../messages/errors.ts';
import { encode, type NameFrom, type RequestToSend } from '../messages/message.ts';
import type { MemoryRegionDescription } from '../messages/payload.ts';
import { file } from './test-frontend.ts';
import { bit, FEATURES, LOG_ALL, type Peer, PROTOCOL, REPLY_ACK, type Stage, withPeer } from './test-hostile-peer.ts';
import { withServedSocket } from './test-server.ts';

const skip = whyUnavailable() ?? false;

type HostileRequest = RequestToSend<NameFrom<'frontend'>>;

interface Refusal {
  readonly what: string;
  readonly code: string;
  readonly at: Stage;
  readonly request: (peer: Peer) => HostileRequest;
  /** Before it, at its stage. */
  readonly first?: (peer: Peer) => readonly HostileRequest[];
}

const PAGE = 4096n;
const MAX64 = 2n ** 64n - 1n;
const MiB = 2n ** 20n;

const tableOf =
  (...changes: Partial<MemoryRegionDescription>[]) =>
  (peer: Peer): HostileRequest => ({
    request: 'SET_MEM_TABLE',
    regions: changes.map((change) => peer.region(change)),
    handles: changes.map(() => peer.memory()),
  });

const table = (what: string, code: string, ...changes: Partial<MemoryRegionDescription>[]): Refusal => ({
  what,
  code,
  at: 'negotiated',
  request: tableOf(...changes),
});

/** Elsewhere for guest and frontend, the same file. */
const elsewhere = { guestAddress: 64n * MiB, userAddress: 64n * MiB };

const areaOf = (sizeBytes: bigint, offsetBytes: bigint) => ({ sizeBytes, offsetBytes });

const log = (what: string, code: string, size: bigint, offset: bigint, at: Stage = 'with memory'): Refusal => ({
  what,
  code,
  at,
  request: (peer) => ({ request: 'SET_LOG_BASE', ...areaOf(size, offset), handles: [peer.file(4096)] }),
});

const inflight = (
  what: string,
  code: string,
  area: { sizeBytes?: bigint; offsetBytes?: bigint; queues?: number; queueSize?: number },
  at: Stage = 'negotiated',
): Refusal => ({
  what,
  code,
  at,
  request: (peer) => ({
    request: 'SET_INFLIGHT_FD',
    sizeBytes: 640n,
    offsetBytes: 0n,
    queues: 2,
    queueSize: 16,
    ...area,
    handles: [peer.file(640)],
  }),
});

const state = (
  request: 'SET_VRING_NUM' | 'SET_VRING_BASE' | 'SET_VRING_ENABLE' | 'GET_VRING_BASE' | 'VRING_KICK',
  what: string,
  code: string,
  index: number,
  num: number,
  at: Stage = 'with memory',
): Refusal => ({ what, code, at, request: () => ({ request, index, num }) });

const kick = (what: string, code: string, index: number, at: Stage): Refusal => ({
  what,
  code,
  at,
  request: (peer) => ({
    request: 'SET_VRING_KICK',
    index,
    noDescriptor: false,
    handles: [file(peer.guest.ring(0).kick)],
  }),
});

const addresses = (
  what: string,
  code: string,
  change: (
    peer: Peer,
  ) => Partial<{ index: number; flags: number; desc: bigint; avail: bigint; used: bigint; log: bigint }>,
  at: Stage = 'with memory',
): Refusal => ({
  what,
  code,
  at,
  first: at === 'running' ? () => [] : () => [{ request: 'SET_VRING_NUM', index: 0, num: 16 }],
  request: (peer) => ({
    request: 'SET_VRING_ADDR',
    index: 0,
    flags: 0,
    ...peer.guest.ring(0).addresses,
    log: 0n,
    ...change(peer),
  }),
});

/** Kinds that hold no bytes that could be mapped, or too few. */
const NO_MEMORY: readonly OddDescriptorKind[] = [
  'a directory',
  'a file',
  'a place and no file',
  '/dev/null',
  '/dev/zero',
  '/dev/urandom',
  'an eventfd that blocks',
  'a pipe to be read',
  'a pipe that has ended',
  'a socket',
  'a socket that has ended',
  'an epoll descriptor',
  'an empty memfd',
  'a memfd',
];

const asMemory = (kind: OddDescriptorKind): Refusal[] => [
  {
    what: `${kind} as memory`,
    code: 'file-too-short',
    at: 'negotiated',
    request: (peer) => ({ request: 'SET_MEM_TABLE', regions: [peer.region()], handles: [peer.odd(kind)] }),
  },
  {
    what: `${kind} as one region more, under queues that run`,
    code: 'file-too-short',
    at: 'running',
    request: (peer) => ({ request: 'ADD_MEM_REG', region: peer.region(elsewhere), handles: [peer.odd(kind)] }),
  },
];

const withLog = (peer: Peer, sizeBytes: number): readonly HostileRequest[] => [
  { request: 'SET_LOG_BASE', ...areaOf(BigInt(sizeBytes), 0n), handles: [peer.file(4096)] },
  { request: 'SET_FEATURES', value: FEATURES | LOG_ALL },
];

/** Refused: answered with 1 to who asks, and then the session goes on; else the connection ends with the code. */
const REFUSALS: Record<string, readonly Refusal[]> = {
  '23: the dirty log': [
    log('one word less than memory needs', 'bad-log-area', 56n, 0n),
    log('no byte', 'bad-log-area', 0n, 0n),
    log('ends behind its file', 'bad-log-area', 4096n, 8n),
    log('offset and size past 2^64', 'address-too-large', MAX64, MAX64),
    log('offset and size past 2^53', 'bad-log-area', 2n ** 53n - 8n, 2n ** 53n - 8n),
    log('not at a word', 'bad-log-area', 64n, 4n),
    log('too small while queues run', 'bad-log-area', 56n, 0n, 'running'),
    {
      what: 'no file',
      code: 'too-few-descriptors',
      at: 'with memory',
      request: () => ({ request: 'SET_LOG_BASE', sizeBytes: 64n, offsetBytes: 0n }),
    },
    ...NO_MEMORY.map(
      (kind): Refusal => ({
        what: `${kind} as log`,
        code: 'bad-log-area',
        at: 'running',
        request: (peer) => ({ request: 'SET_LOG_BASE', ...areaOf(8192n, 0n), handles: [peer.odd(kind)] }),
      }),
    ),
    {
      what: 'memory that grows out of the log',
      code: 'bad-log-area',
      at: 'running',
      first: (peer) => withLog(peer, 64),
      request: (peer) => ({ request: 'ADD_MEM_REG', region: peer.region(elsewhere), handles: [peer.memory()] }),
    },
    {
      what: 'a used ring that is noted behind the log',
      code: 'bad-log-area',
      at: 'running',
      first: (peer) => withLog(peer, 64),
      request: (peer) => ({
        request: 'SET_VRING_ADDR',
        index: 0,
        flags: 1,
        ...peer.guest.ring(0).addresses,
        log: 2n * MiB - 8n,
      }),
    },
    {
      what: 'a used ring that is noted at 2^64',
      code: 'address-too-large',
      at: 'running',
      first: (peer) => withLog(peer, 64),
      request: (peer) => ({
        request: 'SET_VRING_ADDR',
        index: 0,
        flags: 1,
        ...peer.guest.ring(0).addresses,
        log: MAX64,
      }),
    },
  ],
  '43: memory': [
    table('regions that overlap for the guest', 'region-overlaps', {}, { ...elsewhere, guestAddress: 2n * MiB - PAGE }),
    table('regions that overlap for the frontend', 'region-overlaps', {}, { guestAddress: 64n * MiB }),
    table('the same region twice', 'region-overlaps', {}, {}),
    table(
      'a region inside another',
      'region-overlaps',
      {},
      { ...elsewhere, guestAddress: MiB + PAGE, sizeBytes: PAGE },
    ),
    table('a region without bytes', 'region-empty', { sizeBytes: 0n }),
    table('guest addresses past 2^64', 'region-wraps', { guestAddress: MAX64 - 7n }),
    table('frontend addresses past 2^64', 'region-wraps', { userAddress: MAX64 - 7n }),
    table('an offset past 2^64', 'region-wraps', { mmapOffset: MAX64 - 7n }),
    table('a size past 2^64', 'region-wraps', { sizeBytes: MAX64 }),
    table('guest addresses past 2^53', 'address-too-large', { guestAddress: 2n ** 53n }),
    table('an offset past 2^53', 'address-too-large', { mmapOffset: 2n ** 53n }),
    table('a size past 2^53', 'address-too-large', { sizeBytes: 2n ** 53n }),
    table('a guest address between words', 'region-misaligned', { guestAddress: MiB + 4n }),
    table('a size between words', 'region-misaligned', { sizeBytes: MiB - 1n }),
    table('a byte more than the file', 'file-too-short', { sizeBytes: MiB + 8n }),
    table('an offset in a file that ends before', 'file-too-short', { mmapOffset: PAGE }),
    table('an offset behind the file', 'file-too-short', { mmapOffset: 64n * MiB }),
    table(
      'the last of eight regions is bad',
      'file-too-short',
      ...Array.from({ length: 8 }, (_, i) => ({
        guestAddress: BigInt(i) * 2n * MiB,
        userAddress: BigInt(i) * 2n * MiB,
        mmapOffset: i === 7 ? PAGE : 0n,
      })),
    ),
    ...NO_MEMORY.flatMap(asMemory),
    {
      what: 'a file of more bytes than a frontend may have mapped',
      code: 'memory-too-large',
      at: 'negotiated',
      request: (peer) => ({
        request: 'SET_MEM_TABLE',
        regions: [peer.region({ sizeBytes: 2n ** 46n })],
        handles: [peer.odd('a memfd that nobody could map')],
      }),
    },
    {
      what: 'more than that in several regions, under queues that run',
      code: 'memory-too-large',
      at: 'running',
      request: (peer) => ({
        request: 'SET_MEM_TABLE',
        regions: [
          peer.region(),
          ...Array.from({ length: 3 }, (_, i) =>
            peer.region({
              guestAddress: BigInt(i + 1) * 2n ** 43n,
              userAddress: BigInt(i + 1) * 2n ** 43n,
              sizeBytes: 2n ** 41n,
            }),
          ),
        ],
        handles: [peer.memory(), ...Array.from({ length: 3 }, () => peer.odd('a memfd that nobody could map'))],
      }),
    },
    {
      what: 'one region more that overlaps',
      code: 'region-overlaps',
      at: 'running',
      request: (peer) => ({ request: 'ADD_MEM_REG', region: peer.region(), handles: [peer.memory()] }),
    },
    {
      what: 'a region goes that is not there',
      code: 'region-unknown',
      at: 'running',
      request: (peer) => ({ request: 'REM_MEM_REG', region: peer.region({ sizeBytes: PAGE }) }),
    },
    {
      what: 'a region goes in which rings lie',
      code: 'region-in-use',
      at: 'running',
      request: (peer) => ({ request: 'REM_MEM_REG', region: peer.region() }),
    },
    {
      what: 'another table without the memory of the rings',
      code: 'address-outside-memory',
      at: 'running',
      request: tableOf(elsewhere),
    },
  ],
  '44: order and indices': [
    addresses('ring addresses before the memory table', 'no-memory-table', () => ({}), 'negotiated'),
    kick('a kick before addresses', 'kick-before-addresses', 0, 'with memory'),
    state('VRING_KICK', 'a kick by message before addresses', 'kick-before-addresses', 0, 0),
    kick('a kick of no queue', 'queue-out-of-range', 2, 'with addresses'),
    kick('a kick of the last index there can be', 'queue-out-of-range', 255, 'running'),
    {
      what: 'a call of no queue',
      code: 'queue-out-of-range',
      at: 'running',
      request: ({ guest }) => ({
        request: 'SET_VRING_CALL',
        index: 2,
        noDescriptor: false,
        handles: [file(guest.ring(0).call)],
      }),
    },
    {
      what: 'an err of no queue',
      code: 'queue-out-of-range',
      at: 'running',
      request: () => ({ request: 'SET_VRING_ERR', index: 9, noDescriptor: true }),
    },
    state('SET_VRING_ENABLE', 'no such queue enabled', 'queue-out-of-range', 2, 1),
    state('SET_VRING_ENABLE', 'queue 2^32 - 1 enabled', 'queue-out-of-range', 2 ** 32 - 1, 1),
    state('SET_VRING_ENABLE', 'enabled more than once over', 'bad-value', 0, 2, 'running'),
    state('SET_VRING_NUM', 'no such queue', 'queue-out-of-range', 2, 16),
    state('SET_VRING_NUM', 'a size of 0', 'bad-queue-size', 0, 0),
    state('SET_VRING_NUM', 'a size that is no power of two', 'bad-queue-size', 0, 17),
    state('SET_VRING_NUM', 'a size of 65536', 'bad-queue-size', 0, 65536),
    state('SET_VRING_NUM', 'a size of 2^31', 'bad-queue-size', 0, 2 ** 31),
    state('SET_VRING_NUM', 'another size while it runs', 'queue-running', 0, 32, 'running'),
    state('SET_VRING_BASE', 'no such queue', 'queue-out-of-range', 2, 0),
    state('SET_VRING_BASE', 'an index of 17 bits', 'bad-ring-index', 0, 65536),
    state('SET_VRING_BASE', 'another index while it runs', 'queue-running', 0, 5, 'running'),
    state('GET_VRING_BASE', 'no such queue', 'queue-out-of-range', 2, 0),
    state('VRING_KICK', 'no such queue', 'queue-out-of-range', 2, 0, 'running'),
    addresses('of no queue', 'queue-out-of-range', () => ({ index: 2 })),
    addresses('unknown flags', 'bad-value', () => ({ flags: 2 })),
    addresses('a descriptor table outside memory', 'address-outside-memory', () => ({ desc: 0n })),
    addresses('a table that ends outside memory', 'address-outside-memory', ({ guest }) => ({
      desc: guest.region.userAddress + MiB - 16n,
    })),
    addresses('an available ring at 2^64', 'address-too-large', () => ({ avail: MAX64 - 1n })),
    addresses('a used ring that ends outside memory', 'address-outside-memory', ({ guest }) => ({
      used: guest.region.userAddress + MiB - 8n,
    })),
    addresses('a misaligned table', 'bad-ring-address', ({ guest }) => ({ desc: guest.region.userAddress + 8n })),
    addresses('a misaligned used ring', 'bad-ring-address', ({ guest }) => ({
      used: guest.ring(0).addresses.used + 2n,
    })),
    addresses('parts that overlap', 'bad-ring-address', ({ guest }) => ({ used: guest.ring(0).addresses.desc })),
    addresses(
      'other addresses while it runs',
      'queue-running',
      ({ guest }) => ({ desc: guest.ring(0).addresses.desc + 0x8000n }),
      'running',
    ),
    {
      what: 'features that shape rings, while one runs',
      code: 'queue-running',
      at: 'running',
      request: () => ({ request: 'SET_FEATURES', value: FEATURES | bit(29) }),
    },
    {
      what: 'features that were not offered',
      code: 'feature-not-offered',
      at: 'negotiated',
      request: () => ({ request: 'SET_FEATURES', value: MAX64 }),
    },
    {
      what: 'protocol features that were not offered',
      code: 'feature-not-offered',
      at: 'running',
      request: () => ({ request: 'SET_PROTOCOL_FEATURES', value: MAX64 }),
    },
  ],
  '45: areas': [
    inflight('no queue', 'bad-inflight-area', { queues: 0 }),
    inflight('more queues than the device has', 'bad-inflight-area', { queues: 3, sizeBytes: 640n }),
    inflight('65535 queues', 'bad-inflight-area', { queues: 65535 }),
    inflight('queues of size 0', 'bad-queue-size', { queueSize: 0 }),
    inflight('queues of size 17', 'bad-queue-size', { queueSize: 17 }),
    inflight('smaller than its queues', 'bad-inflight-area', { sizeBytes: 639n }),
    inflight('no byte', 'bad-inflight-area', { sizeBytes: 0n }),
    inflight('larger than its file', 'bad-inflight-area', { sizeBytes: 648n }),
    inflight('an offset in a file that ends before', 'bad-inflight-area', { offsetBytes: 8n }),
    inflight('an offset between words', 'bad-inflight-area', { offsetBytes: 4n }),
    inflight('offset and size past 2^64', 'address-too-large', { sizeBytes: MAX64, offsetBytes: MAX64 }),
    inflight('offset and size past 2^53', 'bad-inflight-area', {
      sizeBytes: 2n ** 53n - 8n,
      offsetBytes: 2n ** 53n - 8n,
    }),
    inflight('another area while a queue runs', 'queue-running', {}, 'running'),
    ...NO_MEMORY.map(
      (kind): Refusal => ({
        what: `${kind} as in-flight area`,
        code: 'bad-inflight-area',
        at: 'negotiated',
        request: (peer) => ({
          request: 'SET_INFLIGHT_FD',
          sizeBytes: 8192n,
          offsetBytes: 0n,
          queues: 2,
          queueSize: 16,
          handles: [peer.odd(kind)],
        }),
      }),
    ),
    {
      what: 'a new area for queues that there are not',
      code: 'bad-inflight-area',
      at: 'negotiated',
      request: () => ({ request: 'GET_INFLIGHT_FD', ...areaOf(0n, 0n), queues: 3, queueSize: 16 }),
    },
    {
      what: 'a new area for queues of no size',
      code: 'bad-queue-size',
      at: 'negotiated',
      request: () => ({ request: 'GET_INFLIGHT_FD', ...areaOf(0n, 0n), queues: 1, queueSize: 0 }),
    },
  ],
};

for (const [row, refusals] of Object.entries(REFUSALS)) {
  test(`hostile session, ${row}: refused, and the session goes on for who asks`, { skip }, () =>
    withServedSocket(async (served) => {
      for (const { what, code, at, request, first } of refusals)
        await withPeer(served, async (peer) => {
          const { frontend } = peer;
          await peer.reach(at, PROTOCOL | REPLY_ACK);
          for (const step of first?.(peer) ?? []) assert.equal(await frontend.value(step), 0n, what);
          const eventsBefore = served.events.length;
          // What answers differently when it is obeyed: the number is read all the same.
          await frontend.channel.send({ ...encode(request(peer)), flags: 1 | 8 });
          const answer = await frontend.channel.receive();
          assert.ok(answer !== null, `${what}: the backend went away`);
          assert.equal(answer.payload.length, 8, what);
          assert.equal(answer.payload[0], 1, `${what}: not refused`);
          const [refused] = served.events.slice(eventsBefore);
          assert.ok(refused?.kind === 'refused', what);
          assert.equal((refused.error as ProtocolError).code, code, what);
          await peer.synchronize();
          if (at === 'running')
            for (const index of [0, 1])
              await peer.guest.exchange(index, 4, 7, () => addEventfd(peer.guest.ring(index).kick));
          frontend.channel.close();
          assert.equal(await served.ended(), null);
        });
    }),
  );

  test(`hostile session, ${row}: refused, and the connection ends for who does not ask`, { skip }, () =>
    withServedSocket(async (served) => {
      for (const { what, code, at, request, first } of refusals)
        await withPeer(served, async (peer) => {
          const { frontend } = peer;
          // Kicks by message take acknowledgements; this frontend does not ask for them all the same.
          const byMessage = request(peer).request === 'VRING_KICK';
          await peer.reach(at, byMessage ? PROTOCOL | REPLY_ACK : PROTOCOL);
          for (const step of first?.(peer) ?? []) await frontend.tell(step);
          await frontend.tell(request(peer));
          const error = await served.ended();
          assert.ok(error instanceof ProtocolError, `${what}: ${error}`);
          assert.equal(error.code, code, what);
        });
    }),
  );
}
