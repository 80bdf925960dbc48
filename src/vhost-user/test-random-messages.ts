/** For tests: random requests, most of them almost right, by a seed. */
import type { Message } from './channel.ts';
import type { Handle } from './handle.ts';
import { encode } from './message.ts';

/** Numbers below 2^32, the same for the same seed. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    // A linear congruential generator; its high bits are good enough to choose with.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
}

export class Choices {
  private readonly next: () => number;

  constructor(seed: number) {
    this.next = randomNumbers(seed);
  }

  below(end: number): number {
    return Math.floor((this.next() / 2 ** 32) * end);
  }

  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  often(): boolean {
    return this.below(8) !== 0;
  }
}

const bit = (number: number) => 1n << BigInt(number);
/** Where an honest frontend has its memory. */
export const USER = 0x7f0000000000n;

/** Handles of the kind that is wanted, mostly, and others. */
export interface RandomHandles {
  memory(): Handle;
  event(): Handle;
  wrong(): Handle;
}

/** Any message but GET_STATUS; the numbers are mostly those of one honest set-up. */
export function randomMessage(choose: Choices, handles: RandomHandles): Message {
  const needsReply = choose.often();
  const index = choose.often() ? choose.below(2) : choose.of([2, 255]);
  const memory = () => [choose.often() ? handles.memory() : handles.wrong()];
  const event = () => [choose.often() ? handles.event() : handles.wrong()];
  const page = () => BigInt(choose.below(choose.often() ? 16 : 300)) * 4096n;
  const region = () => ({
    guestAddress: 0x10000n + BigInt(choose.below(2)) * 0x10000n,
    sizeBytes: choose.often() ? 0x10000n : BigInt(choose.below(0x20000)),
    userAddress: USER + BigInt(choose.below(2)) * 0x10000n,
    mmapOffset: choose.often() ? 0n : page(),
  });
  const file = choose.often() ? { index, noDescriptor: false, handles: event() } : { index, noDescriptor: true };
  const steps: (() => Parameters<typeof encode>[0])[] = [
    () => ({
      request: 'SET_FEATURES',
      value: choose.of([bit(32), bit(32) | bit(30), bit(32) | bit(30) | bit(26), bit(29), bit(40)]),
    }),
    () => ({ request: 'SET_PROTOCOL_FEATURES', value: choose.of([0x1f32bn, 0x1f32bn, bit(3), bit(18)]) }),
    () => ({
      request: choose.of([
        'GET_FEATURES',
        'SET_OWNER',
        'RESET_OWNER',
        'GET_PROTOCOL_FEATURES',
        'GET_QUEUE_NUM',
        'RESET_DEVICE',
        'GET_MAX_MEM_SLOTS',
      ]),
    }),
    () => {
      const regions = choose.often() ? [region()] : [region(), region()];
      return { request: 'SET_MEM_TABLE', regions, handles: regions.flatMap(memory) };
    },
    () => ({ request: 'ADD_MEM_REG', region: region(), handles: memory() }),
    () => ({ request: 'REM_MEM_REG', region: region() }),
    () => ({
      request: 'SET_LOG_BASE',
      sizeBytes: BigInt(choose.below(4096)),
      offsetBytes: choose.often() ? 0n : page(),
      handles: memory(),
    }),
    () => ({ request: 'SET_LOG_FD', handles: event() }),
    () => ({ request: 'SET_VRING_NUM', index, num: choose.often() ? 16 : choose.below(70000) }),
    () => ({
      request: 'SET_VRING_ADDR',
      index,
      flags: choose.below(2),
      desc: USER + page(),
      avail: USER + page(),
      used: USER + page(),
      log: page(),
    }),
    () => ({
      request: 'SET_VRING_ADDR',
      index,
      flags: 0,
      desc: USER,
      avail: USER + 4096n,
      used: USER + 8192n,
      log: 0n,
    }),
    () => ({ request: 'SET_VRING_BASE', index, num: choose.below(choose.often() ? 65536 : 70000) }),
    () => ({ request: 'GET_VRING_BASE', index, num: 0 }),
    () => ({ request: 'SET_VRING_KICK', ...file }),
    () => ({ request: 'SET_VRING_KICK', ...file }),
    () => ({ request: 'SET_VRING_CALL', ...file }),
    () => ({ request: 'SET_VRING_ERR', ...file }),
    () => ({ request: 'SET_VRING_ENABLE', index, num: choose.often() ? 1 : choose.below(3) }),
    () => ({ request: 'VRING_KICK', index, num: 0 }),
    () => ({ request: 'SET_STATUS', value: BigInt(choose.below(300)) }),
    () => ({ request: 'SET_BACKEND_REQ_FD', handles: [handles.wrong()] }),
    () => ({ request: 'GET_CONFIG', offset: choose.below(300), flags: 0, bytes: new Uint8Array(choose.below(8)) }),
    () => ({ request: 'SET_CONFIG', offset: choose.below(8), flags: 0, bytes: new Uint8Array(choose.below(8)) }),
    () => ({
      request: 'GET_INFLIGHT_FD',
      sizeBytes: 0n,
      offsetBytes: 0n,
      queues: choose.below(4),
      queueSize: choose.of([16, 16, 17]),
    }),
    () => ({
      request: 'SET_INFLIGHT_FD',
      sizeBytes: 8192n,
      offsetBytes: page(),
      queues: choose.below(4),
      queueSize: choose.of([16, 8, 17]),
      handles: memory(),
    }),
    () => ({ request: choose.of(['POSTCOPY_ADVISE', 'POSTCOPY_LISTEN', 'POSTCOPY_END']) }),
    () => ({ request: 'IOTLB_MSG', iova: 0n, sizeBytes: 0n, userAddress: 0n, access: 0, type: 0 }),
  ];
  const message = encode({ ...choose.of(steps)(), needsReply });
  if (choose.below(200) !== 0) return message;
  // Seldom, no message at all: that is always the end.
  const payload = message.payload.slice(0, choose.below(message.payload.length + 1));
  return { ...message, payload, handles: choose.often() ? message.handles : [...message.handles, handles.event()] };
}

/** Queue 0 put into service. */
export function honestMessages(handles: RandomHandles): Message[] {
  const region = { guestAddress: 0x10000n, sizeBytes: 0x10000n, userAddress: USER, mmapOffset: 0n };
  const requests: Parameters<typeof encode>[0][] = [
    { request: 'SET_PROTOCOL_FEATURES', value: 0x1f32bn },
    { request: 'SET_FEATURES', value: bit(32) | bit(30) },
    { request: 'SET_MEM_TABLE', regions: [region], handles: [handles.memory()] },
    { request: 'SET_VRING_NUM', index: 0, num: 16 },
    { request: 'SET_VRING_ADDR', index: 0, flags: 0, desc: USER, avail: USER + 4096n, used: USER + 8192n, log: 0n },
    { request: 'SET_VRING_KICK', index: 0, noDescriptor: false, handles: [handles.event()] },
    { request: 'SET_VRING_ENABLE', index: 0, num: 1 },
  ];
  return requests.map(encode);
}
