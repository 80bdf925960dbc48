/**
 * For tests: how the lines of the table of hostile input (`hostile.test.ts`) are run. A line is made by `refused`,
 * `breaks`, `served` or `alone`; it runs on a face in every way to take a request, with whole and with slow ranges, from
 * indices that wrap.
 */
import assert from 'node:assert/strict';
import type { MockDriver, RawDescriptor } from '../guest/mock-driver.ts';
import { slowRange, wholeRange } from '../memory/range.ts';
import type { RingError, RingErrorCode } from '../ring/errors.ts';
import { caught } from '../ring/test-caught.ts';
import { NO_HEAD } from './split-host-queue.ts';
import {
  DATA,
  type Face,
  type Hostile,
  INDIRECT,
  NEXT,
  type Rules,
  SIZE,
  type Stage,
  stage,
  WRITE,
} from './test-hostile-faces.ts';

/** What a device writes: no byte of the buffers is it before. */
const WRITTEN = 0xee;

/** A broken rule, as an error names it. */
export interface Answer {
  readonly code: RingErrorCode;
  readonly index: number;
  readonly value: number;
}
export const answer = (code: RingErrorCode, index: number, value: number): Answer => ({ code, index, value });

/** Other than a row's own by the rules of some faces; null: they take the request. */
export type Others = Partial<Record<Rules, Answer | null>>;

/** All memory but the used ring, which is the host's to write; it ends without events. */
function bytesBesidesUsed({ memory, ring }: Hostile): Buffer {
  const copy = Buffer.concat(memory.bytes);
  copy.fill(0, ring.places.used.offset, ring.availEvent);
  return copy;
}

function changedBytes(before: Buffer, after: Buffer): number {
  if (before.equals(after)) return 0;
  return before.reduce((count, byte, i) => count + Number(byte !== after[i]), 0);
}

/** Every call that takes, completes or asks throws `first`, again and again; the others do no harm. */
function refusesAll({ queue, take, refuses, request, driver }: Hostile, of: Face, first: RingError): void {
  const same = (error: unknown) => error === first;
  assert.equal(queue.isBroken, true);
  for (const way of of.ways) assert.throws(() => take(way, request), same);
  assert.equal(request.head, queue.size, 'no head can be trusted');
  for (const call of [
    () => queue.takeHead(),
    () => queue.look(),
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

interface Axes {
  ways: readonly string[];
  ranges: readonly (typeof wholeRange)[];
  starts: readonly number[];
}
/** Calls it for each way to take a request, each kind of range, each start of the indices; a failure says which it was. */
function eachWay(
  of: Face,
  { ways, ranges, starts }: Axes,
  run: (way: string, stage: Required<Pick<Stage, 'getRange' | 'startIndex'>>) => void,
) {
  for (const way of ways)
    for (const getRange of of.wholeOnly ? [wholeRange] : ranges)
      for (const startIndex of starts)
        try {
          run(way, { getRange, startIndex });
        } catch (error) {
          throw new Error(`${of.name}.${way}, ${getRange.name}, from ${startIndex}`, { cause: error });
        }
}

const RANGES = [wholeRange, slowRange];
/** The next request wraps. */
const LAST_INDEX = [65535];

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
      eachWay(of, { ways: of.ways, ranges, starts: LAST_INDEX }, (way, from) =>
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
      // Another queue, which goes on.
      const another = stage(of);
      eachWay(of, { ways: [...of.ways, takeHead], ranges: [wholeRange], starts: [0, 65534] }, (way, on) => {
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
        const from = on.startIndex;
        assert.deepEqual(
          [error.code, error.queue, error.index, error.value],
          [code, 'tx', (from + taken + good) & 0xffff, relative ? (from + value) & 0xffff : value],
        );
        assert.equal(queue.lastHead, SIZE);
        refusesAll(hostile, of, error);
        assert.equal(changedBytes(before, bytesBesidesUsed(hostile)), 0, 'memory is left alone');
      });
      servesGoodOne(another, of.ways[0]!);
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
      eachWay(of, { ways: of.ways, ranges: RANGES, starts: LAST_INDEX }, (way, on) => {
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
export const alone = (row: number, what: string, run: (of: Face, way: string) => void): Row => ({
  row,
  what,
  run: (of) => eachWay(of, { ways: of.ways, ranges: [wholeRange], starts: [0] }, (way) => run(of, way)),
});

/** A descriptor of the buffers, `at` bytes behind their start. */
export const data = (length: number, flags = 0, next = 0, at = 0): RawDescriptor => ({
  offset: DATA + at,
  length,
  flags,
  next,
});
