/**
 * What a fuzzed session is made of: a legal session of a frontend and its guest, in which things are then left out,
 * repeated, moved, cut and changed. Plain data: a session can be printed, shortened and played again. It plays nothing.
 */
import { ODD_DESCRIPTOR_KINDS, type OddDescriptorKind } from '../../native/odd-descriptors.ts';
import type { Handle } from '../messages/handle.ts';
import { encode, type NameFrom, nameOf, type RequestToSend } from '../messages/message.ts';
import { Random } from './fuzz-random.ts';

/** Devices that sessions are fuzzed with, one after the other. */
export const FUZZED_DEVICES = ['block', 'net', 'entropy', 'console'] as const;
export type FuzzedDevice = (typeof FUZZED_DEVICES)[number];

/** Descriptors by what they are; those of queues carry its index. */
export type DescriptorName =
  | 'memory'
  | 'more memory'
  | 'log'
  | 'log call'
  | 'in flight'
  | 'backend channel'
  | `${'kick' | 'call' | 'err'} ${number}`
  | OddDescriptorKind;

/** Header, payload and descriptors as they are sent; `sizeBytes` is what the header says. */
export interface SendAction {
  readonly does: 'send';
  readonly request: number;
  readonly flags: number;
  readonly sizeBytes: number;
  readonly payload: readonly number[];
  readonly descriptors: readonly DescriptorName[];
  /** Bytes of it that are sent, or all. */
  readonly cutAt: number | null;
}

/** How a guest fills memory. */
export const RING_STYLES = [
  'legal',
  'legal',
  'chains',
  'indirect',
  'index',
  'noise',
  'used',
  'areas',
  'zeros',
] as const;

export type Action =
  | SendAction
  /** The guest writes: what, by a seed of its own. */
  | {
      readonly does: 'write';
      readonly queue: number;
      readonly style: (typeof RING_STYLES)[number];
      readonly seed: number;
    }
  | { readonly does: 'kick'; readonly queue: number; readonly count: number }
  /** Takes all answers that are there, and closes what came along. */
  | { readonly does: 'read' }
  /** Lets the backend work. */
  | { readonly does: 'wait'; readonly turns: number }
  /** The connection ends, and another one begins. */
  | { readonly does: 'reconnect' };

/** Where the fuzzed frontend has its memory, for whom. */
export const MEMORY = { sizeBytes: 2 ** 20, guestBase: 0x100000, userBase: 0x7f0000000000 } as const;
export const MORE_MEMORY = { sizeBytes: 2 ** 20, guestBase: 0x40000000, userBase: 0x7e0000000000 } as const;
export const LOG_BYTES = 0x40000000 / 4096 / 8 + 64;
export const INFLIGHT_BYTES = 65536;

/** Each queue's rings in memory: parts in pages of their own. */
export const RING_STRIDE = 0x4000;
export const RING_PARTS_AT = { desc: 0, avail: 0x1000, used: 0x2000 } as const;
/** Behind the rings of all queues. */
export const DATA_AT = 0x40000;

const bit = (number: number) => 1n << BigInt(number);
const wordOf = (bits: readonly number[]) => bits.reduce((word, number) => word | bit(number), 0n);

/** VERSION_1, PROTOCOL_FEATURES, and what shapes rings: INDIRECT_DESC, EVENT_IDX, NOTIFY_ON_EMPTY, LOG_ALL. */
const FEATURES = [32, 30, 29, 28, 26, 24] as const;
/** MQ, LOG_SHMFD, REPLY_ACK, BACKEND_REQ, CONFIG, INFLIGHT_SHMFD, RESET_DEVICE, INBAND, MEM_SLOTS, STATUS. */
const PROTOCOL_FEATURES = [0, 1, 3, 5, 9, 12, 13, 14, 15, 16] as const;

type FrontendRequest = RequestToSend<NameFrom<'frontend'>>;
type DescribedRequest = FrontendRequest & { readonly with?: readonly DescriptorName[] };

/** Stands for each descriptor until the session is played. */
const PLACEHOLDER: Handle = { kind: 'descriptor', descriptor: -1 };

function send({ with: descriptors = [], ...request }: DescribedRequest): SendAction {
  const handles = descriptors.map(() => PLACEHOLDER);
  const { request: number, flags, payload } = encode({ ...request, handles } as FrontendRequest);
  return {
    does: 'send',
    request: number,
    flags,
    sizeBytes: payload.length,
    payload: [...payload],
    descriptors,
    cutAt: null,
  };
}

const userAddress = (queue: number, part: keyof typeof RING_PARTS_AT) =>
  BigInt(MEMORY.userBase + queue * RING_STRIDE + RING_PARTS_AT[part]);

const regionOf = ({ guestBase, userBase, sizeBytes }: typeof MEMORY | typeof MORE_MEMORY) => ({
  guestAddress: BigInt(guestBase),
  userAddress: BigInt(userBase),
  sizeBytes: BigInt(sizeBytes),
  mmapOffset: 0n,
});

/** What a fuzzed session is for. */
export interface Target {
  readonly queueCount: number;
  /** Bytes of the configuration space. */
  readonly configBytes: number;
}

/** A session that keeps every rule. */
export function legalSession(random: Random, { queueCount, configBytes }: Target): Action[] {
  const chosen = <T>(values: readonly T[]) => values.filter(() => !random.oneIn(3));
  const offered = PROTOCOL_FEATURES.filter((number) => number !== 9 || configBytes > 0);
  const protocol = random.oneIn(3) ? offered : chosen(offered);
  const has = (feature: number) => protocol.some((number) => number === feature);
  const features = wordOf([32, 30, ...(random.oneIn(2) ? chosen(FEATURES) : [])]);
  // Who asks is answered, and goes on after what is refused.
  const needsReply = has(3) && !random.oneIn(4);
  const size = random.pick([1, 4, 16, 16, 64, 256]);
  const queues = Array.from({ length: queueCount }, (_, index) => index);
  const actions: Action[] = [];
  const say = (request: DescribedRequest) => actions.push(send({ ...request, needsReply } as DescribedRequest));
  const read = () => actions.push({ does: 'read' });

  say({ request: 'GET_FEATURES' });
  say({ request: 'GET_PROTOCOL_FEATURES' });
  say({ request: 'SET_PROTOCOL_FEATURES', value: wordOf(protocol) });
  say({ request: 'SET_OWNER' });
  read();
  if (has(0)) say({ request: 'GET_QUEUE_NUM' });
  if (has(9)) say({ request: 'GET_CONFIG', offset: 0, flags: 0, bytes: new Uint8Array(configBytes) });
  if (has(5)) say({ request: 'SET_BACKEND_REQ_FD', with: ['backend channel'] });
  say({ request: 'SET_FEATURES', value: features & ~bit(26) });
  if (has(16)) say({ request: 'SET_STATUS', value: 15n });
  if (has(12) && random.oneIn(2)) {
    const shape = { queues: queueCount, queueSize: size };
    say({ request: 'GET_INFLIGHT_FD', sizeBytes: 0n, offsetBytes: 0n, ...shape });
    const sizeBytes = BigInt(INFLIGHT_BYTES);
    say({ request: 'SET_INFLIGHT_FD', sizeBytes, offsetBytes: 0n, ...shape, with: ['in flight'] });
  }
  read();
  say({ request: 'SET_MEM_TABLE', regions: [regionOf(MEMORY)], with: ['memory'] });
  let hasMore = has(15);
  if (hasMore) say({ request: 'ADD_MEM_REG', region: regionOf(MORE_MEMORY), with: ['more memory'] });
  /** Base null: where the backend left it. */
  const start = (index: number, base: number | null) => {
    const noDescriptor = has(14) && random.oneIn(4);
    const file = (name: 'kick' | 'call' | 'err') => ({
      index,
      noDescriptor,
      with: noDescriptor ? [] : [`${name} ${index}` as const],
    });
    say({ request: 'SET_VRING_NUM', index, num: size });
    if (base !== null) say({ request: 'SET_VRING_BASE', index, num: base });
    const [desc, avail, used] = (['desc', 'avail', 'used'] as const).map((part) => userAddress(index, part));
    say({ request: 'SET_VRING_ADDR', index, flags: 0, desc: desc!, avail: avail!, used: used!, log: 0n });
    say({ request: 'SET_VRING_CALL', ...file('call') });
    say({ request: 'SET_VRING_ERR', ...file('err') });
    say({ request: 'SET_VRING_KICK', ...file('kick') });
    say({ request: 'SET_VRING_ENABLE', index, num: 1 });
    if (noDescriptor) say({ request: 'VRING_KICK', index, num: 0 });
  };
  for (const index of queues) start(index, 0);
  read();

  /** What a running device sees, in any order. */
  const later: (() => void)[] = [
    () => {
      const queue = random.below(queueCount);
      actions.push({ does: 'write', queue, style: 'legal', seed: random.bits() });
      actions.push({ does: 'kick', queue, count: 1 });
      actions.push({ does: 'wait', turns: 1 + random.below(3) });
    },
    () => {
      const index = random.below(queueCount);
      say({ request: 'GET_VRING_BASE', index, num: 0 });
      read();
      start(index, null);
    },
    () => {
      say({ request: 'SET_MEM_TABLE', regions: [regionOf(MEMORY)], with: ['memory'] });
      hasMore = false;
    },
    () => {
      if (!has(1)) return;
      say({ request: 'SET_LOG_BASE', sizeBytes: BigInt(LOG_BYTES), offsetBytes: 0n, with: ['log'] });
      say({ request: 'SET_LOG_FD', with: ['log call'] });
      say({ request: 'SET_FEATURES', value: features | bit(26) });
      const index = random.below(queueCount);
      const [desc, avail, used] = (['desc', 'avail', 'used'] as const).map((part) => userAddress(index, part));
      const log = BigInt(MEMORY.guestBase + index * RING_STRIDE + RING_PARTS_AT.used);
      say({ request: 'SET_VRING_ADDR', index, flags: 1, desc: desc!, avail: avail!, used: used!, log });
    },
    () => {
      if (hasMore) say({ request: 'REM_MEM_REG', region: regionOf(MORE_MEMORY) });
      hasMore = false;
    },
    () => {
      // What is in flight would have to be told anew.
      if (!has(13) || has(12)) return;
      say({ request: 'RESET_DEVICE' });
      // Nobody looks at the rings any more that the guest begins anew.
      actions.push({ does: 'wait', turns: 5 });
      for (const index of queues) start(index, 0);
    },
    () => {
      if (has(16)) say({ request: 'GET_STATUS' });
    },
    () => {
      const index = random.below(queueCount);
      say({ request: 'SET_VRING_CALL', index, noDescriptor: false, with: [`call ${index}`] });
    },
    () => say({ request: 'SET_VRING_ENABLE', index: random.below(queueCount), num: random.below(2) }),
    read,
  ];
  for (let left = random.below(16); left >= 0; left--) (random.oneIn(2) ? later[0]! : random.pick(later))();
  read();
  return actions;
}

/** Numbers at which something ends, in 16, 32 and 64 bits. */
const EDGES = [
  0n,
  1n,
  2n,
  3n,
  7n,
  8n,
  15n,
  16n,
  17n,
  255n,
  256n,
  257n,
  4095n,
  4096n,
  32767n,
  32768n,
  65535n,
  65536n,
  2n ** 20n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 42n,
  2n ** 53n - 8n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 4096n,
  2n ** 64n - 8n,
  2n ** 64n - 1n,
  BigInt(MEMORY.guestBase),
  BigInt(MEMORY.userBase),
  BigInt(MORE_MEMORY.guestBase),
  BigInt(MORE_MEMORY.userBase),
  BigInt(MEMORY.userBase + MEMORY.sizeBytes - 64),
];

const REQUEST_END = 46;

function anyDescriptor(random: Random): DescriptorName {
  const index = random.below(2);
  return random.oneIn(2)
    ? random.pick(ODD_DESCRIPTOR_KINDS)
    : random.pick([
        'memory',
        'more memory',
        'log',
        'in flight',
        'backend channel',
        `kick ${index}`,
        `call ${index}`,
      ] as const);
}

/** A payload in which a field, or what may be one, is another number. */
function withField(random: Random, payload: readonly number[]): number[] {
  const bytes = Uint8Array.from(payload);
  const width = random.pick([1, 2, 4, 8]);
  const fields = Math.floor(bytes.length / width);
  if (fields === 0) return [...bytes];
  const at = width * random.below(fields);
  const view = new DataView(bytes.buffer);
  const old = Array.from(bytes.subarray(at, at + width)).reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
  const value = random.oneIn(3) ? old + random.pick([1n, -1n, 8n, -8n, 4096n, -4096n]) : random.pick(EDGES);
  for (let i = 0; i < width; i++) view.setUint8(at + i, Number((value >> BigInt(8 * i)) & 0xffn));
  return [...bytes];
}

/** Most often it stays what it is to whoever reads the header: what is behind it is to be reached, too. */
function changedMessage(random: Random, message: SendAction): SendAction {
  const { payload, descriptors } = message;
  const resized = (bytes: readonly number[]) => ({ ...message, payload: bytes, sizeBytes: bytes.length });
  const field = () => resized(withField(random, payload));
  const descriptor = () => ({ ...message, descriptors: descriptors.map(() => anyDescriptor(random)) });
  const changes: readonly (() => SendAction)[] = [
    field,
    field,
    field,
    field,
    field,
    descriptor,
    descriptor,
    descriptor,
    () => ({ ...message, flags: message.flags ^ 8 }),
    () => ({ ...message, flags: message.flags ^ (1 << random.below(32)) }),
    () => ({ ...message, request: random.below(REQUEST_END) }),
    () => ({ ...message, descriptors: [...descriptors, anyDescriptor(random)] }),
    () => ({ ...message, descriptors: descriptors.slice(1) }),
    () => ({ ...message, descriptors: Array.from({ length: random.below(40) }, () => anyDescriptor(random)) }),
    () => resized(payload.slice(0, random.below(payload.length + 1))),
    () => resized([...payload, ...Array.from({ length: random.below(300) }, () => random.below(256))]),
    () => ({ ...message, sizeBytes: random.oneIn(2) ? random.below(5000) : random.bits() }),
    () => ({ ...message, cutAt: random.below(12 + payload.length) }),
  ];
  return random.pick(changes)();
}

function anyMessage(random: Random): SendAction {
  const payload = Array.from({ length: random.pick([0, 0, 8, 8, 16, 24, 40, 40, 72, 4096]) }, () =>
    random.oneIn(2) ? 0 : random.below(256),
  );
  const descriptors = Array.from({ length: random.pick([0, 0, 0, 1, 1, 2, 8]) }, () => anyDescriptor(random));
  const request = random.below(REQUEST_END);
  return {
    does: 'send',
    request,
    flags: random.oneIn(2) ? 1 : 9,
    sizeBytes: payload.length,
    payload,
    descriptors,
    cutAt: null,
  };
}

function anyGuestAction(random: Random, queueCount: number): Action[] {
  const queue = random.below(queueCount);
  return [
    { does: 'write', queue, style: random.pick(RING_STYLES), seed: random.bits() },
    { does: 'kick', queue, count: random.pick([0, 1, 1, 1, 50]) },
    ...(random.oneIn(2) ? [{ does: 'wait', turns: random.below(4) } as const] : []),
  ];
}

/** Changes a session in one way. */
function mutate(random: Random, actions: Action[], { queueCount }: Target): void {
  const at = random.below(actions.length);
  const action = actions[at]!;
  const change = () => {
    const messages = actions.flatMap((one, i) => (one.does === 'send' ? [{ i, one }] : []));
    if (messages.length === 0) return;
    const { i, one } = random.pick(messages);
    actions[i] = changedMessage(random, one);
  };
  const guest = () => actions.splice(at, 0, ...anyGuestAction(random, queueCount));
  const ways: readonly (() => void)[] = [
    change,
    change,
    change,
    change,
    guest,
    guest,
    guest,
    () => actions.splice(at, 1),
    () => actions.splice(at, 0, action),
    () => actions.splice(random.below(actions.length), 0, ...actions.splice(at, 1)),
    () => actions.splice(random.below(actions.length), 0, ...actions.slice(at, at + random.below(8))),
    () => actions.splice(at, random.below(8)),
    () => actions.splice(at, 0, anyMessage(random)),
    () => actions.splice(at, 0, { does: 'reconnect' }),
    // Once more from the start, over a new connection or the same.
    () => actions.push(...(random.oneIn(2) ? [{ does: 'reconnect' } as const] : []), ...actions.slice(0, 40)),
    // All at once: nobody reads, nobody waits.
    () => {
      const quick = actions.filter(({ does }) => does !== 'read' && does !== 'wait');
      actions.splice(0, actions.length, ...quick);
    },
  ];
  random.pick(ways)();
  if (actions.length === 0) actions.push({ does: 'wait', turns: 1 });
}

const MUTATIONS_MAX = 10;

/** The session of a seed and a number. */
export function fuzzedSession(seed: number, number: number, target: Target): Action[] {
  const random = Random.of(seed, number);
  const actions = legalSession(random, target);
  for (let left = random.below(MUTATIONS_MAX + 1); left > 0; left--) mutate(random, actions, target);
  return actions;
}

const hex = (bytes: readonly number[]) => Buffer.from(bytes).toString('hex');

/** One line for people. */
export function describeAction(action: Action): string {
  switch (action.does) {
    case 'send': {
      const { request, flags, sizeBytes, payload, descriptors, cutAt } = action;
      const size = sizeBytes === payload.length ? '' : ` size ${sizeBytes}`;
      const cut = cutAt === null ? '' : `, cut at ${cutAt}`;
      const files = descriptors.length === 0 ? '' : ` with ${descriptors.join(', ')}`;
      return `send ${nameOf(request, 'frontend')} flags ${flags}${size} ${hex(payload)}${files}${cut}`;
    }
    case 'write':
      return `write queue ${action.queue} ${action.style} ${action.seed}`;
    case 'kick':
      return `kick queue ${action.queue} × ${action.count}`;
    case 'wait':
      return `wait ${action.turns}`;
    default:
      return action.does;
  }
}
