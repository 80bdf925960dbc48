import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MockDriver, type RawDescriptor } from '../../guest/mock-driver.ts';
import { Request } from '../../host/queue.ts';
import { DirtyLog } from '../../memory/dirty-log.ts';
import { GuestMemory, OpenLater } from '../../memory/guest-memory.ts';
import { MemoryRegion } from '../../memory/region.ts';
import type { Ordering } from '../../ordering/ordering.ts';
import { bindRing } from '../../ordering/ring-fields.ts';
import { seqcst } from '../../ordering/seqcst.ts';
import {
  VRING_AVAIL_F_NO_INTERRUPT,
  VRING_DESC_F_INDIRECT,
  VRING_DESC_F_NEXT,
  VRING_DESC_F_WRITE,
  VRING_USED_F_NO_NOTIFY,
} from '../../ring/constants.ts';
import { SplitRing } from '../../ring/split-layout.ts';
import { InflightArea, inflightBytes } from './inflight.ts';
import { VhostUserQueue, type VhostUserQueueOptions } from './queue.ts';
import { QueueRecord } from './queue-record.ts';

const SIZE = 16;
const STARTS = [0, 65530, 65535];
const REGION = 131072;
const WRITE = VRING_DESC_F_WRITE;
const wrap = (index: number) => index & 0xffff;

/** Counts the reads of shared fields. */
class Counting implements Ordering {
  readonly name = 'counting';
  readonly summary = 'counts loads';
  readonly sound = true;
  loads = 0;

  bind(region: MemoryRegion) {
    const real = seqcst.bind(region);
    return {
      load16: (offset: number) => {
        this.loads++;
        return real.load16(offset);
      },
      store16: (offset: number, value: number) => real.store16(offset, value),
      fence: () => real.fence(),
    };
  }
}

interface SetUp extends Partial<VhostUserQueueOptions> {
  dirtyLog?: DirtyLog;
  startIndex?: number;
  eventIdx?: boolean;
  size?: number;
}

/** Three regions, the first two of which touch: one for each part of the ring; the data lies in the first. */
function setUp({ startIndex = 0, eventIdx = false, size = SIZE, dirtyLog, ...options }: SetUp = {}) {
  const [low, middle, high] = [2 ** 40, 2 ** 40 + REGION, 2 ** 41].map(
    (guestBase) => new MemoryRegion({ guestBase, buffer: new ArrayBuffer(REGION) }),
  ) as [MemoryRegion, MemoryRegion, MemoryRegion];
  const ring = new SplitRing(size, {
    desc: { region: middle, offset: 49152 },
    avail: { region: high, offset: 2 },
    used: { region: low, offset: 4 },
  });
  const ordering = new Counting();
  const peer = bindRing(seqcst, ring);
  const memory = new GuestMemory([low, middle, high]);
  memory.dirtyLog = dirtyLog ?? null;
  const driver = new MockDriver({ ring, shared: peer, region: low, startIndex });
  peer.used.store16(ring.usedIdx, startIndex);
  const queue = new VhostUserQueue({
    ring,
    shared: bindRing(ordering, ring),
    features: { indirect: true, eventIdx, version1: true },
    memory,
    availIdx: startIndex,
    usedIdx: null,
    name: 'tx',
    ...options,
  });
  const requests = Array.from({ length: size }, () => new Request(memory));
  for (let head = 0; head < size; head++) driver.writeDescriptor(head, data(head, 1));
  /** Takes that many requests, one after the other. */
  const take = (count: number) => {
    for (let i = 0; i < count; i++) assert.equal(queue.next(requests[i]!), true);
  };
  const serve = (count: number) => {
    for (let i = 0; i < count; i++) {
      driver.offer(0);
      queue.completeHead(queue.takeHead(), 0);
    }
  };
  return { low, middle, high, ring, ordering, peer, memory, driver, queue, requests, take, serve };
}

const DATA = 32768;
const data = (from: number, length: number, flags = 0): RawDescriptor => ({ offset: DATA + from, length, flags });
const allUsed = (driver: MockDriver) => {
  const used: [number, number][] = [];
  for (let entry = driver.readUsed(); entry !== null; entry = driver.readUsed()) used.push([entry.id, entry.length]);
  return used;
};

for (const startIndex of STARTS)
  test(`queue from ${startIndex}: bytes in and out, parts in three regions`, () => {
    const { low, driver, queue, requests } = setUp({ startIndex });
    const request = requests[0]!;
    for (let i = 0; i < 40; i++) {
      low.u8[DATA] = i;
      driver.writeChain(i % SIZE === SIZE - 1 ? 0 : i % SIZE, [data(0, 1), data(4, 2, WRITE)]);
      driver.offer(i % SIZE === SIZE - 1 ? 0 : i % SIZE);
      assert.equal(queue.next(request), true);
      const local = new Uint8Array(4);
      assert.equal(request.readable.pull(local, 0, 4), 1);
      local[1] = i + 1;
      assert.equal(request.writable.push(local, 0, 4), 2);
      queue.complete(request, 2);
      assert.deepEqual([low.u8[DATA + 4], low.u8[DATA + 5]], [i, i + 1]);
      assert.deepEqual(allUsed(driver), [[request.head, 2]]);
      assert.equal(queue.next(request), false);
    }
  });

test('policy: tables of up to 1024 entries, whatever the size of the queue, and across regions', () => {
  const { low, middle, driver, queue, requests } = setUp();
  const request = requests[0]!;
  for (let i = 0; i < 1025; i++) low.u8[DATA + i] = i;
  const entries = Array.from({ length: 1025 }, (_, i) => data(i, 1));
  // Written in one piece, then moved so that the border of the regions cuts its second entry.
  const table = driver.writeTableChain(0, entries, middle);
  low.u8.set(middle.u8.subarray(0, 24), REGION - 24);
  middle.u8.copyWithin(0, 24, 16 * 1025);
  const moved = { ...table, address: low.addressOf(REGION - 24) };
  driver.writeDescriptor(0, moved);
  driver.offer(0);
  assert.throws(() => queue.next(request), { code: 'indirect-table-size', index: 0, value: 16 * 1025 });
  queue.complete(request, 0);
  // One entry less: its last one then ends the chain.
  middle.u16[(16 * 1024 - 24 - 4) / 2] = 0;
  driver.writeDescriptor(0, { ...moved, length: 16 * 1024 });
  driver.offer(0);
  assert.equal(queue.next(request), true);
  const local = new Uint8Array(2048);
  assert.equal(request.readable.pull(local, 0, 2048), 1024);
  assert.deepEqual(local.slice(0, 1024), low.u8.slice(DATA, DATA + 1024));
});

test('policy: a chain of more than 1024 elements is refused, though the queue is longer', () => {
  const { driver, queue, requests } = setUp({ size: 2048, startIndex: 5 });
  const elements = Array.from({ length: 1025 }, () => data(0, 1));
  driver.writeChain(0, elements.slice(1));
  driver.offer(0);
  assert.equal(queue.next(requests[0]!), true);
  queue.complete(requests[0]!, 0);
  driver.writeChain(0, elements);
  driver.offer(0);
  assert.throws(() => queue.next(requests[0]!), { code: 'chain-too-long', index: 1024, value: 1025 });
});

test('isEmpty: reads the shared index only when all that was seen is taken', () => {
  const { driver, queue, ordering, take } = setUp({ startIndex: 65534 });
  const loads = (call: () => unknown) => {
    ordering.loads = 0;
    call();
    return ordering.loads;
  };
  assert.equal(queue.isEmpty(), true);
  for (const head of [0, 1, 2]) driver.offer(head);
  assert.equal(queue.isEmpty(), false);
  take(1);
  assert.equal(
    loads(() => assert.equal(queue.isEmpty(), false)),
    0,
  );
  assert.equal(
    loads(() => take(2)),
    0,
  );
  assert.equal(
    loads(() => assert.equal(queue.isEmpty(), true)),
    1,
  );
});

const counts: [string, (driver: MockDriver) => void, number, number, number, number][] = [
  // what, offered, limits in and out, counted in and out
  ['nothing', () => {}, 10, 10, 0, 0],
  ['one request', (d) => chain(d, 0, [2, 3], [5]), 10, 10, 5, 5],
  ['all requests below the limits', (d) => three(d), 1000, 1000, 21, 12],
  ['up to the one that reaches both limits', (d) => three(d), 7, 4, 7, 4],
  ['up to the one that reaches the later limit', (d) => three(d), 1, 5, 14, 8],
  ['one request with limits of 0', (d) => three(d), 0, 0, 7, 4],
  [
    'up to a broken one',
    (d) => {
      three(d);
      d.writeDescriptor(4, data(0, 0));
    },
    1000,
    1000,
    7,
    4,
  ],
  [
    'up to a head outside the table',
    (d) => {
      chain(d, 0, [1], [1]);
      d.offer(SIZE);
    },
    1000,
    1000,
    1,
    1,
  ],
];
function chain(driver: MockDriver, head: number, out: number[], into: number[]): void {
  driver.writeChain(head, [...out.map((length) => data(0, length)), ...into.map((length) => data(0, length, WRITE))]);
  driver.offer(head);
}
/** Three requests of 4 bytes out and 7 in; the second by a table. */
function three(driver: MockDriver): void {
  chain(driver, 0, [1, 3], [7]);
  driver.writeDescriptor(4, driver.writeTableChain(8192, [data(0, 4), data(0, 6, WRITE), data(0, 1, WRITE)]));
  driver.offer(4);
  chain(driver, 8, [4], [7]);
}
for (const [what, offer, inMax, outMax, inBytes, outBytes] of counts)
  for (const startIndex of STARTS)
    test(`getAvailBytes from ${startIndex}: ${what}`, () => {
      const { driver, queue } = setUp({ startIndex });
      offer(driver);
      assert.deepEqual(queue.getAvailBytes(inMax, outMax), { inBytes, outBytes });
      assert.equal(queue.availBytes(inBytes, outBytes), true);
      assert.equal(queue.availBytes(inBytes + 100, 0), false);
      assert.equal(queue.availBytes(0, outBytes + 100), false);
      assert.equal(queue.isBroken, false, 'it only looks');
    });

test('getAvailBytes: takes nothing, and sees what came since something was taken', () => {
  const { driver, queue, requests, take } = setUp({ startIndex: 65535 });
  chain(driver, 0, [1], [2]);
  chain(driver, 2, [1], [2]);
  take(1);
  chain(driver, 4, [1], [2]);
  assert.deepEqual(queue.getAvailBytes(99, 99), { inBytes: 4, outBytes: 2 });
  assert.equal(queue.next(requests[1]!), true);
  assert.equal(requests[1]!.head, 2);
});

test('fill and flush: in any order at their offsets, shown together, the entries wrap around the ring', () => {
  const { driver, queue, requests, take, serve } = setUp({ startIndex: 65530 });
  serve(14);
  allUsed(driver);
  for (const head of [3, 5, 9]) driver.offer(head);
  take(3);
  queue.fill(requests[1]!, 50, 1);
  queue.fill(requests[2]!, 90, 0);
  assert.deepEqual(allUsed(driver), []);
  queue.flush(2);
  assert.deepEqual(allUsed(driver), [
    [9, 90],
    [5, 50],
  ]);
  queue.fill(requests[0]!, 30, 0);
  queue.flush(1);
  assert.deepEqual(allUsed(driver), [[3, 30]]);
  assert.deepEqual(queue.state(), { availIdx: 11, usedIdx: 11 });
});

test('fill and flush: a part of what is filled or deferred can be shown, the rest stays', () => {
  const { driver, queue, requests, take } = setUp();
  for (let head = 0; head < 4; head++) driver.offer(head);
  take(4);
  for (const i of [0, 1, 2]) queue.completeDeferred(requests[i]!, i);
  queue.flush(2);
  assert.deepEqual(allUsed(driver), [
    [0, 0],
    [1, 1],
  ]);
  queue.completeDeferred(requests[3]!, 3);
  queue.publish();
  assert.deepEqual(allUsed(driver), [
    [2, 2],
    [3, 3],
  ]);
  assert.deepEqual(queue.state(), { availIdx: 4, usedIdx: 4 });
});

test("fill and flush: a caller's mistakes change nothing", () => {
  const { driver, queue, requests, take } = setUp();
  for (const head of [0, 1, 2]) driver.offer(head);
  take(3);
  queue.fill(requests[0]!, 1, 1);
  const mistakes: [string, () => void][] = [
    ['an entry filled already', () => queue.fill(requests[1]!, 1, 1)],
    ['a request filled already', () => queue.fill(requests[0]!, 1, 0)],
    ['an entry a ring away', () => queue.fill(requests[1]!, 1, SIZE)],
    ['an entry before', () => queue.fill(requests[1]!, 1, -1)],
    ['half an entry', () => queue.fill(requests[1]!, 1, 0.5)],
    ['a length of more than 32 bits', () => queue.fill(requests[1]!, 2 ** 32, 0)],
    ['a flush of an entry not filled', () => queue.flush(1)],
    ['a flush over a gap', () => queue.flush(2)],
    ['a flush of more than the ring', () => queue.flush(SIZE + 1)],
    ['a flush of less than none', () => queue.flush(-1)],
  ];
  for (const [what, call] of mistakes) assert.throws(call, RangeError, what);
  queue.flush(0);
  assert.deepEqual(allUsed(driver), []);
  queue.fill(requests[1]!, 2, 0);
  queue.flush(2);
  queue.complete(requests[2]!, 3);
  assert.deepEqual(allUsed(driver), [
    [1, 2],
    [0, 1],
    [2, 3],
  ]);
});

test('rewind: what was handed back is taken again', () => {
  const { driver, queue, requests, take } = setUp({ startIndex: 65535 });
  for (const head of [4, 2, 7]) driver.offer(head);
  take(3);
  queue.rewind(2);
  assert.equal(queue.isEmpty(), false);
  assert.equal(queue.next(requests[1]!), true);
  assert.equal(requests[1]!.head, 2);
  assert.throws(() => queue.rewind(3), RangeError);
});

test('next: memory that is to be opened in a later turn leaves the request in the ring, and in no record', () => {
  const { low, middle, high, ring, driver } = setUp({ startIndex: 65535 });
  const memory = new GuestMemory(
    [low, middle, high].map((region) => ({ guestBase: region.guestBase, sizeBytes: REGION, open: () => region })),
  );
  const area = new Uint8Array(inflightBytes(SIZE));
  const record = new QueueRecord(SIZE, new SharedArrayBuffer(QueueRecord.bytes(SIZE)));
  const queue = new VhostUserQueue({
    ring,
    shared: bindRing(seqcst, ring),
    features: { indirect: true, eventIdx: false, version1: true },
    memory,
    availIdx: 65535,
    usedIdx: null,
    inflight: new InflightArea(area, SIZE, 'tx'),
    record,
  });
  const before = [...area];
  driver.writeChain(
    3,
    [low, high].map((region) => ({ address: region.guestBase + DATA, length: 4 })),
  );
  driver.offer(3);
  const request = new Request(memory);
  memory.beginTurn();
  assert.throws(() => queue.next(request), OpenLater);
  assert.deepEqual([...area], before);
  assert.equal(record.resumeAt(), 65535);
  assert.deepEqual(queue.state(), { availIdx: 65535, usedIdx: 65535 });
  memory.beginTurn();
  assert.equal(queue.next(request), true);
  assert.deepEqual([request.head, request.readable.count], [3, 2]);
  assert.deepEqual(queue.state(true), { availIdx: 0, usedIdx: 65535 });
});

test('state: with requests in flight only for a caller who says that others know of them', () => {
  const { driver, queue, requests, take } = setUp({ startIndex: 65535 });
  for (const head of [4, 2, 7]) driver.offer(head);
  take(2);
  queue.completeDeferred(requests[0]!, 0);
  assert.throws(() => queue.state(), RangeError);
  assert.deepEqual(queue.state(true), { availIdx: 1, usedIdx: 65535 });
  queue.publish();
  assert.deepEqual(queue.state(true), { availIdx: 1, usedIdx: 0 });
  queue.rewind(1);
  assert.deepEqual(queue.state(), { availIdx: 0, usedIdx: 0 });
});

const starts: [string, Partial<VhostUserQueueOptions>, number, number][] = [
  // what, options over a ring whose used index is 7, next available and used entry
  ['the used ring says where to write', { availIdx: 9 }, 9, 7],
  ['a used index that is given counts', { availIdx: 9, usedIdx: 8 }, 9, 8],
  ['a device that works in order resumes at the used index', { availIdx: 9, inOrder: true }, 7, 7],
];
for (const [what, options, availIdx, usedIdx] of starts)
  test(`start: ${what}`, () => {
    const { queue } = setUp({ startIndex: 7, ...options });
    assert.deepEqual(queue.state(), { availIdx, usedIdx });
  });

const calls: [string, { eventIdx: boolean; notifyOnEmpty: boolean }, (h: ReturnType<typeof setUp>) => void, boolean][] =
  [
    // what, features, before the question (the first call is over, all calls are unwanted), call
    ['nothing is finished', { eventIdx: false, notifyOnEmpty: true }, () => {}, false],
    ['all is finished', { eventIdx: false, notifyOnEmpty: true }, (h) => h.serve(2), true],
    ['all is finished, events', { eventIdx: true, notifyOnEmpty: true }, (h) => h.serve(2), true],
    ['all is finished, without the feature', { eventIdx: false, notifyOnEmpty: false }, (h) => h.serve(2), false],
    ['all is finished, events, without it', { eventIdx: true, notifyOnEmpty: false }, (h) => h.serve(2), false],
    [
      'one is still in flight',
      { eventIdx: false, notifyOnEmpty: true },
      (h) => {
        h.driver.offer(1);
        h.take(1);
        h.serve(1);
      },
      false,
    ],
    [
      'one is available',
      { eventIdx: true, notifyOnEmpty: true },
      (h) => {
        h.serve(1);
        h.driver.offer(1);
      },
      false,
    ],
    [
      'one is available and was seen',
      { eventIdx: true, notifyOnEmpty: true },
      (h) => {
        h.driver.offer(1);
        h.driver.offer(2);
        h.take(1);
        h.queue.complete(h.requests[0]!, 0);
      },
      false,
    ],
    [
      'one is deferred',
      { eventIdx: false, notifyOnEmpty: true },
      (h) => {
        h.driver.offer(1);
        h.take(1);
        h.serve(1);
        h.queue.fill(h.requests[0]!, 0, 0);
      },
      false,
    ],
  ];
for (const [what, features, before, expected] of calls)
  for (const startIndex of STARTS)
    test(`NOTIFY_ON_EMPTY ${features.notifyOnEmpty ? 'on' : 'off'} from ${startIndex}: ${what}`, () => {
      const h = setUp({ startIndex, ...features });
      h.queue.needsCall();
      h.driver.setAvailFlags(VRING_AVAIL_F_NO_INTERRUPT);
      h.driver.setUsedEvent(startIndex - 1);
      before(h);
      assert.equal(h.queue.needsCall(), expected);
      assert.equal(h.queue.needsCall(), false, 'it was asked already');
    });

for (const startIndex of STARTS)
  test(`signalled used from ${startIndex}: not valid at first, then compared with used_event across the wrap`, () => {
    const { driver, queue, serve } = setUp({ startIndex, eventIdx: true });
    driver.setUsedEvent(startIndex - 1);
    assert.equal(queue.needsCall(), true, 'nobody knows what a predecessor signalled');
    assert.equal(queue.needsCall(), false);
    serve(2);
    assert.equal(queue.needsCall(), false);
    driver.setUsedEvent(startIndex + 3);
    serve(1);
    assert.equal(queue.needsCall(), false);
    serve(1);
    assert.equal(queue.needsCall(), true);
    serve(65535);
    assert.equal(queue.needsCall(), false, '65,535 more: just not the event again');
    driver.setUsedEvent(startIndex + 3 - 5);
    serve(65536);
    assert.equal(queue.needsCall(), true, 'no comparison tells after so many');
  });

for (const startIndex of STARTS) {
  test(`kicks with events from ${startIndex}: asked for as requests are taken, unless notification is off`, () => {
    const { ring, peer, driver, queue, take } = setUp({ startIndex, eventIdx: true });
    const event = () => peer.used.load16(ring.availEvent);
    assert.equal(event(), startIndex);
    for (let head = 0; head < 6; head++) driver.offer(head);
    take(1);
    assert.equal(event(), wrap(startIndex + 1));
    take(2);
    assert.equal(event(), wrap(startIndex + 3));
    queue.setNotification(false);
    take(1);
    assert.equal(event(), wrap(startIndex + 3));
    queue.setNotification(true);
    assert.equal(event(), wrap(startIndex + 6), 'behind what is there, taken or not');
    queue.setNotification(false);
    assert.equal(queue.enableKicks(), false, 'there is work');
    assert.equal(event(), wrap(startIndex + 4));
    take(2);
    assert.equal(event(), wrap(startIndex + 6));
    assert.equal(queue.enableKicks(), true);
    assert.equal(peer.used.load16(ring.usedFlags), 0);
  });

  test(`kicks with flags from ${startIndex}: on, off, on; the event never`, () => {
    const { ring, peer, driver, queue, take } = setUp({ startIndex });
    const before = peer.used.load16(ring.availEvent);
    const flags = () => peer.used.load16(ring.usedFlags);
    driver.offer(0);
    take(1);
    queue.setNotification(false);
    assert.equal(flags(), VRING_USED_F_NO_NOTIFY);
    queue.setNotification(true);
    assert.equal(flags(), 0);
    assert.equal(peer.used.load16(ring.availEvent), before);
  });
}

test('dirty log: every write to the used ring, where the frontend wants it noted', () => {
  const PAGE = 4096;
  // The used ring's 134 bytes lie in the log so that a border of pages goes through used element 3.
  const usedLogAddress = 10 * PAGE - 32;
  const bits = new Uint8Array(4);
  const log = new DirtyLog(bits);
  const pages = () => {
    const found = Array.from({ length: 32 }, (_, i) => i).filter((i) => ((bits[i >> 3]! >> (i & 7)) & 1) === 1);
    bits.fill(0);
    return found;
  };
  const h = setUp({ eventIdx: true, usedLogAddress });
  const { memory, driver, queue, requests, take } = h;
  for (let head = 0; head < 8; head++) driver.offer(head);
  take(1);
  assert.deepEqual(pages(), [], 'no log yet');
  memory.dirtyLog = log;
  take(3);
  assert.deepEqual(pages(), [10], 'avail_event');
  queue.completeDeferred(requests[0]!, 0);
  assert.deepEqual(pages(), [9], 'an element');
  queue.completeDeferred(requests[1]!, 0);
  queue.completeDeferred(requests[2]!, 0);
  pages();
  queue.publish();
  assert.deepEqual(pages(), [9], 'the index');
  driver.offer(8);
  take(1);
  pages();
  queue.fill(requests[0]!, 0, 0);
  assert.deepEqual(pages(), [9, 10], 'an element over the border');
  queue.enableKicks();
  assert.deepEqual(pages(), [10]);
  queue.setNotification(true);
  assert.deepEqual(pages(), [10]);
  queue.usedLogAddress = null;
  queue.flush(1);
  assert.deepEqual(pages(), []);
  // Without events the log ends with the used ring's elements: what stands behind them is the guest's.
  const flags = setUp({ usedLogAddress: 11 * PAGE - (4 + 8 * SIZE), dirtyLog: log });
  assert.deepEqual(pages(), [10], 'the flags');
  flags.serve(SIZE);
  flags.queue.setNotification(false);
  flags.queue.setNotification(true);
  assert.deepEqual(pages(), [10]);
  flags.queue.usedLogAddress = usedLogAddress;
  flags.queue.disableKicks();
  assert.deepEqual(pages(), [9]);
  flags.queue.enableKicks();
  assert.deepEqual(pages(), [9]);
});

test('INDIRECT only at the head', () => {
  const { driver, queue, requests } = setUp();
  driver.writeChain(0, [data(0, 1), driver.writeTable(8192, [data(0, 1)])]);
  driver.offer(0);
  const code = 'indirect-behind-head';
  assert.throws(() => queue.next(requests[0]!), { code, index: 1, value: VRING_DESC_F_INDIRECT });
  driver.writeDescriptor(2, {
    ...driver.writeTable(8192, [data(0, 1)]),
    flags: VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT,
  });
  driver.offer(2);
  assert.throws(() => queue.next(requests[1]!), { code: 'indirect-next', index: 2 });
});
