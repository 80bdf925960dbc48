/**
 * What is done to a legal session: things are left out, repeated, moved, cut and changed. All of it follows from a seed
 * and the session's number. It plays nothing.
 */

import { Random } from '../../fuzz/random.ts';
import { ODD_DESCRIPTOR_KINDS } from '../../native/odd-descriptors.ts';
import {
  type Action,
  type DescriptorName,
  MEMORY,
  MORE_MEMORY,
  RING_STYLES,
  type SendAction,
  type Target,
} from './fuzz-actions.ts';
import { SHARED_CHANGES } from './fuzz-flags.ts';
import { legalSession } from './fuzz-legal.ts';
import { pausedActions } from './fuzz-pauses.ts';
import { refusedActions } from './fuzz-refusals.ts';

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
function mutate(random: Random, actions: Action[], target: Target): void {
  const { queueCount } = target;
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
    () => actions.splice(at, 0, ...refusedActions(random, target)),
    () => actions.splice(at, 0, ...pausedActions(random, target)),
    () => actions.splice(at, 0, anyMessage(random)),
    () => actions.splice(at, 0, { does: 'reconnect' }),
    () => {
      const [name, change] = [random.pick(['kick', 'call', 'err'] as const), random.pick(SHARED_CHANGES)];
      actions.splice(at, 0, { does: 'change shared', name, queue: random.below(queueCount), change });
    },
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
