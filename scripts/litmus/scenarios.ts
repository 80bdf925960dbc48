/** The runs that are explored: small rings and few requests, in every way that notifications can be asked for. */

import type { WaitName } from './waits.ts';

/** What a request is made of: bytes for the host, room for its answer, both in turn, both in one chain. */
export type Shape = 'out' | 'in' | 'alternate' | 'both';

/** The kernel's; the one face with ordered accesses of its own; the same with that interface's way to ask for kicks. */
export type HostName = 'vringh' | 'vhost-user' | 'set-notification';

export interface Scenario {
  readonly summary: string;
  readonly ringSize: number;
  readonly requests: number;
  /** Where both indices stand before the first request; 0: a ring that nobody used yet. */
  readonly startIndex: number;
  readonly eventIdx: boolean;
  readonly indirect: boolean;
  readonly shape: Shape;
  /** Adds published and kicked for together. */
  readonly batch: number;
  /** The most requests in flight. */
  readonly outstanding: number;
  /** The guest asks for a call after most of what is outstanding, not after the next completion. */
  readonly delayed: boolean;
  /** The guest never takes its wish for calls back, and so never asks for them anew. */
  readonly callsOn: boolean;
  /** Which host half serves. */
  readonly host: HostName;
  /** The host never takes its wish for kicks back, and so never asks for them anew. */
  readonly kicksOn: boolean;
  /** Completions that the host publishes together; it calls for each such batch. */
  readonly hostBatch: number;
  /** Looks at the ring before a side asks for a notification. */
  readonly ringLooks: number;
  /** How both sides wait for their doorbells. */
  readonly wait: WaitName;
  /** Explored by `--long` alone. */
  readonly long: boolean;
}

/** Two steps before the 16-bit indices wrap: the third request is behind. */
const WRAP = 0xfffe;

const BASE: Omit<Scenario, 'summary'> = {
  ringSize: 2,
  requests: 3,
  startIndex: 0,
  eventIdx: true,
  indirect: false,
  shape: 'alternate',
  batch: 1,
  outstanding: 2,
  delayed: false,
  callsOn: false,
  host: 'vringh',
  kicksOn: false,
  hostBatch: 1,
  ringLooks: 0,
  wait: 'sleeps',
  long: false,
};
const FLAGS = { eventIdx: false };
const TWOS = { batch: 2, hostBatch: 2, requests: 4 };
const VHOST_USER = { host: 'vhost-user' } as const;
const HANDS_OVER = { wait: 'hands-over' } as const;
const LOOKS = { wait: 'looks' } as const;
const RING_LOOKS = { ringLooks: 1 };
const LONG = { requests: 5, long: true };
const RING_4 = { ...LONG, ringSize: 4, outstanding: 4 };

/** Name, what it is, and what of it differs. Each is explored from either start: `-wrap` is the second. */
const RUNS: readonly [string, string, Partial<Scenario>][] = [
  ['flags', 'wishes by flags', FLAGS],
  ['events', 'wishes by event index', {}],
  ['flags-delayed', 'flags, a call after most of what is outstanding', { ...FLAGS, delayed: true }],
  ['events-delayed', 'event index, a call after most of what is outstanding', { delayed: true }],
  ['flags-twos', 'flags, adds and completions published by twos', { ...FLAGS, ...TWOS }],
  ['events-twos', 'event index, adds and completions published by twos', TWOS],
  ['flags-on', 'flags, both leave their wishes on', { ...FLAGS, callsOn: true, kicksOn: true }],
  ['events-on', 'event index, the guest leaves calls on', { callsOn: true }],
  ['chain', 'requests as long as the ring', { shape: 'both', outstanding: 1 }],
  ['full', 'more requests than the ring has room for', { shape: 'both' }],
  ['indirect', 'indirect tables', { shape: 'both', indirect: true }],
  ['ring-1', 'a ring of one descriptor', { ringSize: 1, shape: 'in', outstanding: 1 }],
  ['ring-1-full', 'a ring of one descriptor, asked for two', { ringSize: 1, shape: 'out' }],
  ['vhost-user', "vhost-user's queue, event index", VHOST_USER],
  [
    'vhost-user-on',
    "vhost-user's queue, event index, both leave their wishes on",
    { ...VHOST_USER, callsOn: true, kicksOn: true },
  ],
  ['set-notification', "vhost-user's queue, event index, by setNotification", { host: 'set-notification' }],
  ['flags-hands-over', 'flags, doorbell adaptive on a shared CPU', { ...FLAGS, ...HANDS_OVER }],
  ['events-hands-over', 'event index, doorbell adaptive on a shared CPU', HANDS_OVER],
  ['flags-looks', 'flags, doorbell adaptive on two CPUs', { ...FLAGS, ...LOOKS }],
  ['events-looks', 'event index, doorbell adaptive on two CPUs', LOOKS],
  ['flags-ring-looks', 'flags, both look at the ring before they ask', { ...FLAGS, ...RING_LOOKS }],
  ['events-ring-looks', 'event index, both look at the ring before they ask', RING_LOOKS],
  ['twos-ring-looks', 'event index, by twos, both look at the ring before they ask', { ...TWOS, ...RING_LOOKS }],
  ['vhost-user-ring-looks', "vhost-user's queue, both look", { ...LONG, ...VHOST_USER, ...RING_LOOKS, requests: 3 }],
  ['ring-looks-5', 'event index, five requests, both look twice', { ...LONG, ringLooks: 2 }],
  ['flags-5', 'flags, five requests', { ...FLAGS, ...LONG }],
  ['events-5', 'event index, five requests', LONG],
  ['events-delayed-5', 'event index, five requests, a call after most', { ...LONG, delayed: true }],
  ['vhost-user-5', "vhost-user's queue, event index, five requests", { ...LONG, ...VHOST_USER }],
  ['flags-ring-4', 'flags, a ring of four', { ...RING_4, ...FLAGS }],
  ['events-ring-4', 'event index, a ring of four', RING_4],
  ['delayed-ring-4', 'event index, a ring of four, a call after most', { ...RING_4, delayed: true }],
  ['threes-ring-4', 'event index, a ring of four, adds by threes', { ...RING_4, batch: 3, hostBatch: 2, requests: 6 }],
  ['on-ring-4', 'event index, a ring of four, the guest leaves calls on', { ...RING_4, callsOn: true }],
  ['indirect-ring-4', 'indirect tables in a ring of four', { ...RING_4, shape: 'both', indirect: true, requests: 4 }],
];

export const SCENARIOS: Readonly<Record<string, Scenario>> = Object.fromEntries(
  RUNS.flatMap(([name, summary, changes]): [string, Scenario][] => {
    const scenario = { ...BASE, ...changes, summary };
    return [
      [name, scenario],
      [`${name}-wrap`, { ...scenario, startIndex: WRAP, summary: `${summary}; indices wrap` }],
    ];
  }),
);
