/**
 * The table of hostile input, rows 1 to 22: what a guest can do to the host, and the answer it gets, by the rules of
 * each face. A row of the table is one or more lines here; how a line is run, and the faces, are in test-hostile.ts and test-hostile-faces.ts.
 * Rows 30 to 34, what a host can do to the guest, are in src/guest/hostile.test.ts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MockDriver, RawDescriptor } from '../guest/mock-driver.ts';
import { slowRange, wholeRange } from '../memory/range.ts';
import { caught } from '../ring/test-caught.ts';
import { testTitles, whyNoTitle } from '../test-titles.ts';
import { alone, answer, breaks, data, type Row, refused, served } from './test-hostile.ts';
import {
  BASE,
  DATA,
  END,
  FACES,
  type Hostile,
  INDIRECT,
  NEXT,
  REGION,
  SIZE,
  stage,
  TABLE,
  WRITE,
} from './test-hostile-faces.ts';

/** Descriptor 0 refers to this table, with more flags if need be. */
const refer = (d: MockDriver, table: RawDescriptor, flags = 0, next = 0) =>
  d.writeDescriptor(0, { ...table, flags: INDIRECT | flags, next });
const tableOf = (d: MockDriver, ...raws: RawDescriptor[]) => refer(d, d.writeTable(TABLE, raws));
const entries = (count: number) => Array.from({ length: count }, () => data(1));

/** Where only the head may refer to a table, and nothing may follow it; where elements of length 0 are refused. */
const NO_NEXT = { others: { 'vhost-user': answer('indirect-next', 0, INDIRECT | NEXT) } };
const EMPTY_FIRST = { others: { 'vhost-user': answer('element-of-length-0', 0, 0) } };
/** The limit of a request there is one of its own, whatever the queue's size. */
const LIMIT = 1024;

/** The longest request, 2^32 bytes: so many elements, each of all memory. */
const LONG = { size: LIMIT, regionBytes: 2 ** 21 };
const longest = Array.from({ length: LIMIT }, () => ({ offset: 0, length: 2 ** 22 }));

/** Overwrites descriptors and tables. */
const scribble = ({ ring, region }: Hostile) => {
  ring.desc.fill(0xffffffff);
  region.u8.fill(0xff, TABLE, TABLE + 64);
};

const ODD_ADDRESSES: readonly (readonly [what: string, address: number | bigint, value: number])[] = [
  ['address 0', 0, 0],
  ['the byte before memory', BASE - 1, BASE - 1],
  ['the byte behind memory', END, END],
  ['start inside, end outside', END - 4, END],
  ['an address of 2^53', 2 ** 53, 2 ** 53],
  ['an address of 2^63', 2 ** 63, 2 ** 63],
  ['address + length past 2^64', 0xffff_ffff_ffff_fffcn, Number(0xffff_ffff_ffff_fffcn)],
  ['memory, but for the high half', (1n << 63n) | BigInt(BASE), 2 ** 63 + BASE],
];

const TABLE_ROWS: readonly Row[] = [
  ...[SIZE, SIZE + 1, 0x8000, 0xffff].map((head) =>
    breaks(1, `head ${head}`, 'avail-head-out-of-range', head, { taken: 1, misbehave: (d) => d.offer(head) }),
  ),
  breaks(1, 'a bad head behind a good one', 'avail-head-out-of-range', SIZE, {
    taken: 2,
    good: 1,
    misbehave: (d) => {
      d.putHead(9);
      d.offer(SIZE);
    },
  }),

  ...[SIZE + 1, 0x7fff, 0x8000, 0xffff - 1].map((by) =>
    breaks(2, `the index jumps by ${by}`, 'avail-index-jump', 1 + by, {
      taken: 1,
      relative: true,
      misbehave: (d) => d.moveAvailIdx(by),
    }),
  ),
  breaks(2, 'the index goes back', 'avail-index-jump', 2, {
    taken: 3,
    relative: true,
    misbehave: (d) => d.moveAvailIdx(-1),
  }),

  ...[SIZE, SIZE + 1, 65535].map((next) =>
    refused(3, `next ${next} in the ring`, answer('next-out-of-range', 0, next), (d) =>
      d.writeDescriptor(0, data(1, NEXT, next)),
    ),
  ),
  ...[2, 3, 65535].map((next) =>
    refused(3, `next ${next} in a table of 2`, answer('next-out-of-range', 1, next), (d) =>
      tableOf(d, data(1, NEXT, 1), data(1, NEXT, next)),
    ),
  ),
  refused(
    3,
    'next behind a table',
    answer('next-out-of-range', 0, SIZE),
    (d) => refer(d, d.writeTable(TABLE, [data(1)]), NEXT, SIZE),
    NO_NEXT,
  ),

  refused(4, 'a descriptor that names itself', answer('descriptor-loop', 0, 0), (d) =>
    d.writeDescriptor(0, data(1, NEXT, 0)),
  ),
  refused(4, 'two descriptors in a circle', answer('descriptor-loop', 0, 0), (d) => {
    d.writeDescriptor(0, data(1, NEXT, 1));
    d.writeDescriptor(1, data(1, NEXT, 0));
  }),
  refused(
    4,
    'a loop of elements of length 0',
    answer('descriptor-loop', 0, 0),
    (d) => d.writeDescriptor(0, data(0, NEXT, 0)),
    EMPTY_FIRST,
  ),
  refused(4, 'a table entry that names itself', answer('descriptor-loop', 0, 1), (d) =>
    tableOf(d, data(1, NEXT, 1), data(1, NEXT, 1)),
  ),
  refused(4, 'table entries in a circle', answer('descriptor-loop', 0, 0), (d) =>
    tableOf(d, data(1, NEXT, 1), data(1, NEXT, 2), data(1, NEXT, 0)),
  ),
  refused(
    4,
    'a table descriptor that goes on with itself',
    answer('descriptor-loop', 0, 0),
    (d) => refer(d, d.writeTable(TABLE, [data(1)]), NEXT, 0),
    NO_NEXT,
  ),
  refused(
    4,
    'a circle through a table and an element',
    answer('descriptor-loop', 0, 0),
    (d) => {
      refer(d, d.writeTable(TABLE, [data(1)]), NEXT, 7);
      d.writeDescriptor(7, data(1, NEXT, 0));
    },
    NO_NEXT,
  ),

  refused(5, 'a table in a table', answer('indirect-nested', 1, INDIRECT), (d) =>
    tableOf(d, data(1, NEXT, 1), { offset: TABLE, length: 16, flags: INDIRECT }),
  ),
  refused(5, 'a table that contains itself, and goes on', answer('indirect-nested', 0, INDIRECT | NEXT), (d) =>
    tableOf(d, { offset: TABLE, length: 16, flags: INDIRECT | NEXT }),
  ),

  served(6, 'INDIRECT with NEXT is followed, or refused', {
    write: ({ driver: d }) => {
      d.writeDescriptor(0, { ...d.writeTable(TABLE, [data(2, 0, 0, 1)]), flags: INDIRECT | NEXT, next: 3 });
      d.writeDescriptor(3, data(1, NEXT, 2, 10));
      d.writeDescriptor(2, d.writeTable(TABLE + 64, [data(1, NEXT, 1, 20), data(4, WRITE, 0, 30)]));
    },
    bytes: [1, 2, 10, 20],
    room: 4,
    ...NO_NEXT,
  }),

  ...[0, 1, 15, 17, 24, 16 * LIMIT + 16, 0xfffffff0, 0xffffffff].map((length) =>
    refused(7, `a table of ${length} bytes`, answer('indirect-table-size', 0, length), (d) =>
      refer(d, { ...d.writeTable(TABLE, [data(1)]), length }),
    ),
  ),
  refused(
    7,
    'a table of one entry more than the queue has',
    answer('indirect-table-size', 0, 16 * (SIZE + 1)),
    (d) => refer(d, d.writeTableChain(TABLE, entries(SIZE + 1))),
    { others: { 'vhost-user': null } },
  ),
  refused(
    7,
    'tables that are short enough, but not together',
    answer('chain-too-long', 1, SIZE + 1),
    (d) => {
      refer(d, d.writeTableChain(TABLE, entries(SIZE - 1)), NEXT, 1);
      d.writeDescriptor(1, d.writeTableChain(TABLE, entries(SIZE - 1)));
    },
    NO_NEXT,
  ),

  ...[0, NEXT, WRITE].map((flags) =>
    refused(
      8,
      `a table without the feature, flags ${flags}`,
      answer('indirect-not-negotiated', 0, INDIRECT | flags),
      (d) => refer(d, d.writeTable(TABLE, [data(1)]), flags, 1),
      { on: { indirect: false } },
    ),
  ),
  refused(
    8,
    'a table without the feature, behind an element',
    answer('indirect-not-negotiated', 1, INDIRECT),
    (d) => d.writeChain(0, [data(1), d.writeTable(TABLE, [data(1)])]),
    { on: { indirect: false } },
  ),

  served(9, 'WRITE on an indirect descriptor is ignored', {
    write: ({ driver: d }) => refer(d, d.writeTable(TABLE, [data(2, 0, 0, 5)]), WRITE),
    bytes: [5, 6],
    room: 0,
  }),

  ...[4, 12, 16, 20].map((before) =>
    served(10, `a table cut by a region border behind ${before} bytes is read piecewise`, {
      write: ({ driver: d, region, second }) => {
        const table = d.writeTableChain(TABLE, [data(2, 0, 0, 7), data(3, WRITE, 0, 40)]);
        const bytes = region.u8.slice(TABLE, TABLE + 32);
        region.u8.set(bytes.subarray(0, before), REGION - before);
        second.u8.set(bytes.subarray(before), 0);
        refer(d, { ...table, address: BASE + REGION - before });
      },
      bytes: [7, 8],
      room: 3,
    }),
  ),

  served(11, 'elements of length 0 are allowed, or refused', {
    write: ({ driver: d }) => d.writeChain(0, [data(0), data(1, 0, 0, 3), data(0, WRITE), data(2, WRITE, 0, 8)]),
    bytes: [3],
    room: 2,
    ...EMPTY_FIRST,
  }),
  served(11, 'elements of length 0 in a table are allowed, or refused', {
    write: ({ driver: d }) => refer(d, d.writeTableChain(TABLE, [data(1, 0, 0, 3), data(0), data(2, WRITE)])),
    bytes: [3],
    room: 2,
    others: { 'vhost-user': answer('element-of-length-0', 1, 0) },
  }),

  ...ODD_ADDRESSES.flatMap(([what, address, value]) => [
    refused(12, `an element at ${what}`, answer('address-outside-memory', 1, value), (d) =>
      d.writeChain(0, [data(1), { address, length: 16 }]),
    ),
    refused(12, `a table entry at ${what}`, answer('address-outside-memory', 1, value), (d) =>
      tableOf(d, data(1, NEXT, 1), { address, length: 16, flags: WRITE }),
    ),
    refused(12, `a table at ${what}`, answer('address-outside-memory', 0, value), (d) =>
      refer(d, { address, length: 32 }),
    ),
  ]),
  refused(12, 'the longest element', answer('address-outside-memory', 0, END), (d) =>
    d.writeDescriptor(0, { offset: DATA, length: 0xffffffff, flags: WRITE }),
  ),
  served(12, 'an element over the border of two regions is split', {
    write: ({ driver: d, region, second }) => {
      region.u8.set([1, 2], REGION - 2);
      second.u8.set([3], 0);
      d.writeChain(0, [
        { offset: REGION - 2, length: 3 },
        { offset: REGION - 1, length: 4, flags: WRITE },
      ]);
    },
    bytes: [1, 2, 3],
    room: 4,
  }),

  refused(
    13,
    'lengths that add up to more than 2^32',
    answer('request-too-long', LIMIT - 1, 2 ** 32 + 1),
    (d) => d.writeChain(0, longest.with(-1, { offset: 0, length: 2 ** 22 + 1 })),
    { on: LONG, ranges: [wholeRange] },
  ),
  alone(13, 'lengths that add up to 2^32', (of, way) => {
    const { driver, take, request } = stage(of, LONG);
    driver.writeChain(0, longest);
    driver.offer(0);
    assert.equal(take(way, request), true);
    assert.equal(request.readable.totalBytes(), 2 ** 32);
  }),

  refused(14, 'readable after writable', answer('readable-after-writable', 2, 2), (d) =>
    d.writeChain(0, [data(1), data(1, WRITE), data(2)]),
  ),
  refused(14, 'readable after writable in a table', answer('readable-after-writable', 1, 2), (d) =>
    tableOf(d, data(1, WRITE | NEXT, 1), data(2)),
  ),
  refused(
    14,
    'readable behind a table with writable ones',
    answer('readable-after-writable', 4, 2),
    (d) => {
      refer(d, d.writeTable(TABLE, [data(1, WRITE)]), NEXT, 4);
      d.writeDescriptor(4, data(2));
    },
    NO_NEXT,
  ),
  refused(
    14,
    'readable after a writable one of length 0',
    answer('readable-after-writable', 1, 2),
    (d) => d.writeChain(0, [data(0, WRITE), data(2)]),
    EMPTY_FIRST,
  ),

  breaks(15, 'one request more than the ring has descriptors', 'too-many-in-flight', SIZE + 1, {
    taken: 4,
    misbehave: (d) => d.moveAvailIdx(SIZE - 3),
  }),
  breaks(15, 'twice as many requests as the ring has descriptors', 'too-many-in-flight', 2 * SIZE, {
    taken: SIZE,
    misbehave: (d) => d.moveAvailIdx(SIZE),
  }),

  breaks(16, 'a head that is in flight', 'avail-head-in-flight', 1, { taken: 3, misbehave: (d) => d.offer(1) }),
  breaks(16, 'the same head twice in one batch', 'avail-head-in-flight', 5, {
    taken: 1,
    good: 1,
    misbehave: (d) => {
      d.putHead(5);
      d.offer(5);
    },
  }),
  alone(16, 'a head whose completion is not published yet is still in flight', (of, way) => {
    const { driver, queue, take, request } = stage(of);
    driver.writeDescriptor(3, data(1));
    driver.offer(3);
    take(way, request);
    queue.completeDeferred(request, 0);
    driver.offer(3);
    assert.throws(() => take(way, request), { code: 'avail-head-in-flight', index: 1, value: 3 });
    assert.equal(queue.isBroken, true);
  }),
  alone(16, 'a head may come again once its request is completed', (of, way) => {
    const { driver, queue, take, request } = stage(of);
    driver.writeDescriptor(3, data(1));
    for (let i = 0; i < 100; i++) {
      driver.offer(3);
      assert.equal(take(way, request), true);
      queue.complete(request, 0);
    }
  }),

  served(17, 'descriptors changed after they were read', {
    write: ({ driver: d }) => d.writeChain(0, [data(2, 0, 0, 1), data(4, WRITE, 0, 50)]),
    afterwards: scribble,
    bytes: [1, 2],
    room: 4,
  }),
  served(17, 'a table changed after it was read', {
    write: ({ driver: d }) => refer(d, d.writeTableChain(TABLE, [data(1, 0, 0, 9), data(4, WRITE, 0, 50)])),
    afterwards: scribble,
    bytes: [9],
    room: 4,
  }),
  served(17, 'descriptors and a table behind them changed after they were read', {
    write: ({ driver: d }) => {
      d.writeDescriptor(0, data(2, NEXT, 1, 1));
      d.writeDescriptor(1, d.writeTableChain(TABLE, [data(1, 0, 0, 9), data(4, WRITE, 0, 50)]));
    },
    afterwards: scribble,
    bytes: [1, 2, 9],
    room: 4,
    others: { 'vhost-user': answer('indirect-behind-head', 1, INDIRECT) },
  }),
  ...[false, true].map((asTable) =>
    alone(17, `${asTable ? 'table entries' : 'descriptors'} changed between check and use`, (of, way) => {
      // A count reads for itself: what changes meanwhile is read anew. Nothing changes where no callback is asked.
      if (way === 'nextAfterCount' || of.wholeOnly) return;
      let change = () => {};
      const { region, ring, driver, take, request } = stage(of, {
        getRange: (memory) => {
          const slow = slowRange(memory);
          // The callback runs when an element's descriptor has been checked and is being used.
          return (range) => {
            if (range.wanted >= BASE + DATA) change();
            return slow(range);
          };
        },
      });
      const chain = [data(3, 0, 0, 1), data(2, WRITE, 0, 60)];
      if (asTable) refer(driver, driver.writeTableChain(TABLE, chain));
      else driver.writeChain(0, chain);
      driver.offer(0);
      const first = asTable ? region.u32.subarray(TABLE / 4, TABLE / 4 + 4) : ring.desc.subarray(0, 4);
      change = () => first.fill(0xffffffff);
      if (asTable && of.rules === 'lguest') {
        assert.equal(caught(() => take(way, request)).code, 'indirect-not-negotiated');
        return;
      }
      assert.equal(take(way, request), true);
      const places = ({ offsets, count }: typeof request.readable) => [...offsets.subarray(0, count)];
      assert.deepEqual(places(request.readable), [DATA + 1, DATA + 2, DATA + 3]);
      assert.deepEqual(places(request.writable), [DATA + 60, DATA + 61]);
    }),
  ),

  alone(22, 'a buffer over the ring itself is memory like any other', (of, way) => {
    const { region, driver, queue, take, request } = stage(of);
    driver.writeChain(0, [
      { offset: 0, length: 16 },
      { offset: 0, length: DATA, flags: WRITE },
    ]);
    driver.offer(0);
    assert.equal(take(way, request), true);
    const garbage = new Uint8Array(DATA).fill(0xff);
    assert.equal(request.readable.pull(new Uint8Array(16), 0, 16), 16);
    assert.equal(request.writable.push(garbage, 0, DATA), DATA);
    queue.complete(request, DATA);
    assert.ok(region.u8.subarray(0, 64).every((byte) => byte === 0xff));
    const error = caught(() => take(way, request));
    assert.equal(
      caught(() => take(way, request)),
      error,
      'the index among the garbage broke the ring',
    );
  }),
];

/** Rows that are not about a queue in service: where they are tested. */
const ELSEWHERE: readonly (readonly [row: number, file: string, titles: readonly string[]])[] = [
  [
    18,
    'src/devices/block.test.ts',
    [
      'block: a request with a header of 15 bytes is an error of its own',
      'block: a request with no place for the status is an error of its own',
      'block: a read, header and data and status cut in every way',
      'block: a write, header and data cut in every way',
    ],
  ],
  [
    18,
    'src/devices/net.test.ts',
    [
      'net: half a header sent is dropped and counted',
      'net: less than an Ethernet header sent is dropped and counted',
      'net: buffers that are broken or cannot be written to are given back empty',
      'net: header and frame cut anywhere, both ways',
    ],
  ],
  [18, 'src/devices/console.test.ts', ['console: a receive buffer without room is given back']],
  [
    18,
    'src/launcher/strict-requests.test.ts',
    ['bad guest: a short header: Bad iovec size 15 for struct virtio_blk_outhdr'],
  ],
  [
    19,
    'src/ring/split-layout.test.ts',
    [
      'set-up: a queue of 0 is refused',
      'set-up: a queue of 3 is refused',
      'set-up: a queue of 65536 is refused',
      'set-up: descriptors at 8 is refused',
      'set-up: an available ring at an odd offset is refused',
      'set-up: a used ring at a multiple of 2 only is refused',
      'set-up: descriptors before the region is refused',
      'set-up: a used ring that ends behind it by its event is refused',
      'set-up: used ring in the available ring is refused',
    ],
  ],
  [
    19,
    'src/vhost-user/backend/backend-refusals.test.ts',
    [
      'backend session: refused, and nothing is changed: a size of no power of two',
      'backend session: refused, and nothing is changed: descriptors that are misaligned',
      'backend session: refused, and nothing is changed: addresses outside memory',
      'backend session: refused, and nothing is changed: parts that overlap',
    ],
  ],
  [
    20,
    'src/vhost-user/backend/backend-refusals.test.ts',
    [
      'backend session: refused, and nothing is changed: another size while it runs',
      'backend session: refused, and nothing is changed: other addresses while it runs',
      'backend session: refused, and nothing is changed: a position while it runs',
      'backend session: refused, and nothing is changed: the slot that a ring lies in',
    ],
  ],
  [
    21,
    'src/vhost-user/backend/backend-refusals.test.ts',
    [
      'backend session: refused, and nothing is changed: queue 2 of 2',
      'backend session: refused, and nothing is changed: kick of a queue beyond',
      'backend session: refused, and nothing is changed: call of a queue beyond',
      'backend session: refused, and nothing is changed: err of a queue beyond',
    ],
  ],
  [21, 'src/launcher/guests/bad-guests.test.ts', ['bad guest: notify-at-limit', 'bad guest: notify-negative']],
];

let titlesOf: Record<string, string[]> | null = null;
for (const [row, file, titles] of ELSEWHERE)
  for (const title of titles)
    test(`hostile ${row}: held by ${file}: ${title}`, () => {
      titlesOf ??= testTitles(ELSEWHERE.map(([, file]) => file));
      assert.equal(whyNoTitle(titlesOf[file]!, title), null);
    });

test('hostile: every row from 1 to 22 is here', () => {
  const rows = new Set([...TABLE_ROWS.map(({ row }) => row), ...ELSEWHERE.map(([row]) => row)]);
  assert.deepEqual(
    [...rows].sort((a, b) => a - b),
    Array.from({ length: 22 }, (_, i) => i + 1),
  );
});

for (const of of FACES)
  for (const { row, what, run } of TABLE_ROWS) test(`hostile ${row}: ${what}: ${of.name}`, () => run(of));
