/**
 * Rows of the table of hostile input that are not about one request: what breaks the ring (1, 2, 15, 16), and what
 * is odd but must be handled (6, 9, 10, 11, 17, 22). In vringh and in the vhost-user queue, each by its policy.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MockDriver, type RawDescriptor } from '../guest/mock-driver.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { type RangeCallback, slowRange, wholeRange } from '../memory/range.ts';
import { bindRing } from '../ordering/ring-fields.ts';
import { seqcst } from '../ordering/seqcst.ts';
import { VRING_DESC_F_INDIRECT, VRING_DESC_F_NEXT, VRING_DESC_F_WRITE } from '../ring/constants.ts';
import { RingError, type RingErrorCode } from '../ring/errors.ts';
import { modernLayout, SplitRing } from '../ring/split-layout.ts';
import { engineInUse, facesInUse, makeRegions, makeVringh, rangesInUse } from '../test-engines.ts';
import { VhostUserQueue } from '../vhost-user/queues/queue.ts';
import { Request } from './queue.ts';
import type { SplitHostQueueOptions } from './split-host-queue.ts';

const NEXT = VRING_DESC_F_NEXT;
const WRITE = VRING_DESC_F_WRITE;
const INDIRECT = VRING_DESC_F_INDIRECT;

const SIZE = 16;
const REGION = 65536;
const TABLE = 8192;
const DATA = 32768;
const BASE = 2 ** 40;
const wrap = (index: number) => index & 0xffff;

const FACES = {
  vringh: (options: SplitHostQueueOptions) => makeVringh(options),
  'vhost-user': (options: SplitHostQueueOptions) => new VhostUserQueue({ ...options, ...options.state! }),
};
type FaceName = keyof typeof FACES;
const FACE_NAMES = facesInUse(FACES);

/** Two touching regions; byte `i` of the data is `i`. */
function setUp(face: FaceName, startIndex = 0, getRange: (memory: GuestMemory) => RangeCallback = wholeRange) {
  const regions = makeRegions([BASE, BASE + REGION], REGION);
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
  const queue = FACES[face]({ ring, shared, features, memory, getRange: getRange(memory), state, name: 'tx' });
  return { region, second, ring, driver, queue, request: new Request(memory) };
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
  for (const [face, startIndex] of FACE_NAMES.flatMap(
    (name) =>
      [
        [name, 0],
        [name, 65534],
      ] as const,
  ))
    test(`row ${row}: ${what}, ${face} from ${startIndex}, breaks the ring`, () => {
      const { driver, queue, request } = setUp(face, startIndex);
      for (let head = 0; head < SIZE; head++) driver.writeDescriptor(head, data(head, 1));
      for (let head = 0; head < taken; head++) {
        driver.offer(head);
        assert.equal(queue.next(request), true);
      }
      misbehave(driver);
      for (let i = 0; i < good; i++) assert.equal(queue.next(request), true);
      let first: unknown;
      try {
        queue.next(request);
      } catch (error) {
        first = error;
      }
      assert.ok(first instanceof RingError);
      const at = wrap(startIndex + taken + good);
      const wrong = relative ? wrap(startIndex + value) : value;
      assert.deepEqual([first.code, first.queue, first.index, first.value], [code, 'tx', at, wrong]);
      assert.equal(request.head, SIZE, 'no head can be trusted');
      assert.equal(queue.isBroken, true);
      const same = (error: unknown) => error === first;
      assert.throws(() => queue.next(request), same);
      assert.throws(() => queue.takeHead(), same);
      assert.throws(() => queue.complete(request, 0), same);
      assert.throws(() => queue.completeDeferred(request, 0), same);
      assert.throws(() => queue.completeHead(0, 0), same);
      if ('getdesc' in queue) {
        assert.throws(() => queue.getdesc(request.readable, request.writable), same);
        assert.throws(() => queue.completeMulti(Uint32Array.of(0, 0), 1), same);
      } else {
        assert.throws(() => queue.fill(request, 0, 0), same);
        assert.throws(() => queue.flush(1), same);
        assert.throws(() => queue.isEmpty(), same);
        assert.throws(() => queue.availBytes(1, 1), same);
        assert.throws(() => queue.getAvailBytes(1, 1), same);
        queue.setNotification(false);
      }
      assert.throws(() => queue.needsCall(), same);
      assert.throws(() => queue.enableKicks(), same);
      queue.disableKicks();
      queue.hasAvailable();
      assert.equal(driver.readUsed(), null);
    });

for (const face of FACE_NAMES)
  test(`row 16: a head may come again once its request is completed, ${face}`, () => {
    const { driver, queue, request } = setUp(face);
    driver.writeDescriptor(3, data(0, 1));
    for (let i = 0; i < 100; i++) {
      driver.offer(3);
      assert.equal(queue.next(request), true);
      queue.complete(request, 0);
    }
  });

for (const face of FACE_NAMES)
  test(`row 16: a head whose completion is not published yet is still in flight, ${face}`, () => {
    const { driver, queue, request } = setUp(face);
    driver.writeDescriptor(3, data(0, 1));
    driver.offer(3);
    queue.next(request);
    queue.completeDeferred(request, 0);
    driver.offer(3);
    assert.throws(() => queue.next(request), { code: 'avail-head-in-flight', index: 1, value: 3 });
    assert.equal(queue.isBroken, true);
  });

for (const face of FACE_NAMES)
  test(`rows 1 to 16: other queues go on, ${face}`, () => {
    const bad = setUp(face);
    const good = setUp(face);
    bad.driver.offer(SIZE);
    assert.throws(() => bad.queue.next(bad.request), RingError);
    good.driver.writeDescriptor(0, data(0, 1));
    good.driver.offer(0);
    assert.equal(good.queue.next(good.request), true);
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
  /** Why the vhost-user queue refuses it, if it does. */
  refused?: RingErrorCode;
}
const scribble = ({ ring, region }: Hostile) => {
  ring.desc.fill(0xffffffff);
  region.u8.fill(0xff, TABLE, TABLE + 64);
};
const handled: Handled[] = [
  {
    row: 6,
    what: 'INDIRECT with NEXT is followed, or refused',
    write: ({ driver: d }) => {
      d.writeDescriptor(0, { ...d.writeTable(TABLE, [data(1, 2)]), flags: INDIRECT | NEXT, next: 3 });
      d.writeDescriptor(3, data(10, 1, NEXT, 2));
      d.writeDescriptor(2, d.writeTable(TABLE + 64, [data(20, 1, NEXT, 1), data(30, 4, WRITE)]));
    },
    bytes: [1, 2, 10, 20],
    room: 4,
    refused: 'indirect-next',
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
    what: 'elements of length 0 are allowed, or refused',
    write: ({ driver: d }) => d.writeChain(0, [data(0, 0), data(3, 1), data(0, 0, WRITE), data(8, 2, WRITE)]),
    bytes: [3],
    room: 2,
    refused: 'element-of-length-0',
  },
  {
    row: 17,
    what: 'descriptors and tables changed after they were read have no effect',
    write: ({ driver: d }) => {
      d.writeDescriptor(0, data(1, 2, NEXT, 1));
      d.writeDescriptor(1, d.writeTable(TABLE, [data(9, 1, NEXT, 1), data(50, 4, WRITE)]));
    },
    afterwards: scribble,
    bytes: [1, 2, 9],
    room: 4,
    refused: 'indirect-behind-head',
  },
  {
    row: 17,
    what: 'a table at the head changed after it was read has no effect',
    write: ({ driver: d }) => d.writeDescriptor(0, d.writeTable(TABLE, [data(9, 1, NEXT, 1), data(50, 4, WRITE)])),
    afterwards: scribble,
    bytes: [9],
    room: 4,
  },
];
for (const { row, what, write, afterwards, bytes, room, refused } of handled)
  for (const [face, getRange] of FACE_NAMES.flatMap((name) => rangesInUse().map((range) => [name, range] as const)))
    test(`row ${row}: ${what}, ${face}, ${getRange.name}`, () => {
      const hostile = setUp(face, 65535, getRange);
      const { driver, queue, request } = hostile;
      write(hostile);
      driver.offer(0);
      if (face === 'vhost-user' && refused !== undefined) {
        assert.throws(() => queue.next(request), { code: refused });
        assert.deepEqual([request.head, queue.isBroken], [0, false]);
        return;
      }
      assert.equal(queue.next(request), true);
      afterwards?.(hostile);
      const local = new Uint8Array(64);
      assert.equal(request.readable.pull(local, 0, 64), bytes.length);
      assert.deepEqual([...local.subarray(0, bytes.length)], bytes);
      assert.equal(request.writable.push(local, 0, 64), room);
      queue.complete(request, room);
      assert.deepEqual(driver.readUsed(), { id: 0, length: room });
    });

for (const [what, asTable] of [
  ['descriptors', false],
  ['table entries', true],
] as const)
  for (const face of FACE_NAMES)
    test(`row 17: ${what} changed while they are read, between check and use, ${face}`, {
      skip: engineInUse() === 'wasm' ? 'engine wasm asks no callback that could change them' : false,
    }, () => {
      let change = () => {};
      const { region, ring, driver, queue, request } = setUp(face, 0, (memory) => {
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
      assert.equal(queue.next(request), true);
      assert.deepEqual(
        [...request.readable.offsets.subarray(0, request.readable.count)],
        [DATA + 1, DATA + 2, DATA + 3],
      );
      assert.deepEqual([...request.writable.offsets.subarray(0, request.writable.count)], [DATA + 60, DATA + 61]);
    });

for (const face of FACE_NAMES)
  test(`row 22: a buffer over the ring itself is memory like any other, ${face}`, () => {
    const { region, driver, queue, request } = setUp(face);
    driver.writeChain(0, [
      { offset: 0, length: 16 },
      { offset: 0, length: DATA, flags: WRITE },
    ]);
    driver.offer(0);
    assert.equal(queue.next(request), true);
    const garbage = new Uint8Array(DATA).fill(0xff);
    assert.equal(request.readable.pull(new Uint8Array(16), 0, 16), 16);
    assert.equal(request.writable.push(garbage, 0, DATA), DATA);
    queue.complete(request, DATA);
    assert.ok(region.u8.subarray(0, 64).every((byte) => byte === 0xff));
    assert.throws(() => queue.next(request), RingError);
  });
