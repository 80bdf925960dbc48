/**
 * For tests: host halves in the hands of hostile guests. A half is a line in `FACES`; a stage is a ring in memory of its
 * own with a driver by hand.
 */
import assert from 'node:assert/strict';
import { MockDriver } from '../guest/mock-driver.ts';
import { LguestQueue } from '../launcher/queue.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { type RangeCallback, wholeRange } from '../memory/range.ts';
import type { MemoryRegion } from '../memory/region.ts';
import { bindRing } from '../ordering/ring-fields.ts';
import { seqcst } from '../ordering/seqcst.ts';
import { VRING_DESC_F_INDIRECT, VRING_DESC_F_NEXT, VRING_DESC_F_WRITE } from '../ring/constants.ts';
import { RingError } from '../ring/errors.ts';
import { modernLayout, SplitRing } from '../ring/split-layout.ts';
import { ENGINES, type Engine, makeRegions, makeVringh } from '../test-engines.ts';
import { VhostUserQueue } from '../vhost-user/queues/queue.ts';
import { type HeadQueue, Request } from './queue.ts';
import { NO_HEAD, type SplitHostQueueOptions } from './split-host-queue.ts';
import type { Vringh } from './vringh.ts';
import type { WasmVringh } from './wasm-vringh.ts';

export const NEXT = VRING_DESC_F_NEXT;
export const WRITE = VRING_DESC_F_WRITE;
export const INDIRECT = VRING_DESC_F_INDIRECT;

/** Descriptors of the ring. */
export const SIZE = 16;
/** Guest memory is two regions that touch, and nothing around them; the ring begins the first. */
export const BASE = 2 ** 40;
export const REGION = 65536;
export const END = BASE + 2 * REGION;
/** Where tables and buffers lie in the first region; byte `i` of the buffers is `i`. */
export const TABLE = 8192;
export const DATA = 32768;
const PATTERN_BYTES = 128;

type Options = SplitHostQueueOptions & Required<Pick<SplitHostQueueOptions, 'state'>>;

/** Whose rules a host half keeps: where they differ, a row says so by this name. */
export type Rules = 'vringh' | 'vhost-user' | 'lguest';

/** What every face has. */
type HostHalf = HeadQueue & { readonly isBroken: boolean; readonly lastHead: number };

interface FaceLine<Q extends HostHalf> {
  name: string;
  rules: Rules;
  /** It translates by whole ranges and asks no callback. */
  wholeOnly?: boolean;
  make(options: Options): Q;
  /** The ways to take a request. */
  takes: Record<string, (queue: Q, request: Request) => boolean>;
  /** Calls of its own that a broken ring must refuse, beyond those of every face. */
  refuses: readonly ((queue: Q, request: Request) => unknown)[];
}

/** A queue in the hands of a test. */
interface Served {
  readonly queue: HostHalf;
  take(way: string, request: Request): boolean;
  readonly refuses: readonly ((request: Request) => unknown)[];
}
export interface Face {
  readonly name: string;
  readonly rules: Rules;
  readonly wholeOnly: boolean;
  readonly ways: readonly string[];
  open(options: Options): Served;
}

const face = <Q extends HostHalf>({ name, rules, wholeOnly = false, make, takes, refuses }: FaceLine<Q>): Face => ({
  name,
  rules,
  wholeOnly,
  ways: Object.keys(takes),
  open(options) {
    const queue = make(options);
    return {
      queue,
      take: (way, request) => takes[way]!(queue, request),
      refuses: refuses.map((call) => (request) => call(queue, request)),
    };
  },
});

const next = (queue: HostHalf, request: Request) => queue.next(request);
function getdesc(queue: Vringh | WasmVringh, request: Request): boolean {
  request.readable.reset();
  request.writable.reset();
  try {
    return queue.getdesc(request.readable, request.writable) !== NO_HEAD;
  } finally {
    request.head = queue.lastHead;
  }
}
/** What is wrong with a request ends the count and is left to `next`; what is wrong with the ring is thrown by both. */
function nextAfterCount(queue: VhostUserQueue, request: Request): boolean {
  try {
    queue.getAvailBytes(2 ** 33, 2 ** 33);
  } catch (error) {
    assert.ok(error instanceof RingError && queue.isBroken, `a broken ring, not ${error}`);
  }
  return queue.next(request);
}

const vringhFace = (engine: Engine): Face =>
  face({
    name: engine === 'js' ? 'vringh' : `vringh (${engine})`,
    rules: 'vringh',
    wholeOnly: engine === 'wasm',
    make: (options) => makeVringh(options, engine),
    takes: { next, getdesc },
    refuses: [(q, r) => q.getdesc(r.readable, r.writable), (q) => q.completeMulti(Uint32Array.of(0, 0), 1)],
  });

export const FACES: readonly Face[] = [
  ...ENGINES.map(vringhFace),
  face({
    name: 'vhost-user',
    rules: 'vhost-user',
    make: (options) => new VhostUserQueue({ ...options, ...options.state }),
    takes: { next, nextAfterCount },
    refuses: [
      (q, r) => q.fill(r, 0, 0),
      (q) => q.flush(1),
      (q) => q.isEmpty(),
      (q) => q.availBytes(1, 1),
      (q) => q.getAvailBytes(1, 1),
    ],
  }),
  face({
    name: 'lguest',
    rules: 'lguest',
    make: (options) => new LguestQueue({ ...options, features: { ...options.features, indirect: false } }),
    takes: { next },
    refuses: [],
  }),
];

export interface Stage {
  /** INDIRECT_DESC was negotiated, with faces that know it. Default true. */
  indirect?: boolean;
  /** Default SIZE and REGION. */
  size?: number;
  regionBytes?: number;
  startIndex?: number;
  getRange?: (memory: GuestMemory) => RangeCallback;
}

/** A ring in memory of its own, its driver by hand, and the face that serves it. */
export function stage(of: Face, options: Stage = {}) {
  const { indirect = true, size = SIZE, regionBytes = REGION, startIndex = 0, getRange = wholeRange } = options;
  const regions = makeRegions([BASE, BASE + regionBytes], regionBytes);
  const [region, second] = regions as [MemoryRegion, MemoryRegion];
  const ring = SplitRing.within(region, 0, modernLayout(size), 'tx', false);
  const shared = bindRing(seqcst, ring);
  const memory = new GuestMemory(regions);
  const driver = new MockDriver({ ring, shared, startIndex });
  shared.used.store16(ring.usedIdx, startIndex);
  for (let i = 0; i < PATTERN_BYTES; i++) region.u8[DATA + i] = i;
  const features = { indirect, eventIdx: false, version1: true };
  const state = { availIdx: startIndex, usedIdx: startIndex };
  const served = of.open({ ring, shared, features, memory, getRange: getRange(memory), state, name: 'tx' });
  return { ...served, region, second, ring, memory, driver, request: new Request(memory), spare: new Request(memory) };
}
export type Hostile = ReturnType<typeof stage>;
