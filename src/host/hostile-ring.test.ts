/**
 * Rows of the table of hostile input that are not about one request: what breaks the ring (1, 2, 15, 16), and what
 * is odd but must be handled (6, 9, 10, 11, 17, 22).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MockDriver, type RawDescriptor } from '../guest/mock-driver.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { type RangeCallback, slowRange, wholeRange } from '../memory/range.ts';
import { allocateShared, MemoryRegion } from '../memory/region.ts';
import { bindRing } from '../ordering/ring-fields.ts';
import { seqcst } from '../ordering/seqcst.ts';
import { VRING_DESC_F_INDIRECT, VRING_DESC_F_NEXT, VRING_DESC_F_WRITE } from '../ring/constants.ts';
import { RingError, type RingErrorCode } from '../ring/errors.ts';
import { modernLayout, SplitRing } from '../ring/split-layout.ts';
import { Request } from './queue.ts';
import { Vringh } from './vringh.ts';

const NEXT = VRING_DESC_F_NEXT;
const WRITE = VRING_DESC_F_WRITE;
const INDIRECT = VRING_DESC_F_INDIRECT;

const SIZE = 16;
const REGION = 65536;
const TABLE = 8192;
const DATA = 32768;
const BASE = 2 ** 40;
const wrap = (index: number) => index & 0xffff;

/** Two touching regions; byte `i` of the data is `i`. */
function setUp(startIndex = 0, getRange: (memory: GuestMemory) => RangeCallback = wholeRange) {
  const regions = [BASE, BASE + REGION].map(
    (guestBase) => new MemoryRegion({ guestBase, buffer: allocateShared(REGION) }),
  );
  const region = regions[0]!;
  const second = regions[1]!;
  const ring = SplitRing.within(region, 0, modernLayout(SIZE));
  const shared = bindRing(seqcst, ring);
  const memory = new GuestMemory(regions);
  const driver = new MockDriver({ ring, shared, startIndex });
  shared.used.store16(ring.usedIdx, startIndex);
  for (let i = 0; i < 256; i++) region.u8[DATA + i] = i;
  const features = { indirect: true, eventIdx: false, version1: true };
  const state = { availIdx: startIndex, usedIdx: startIndex };
  const vringh = new Vringh({ ring, shared, features, memory, getRange: getRange(memory), state, name: 'tx' });
  return { region, second, ring, driver, vringh, request: new Request(memory) };
}
type Hostile = ReturnType<typeof setUp>;

const data = (from: number, length: number, flags = 0, next = 0): RawDescriptor => {
  return { offset: DATA + from, length, flags, next };
};

interface BrokenRing {
  row: number;
  what: string;
  /** Requests with the heads 0 to `taken` - 1 are with the host; more of them are then offered that can be taken. */
  taken: number;
  misbehave(driver: MockDriver): void;
  good?: number;
  code: RingErrorCode;
  /** The value, counted from the start index if `relative`. */
  value: number;
  relative?: boolean;
}
const broken: BrokenRing[] = [
  ...[SIZE, SIZE + 1, 0x8000, 0xffff].map((head) => ({
    row: 1,
    what: `head ${head}`,
    taken: 1,
    misbehave: (d: MockDriver) => d.offer(head),
    code: 'avail-head-out-of-range' as const,
    value: head,
  })),
  {
    row: 1,
    what: 'a bad head behind a good one',
    taken: 2,
    misbehave: (d) => {
      d.putHead(9);
      d.offer(SIZE);
    },
    good: 1,
    code: 'avail-head-out-of-range',
    value: SIZE,
  },
  ...[SIZE + 1, 0x7fff, 0x8000, 0xffff - 1].map((by) => ({
    row: 2,
    what: `the index jumps by ${by}`,
    taken: 1,
    misbehave: (d: MockDriver) => d.moveAvailIdx(by),
    code: 'avail-index-jump' as const,
    value: 1 + by,
    relative: true,
  })),
  {
    row: 2,
    what: 'the index goes back',
    taken: 3,
    misbehave: (d) => d.moveAvailIdx(-1),
    code: 'avail-index-jump',
    value: 2,
    relative: true,
  },
  {
    row: 15,
    what: 'one request more than the ring has descriptors',
    taken: 4,
    misbehave: (d) => d.moveAvailIdx(SIZE - 3),
    code: 'too-many-in-flight',
    value: SIZE + 1,
  },
  {
    row: 15,
    what: 'twice as many requests as the ring has descriptors',
    taken: SIZE,
    misbehave: (d) => d.moveAvailIdx(SIZE),
    code: 'too-many-in-flight',
    value: 2 * SIZE,
  },
  {
    row: 16,
    what: 'a head that is in flight',
    taken: 3,
    misbehave: (d) => d.offer(1),
    code: 'avail-head-in-flight',
    value: 1,
  },
  {
    row: 16,
    what: 'the same head twice in one batch',
    taken: 1,
    misbehave: (d) => {
      d.putHead(5);
      d.offer(5);
    },
    good: 1,
    code: 'avail-head-in-flight',
    value: 5,
  },
];

for (const { row, what, taken, misbehave, good = 0, code, value, relative = false } of broken)
  for (const startIndex of [0, 65534])
    test(`row ${row}: ${what}, from ${startIndex}, breaks the ring`, () => {
      const { driver, vringh, request } = setUp(startIndex);
      for (let head = 0; head < SIZE; head++) driver.writeDescriptor(head, data(head, 1));
      for (let head = 0; head < taken; head++) {
        driver.offer(head);
        assert.equal(vringh.next(request), true);
      }
      misbehave(driver);
      for (let i = 0; i < good; i++) assert.equal(vringh.next(request), true);
      let first: unknown;
      try {
        vringh.next(request);
      } catch (error) {
        first = error;
      }
      assert.ok(first instanceof RingError);
      const at = wrap(startIndex + taken + good);
      const wrong = relative ? wrap(startIndex + value) : value;
      assert.deepEqual([first.code, first.queue, first.index, first.value], [code, 'tx', at, wrong]);
      assert.equal(request.head, SIZE, 'no head can be trusted');
      assert.equal(vringh.isBroken, true);
      const same = (error: unknown) => error === first;
      assert.throws(() => vringh.next(request), same);
      assert.throws(() => vringh.getdesc(request.readable, request.writable), same);
      assert.throws(() => vringh.takeHead(), same);
      assert.throws(() => vringh.complete(request, 0), same);
      assert.throws(() => vringh.completeDeferred(request, 0), same);
      assert.throws(() => vringh.completeHead(0, 0), same);
      assert.throws(() => vringh.completeMulti(Uint32Array.of(0, 0), 1), same);
      assert.throws(() => vringh.needsCall(), same);
      assert.throws(() => vringh.enableKicks(), same);
      vringh.disableKicks();
      vringh.hasAvailable();
      assert.equal(driver.readUsed(), null);
    });

test('row 16: a head may come again once its request is completed', () => {
  const { driver, vringh, request } = setUp();
  driver.writeDescriptor(3, data(0, 1));
  for (let i = 0; i < 100; i++) {
    driver.offer(3);
    assert.equal(vringh.next(request), true);
    vringh.complete(request, 0);
  }
});

test('row 16: a head whose completion is not published yet is still in flight', () => {
  const { driver, vringh, request } = setUp();
  driver.writeDescriptor(3, data(0, 1));
  driver.offer(3);
  vringh.next(request);
  vringh.completeDeferred(request, 0);
  driver.offer(3);
  assert.throws(() => vringh.next(request), { code: 'avail-head-in-flight', index: 1, value: 3 });
  assert.equal(vringh.isBroken, true);
});

test('rows 1 to 16: other queues go on', () => {
  const bad = setUp();
  const good = setUp();
  bad.driver.offer(SIZE);
  assert.throws(() => bad.vringh.next(bad.request), RingError);
  good.driver.writeDescriptor(0, data(0, 1));
  good.driver.offer(0);
  assert.equal(good.vringh.next(good.request), true);
});

interface Handled {
  row: number;
  what: string;
  /** Writes the chain whose head is 0. */
  write(hostile: Hostile): void;
  /** Between taking the request and moving its bytes. */
  afterwards?(hostile: Hostile): void;
  bytes: number[];
  room: number;
}
const handled: Handled[] = [
  {
    row: 6,
    what: 'INDIRECT with NEXT is followed by vringh',
    write: ({ driver: d }) => {
      d.writeDescriptor(0, { ...d.writeTable(TABLE, [data(1, 2)]), flags: INDIRECT | NEXT, next: 3 });
      d.writeDescriptor(3, data(10, 1, NEXT, 2));
      d.writeDescriptor(2, d.writeTable(TABLE + 64, [data(20, 1, NEXT, 1), data(30, 4, WRITE)]));
    },
    bytes: [1, 2, 10, 20],
    room: 4,
  },
  {
    row: 9,
    what: 'WRITE on an indirect descriptor is ignored',
    write: ({ driver: d }) => d.writeDescriptor(0, { ...d.writeTable(TABLE, [data(5, 2)]), flags: INDIRECT | WRITE }),
    bytes: [5, 6],
    room: 0,
  },
  {
    row: 10,
    what: 'a table across two regions is read piecewise',
    write: ({ driver: d, region, second }) => {
      const table = d.writeTable(TABLE, [data(7, 2, NEXT, 1), data(40, 3, WRITE)]);
      const bytes = region.u8.slice(TABLE, TABLE + 32);
      region.u8.set(bytes.subarray(0, 12), REGION - 12);
      second.u8.set(bytes.subarray(12), 0);
      d.writeDescriptor(0, { ...table, address: BASE + REGION - 12 });
    },
    bytes: [7, 8],
    room: 3,
  },
  {
    row: 11,
    what: 'elements of length 0 are allowed by vringh',
    write: ({ driver: d }) => d.writeChain(0, [data(0, 0), data(3, 1), data(0, 0, WRITE), data(8, 2, WRITE)]),
    bytes: [3],
    room: 2,
  },
  {
    row: 17,
    what: 'descriptors and tables changed after they were read have no effect',
    write: ({ driver: d }) => {
      d.writeDescriptor(0, data(1, 2, NEXT, 1));
      d.writeDescriptor(1, d.writeTable(TABLE, [data(9, 1, NEXT, 1), data(50, 4, WRITE)]));
    },
    afterwards: ({ ring, region }) => {
      ring.desc.fill(0xffffffff);
      region.u8.fill(0xff, TABLE, TABLE + 64);
    },
    bytes: [1, 2, 9],
    room: 4,
  },
];
for (const { row, what, write, afterwards, bytes, room } of handled)
  for (const getRange of [wholeRange, slowRange])
    test(`row ${row}: ${what}, ${getRange.name}`, () => {
      const hostile = setUp(65535, getRange);
      const { driver, vringh, request } = hostile;
      write(hostile);
      driver.offer(0);
      assert.equal(vringh.next(request), true);
      afterwards?.(hostile);
      const local = new Uint8Array(64);
      assert.equal(request.readable.pull(local, 0, 64), bytes.length);
      assert.deepEqual([...local.subarray(0, bytes.length)], bytes);
      assert.equal(request.writable.push(local, 0, 64), room);
      vringh.complete(request, room);
      assert.deepEqual(driver.readUsed(), { id: 0, length: room });
    });

for (const [what, asTable] of [
  ['descriptors', false],
  ['table entries', true],
] as const)
  test(`row 17: ${what} changed while they are read, between check and use, have no effect`, () => {
    let change = () => {};
    const { region, ring, driver, vringh, request } = setUp(0, (memory) => {
      const slow = slowRange(memory);
      // The callback runs when an element's descriptor has been checked and is being used.
      return (range) => {
        if (range.wanted >= BASE + DATA) change();
        return slow(range);
      };
    });
    const chain = [data(1, 3), data(60, 2, WRITE)];
    if (asTable) driver.writeDescriptor(0, driver.writeTableChain(TABLE, chain));
    else driver.writeChain(0, chain);
    driver.offer(0);
    const first = asTable ? region.u32.subarray(TABLE / 4, TABLE / 4 + 4) : ring.desc.subarray(0, 4);
    change = () => first.fill(0xffffffff);
    assert.equal(vringh.next(request), true);
    assert.deepEqual([...request.readable.offsets.subarray(0, request.readable.count)], [DATA + 1, DATA + 2, DATA + 3]);
    assert.deepEqual([...request.writable.offsets.subarray(0, request.writable.count)], [DATA + 60, DATA + 61]);
  });

test('row 22: a buffer over the ring itself is memory like any other', () => {
  const { region, driver, vringh, request } = setUp();
  driver.writeChain(0, [
    { offset: 0, length: 16 },
    { offset: 0, length: DATA, flags: WRITE },
  ]);
  driver.offer(0);
  assert.equal(vringh.next(request), true);
  const garbage = new Uint8Array(DATA).fill(0xff);
  assert.equal(request.readable.pull(new Uint8Array(16), 0, 16), 16);
  assert.equal(request.writable.push(garbage, 0, DATA), DATA);
  vringh.complete(request, DATA);
  assert.ok(region.u8.subarray(0, 64).every((byte) => byte === 0xff));
  assert.throws(() => vringh.next(request), RingError);
});
