import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MockDriver, type RawDescriptor } from '../guest/mock-driver.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { type RangeCallback, slowRange, wholeRange } from '../memory/range.ts';
import { allocateShared, MemoryRegion } from '../memory/region.ts';
import { bindRing } from '../ordering/ring-fields.ts';
import { seqcst } from '../ordering/seqcst.ts';
import { VRING_DESC_F_INDIRECT, VRING_DESC_F_NEXT, VRING_DESC_F_WRITE } from '../ring/constants.ts';
import { modernLayout, SplitRing } from '../ring/split-layout.ts';
import { ChainReader, type ReaderPolicy, VRINGH_POLICY } from './chain-reader.ts';
import { ElementList } from './element-list.ts';

const NEXT = VRING_DESC_F_NEXT;
const WRITE = VRING_DESC_F_WRITE;
const INDIRECT = VRING_DESC_F_INDIRECT;

const REGION = 65536;
const BASE = 2 ** 40;
const TABLE = 8192;
const DATA = 32768;
const STRICT: ReaderPolicy = { ...VRINGH_POLICY, indirectWithNext: false, emptyElements: false };

/** Three regions: the first two touch, the third lies apart. The ring lies in the first. */
function setUp(callback: (memory: GuestMemory) => RangeCallback = wholeRange, policy = VRINGH_POLICY, size = 16) {
  const bases = [BASE, BASE + REGION, BASE + 2 ** 32];
  const regions = bases.map((guestBase) => new MemoryRegion({ guestBase, buffer: allocateShared(REGION) }));
  const region = regions[0]!;
  const ring = SplitRing.within(region, 0, modernLayout(size));
  const memory = new GuestMemory(regions);
  const reader = new ChainReader({ ring, memory, getRange: callback(memory), indirect: true, policy, queue: 'q' });
  const driver = new MockDriver({ ring, shared: bindRing(seqcst, ring) });
  const lists = { readable: new ElementList(memory), writable: new ElementList(memory) };
  const read = (head = 0) => reader.read(head, lists.readable, lists.writable);
  return { driver, regions, memory, reader, read, ...lists };
}

/** The bytes a list covers, as region and offset of each, and how many elements it takes. */
function bytesOf(list: ElementList): [number, number][] {
  const places: [number, number][] = [];
  for (let i = 0; i < list.count; i++)
    for (let k = 0; k < list.lengths[i]!; k++) places.push([list.regions[i]!, list.offsets[i]! + k]);
  return places;
}

/** `length` places from `offset` of the first region on, into the second where they pass its end. */
const span = (offset: number, length: number): [number, number][] =>
  Array.from({ length }, (_, k) => {
    const at = offset + k;
    return at < REGION ? [0, at] : [1, at - REGION];
  });

interface Chain {
  what: string;
  write(driver: MockDriver, second: MemoryRegion): void;
  readable: [number, number][];
  writable: [number, number][];
  /** Elements with whole ranges. */
  elements: [number, number];
}
const data = (length: number, flags = 0, at = 0): RawDescriptor => ({ offset: DATA + at, length, flags });
const chains: Chain[] = [
  {
    what: 'direct, readable then writable',
    write: (d) => d.writeChain(0, [data(3), data(4, 0, 8), data(5, WRITE, 16)]),
    readable: [...span(DATA, 3), ...span(DATA + 8, 4)],
    writable: span(DATA + 16, 5),
    elements: [2, 1],
  },
  {
    what: 'elements of length 0 contribute nothing',
    write: (d) => d.writeChain(0, [data(0), data(2), data(0, WRITE), data(1, WRITE, 4), data(0, WRITE)]),
    readable: span(DATA, 2),
    writable: span(DATA + 4, 1),
    elements: [1, 1],
  },
  {
    what: 'length 0 at an address outside memory',
    write: (d) => d.writeChain(0, [{ address: 0, length: 0 }, data(2)]),
    readable: span(DATA, 2),
    writable: [],
    elements: [1, 0],
  },
  {
    what: 'an element across two touching regions is split',
    write: (d) =>
      d.writeChain(0, [
        { offset: REGION - 3, length: 8 },
        { offset: REGION - 1, length: 2, flags: WRITE },
      ]),
    readable: span(REGION - 3, 8),
    writable: span(REGION - 1, 2),
    elements: [2, 2],
  },
  {
    what: 'an element up to the last byte of a region',
    write: (d) => d.writeChain(0, [{ offset: 2 * REGION - 4, length: 4 }]),
    readable: span(2 * REGION - 4, 4),
    writable: [],
    elements: [1, 0],
  },
  {
    what: 'one table',
    write: (d) => d.writeDescriptor(0, d.writeTableChain(TABLE, [data(3), data(2, WRITE, 8)])),
    readable: span(DATA, 3),
    writable: span(DATA + 8, 2),
    elements: [1, 1],
  },
  {
    what: 'WRITE on the descriptor of a table is ignored',
    write: (d) => d.writeDescriptor(0, { ...d.writeTableChain(TABLE, [data(3)]), flags: INDIRECT | WRITE }),
    readable: span(DATA, 3),
    writable: [],
    elements: [1, 0],
  },
  {
    what: 'a table whose entries stand in any order',
    write: (d) =>
      d.writeDescriptor(
        0,
        d.writeTable(TABLE, [
          { ...data(1), flags: NEXT, next: 2 },
          data(3, 0, 20),
          { ...data(2, 0, 10), flags: NEXT, next: 1 },
          data(9, WRITE, 99), // not reached
        ]),
      ),
    readable: [...span(DATA, 1), ...span(DATA + 10, 2), ...span(DATA + 20, 3)],
    writable: [],
    elements: [3, 0],
  },
  ...[1, 2, 3, 4, 5, 8].map((skew) => ({
    what: `a table ${skew} bytes off`,
    write: (d: MockDriver) => d.writeDescriptor(0, d.writeTableChain(TABLE + skew, [data(3), data(4, WRITE, 8)])),
    readable: span(DATA, 3),
    writable: span(DATA + 8, 4),
    elements: [1, 1] as [number, number],
  })),
  ...[16, 20, 4, 1].map((before) => ({
    what: `a table cut by a region border ${before} bytes behind its start`,
    write: (d: MockDriver, second: MemoryRegion) => {
      // Each of the two touching regions holds its part.
      const table = d.writeTableChain(TABLE, [data(3), data(4, 0, 8), data(5, WRITE, 16)]);
      const bytes = d.region.u8.slice(TABLE, TABLE + 48);
      d.region.u8.set(bytes.subarray(0, before), REGION - before);
      second.u8.set(bytes.subarray(before), 0);
      d.writeDescriptor(0, { ...table, address: BASE + REGION - before });
    },
    readable: [...span(DATA, 3), ...span(DATA + 8, 4)],
    writable: span(DATA + 16, 5),
    elements: [2, 1] as [number, number],
  })),
];

for (const { what, write, readable, writable, elements } of chains)
  for (const callback of [wholeRange, slowRange])
    test(`chain: ${what}, ${callback.name}`, () => {
      const h = setUp(callback);
      write(h.driver, h.regions[1]!);
      h.read();
      assert.deepEqual(bytesOf(h.readable), readable);
      assert.deepEqual(bytesOf(h.writable), writable);
      const expected = callback === wholeRange ? elements : [readable.length, writable.length];
      assert.deepEqual([h.readable.count, h.writable.count], expected);
    });

test('chain: tables at any place of a direct chain, as the kernel test has them', () => {
  for (const callback of [wholeRange, slowRange]) {
    const { driver, read, readable } = setUp(callback);
    const entries = (from: number, count: number) =>
      Array.from({ length: count }, (_, i) => ({ offset: DATA + 4 * (from + i), length: 4 }));
    const linked = (raw: RawDescriptor, next: number) => ({ ...raw, flags: (raw.flags ?? 0) | NEXT, next });
    driver.writeDescriptor(0, linked(driver.writeTableChain(TABLE, entries(0, 2)), 3));
    driver.writeDescriptor(3, linked(driver.writeTableChain(TABLE + 256, entries(2, 1)), 1));
    driver.writeDescriptor(1, linked({ offset: DATA + 12, length: 4 }, 2));
    driver.writeDescriptor(2, driver.writeTableChain(TABLE + 512, entries(4, 3)));
    read();
    assert.deepEqual(bytesOf(readable), span(DATA, 28));
    assert.equal(readable.count, callback === wholeRange ? 7 : 28);
  }
});

test('chain: goes on at index 0 behind a table', () => {
  const { driver, read, readable } = setUp();
  const table = driver.writeTableChain(TABLE, [data(4)]);
  driver.writeDescriptor(5, { ...table, flags: INDIRECT | NEXT, next: 0 });
  driver.writeDescriptor(0, data(2, 0, 4));
  read(5);
  assert.deepEqual(bytesOf(readable), span(DATA, 6));
});

test('chain: as long as the ring, and a table as long as the ring', () => {
  const { driver, read, readable } = setUp();
  driver.writeChain(
    0,
    Array.from({ length: 16 }, (_, i) => data(1, 0, i)),
  );
  read();
  assert.equal(readable.count, 16);
  readable.reset();
  driver.writeDescriptor(
    0,
    driver.writeTableChain(
      TABLE,
      Array.from({ length: 16 }, (_, i) => data(1, 0, i)),
    ),
  );
  read();
  assert.deepEqual(bytesOf(readable), span(DATA, 16));
});

test('chain: the lists are appended to', () => {
  const { driver, read, readable } = setUp();
  driver.writeChain(0, [data(1)]);
  read();
  read();
  assert.deepEqual(bytesOf(readable), [...span(DATA, 1), ...span(DATA, 1)]);
});

test('policy: the strict one refuses what vringh follows', () => {
  const { driver, read } = setUp(wholeRange, STRICT);
  const table = driver.writeTableChain(TABLE, [data(1)]);
  driver.writeDescriptor(0, { ...table, flags: INDIRECT | NEXT, next: 1 });
  driver.writeDescriptor(1, data(1));
  assert.throws(() => read(), { code: 'indirect-next', queue: 'q', index: 0, value: INDIRECT | NEXT });
  driver.writeChain(2, [data(1), data(0)]);
  assert.throws(() => read(2), { code: 'element-of-length-0', queue: 'q', index: 3, value: 0 });
  driver.writeChain(0, [data(1), { ...table, flags: INDIRECT }]);
  read(0);
});

test('policy: a table only at the head', () => {
  const { driver, read } = setUp(wholeRange, { ...VRINGH_POLICY, indirectBehindHead: false });
  const table = driver.writeTableChain(TABLE, [data(1)]);
  driver.writeDescriptor(0, table);
  read();
  driver.writeChain(2, [data(1), table]);
  assert.throws(() => read(2), { code: 'indirect-behind-head', index: 3, value: INDIRECT });
});

test('policy: a limit of its own, for tables and chains, whatever the size of the queue', () => {
  const limited = { ...VRINGH_POLICY, elementsMax: 20 };
  const { driver, read, readable } = setUp(wholeRange, limited, 4);
  const entries = (count: number) => Array.from({ length: count }, () => data(1));
  driver.writeDescriptor(0, driver.writeTableChain(TABLE, entries(20)));
  read();
  assert.equal(readable.totalBytes(), 20);
  driver.writeDescriptor(0, driver.writeTableChain(TABLE, entries(21)));
  assert.throws(() => read(), { code: 'indirect-table-size', index: 0, value: 21 * 16 });
  const long = setUp(slowRange, limited, 32);
  long.driver.writeDescriptor(0, long.driver.writeTableChain(TABLE, entries(20)));
  long.read();
  long.driver.writeChain(0, entries(21));
  assert.throws(() => long.read(), { code: 'chain-too-long', index: 20, value: 21 });
});

test("range: a callback whose answer does not hold the address is the caller's mistake", () => {
  const { driver, read } = setUp(() => (range) => {
    range.start = range.wanted + 1;
    range.end = range.wanted + 2;
    return true;
  });
  driver.writeChain(0, [data(1)]);
  assert.throws(() => read(), RangeError);
});

/** A callback that refuses what lies in the memory taken away. */
function withdrawable() {
  const gone = new Set<number>();
  let asked = 0;
  const callback = (memory: GuestMemory): RangeCallback => {
    const whole = wholeRange(memory);
    return (range) => {
      asked++;
      return !gone.has(memory.find(range.wanted)) && whole(range);
    };
  };
  return { gone, callback, asked: () => asked };
}

for (const [what, write] of [
  ['two elements', (d) => d.writeChain(0, [data(2), data(1, 0, 100)])],
  ['two elements in a table', (d) => d.writeChain(0, [d.writeTableChain(TABLE, [data(2), data(1, 0, 100)])])],
] as readonly [string, (driver: MockDriver) => void][])
  test(`range: the callback is asked once for each request within one range, ${what}`, () => {
    const { gone, callback, asked } = withdrawable();
    const { driver, read, readable } = setUp(callback);
    write(driver);
    for (let i = 1; i <= 3; i++) {
      read();
      assert.equal(asked(), i);
    }
    assert.equal(readable.count, 6);
    gone.add(0);
    assert.throws(() => read(), { code: 'address-outside-memory', index: 0 });
    assert.equal(readable.count, 6);
    gone.clear();
    read();
    assert.equal(readable.count, 8);
  });

test('range: what the callback answered before does not hold for the request behind one that was refused', () => {
  const { gone, callback } = withdrawable();
  const { driver, read } = setUp(callback);
  driver.writeChain(0, [data(3), { address: 0, length: 1 }]);
  assert.throws(() => read(), { code: 'address-outside-memory', index: 1, value: 0 });
  gone.add(0);
  driver.writeChain(0, [data(3)]);
  assert.throws(() => read(), { code: 'address-outside-memory', index: 0, value: BASE + DATA });
});
