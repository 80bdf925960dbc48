/**
 * Rows 3 to 14 of the table of hostile input: a broken request of the guest is an error of that request alone, in
 * vringh and in the vhost-user queue, each by its policy.
 * What breaks the ring, and what is odd but must be handled, is in hostile-ring.test.ts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MockDriver, type RawDescriptor } from '../guest/mock-driver.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { type RangeCallback, wholeRange } from '../memory/range.ts';
import { bindRing } from '../ordering/ring-fields.ts';
import { seqcst } from '../ordering/seqcst.ts';
import { VRING_DESC_F_INDIRECT, VRING_DESC_F_NEXT, VRING_DESC_F_WRITE } from '../ring/constants.ts';
import { RingError, type RingErrorCode } from '../ring/errors.ts';
import { modernLayout, SplitRing } from '../ring/split-layout.ts';
import { facesInUse, makeRegions, makeVringh, rangesInUse } from '../test-engines.ts';
import { VhostUserQueue } from '../vhost-user/queues/queue.ts';
import { Request } from './queue.ts';
import type { SplitHostQueueOptions } from './split-host-queue.ts';

const NEXT = VRING_DESC_F_NEXT;
const WRITE = VRING_DESC_F_WRITE;
const INDIRECT = VRING_DESC_F_INDIRECT;

const SIZE = 16;
const TABLE = 8192;
const DATA = 32768;
const BASE = 2 ** 40;

const FACES = {
  vringh: (options: SplitHostQueueOptions) => makeVringh(options),
  'vhost-user': (options: SplitHostQueueOptions) => new VhostUserQueue({ ...options, ...options.state! }),
};
type FaceName = keyof typeof FACES;

interface SetUp {
  face?: FaceName;
  size?: number;
  indirect?: boolean;
  startIndex?: number;
  regionBytes?: number;
  getRange?: (memory: GuestMemory) => RangeCallback;
}
/** Two touching regions, and a gap behind them; the ring lies in the first. */
function setUp({
  face = 'vringh',
  size = SIZE,
  indirect = true,
  startIndex = 0,
  regionBytes = 65536,
  getRange = wholeRange,
}: SetUp = {}) {
  const regions = makeRegions([BASE, BASE + regionBytes], regionBytes);
  const region = regions[0]!;
  const ring = SplitRing.within(region, 0, modernLayout(size));
  const shared = bindRing(seqcst, ring);
  const memory = new GuestMemory(regions);
  const driver = new MockDriver({ ring, shared, startIndex });
  shared.used.store16(ring.usedIdx, startIndex);
  const queue = FACES[face]({
    ring,
    shared,
    features: { indirect, eventIdx: false, version1: true },
    memory,
    getRange: getRange(memory),
    state: { availIdx: startIndex, usedIdx: startIndex },
    name: 'tx',
  });
  return { region, driver, queue, request: new Request(memory), spare: new Request(memory) };
}

const END = BASE + 2 * 65536;
const data = (length: number, flags = 0, next = 0): RawDescriptor => ({ offset: DATA, length, flags, next });
/** Puts a descriptor that refers to a table at 0, with more flags if need be. */
const refer = (d: MockDriver, table: RawDescriptor, flags = 0, next = 0) =>
  d.writeDescriptor(0, { ...table, flags: INDIRECT | flags, next });
const tableOf = (d: MockDriver, ...raws: RawDescriptor[]) => refer(d, d.writeTable(TABLE, raws));

interface BrokenRequest {
  row: number;
  what: string;
  /** Writes the chain whose head is 0. */
  write(driver: MockDriver): void;
  code: RingErrorCode;
  index: number;
  value: number;
  indirect?: boolean;
  /** What the vhost-user queue says instead; null: it takes the request. */
  vhostUser?: { code: RingErrorCode; index: number; value: number } | null;
}
const NEXT_BEHIND_TABLE = { code: 'indirect-next', index: 0, value: INDIRECT | NEXT } as const;
const EMPTY_FIRST = { code: 'element-of-length-0', index: 0, value: 0 } as const;

const requests: BrokenRequest[] = [
  ...[SIZE, SIZE + 1, 65535].map((next) => ({
    row: 3,
    what: `next ${next} in the ring`,
    write: (d: MockDriver) => d.writeDescriptor(0, data(1, NEXT, next)),
    code: 'next-out-of-range' as const,
    index: 0,
    value: next,
  })),
  ...[2, 3, 65535].map((next) => ({
    row: 3,
    what: `next ${next} in a table of 2`,
    write: (d: MockDriver) => tableOf(d, data(1, NEXT, 1), data(1, NEXT, next)),
    code: 'next-out-of-range' as const,
    index: 1,
    value: next,
  })),
  {
    row: 3,
    what: 'next behind a table',
    write: (d) => refer(d, d.writeTable(TABLE, [data(1)]), NEXT, SIZE),
    code: 'next-out-of-range',
    index: 0,
    value: SIZE,
    vhostUser: NEXT_BEHIND_TABLE,
  },
  {
    row: 4,
    what: 'a descriptor that names itself',
    write: (d) => d.writeDescriptor(0, data(1, NEXT, 0)),
    code: 'descriptor-loop',
    index: 0,
    value: 0,
  },
  {
    row: 4,
    what: 'two descriptors in a circle',
    write: (d) => {
      d.writeDescriptor(0, data(1, NEXT, 1));
      d.writeDescriptor(1, data(1, NEXT, 0));
    },
    code: 'descriptor-loop',
    index: 0,
    value: 0,
  },
  {
    row: 4,
    what: 'a loop of elements of length 0',
    write: (d) => d.writeDescriptor(0, data(0, NEXT, 0)),
    code: 'descriptor-loop',
    index: 0,
    value: 0,
    vhostUser: EMPTY_FIRST,
  },
  {
    row: 4,
    what: 'a table entry that names itself',
    write: (d) => tableOf(d, data(1, NEXT, 1), data(1, NEXT, 1)),
    code: 'descriptor-loop',
    index: 0,
    value: 1,
  },
  {
    row: 4,
    what: 'table entries in a circle',
    write: (d) => tableOf(d, data(1, NEXT, 1), data(1, NEXT, 2), data(1, NEXT, 0)),
    code: 'descriptor-loop',
    index: 0,
    value: 0,
  },
  {
    row: 4,
    what: 'a table descriptor that goes on with itself',
    write: (d) => refer(d, d.writeTable(TABLE, [data(1)]), NEXT, 0),
    code: 'descriptor-loop',
    index: 0,
    value: 0,
    vhostUser: NEXT_BEHIND_TABLE,
  },
  {
    row: 4,
    what: 'a circle through a table and an element',
    write: (d) => {
      refer(d, d.writeTable(TABLE, [data(1)]), NEXT, 7);
      d.writeDescriptor(7, data(1, NEXT, 0));
    },
    code: 'descriptor-loop',
    index: 0,
    value: 0,
    vhostUser: NEXT_BEHIND_TABLE,
  },
  {
    row: 5,
    what: 'a table in a table',
    write: (d) => tableOf(d, data(1, NEXT, 1), { offset: TABLE, length: 16, flags: INDIRECT }),
    code: 'indirect-nested',
    index: 1,
    value: INDIRECT,
  },
  {
    row: 5,
    what: 'a table that contains itself, and goes on',
    write: (d) => tableOf(d, { offset: TABLE, length: 16, flags: INDIRECT | NEXT }),
    code: 'indirect-nested',
    index: 0,
    value: INDIRECT | NEXT,
  },
  ...[0, 1, 15, 17, 24, 16 * SIZE + 16, 16 * SIZE + 1, 0xfffffff0, 0xffffffff].map((length) => ({
    row: 7,
    what: `a table of ${length} bytes`,
    write: (d: MockDriver) => refer(d, { ...d.writeTable(TABLE, [data(1)]), length }),
    code: 'indirect-table-size' as const,
    index: 0,
    value: length,
    // Its limit is one of its own, whatever the queue's size.
    ...(length === 16 * SIZE + 16 ? { vhostUser: null } : {}),
  })),
  {
    row: 7,
    what: 'tables that are short enough, but not together',
    write: (d) => {
      const raws = Array.from({ length: SIZE - 1 }, () => data(1));
      refer(d, d.writeTableChain(TABLE, raws), NEXT, 1);
      d.writeDescriptor(1, d.writeTableChain(TABLE, raws));
    },
    code: 'chain-too-long',
    index: 1,
    value: SIZE + 1,
    vhostUser: NEXT_BEHIND_TABLE,
  },
  {
    row: 8,
    what: 'a table without the feature',
    write: (d) => tableOf(d, data(1)),
    code: 'indirect-not-negotiated',
    index: 0,
    value: INDIRECT,
    indirect: false,
  },
  ...(
    [
      ['address 0', 0, 0],
      ['the byte before memory', BASE - 1, BASE - 1],
      ['the byte behind memory', END, END],
      ['start inside, end outside', END - 4, END],
      ['an address of 2^53', 2 ** 53, 2 ** 53],
      ['an address of 2^63', 2 ** 63, 2 ** 63],
      ['address + length past 2^64', 0xffff_ffff_ffff_fffcn, Number(0xffff_ffff_ffff_fffcn)],
      ['memory, but for the high half', (1n << 63n) | BigInt(BASE), 2 ** 63 + BASE],
    ] as const
  ).flatMap(([what, address, value]) => [
    {
      row: 12,
      what: `an element at ${what}`,
      write: (d: MockDriver) => d.writeChain(0, [data(1), { address, length: 16 }]),
      code: 'address-outside-memory' as const,
      index: 1,
      value,
    },
    {
      row: 12,
      what: `a table entry at ${what}`,
      write: (d: MockDriver) => tableOf(d, data(1, NEXT, 1), { address, length: 16, flags: WRITE }),
      code: 'address-outside-memory' as const,
      index: 1,
      value,
    },
    {
      row: 12,
      what: `a table at ${what}`,
      write: (d: MockDriver) => refer(d, { address, length: 32 }),
      code: 'address-outside-memory' as const,
      index: 0,
      value,
    },
  ]),
  {
    row: 12,
    what: 'the longest element',
    write: (d) => d.writeDescriptor(0, { offset: DATA, length: 0xffffffff, flags: WRITE }),
    code: 'address-outside-memory',
    index: 0,
    value: END,
  },
  {
    row: 14,
    what: 'readable after writable',
    write: (d) => d.writeChain(0, [data(1), data(1, WRITE), data(2)]),
    code: 'readable-after-writable',
    index: 2,
    value: 2,
  },
  {
    row: 14,
    what: 'readable after writable in a table',
    write: (d) => tableOf(d, data(1, WRITE | NEXT, 1), data(2)),
    code: 'readable-after-writable',
    index: 1,
    value: 2,
  },
  {
    row: 14,
    what: 'readable behind a table with writable ones',
    write: (d) => {
      refer(d, d.writeTable(TABLE, [data(1, WRITE)]), NEXT, 4);
      d.writeDescriptor(4, data(2));
    },
    code: 'readable-after-writable',
    index: 4,
    value: 2,
    vhostUser: NEXT_BEHIND_TABLE,
  },
  {
    row: 14,
    what: 'readable after a writable one of length 0',
    write: (d) => d.writeChain(0, [data(0, WRITE), data(2)]),
    code: 'readable-after-writable',
    index: 1,
    value: 2,
    vhostUser: EMPTY_FIRST,
  },
];

function caught(call: () => unknown): RingError {
  try {
    call();
  } catch (error) {
    assert.ok(error instanceof RingError, `a RingError, not ${error}`);
    return error;
  }
  return assert.fail('nothing was thrown');
}

for (const face of facesInUse(FACES))
  for (const { row, what, write, indirect = true, vhostUser, ...others } of requests) {
    const expected = face === 'vhost-user' && vhostUser !== undefined ? vhostUser : others;
    if (expected === null) continue;
    const { code, index, value } = expected;
    for (const getRange of rangesInUse())
      test(`row ${row}: ${what}, ${face}, ${getRange.name}: an error of the request`, () => {
        const { region, driver, queue, request, spare } = setUp({ face, indirect, startIndex: 65535, getRange });
        write(driver);
        driver.offer(0);
        const error = caught(() => queue.next(request));
        assert.deepEqual([error.code, error.queue, error.index, error.value], [code, 'tx', index, value]);
        assert.equal(request.head, 0, 'the head is valid');
        assert.equal(queue.isBroken, false);
        assert.equal(queue.next(spare), false, 'it is not parsed twice');
        queue.complete(request, 0);
        assert.deepEqual(driver.readUsed(), { id: 0, length: 0 });
        driver.writeChain(0, [data(3), data(2, WRITE)]);
        region.u8.set([5, 6, 7], DATA);
        driver.offer(0);
        assert.equal(queue.next(request), true);
        const bytes = new Uint8Array(4);
        assert.equal(request.readable.pull(bytes, 0, 4), 3);
        assert.equal(request.writable.push(bytes, 1, 3), 2);
        assert.deepEqual([...region.u8.subarray(DATA, DATA + 3)], [6, 7, 7]);
        queue.complete(request, 2);
        assert.deepEqual(driver.readUsed(), { id: 0, length: 2 });
      });
  }

test('row 13: lengths that add up to more than 2^32 are an error of the request, exactly 2^32 are not', () => {
  const PIECE = 2 ** 20;
  const { driver, queue, request } = setUp({ size: 8192, regionBytes: PIECE });
  const chain = Array.from({ length: 2 ** 32 / PIECE }, () => ({ offset: 0, length: PIECE }));
  driver.writeChain(0, chain);
  driver.offer(0);
  assert.equal(queue.next(request), true);
  assert.equal(request.readable.totalBytes(), 2 ** 32);
  queue.complete(request, 0);
  driver.writeChain(0, [...chain, { offset: 0, length: 1 }]);
  driver.offer(0);
  const error = caught(() => queue.next(request));
  assert.deepEqual([error.code, error.index, error.value], ['request-too-long', 4096, 2 ** 32 + 1]);
  queue.complete(request, 0);
  assert.equal(queue.next(request), false);
});
