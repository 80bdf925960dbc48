/**
 * For tests: the driver of the table of hostile input, host side (`hostile.test.ts`). Host halves stand in `FACES`, a
 * line each; a row is made by `refused`, `breaks`, `served` or `alone`, and runs on every face, in every way to take a
 * request, with whole and with slow ranges, from indices that wrap.
 */
import assert from 'node:assert/strict';
import { MockDriver, type RawDescriptor } from '../guest/mock-driver.ts';
import { LguestQueue } from '../launcher/queue.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { type RangeCallback, slowRange, wholeRange } from '../memory/range.ts';
import { allocateShared, MemoryRegion } from '../memory/region.ts';
import { bindRing } from '../ordering/ring-fields.ts';
import { seqcst } from '../ordering/seqcst.ts';
import { VRING_DESC_F_INDIRECT, VRING_DESC_F_NEXT, VRING_DESC_F_WRITE } from '../ring/constants.ts';
import { RingError, type RingErrorCode } from '../ring/errors.ts';
import { modernLayout, SplitRing } from '../ring/split-layout.ts';
import { VhostUserQueue } from '../vhost-user/queues/queue.ts';
import { Request } from './queue.ts';
import { NO_HEAD, type SplitHostQueue, type SplitHostQueueOptions } from './split-host-queue.ts';
import { Vringh } from './vringh.ts';

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
/** What a device writes. No byte of the pattern is it. */
const WRITTEN = 0xee;

type Options = SplitHostQueueOptions & Required<Pick<SplitHostQueueOptions, 'state'>>;

/** Whose rules a host half keeps: where they differ, a row says so by this name. */
type Rules = 'vringh' | 'vhost-user' | 'lguest';

interface FaceLine<Q extends SplitHostQueue> {
  name: string;
  rules: Rules;
  make(options: Options): Q;
  /** The ways to take a request. */
  takes: Record<string, (queue: Q, request: Request) => boolean>;
  /** Calls of its own that a broken ring must refuse, beyond those of every face. */
  refuses: readonly ((queue: Q, request: Request) => unknown)[];
}

/** A queue in the hands of a test. */
interface Served {
  readonly queue: SplitHostQueue;
  take(way: string, request: Request): boolean;
  readonly refuses: readonly ((request: Request) => unknown)[];
}
export interface Face {
  readonly name: string;
  readonly rules: Rules;
  readonly ways: readonly string[];
  open(options: Options): Served;
}

const face = <Q extends SplitHostQueue>({ name, rules, make, takes, refuses }: FaceLine<Q>): Face => ({
  name,
  rules,
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

const next = (queue: SplitHostQueue, request: Request) => queue.next(request);
function getdesc(queue: Vringh, request: Request): boolean {
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

export const FACES: readonly Face[] = [
  face({
    name: 'vringh',
    rules: 'vringh',
    make: (options) => new Vringh(options),
    takes: { next, getdesc },
    refuses: [(q, r) => q.getdesc(r.readable, r.writable), (q) => q.completeMulti(Uint32Array.of(0, 0), 1)],
  }),
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

/** A broken rule, as an error names it. */
export interface Answer {
  readonly code: RingErrorCode;
  readonly index: number;
  readonly value: number;
}
export const answer = (code: RingErrorCode, index: number, value: number): Answer => ({ code, index, value });

/** Other than a row's own by the rules of some faces; null: they take the request. */
export type Others = Partial<Record<Rules, Answer | null>>;

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
  const regions = [BASE, BASE + regionBytes].map(
    (guestBase) => new MemoryRegion({ guestBase, buffer: allocateShared(regionBytes) }),
  );
  const [region, second] = regions as [MemoryRegion, MemoryRegion];
  const ring = SplitRing.within(region, 0, modernLayout(size));
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

/** All memory but the used ring, which is the host's to write. */
function bytesBesidesUsed({ memory, ring }: Hostile): Buffer {
  const copy = Buffer.concat(memory.bytes);
  copy.fill(0, ring.places.used.offset, ring.availEvent + 2);
  return copy;
}

function changedBytes(before: Buffer, after: Buffer): number {
  if (before.equals(after)) return 0;
  return before.reduce((count, byte, i) => count + Number(byte !== after[i]), 0);
}

/** Runs the call, which must throw a RingError: no other one reaches a caller. */
export function caught(call: () => unknown): RingError {
  try {
    call();
  } catch (error) {
    assert.ok(error instanceof RingError, `a RingError, not ${error}`);
    return error;
  }
  return assert.fail('nothing was thrown');
}

/** Every call that takes, completes or asks throws `first`, again and again; the others do no harm. */
function refusesAll({ queue, take, refuses, request, driver }: Hostile, of: Face, first: RingError): void {
  const same = (error: unknown) => error === first;
  assert.equal(queue.isBroken, true);
  for (const way of of.ways) assert.throws(() => take(way, request), same);
  assert.equal(request.head, queue.size, 'no head can be trusted');
  for (const call of [
    () => queue.takeHead(),
    () => queue.complete(request, 0),
    () => queue.completeDeferred(request, 0),
    () => queue.completeHead(0, 0),
    () => queue.needsCall(),
    () => queue.enableKicks(),
    ...refuses.map((refused) => () => refused(request)),
  ])
    assert.throws(call, same);
  queue.disableKicks();
  queue.hasAvailable();
  queue.publish();
  assert.equal(driver.readUsed(), null, 'nothing is completed');
}

/** A request like any other is served, its bytes where they belong. */
function servesGoodOne(hostile: Hostile, way: string): void {
  const { driver, queue, take, request, region } = hostile;
  driver.writeChain(0, [data(3), data(2, WRITE, 0, 64)]);
  region.u8.set([5, 6, 7], DATA);
  driver.offer(0);
  const before = bytesBesidesUsed(hostile);
  assert.equal(take(way, request), true, 'the next request is taken');
  const bytes = new Uint8Array(4);
  assert.equal(request.readable.pull(bytes, 0, 4), 3);
  assert.deepEqual([...bytes], [5, 6, 7, 0]);
  assert.equal(request.writable.push(bytes.fill(WRITTEN), 0, 4), 2);
  queue.complete(request, 2);
  assert.deepEqual(driver.readUsed(), { id: 0, length: 2 });
  assert.deepEqual([...region.u8.subarray(DATA + 63, DATA + 67)], [63, WRITTEN, WRITTEN, 66]);
  assert.equal(changedBytes(before, bytesBesidesUsed(hostile)), 2);
}

/** What the driver wrote, seen by a reader without tables: an error of the first one, or null if there is none. */
function firstTable({ ring: { desc, size } }: MockDriver): Answer | null {
  for (let index = 0, steps = 0; index < size && steps < size; steps++) {
    const flagsNext = desc[4 * index + 3]!;
    if ((flagsNext & INDIRECT) !== 0) return answer('indirect-not-negotiated', index, flagsNext & 0xffff);
    if ((flagsNext & NEXT) === 0) return null;
    index = flagsNext >>> 16;
  }
  return null;
}

/** What this face has to say of the chain with head 0; null: it takes it. */
function answerOf(of: Face, { indirect = true }: Stage, driver: MockDriver, own: Answer | null, others: Others) {
  const table = indirect && of.rules !== 'lguest' ? null : firstTable(driver);
  const other = others[of.rules];
  return table ?? (other === undefined ? own : other);
}

export interface Row {
  readonly row: number;
  readonly what: string;
  run(of: Face): void;
}

/** Calls it for each way to take a request, each kind of range and some indices; a failure says which it was. */
function eachWay(
  of: Face,
  ways: readonly string[],
  ranges: readonly (typeof wholeRange)[],
  run: (way: string, stage: Stage) => void,
) {
  for (const way of ways)
    for (const getRange of ranges)
      for (const startIndex of [0, 65535])
        try {
          run(way, { getRange, startIndex });
        } catch (error) {
          throw new Error(`${of.name}.${way}, ${getRange.name}, from ${startIndex}`, { cause: error });
        }
}

const RANGES = [wholeRange, slowRange];

/** The whole chain from head 0 is refused by `expected`; the ring goes on, but for a face that then stops the guest. */
function runRefused(
  of: Face,
  way: string,
  on: Stage,
  write: (hostile: Hostile) => void,
  own: Answer,
  others: Others = {},
): void {
  const hostile = stage(of, on);
  const { driver, queue, take, request, spare } = hostile;
  write(hostile);
  driver.offer(0);
  const expected = answerOf(of, on, driver, own, others);
  const before = bytesBesidesUsed(hostile);
  if (expected === null) {
    assert.equal(take(way, request), true, 'it is taken');
  } else {
    const error = caught(() => take(way, request));
    assert.deepEqual(
      [error.code, error.queue, error.index, error.value],
      [expected.code, 'tx', expected.index, expected.value],
    );
    if (of.rules === 'lguest') {
      refusesAll(hostile, of, error);
      return;
    }
  }
  assert.deepEqual([request.head, queue.lastHead, queue.isBroken], [0, 0, false], 'the head is valid');
  assert.equal(take(way, spare), false, 'it is not parsed twice');
  queue.complete(request, 0);
  assert.deepEqual(driver.readUsed(), { id: 0, length: 0 });
  assert.equal(changedBytes(before, bytesBesidesUsed(hostile)), 0, 'memory is left alone');
  servesGoodOne(hostile, way);
}

/** A broken request: an error of that request alone. `write` writes the chain whose head is 0. */
export function refused(
  row: number,
  what: string,
  own: Answer,
  write: (driver: MockDriver) => void,
  { others = {}, on = {}, ranges = RANGES }: { others?: Others; on?: Stage; ranges?: typeof RANGES } = {},
): Row {
  return {
    row,
    what,
    run(of) {
      eachWay(of, of.ways, ranges, (way, from) =>
        runRefused(of, way, { ...on, ...from }, ({ driver }) => write(driver), own, others),
      );
      const { driver, queue } = stage(of, on);
      write(driver);
      driver.offer(0);
      assert.deepEqual([queue.takeHead(), queue.isBroken], [0, false], 'takeHead reads no chain');
      queue.completeHead(0, 0);
      assert.deepEqual(driver.readUsed(), { id: 0, length: 0 });
    },
  };
}

export interface Breaks {
  /** Requests with the heads from 0 on are with the host before. */
  taken: number;
  misbehave(driver: MockDriver): void;
  /** Good requests that are taken before it shows. */
  good?: number;
  /** The value counts from the start index. */
  relative?: boolean;
}
/** A broken ring: the queue is broken, once and for all. */
export function breaks(row: number, what: string, code: RingErrorCode, value: number, how: Breaks): Row {
  const { taken, misbehave, good = 0, relative = false } = how;
  const takeHead = 'takeHead';
  return {
    row,
    what,
    run(of) {
      eachWay(of, [...of.ways, takeHead], [wholeRange], (way, on) => {
        const hostile = stage(of, on);
        const { driver, queue, request } = hostile;
        const take = () => (way === takeHead ? queue.takeHead() !== NO_HEAD : hostile.take(way, request));
        for (let head = 0; head < SIZE; head++) driver.writeDescriptor(head, data(1, 0, 0, head));
        for (let head = 0; head < taken; head++) {
          driver.offer(head);
          assert.equal(take(), true);
        }
        misbehave(driver);
        const before = bytesBesidesUsed(hostile);
        for (let i = 0; i < good; i++) assert.equal(take(), true);
        const error = caught(take);
        const from = on.startIndex!;
        assert.deepEqual(
          [error.code, error.queue, error.index, error.value],
          [code, 'tx', (from + taken + good) & 0xffff, relative ? (from + value) & 0xffff : value],
        );
        assert.equal(queue.lastHead, SIZE);
        refusesAll(hostile, of, error);
        assert.equal(changedBytes(before, bytesBesidesUsed(hostile)), 0, 'memory is left alone');
      });
      // Another queue goes on.
      servesGoodOne(stage(of), of.ways[0]!);
    },
  };
}

export interface Serves {
  /** Writes the chain whose head is 0. */
  write(hostile: Hostile): void;
  /** Between taking the request and moving its bytes. */
  afterwards?(hostile: Hostile): void;
  bytes: readonly number[];
  room: number;
  others?: Others;
}
/** What is odd but is served: the bytes come and go. By other rules it may be refused. */
export function served(row: number, what: string, how: Serves): Row {
  const { write, afterwards, bytes, room, others = {} } = how;
  return {
    row,
    what,
    run(of) {
      eachWay(of, of.ways, RANGES, (way, on) => {
        const hostile = stage(of, on);
        const { driver, queue, take, request } = hostile;
        write(hostile);
        const other = answerOf(of, on, driver, null, others);
        if (other !== null) {
          runRefused(of, way, on, write, other);
          return;
        }
        driver.offer(0);
        assert.equal(take(way, request), true);
        afterwards?.(hostile);
        const before = bytesBesidesUsed(hostile);
        const local = new Uint8Array(64);
        assert.equal(request.readable.pull(local, 0, 64), bytes.length);
        assert.deepEqual([...local.subarray(0, bytes.length)], bytes);
        assert.equal(request.writable.push(local.fill(WRITTEN), 0, 64), room);
        queue.complete(request, room);
        assert.deepEqual(driver.readUsed(), { id: 0, length: room });
        assert.equal(changedBytes(before, bytesBesidesUsed(hostile)), room);
        servesGoodOne(hostile, way);
      });
    },
  };
}

/** A row that needs a run of its own. */
export const alone = (row: number, what: string, run: (of: Face) => void): Row => ({ row, what, run });

/** A descriptor of the buffers, `at` bytes behind their start. */
export const data = (length: number, flags = 0, next = 0, at = 0): RawDescriptor => ({
  offset: DATA + at,
  length,
  flags,
  next,
});
