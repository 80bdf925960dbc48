import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryRegion } from '../memory/region.ts';
import { bindRing } from '../ordering/ring-fields.ts';
import { seqcst } from '../ordering/seqcst.ts';
import {
  VRING_AVAIL_F_NO_INTERRUPT,
  VRING_DESC_F_INDIRECT,
  VRING_DESC_F_NEXT,
  VRING_DESC_F_WRITE,
  VRING_DESC_SIZE,
  VRING_SIZE_MAX,
  VRING_USED_F_NO_NOTIFY,
} from './constants.ts';
import { RingError, type RingErrorCode } from './errors.ts';
import { NO_FEATURES } from './features.ts';
import {
  alignUp,
  apartLayout,
  checkQueueSize,
  legacyLayout,
  modernLayout,
  type RingPlace,
  type RingPlaces,
  type SplitLayout,
  SplitRing,
} from './split-layout.ts';

test('constants: values of the specification', () => {
  assert.deepEqual([VRING_DESC_F_NEXT, VRING_DESC_F_WRITE, VRING_DESC_F_INDIRECT], [1, 2, 4]);
  assert.deepEqual([VRING_USED_F_NO_NOTIFY, VRING_AVAIL_F_NO_INTERRUPT], [1, 1]);
  assert.deepEqual([VRING_DESC_SIZE, VRING_SIZE_MAX], [16, 32768]);
});

const legacy: [number, number, number, number][] = [
  // size, available ring, used ring, end: worked out by hand from vring_init and vring_size
  [1, 16, 4096, 4110],
  [2, 32, 4096, 4118],
  [4, 64, 4096, 4134],
  [8, 128, 4096, 4166],
  [16, 256, 4096, 4230],
  [32, 512, 4096, 4358],
  [64, 1024, 4096, 4614],
  [128, 2048, 4096, 5126],
  [256, 4096, 8192, 10246],
  [512, 8192, 12288, 16390],
  [1024, 16384, 20480, 28678],
  [2048, 32768, 40960, 57350],
  [4096, 65536, 77824, 110598],
  [8192, 131072, 151552, 217094],
  [16384, 262144, 299008, 430086],
  [32768, 524288, 593920, 856070],
];
const modern: [number, number, number, number][] = [
  [1, 16, 24, 38],
  [2, 32, 44, 66],
  [4, 64, 80, 118],
  [256, 4096, 4616, 6670],
  [32768, 524288, 589832, 851982],
];
for (const [name, make, cases] of [
  ['legacy', legacyLayout, legacy],
  ['modern', modernLayout, modern],
] as const)
  for (const [size, availOffset, usedOffset, sizeBytes] of cases)
    test(`layout: ${name}, ${size} descriptors`, () => {
      assert.deepEqual(make(size), { size, descOffset: 0, availOffset, usedOffset, sizeBytes });
    });

const LINE = 128;
for (let size = 1; size <= 32768; size *= 2)
  test(`layout: apart, ${size} descriptors: no line has what both sides write, nor index and entries`, () => {
    const layout = apartLayout(size);
    const region = new MemoryRegion({ guestBase: 2 ** 40, buffer: new ArrayBuffer(alignUp(layout.sizeBytes, 8)) });
    // It is one that a ring can have: aligned, within its memory, no parts over each other.
    const ring = SplitRing.within(region, 0, layout, 'q');
    const lineOf = (offset: number) => Math.floor(offset / LINE);
    const entriesAt = (offset: number) => offset + 4;
    const guests = [ring.availFlags, ring.availIdx, entriesAt(ring.availFlags), ring.usedEvent].map(lineOf);
    const hosts = [ring.usedFlags, ring.usedIdx, entriesAt(ring.usedFlags), ring.availEvent].map(lineOf);
    assert.deepEqual(
      guests.filter((line) => hosts.includes(line)),
      [],
    );
    assert.ok(lineOf(16 * size - 1) < Math.min(...guests), 'the descriptors have lines of their own');
    for (const [flags, idx, entries] of [guests, hosts]) {
      assert.equal(flags, idx);
      assert.ok(idx! < entries!);
    }
    const lastEntries = [lineOf(ring.usedEvent - 1), lineOf(ring.availEvent - 1)];
    assert.equal(guests[3]! > lastEntries[0]!, size >= 64, 'used_event');
    assert.equal(hosts[3]! > lastEntries[1]!, size >= 16, 'avail_event');
  });

test('layout: the legacy alignment is the one asked for', () => {
  assert.equal(legacyLayout(2, 64).usedOffset, 64);
  assert.deepEqual(legacyLayout(4, 4), modernLayout(4));
  for (const align of [0, 1, 2, 3, 12, -4096, 4.5, Number.NaN]) assert.throws(() => legacyLayout(4, align), RangeError);
});

const code = (expected: RingErrorCode, index: number, value: number) => (error: unknown) => {
  assert.ok(error instanceof RingError);
  assert.deepEqual([error.code, error.queue, error.index, error.value], [expected, 'q', index, value]);
  return true;
};

for (const size of [
  0,
  -1,
  3,
  6,
  100,
  255,
  257,
  32769,
  65536,
  1.5,
  2 ** 31,
  2 ** 32,
  Number.NaN,
  Number.POSITIVE_INFINITY,
])
  test(`set-up: a queue of ${size} is refused`, () => {
    assert.throws(() => checkQueueSize(size, 'q'), code('bad-queue-size', 0, size));
    assert.throws(() => legacyLayout(size), { code: 'bad-queue-size' });
    assert.throws(() => modernLayout(size), { code: 'bad-queue-size' });
    assert.throws(() => apartLayout(size), { code: 'bad-queue-size' });
  });

test('set-up: every power of two up to 32,768 is taken', () => {
  for (let size = 1; size <= 32768; size *= 2) checkQueueSize(size);
});

const region = new MemoryRegion({ guestBase: 2 ** 40, buffer: new ArrayBuffer(65536) });
const place = (region: MemoryRegion, offset: number) => ({ region, offset });
const apart = (descOffset: number, availOffset: number, usedOffset: number, size = 4): SplitLayout => {
  return { size, descOffset, availOffset, usedOffset, sizeBytes: 0 };
};

const refused: [string, number, SplitLayout, RingErrorCode, number, number][] = [
  // what, base offset, layout, code, part (0 descriptors, 1 available, 2 used), offset
  ['a size of 0', 0, apart(0, 64, 80, 0), 'bad-queue-size', 0, 0],
  ['a size of 3', 0, apart(0, 64, 80, 3), 'bad-queue-size', 0, 3],
  ['a size of 65,536', 0, apart(0, 64, 80, 65536), 'bad-queue-size', 0, 65536],
  ['descriptors at 8', 8, modernLayout(4), 'ring-misaligned', 0, 8],
  ['descriptors at 4', 4, modernLayout(4), 'ring-misaligned', 0, 4],
  ['an available ring at an odd offset', 0, apart(0, 65, 80), 'ring-misaligned', 1, 65],
  ['a used ring at a multiple of 2 only', 0, apart(0, 64, 82), 'ring-misaligned', 2, 82],
  ['a fractional offset', 0.5, modernLayout(4), 'ring-misaligned', 0, 0.5],
  ['descriptors before the region', -16, modernLayout(4), 'ring-outside-memory', 0, -16],
  ['descriptors that end behind the region', 0, apart(65488, 64, 80), 'ring-outside-memory', 0, 65488],
  ['an available ring that ends behind it', 0, apart(0, 65524, 80), 'ring-outside-memory', 1, 65524],
  ['a used ring that ends behind it by its event', 0, apart(0, 64, 65500), 'ring-outside-memory', 2, 65500],
  ['a place far outside', 2 ** 40, modernLayout(4), 'ring-outside-memory', 0, 2 ** 40],
  ['a place that is not a number', Number.NaN, modernLayout(4), 'ring-outside-memory', 0, Number.NaN],
  ['available ring in the descriptors', 0, apart(0, 62, 80), 'ring-parts-overlap', 1, 62],
  ['used ring in the available ring', 0, apart(0, 64, 76), 'ring-parts-overlap', 2, 76],
  ['used ring in the descriptors', 0, apart(16, 96, 0), 'ring-parts-overlap', 0, 16],
  ['all at one place', 0, apart(0, 0, 0), 'ring-parts-overlap', 1, 0],
];
for (const [what, base, layout, expected, part, offset] of refused)
  test(`set-up: ${what} is refused`, () => {
    assert.throws(() => SplitRing.within(region, base, layout, 'q'), code(expected, part, offset));
  });

test('set-up: alignment counts in guest addresses too', () => {
  const odd = new MemoryRegion({ guestBase: 8, buffer: new ArrayBuffer(4096) });
  assert.throws(() => SplitRing.within(odd, 0, modernLayout(4), 'q'), code('ring-misaligned', 0, 0));
  SplitRing.within(odd, 8, modernLayout(4), 'q');
});

test('set-up: parts in any order, and up to the last byte of the region', () => {
  SplitRing.within(region, 0, apart(1024, 512, 0));
  SplitRing.within(region, 0, apart(65472, 65458, 0));
  const { sizeBytes } = modernLayout(256);
  const fits = new MemoryRegion({ guestBase: 0, buffer: new ArrayBuffer(Math.ceil(sizeBytes / 8) * 8) });
  SplitRing.within(fits, 0, modernLayout(256));
});

/** The parts of a ring of 4 descriptors, far apart but for one. */
const alone = (part: keyof RingPlaces, where: RingPlace): RingPlaces => ({
  desc: place(region, 1024),
  avail: place(region, 2048),
  used: place(region, 4096),
  [part]: where,
});
const atTheEnd: [string, RingPlaces][] = [
  ['an available ring that ends with its region', alone('avail', place(region, 65536 - 12))],
  ['a used ring that ends with its region', alone('used', place(region, 65536 - 36))],
  ['a used ring right behind the available ring', alone('used', place(region, 2048 + 12))],
  ['an available ring right behind the used ring', alone('avail', place(region, 4096 + 36))],
];
for (const [what, places] of atTheEnd)
  test(`set-up: ${what}: as long as no events were negotiated`, () => {
    const ring = new SplitRing(4, places, 'q', false);
    assert.deepEqual([ring.availRing.length, ring.usedRing.length, ring.eventIdx], [4, 8, false]);
    ring.checkFeatures(NO_FEATURES);
    assert.throws(() => ring.checkFeatures({ ...NO_FEATURES, eventIdx: true }), { name: 'RangeError' });
  });
for (const [what, places] of atTheEnd)
  test(`set-up: ${what}: refused with events`, () => {
    assert.throws(() => new SplitRing(4, places, 'q'), { name: 'RingError', code: /outside-memory|overlap/ });
  });

for (const size of [1, 2, 4, 256, 32768])
  for (const [name, make] of [
    ['legacy', legacyLayout],
    ['modern', modernLayout],
  ] as const)
    test(`ring: views and fields of ${size} descriptors, ${name}`, () => {
      const base = 48;
      const place = 64;
      const layout = make(size);
      const memory = new ArrayBuffer(1 << 20);
      const within = new MemoryRegion({ guestBase: 2 ** 33, buffer: memory, byteOffset: place });
      const ring = SplitRing.within(within, base, layout);
      const avail = base + layout.availOffset;
      const used = base + layout.usedOffset;
      assert.deepEqual(
        [ring.availFlags, ring.availIdx, ring.usedEvent, ring.usedFlags, ring.usedIdx, ring.availEvent],
        [avail, avail + 2, avail + 4 + 2 * size, used, used + 2, used + 4 + 8 * size],
      );
      assert.deepEqual([ring.desc.byteOffset, ring.desc.byteLength], [place + base, 16 * size]);
      assert.deepEqual([ring.availRing.byteOffset, ring.availRing.length], [place + avail + 4, size]);
      assert.deepEqual([ring.usedRing.byteOffset, ring.usedRing.byteLength], [place + used + 4, 8 * size]);
      assert.equal(ring.availEvent + 2, base + layout.sizeBytes);
    });

/** Three regions; guest addresses of the second and third touch. */
const [low, middle, high] = [2 ** 40, 2 ** 41, 2 ** 41 + 4096].map(
  (guestBase) => new MemoryRegion({ guestBase, buffer: new ArrayBuffer(8192), byteOffset: 64, sizeBytes: 4096 }),
) as [MemoryRegion, MemoryRegion, MemoryRegion];
test('ring: parts in three regions, each with views and fields of its own', () => {
  const ring = new SplitRing(4, { desc: place(high, 32), avail: place(low, 4082), used: place(middle, 12) });
  assert.deepEqual([ring.desc.buffer, ring.desc.byteOffset, ring.desc.byteLength], [high.buffer, 96, 64]);
  assert.deepEqual([ring.availRing.buffer, ring.availRing.byteOffset], [low.buffer, 64 + 4082 + 4]);
  assert.deepEqual([ring.usedRing.buffer, ring.usedRing.byteOffset], [middle.buffer, 64 + 12 + 4]);
  assert.deepEqual([ring.availFlags, ring.availIdx, ring.usedEvent], [4082, 4084, 4094]);
  assert.deepEqual([ring.usedFlags, ring.usedIdx, ring.availEvent], [12, 14, 48]);
});

const apartRefused: [string, number, RingPlaces, RingErrorCode, number, number][] = [
  // what, size, places, code, part, offset in its region
  [
    'a used ring that goes on in the next region',
    4,
    { desc: place(low, 0), avail: place(low, 64), used: place(middle, 4096 - 36) },
    'ring-outside-memory',
    2,
    4060,
  ],
  [
    'descriptors at the offset of one region, for a shorter one',
    256,
    { desc: place(low, 16), avail: place(middle, 0), used: place(high, 0) },
    'ring-outside-memory',
    0,
    16,
  ],
  [
    'parts that overlap in guest addresses alone',
    4,
    {
      desc: place(low, 0),
      avail: place(new MemoryRegion({ guestBase: 2 ** 40 + 32, buffer: new ArrayBuffer(4096) }), 0),
      used: place(high, 0),
    },
    'ring-parts-overlap',
    1,
    0,
  ],
];
for (const [what, size, places, expected, part, offset] of apartRefused)
  test(`set-up: ${what} are refused`, () => {
    assert.throws(() => new SplitRing(size, places, 'q'), code(expected, part, offset));
  });

test('set-up: equal offsets in different regions do not overlap', () => {
  new SplitRing(4, { desc: place(low, 0), avail: place(middle, 0), used: place(high, 0) });
});

test('fields: one object for a ring in one region, else one for each of the two parts that have some', () => {
  const one = bindRing(seqcst, SplitRing.within(low, 0, modernLayout(4)));
  assert.equal(one.avail, one.used);
  const ring = new SplitRing(4, { desc: place(low, 0), avail: place(middle, 0), used: place(high, 0) });
  const two = bindRing(seqcst, ring);
  two.avail.store16(ring.availIdx, 4711);
  two.used.store16(ring.usedIdx, 815);
  assert.deepEqual([middle.u16[1], high.u16[1], low.u16[1]], [4711, 815, 0]);
});
