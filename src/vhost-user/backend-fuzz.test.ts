/**
 * Sessions of random requests in random order, most of them almost right: whatever comes, a session ends by itself or
 * by a ProtocolError, no queue is left in service, and every handle is given back exactly once.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROTOCOL_ERRORS } from './errors.ts';
import { encode } from './message.ts';
import { aFile, aSocket, FakeDevice, play, type Step } from './test-session.ts';

const SESSIONS = 2000;
const STEPS = 40;
const SEED = 5;

/** Numbers below 2^32, the same for the same seed. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    // A linear congruential generator; its high bits are good enough to choose with.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
}

class Choices {
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
const USER = 0x7f0000000000n;

/** What a random request may be; the numbers are mostly those of one honest set-up. */
function randomStep(choose: Choices): Step {
  const needsReply = choose.often();
  const index = choose.often() ? choose.below(2) : choose.of([2, 255]);
  const handle = choose.often() ? aFile() : aSocket();
  const page = () => BigInt(choose.below(choose.often() ? 16 : 300)) * 4096n;
  const region = () => ({
    guestAddress: 0x10000n + BigInt(choose.below(2)) * 0x10000n,
    sizeBytes: choose.often() ? 0x10000n : BigInt(choose.below(0x20000)),
    userAddress: USER + BigInt(choose.below(2)) * 0x10000n,
    mmapOffset: choose.often() ? 0n : page(),
  });
  const file = choose.often() ? { index, noDescriptor: false, handles: [handle] } : { index, noDescriptor: true };
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
        'GET_STATUS',
      ]),
    }),
    () => {
      const regions = choose.often() ? [region()] : [region(), region()];
      return { request: 'SET_MEM_TABLE', regions, handles: regions.map(() => (choose.often() ? aFile() : aSocket())) };
    },
    () => ({ request: 'ADD_MEM_REG', region: region(), handles: [handle] }),
    () => ({ request: 'REM_MEM_REG', region: region() }),
    () => ({
      request: 'SET_LOG_BASE',
      sizeBytes: BigInt(choose.below(4096)),
      offsetBytes: choose.often() ? 0n : page(),
      handles: [handle],
    }),
    () => ({ request: 'SET_LOG_FD', handles: [handle] }),
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
    () => ({ request: 'SET_BACKEND_REQ_FD', handles: [handle] }),
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
      handles: [handle],
    }),
    () => ({ request: choose.of(['POSTCOPY_ADVISE', 'POSTCOPY_LISTEN', 'POSTCOPY_END']) }),
    () => ({ request: 'IOTLB_MSG', iova: 0n, sizeBytes: 0n, userAddress: 0n, access: 0, type: 0 }),
  ];
  const message = encode({ ...choose.of(steps)(), needsReply });
  if (choose.below(200) !== 0) return { raw: message };
  // Seldom, no message at all: that is always the end.
  const payload = message.payload.slice(0, choose.below(message.payload.length + 1));
  return { raw: { ...message, payload, handles: choose.often() ? message.handles : [...message.handles, aFile()] } };
}

/** Queue 0 in service. */
function honestStart(): Step[] {
  const region = { guestAddress: 0x10000n, sizeBytes: 0x10000n, userAddress: USER, mmapOffset: 0n };
  return [
    { request: 'SET_FEATURES', value: bit(32) | bit(30) },
    { request: 'SET_MEM_TABLE', regions: [region], handles: [aFile()] },
    { request: 'SET_VRING_NUM', index: 0, num: 16 },
    { request: 'SET_VRING_ADDR', index: 0, flags: 0, desc: USER, avail: USER + 4096n, used: USER + 8192n, log: 0n },
    { request: 'SET_VRING_KICK', index: 0, noDescriptor: false, handles: [aFile()] },
    { request: 'SET_VRING_ENABLE', index: 0, num: 1 },
  ];
}

test('backend session: random requests in random order', async () => {
  const choose = new Choices(SEED);
  let served = 0;
  const codes = new Map<string, number>();
  for (let session = 0; session < SESSIONS; session++) {
    const device = new FakeDevice();
    const steps: Step[] = [{ request: 'SET_PROTOCOL_FEATURES', value: 0x1f32bn }];
    if (choose.below(2) === 0) steps.push(...honestStart());
    while (steps.length < STEPS) {
      steps.push(randomStep(choose));
      if (choose.below(50) === 0) {
        const runner = device.runner(choose.below(2));
        runner.fails = choose.often() ? null : new Error('it cannot');
        steps.push({ run: () => runner.events?.broken(new Error('it lies')) });
      }
    }
    const { ended } = await play(steps, { device });
    if (ended !== null) {
      assert.ok(ended in PROTOCOL_ERRORS, `session ${session} ended with: ${ended}`);
      codes.set(ended, (codes.get(ended) ?? 0) + 1);
    }
    served += device.runners.filter(({ notes }) => notes.includes('start')).length;
  }
  // Random, but not in vain: queues ran, and many kinds of misbehaviour were met.
  assert.ok(served > SESSIONS / 2, `only ${served} queues were ever in service`);
  assert.ok(codes.size > 10, [...codes.keys()].join(' '));
});
