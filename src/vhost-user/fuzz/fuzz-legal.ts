/** A session of a frontend and its guest that keeps every rule: what fuzzed sessions begin as. It plays nothing. */

import type { Random } from '../../fuzz/random.ts';
import type { Handle } from '../messages/handle.ts';
import { encode, type NameFrom, type RequestToSend } from '../messages/message.ts';
import { withoutLonely } from '../messages/protocol-features.ts';
import {
  type Action,
  bit,
  type DescriptorName,
  INFLIGHT_BYTES,
  LOG_BYTES,
  MEMORY,
  MORE_MEMORY,
  RING_PARTS_AT,
  RING_STRIDE,
  regionOf,
  type SendAction,
  type Target,
} from './fuzz-actions.ts';

const wordOf = (bits: readonly number[]) => bits.reduce((word, number) => word | bit(number), 0n);

/** VERSION_1, PROTOCOL_FEATURES, and what shapes rings: INDIRECT_DESC, EVENT_IDX, NOTIFY_ON_EMPTY, LOG_ALL. */
const FEATURES = [32, 30, 29, 28, 26, 24] as const;
/** MQ, LOG_SHMFD, REPLY_ACK, BACKEND_REQ, CONFIG, INFLIGHT_SHMFD, RESET_DEVICE, INBAND, MEM_SLOTS, STATUS. */
const PROTOCOL_FEATURES = [0, 1, 3, 5, 9, 12, 13, 14, 15, 16] as const;

const RING_SIZES = [1, 4, 16, 16, 64, 256] as const;

type FrontendRequest = RequestToSend<NameFrom<'frontend'>>;
export type DescribedRequest = FrontendRequest & { readonly with?: readonly DescriptorName[] };

/** Stands for each descriptor until the session is played. */
const PLACEHOLDER: Handle = { kind: 'descriptor', descriptor: -1 };

/** A request as an action; its descriptors by name. */
export function send({ with: descriptors = [], ...request }: DescribedRequest): SendAction {
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

/** A session that keeps every rule. */
export function legalSession(random: Random, { queueCount, configBytes }: Target): Action[] {
  const chosen = <T>(values: readonly T[]) => values.filter(() => !random.oneIn(3));
  const offered = PROTOCOL_FEATURES.filter((number) => number !== 9 || configBytes > 0);
  const word = withoutLonely(wordOf(random.oneIn(3) ? offered : chosen(offered)));
  const protocol = offered.filter((number) => (word & bit(number)) !== 0n);
  const has = (feature: number) => protocol.some((number) => number === feature);
  const features = wordOf([32, 30, ...(random.oneIn(2) ? chosen(FEATURES) : [])]);
  // Who asks is answered, and goes on after what is refused.
  const needsReply = has(3) && !random.oneIn(4);
  const size = random.pick(RING_SIZES);
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
  const prelude = actions.slice();
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
    // An in-flight area outlives its rings: the next one may be larger than it has room for.
    say({ request: 'SET_VRING_NUM', index, num: base === 0 && random.oneIn(4) ? random.pick(RING_SIZES) : size });
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
      if (!has(13)) return;
      say({ request: 'RESET_DEVICE' });
      // Nobody looks at the rings any more that the guest begins anew.
      actions.push({ does: 'wait', turns: 5 });
      for (const index of queues) start(index, 0);
    },
    () => {
      // The next backend gets the same in-flight area; its rings go on, or begin anew.
      actions.push({ does: 'reconnect' }, ...prelude);
      hasMore = false;
      const base = random.oneIn(2) ? 0 : null;
      for (const index of queues) start(index, base);
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
