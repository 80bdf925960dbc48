/**
 * What a fuzzed session is made of: what a frontend and its guest do, one after the other, and where they have their
 * memory. Plain data: a session can be printed, shortened and played again. It plays nothing.
 */
import type { OddDescriptorKind } from '../../native/odd-descriptors.ts';
import { nameOf } from '../messages/message.ts';
import type { SharedChange } from './fuzz-flags.ts';

/** Devices that sessions are fuzzed with, one after the other. */
export const FUZZED_DEVICES = ['block', 'net', 'entropy', 'console', 'block in threads'] as const;
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
  /** The frontend changes how a descriptor behaves that both share. */
  | {
      readonly does: 'change shared';
      readonly name: 'kick' | 'call' | 'err';
      readonly queue: number;
      readonly change: SharedChange;
    }
  /** Takes all answers that are there, and closes what came along. */
  | { readonly does: 'read' }
  /** Lets the backend work. */
  | { readonly does: 'wait'; readonly turns: number }
  /** The connection ends, and another one begins. */
  | { readonly does: 'reconnect' };

export const bit = (number: number): bigint => 1n << BigInt(number);

/** Where the fuzzed frontend has its memory, for whom. */
export const MEMORY = { sizeBytes: 2 ** 20, guestBase: 0x100000, userBase: 0x7f0000000000 } as const;
export const MORE_MEMORY = { sizeBytes: 2 ** 20, guestBase: 0x40000000, userBase: 0x7e0000000000 } as const;
/** As the frontend tells of it. */
export const regionOf = ({ guestBase, userBase, sizeBytes }: typeof MEMORY | typeof MORE_MEMORY) => ({
  guestAddress: BigInt(guestBase),
  userAddress: BigInt(userBase),
  sizeBytes: BigInt(sizeBytes),
  mmapOffset: 0n,
});

export const LOG_BYTES = 0x40000000 / 4096 / 8 + 64;
export const INFLIGHT_BYTES = 65536;

/** Each queue's rings in memory: parts in pages of their own. */
export const RING_STRIDE = 0x4000;
export const RING_PARTS_AT = { desc: 0, avail: 0x1000, used: 0x2000 } as const;
/** Behind the rings of all queues. */
export const DATA_AT = 0x40000;

/** What a fuzzed session is for. */
export interface Target {
  readonly queueCount: number;
  /** Bytes of the configuration space. */
  readonly configBytes: number;
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
    case 'change shared':
      return `${action.name} ${action.queue} ${action.change}`;
    case 'wait':
      return `wait ${action.turns}`;
    default:
      return action.does;
  }
}
