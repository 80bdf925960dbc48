import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DOORBELLS } from '../doorbell/index.ts';
import { MockDevice } from '../host/mock-device.ts';
import { bindRing } from '../ordering/ring-fields.ts';
import { seqcst } from '../ordering/seqcst.ts';
import { VRING_USED_F_NO_NOTIFY } from '../ring/constants.ts';
import { NO_FEATURES } from '../ring/features.ts';
import { modernLayout, SplitRing } from '../ring/split-layout.ts';
import { makeGuest, makeRegion } from '../test-engines.ts';
import { EMPTY } from './queue.ts';
import { ScatterList } from './scatter-list.ts';

const POOL = 0x10_0000;
const DATA = 0x18_0000;
const MEMORY_SIZE = 0x20_0000;
const TOKEN_MAX = 2 ** 31 - 1;
const GUEST_BASE = 2 ** 40 + 2 ** 32 - 0x18_0000; // the data lies across a multiple of 2^32

function setUp({ size = 4, startIndex = 0, eventIdx = false, tableCount = 0, tableLength = 8, indirect = true } = {}) {
  const region = makeRegion(GUEST_BASE, MEMORY_SIZE);
  const ring = SplitRing.within(region, 0, modernLayout(size));
  const shared = bindRing(seqcst, ring);
  shared.avail.store16(ring.availIdx, startIndex);
  const doorbell = DOORBELLS.futex.doorbell(DOORBELLS.futex.makeHandle());
  const tables = { region, offset: POOL, tableCount, tableLength };
  const features = { ...NO_FEATURES, indirect, eventIdx };
  const { queue, freeTables } = makeGuest({ ring, shared, features, doorbell, tables, startIndex });
  const device = new MockDevice({ ring, shared, startIndex });
  /** A request of elements that lie 16 bytes apart, by their lengths. */
  const request = (out: number[], into: number[]) => {
    const list = new ScatterList(Math.max(1, out.length + into.length));
    for (const [i, length] of out.entries()) list.addOut(region, DATA + 16 * i, length);
    for (const [i, length] of into.entries()) list.addIn(region, DATA + 16 * (out.length + i), length);
    return list;
  };
  return { region, ring, shared, doorbell, queue, device, request, freeTables };
}

const requests: [string, number[], number[]][] = [
  ['one out', [5], []],
  ['one in', [], [7]],
  ['out and in', [1], [2]],
  ['several out', [1, 2, 3], []],
  ['several in', [], [4, 5, 6, 7]],
  ['two of each', [1, 2], [3, 4]],
  ['an empty element', [0], [1, 0]],
];
for (const [what, out, into] of requests)
  for (const tableCount of [0, 1])
    test(`add: ${what}, ${tableCount === 0 ? 'direct' : 'table at hand'}`, () => {
      const { region, ring, queue, device, request } = setUp({ tableCount });
      assert.equal(queue.add(request(out, into), 9), true);
      const count = out.length + into.length;
      const direct = tableCount === 0 || count === 1;
      const head = device.takeHead()!;
      let chain = device.readChain(head);
      if (!direct) {
        assert.deepEqual(chain, [{ address: region.addressOf(POOL), length: 16 * count, flags: 4, next: 0 }]);
        chain = device.readChain(0, region.u32.subarray(POOL / 4));
      }
      assert.deepEqual(
        chain.map(({ address, length, flags }) => ({ address, length, flags })),
        [...out, ...into].map((length, i) => ({
          address: region.addressOf(DATA + 16 * i),
          length,
          flags: (i < out.length ? 0 : 2) | (i < count - 1 ? 1 : 0),
        })),
      );
      assert.equal(queue.freeDescriptors, ring.size - (direct ? count : 1));
      assert.equal(device.takeHead(), null);
      device.finish(head, 0);
      assert.equal(queue.getBuf(), 9);
      assert.equal(queue.freeDescriptors, ring.size);
    });

for (const size of [1, 2, 4, 256, 32768])
  for (const startIndex of [0, 65530])
    test(`queue of ${size} from index ${startIndex}: filled, finished backwards, twice`, () => {
      const { queue, device, request } = setUp({ size, startIndex });
      const list = request([1], []);
      for (let round = 0; round < 2; round++) {
        for (let i = 0; i < size; i++) assert.equal(queue.add(list, round + i), true);
        assert.equal(queue.freeDescriptors, 0);
        assert.equal(queue.add(list, 0), false);
        const heads = device.takeAll();
        assert.equal(new Set(heads).size, size);
        for (const head of heads.reverse()) device.putUsed(head, 0);
        assert.equal(queue.getBuf(), EMPTY);
        device.publish();
        for (let i = size - 1; i >= 0; i--) assert.equal(queue.getBuf(), round + i);
        assert.equal(queue.getBuf(), EMPTY);
        assert.equal(queue.freeDescriptors, size);
      }
    });

for (const [what, flags, inOnly, withOut] of [
  ['the host wants kicks', 0, 1, 2],
  ['the host wants no kick', VRING_USED_F_NO_NOTIFY, 0, 1],
] as const)
  test(`add: a full ring, ${what}: rung anyway if there is something to send`, () => {
    const { queue, device, doorbell, request } = setUp({ size: 2 });
    device.setUsedFlags(flags);
    queue.add(request([1], []), 0);
    assert.equal(queue.add(request([], [1, 1]), 1), false);
    assert.equal(doorbell.rings, inOnly);
    assert.equal(queue.add(request([1, 1], []), 1), false);
    assert.equal(doorbell.rings, withOut);
    assert.equal(queue.add(request([1], [1]), 1), false);
    assert.equal(doorbell.rings, withOut + 1);
    assert.equal(queue.add(request([], [1]), 1), true);
    assert.equal(device.takeAll().length, 2);
  });

for (const [what, out, into] of [
  ['out', [1], []],
  ['in', [], [1]],
] as const)
  test(`add: a full ring shows what was deferred, ${what}`, () => {
    const { queue, device, request } = setUp({ size: 1 });
    queue.addDeferred(request([1], []), 0);
    assert.equal(queue.addDeferred(request([...out], [...into]), 1), false);
    assert.equal(device.takeAll().length, 1);
  });

test('set-up: a fresh ring is zeroed, one in use keeps its indices; wishes of an earlier user are gone', () => {
  for (const [startIndex, eventIdx] of [
    [undefined, false],
    [4711, false],
    [undefined, true],
    [4711, true],
  ] as const) {
    const { region, ring, shared, doorbell } = setUp();
    const fields = shared.avail;
    const indices = [ring.availIdx, ring.usedIdx];
    for (const field of [...indices, ring.availFlags, ring.usedFlags, ring.usedEvent, ring.availEvent])
      fields.store16(field, 1234);
    if (startIndex !== undefined) for (const field of indices) fields.store16(field, startIndex);
    const started = startIndex === undefined ? {} : { startIndex };
    makeGuest({ ring, shared, features: { ...NO_FEATURES, eventIdx }, doorbell, ...started });
    const expected = startIndex ?? 0;
    assert.deepEqual(
      indices.map((field) => fields.load16(field)),
      [expected, expected],
    );
    assert.deepEqual([shared.avail.load16(ring.availFlags), shared.used.load16(ring.usedFlags)], [0, 0]);
    assert.equal(shared.avail.load16(ring.usedEvent), eventIdx ? expected : 1234);
    assert.equal(shared.used.load16(ring.availEvent), eventIdx && startIndex === undefined ? 0 : 1234);
    assert.equal(region.u8[ring.availFlags], 0);
  }
});

for (const [what, eventIdx, flags, expected] of [
  ['flags', false, 0, 1],
  ['flags, the host wants no kick', false, VRING_USED_F_NO_NOTIFY, 0],
  ['events', true, 0, 1],
] as const)
  for (const deferred of [false, true])
    test(`add: 65,535 times without a kick, ${what}${deferred ? ', deferred' : ''}`, () => {
      const { queue, device, doorbell, request } = setUp({ eventIdx });
      device.setUsedFlags(flags);
      const list = request([1], []);
      for (let i = 1; i <= 65535; i++) {
        if (deferred) {
          queue.addDeferred(list, 0);
          queue.publish();
        } else queue.add(list, 0);
        if (i < 65535) assert.equal(doorbell.rings, 0);
        device.finish(device.takeHead()!, 0);
        queue.getBuf();
      }
      if (deferred) queue.addDeferred(list, 0);
      assert.equal(doorbell.rings, expected);
    });

test('addDeferred: the host sees nothing before publish, then all of it', () => {
  const { queue, device, request } = setUp();
  for (let token = 0; token < 3; token++) assert.equal(queue.addDeferred(request([1], []), token), true);
  assert.equal(device.takeHead(), null);
  queue.publish();
  assert.equal(device.takeAll().length, 3);
  queue.publish();
  assert.equal(device.takeHead(), null);
});

for (const [what, out, into] of [
  ['no element', [], []],
  ['more elements than the ring has', [1, 1, 1], [1, 1]],
] as const)
  for (const tableCount of [0, 2])
    test(`add: ${what}, is the caller's mistake${tableCount === 0 ? '' : ', tables or not'}`, () => {
      const { queue, device, freeTables, request } = setUp({ tableCount });
      assert.throws(() => queue.add(request([...out], [...into]), 0), RangeError);
      assert.throws(() => queue.addDeferred(request([...out], [...into]), 0), RangeError);
      assert.equal(queue.freeDescriptors, 4);
      assert.equal(device.takeHead(), null);
      assert.equal(freeTables(), tableCount);
    });

for (const token of [-1, TOKEN_MAX + 1, Number.NaN, 1.5])
  test(`add: token ${token} is refused`, () => {
    const { queue, request } = setUp();
    assert.throws(() => queue.add(request([1], []), token), RangeError);
  });

test('add: tokens from 0 to the largest come back', () => {
  const { queue, device, request } = setUp();
  for (const token of [0, 1, TOKEN_MAX]) {
    queue.add(request([1], []), token);
    device.finish(device.takeHead()!, 0);
    assert.equal(queue.getBuf(), token);
  }
});

test('tables: taken only with the feature, for several elements that fit, while there are some', () => {
  const isIndirect = (device: MockDevice) => (device.readDescriptor(device.takeHead()!).flags & 4) !== 0;
  const without = setUp({ size: 8, tableCount: 1, indirect: false });
  without.queue.add(without.request([1, 1], []), 0);
  assert.equal(isIndirect(without.device), false);

  const { queue, device, request } = setUp({ size: 16, tableCount: 2, tableLength: 3 });
  const cases: [number[], boolean][] = [
    [[1], false],
    [[1, 1, 1, 1], false], // longer than a table
    [[1, 1, 1], true],
    [[1, 1], true],
    [[1, 1], false], // none left
  ];
  for (const [out, expected] of cases) {
    queue.add(request(out, []), 0);
    assert.equal(isIndirect(device), expected);
  }
});

test('tables: one that came back is used again, and a full ring takes none', () => {
  const { queue, device, freeTables, request } = setUp({ size: 1, tableCount: 1, tableLength: 1 });
  assert.equal(queue.add(request([1], []), 0), true);
  assert.equal(queue.add(request([1], []), 1), false);
  assert.equal(freeTables(), 1);
  const { queue: busy, device: host, request: make } = setUp({ size: 2, tableCount: 1 });
  for (let i = 0; i < 100; i++) {
    busy.add(make([1], [1]), i);
    const head = host.takeHead()!;
    assert.equal(host.readDescriptor(head).flags, 4);
    host.finish(head, 1);
    assert.equal(busy.getBuf(), i);
  }
  device.finish(0, 0);
  assert.equal(queue.getBuf(), 0);
});

test('getBuf: tokens and lengths in the order of the host', () => {
  const { queue, device, request } = setUp();
  for (const token of [10, 11, 12]) queue.add(request([], [8]), token);
  const [a, b, c] = device.takeAll();
  for (const [head, length] of [
    [b, 3],
    [a, 0],
    [c, 8],
  ] as const)
    device.finish(head!, length);
  for (const [token, length] of [
    [11, 3],
    [10, 0],
    [12, 8],
  ]) {
    assert.equal(queue.getBuf(), token);
    assert.equal(queue.usedLength, length);
  }
  assert.equal(queue.getBuf(), EMPTY);
  assert.equal(queue.clampedLengths, 0);
});

test('detachUnused: every token that the host kept, descriptors and tables free again', () => {
  const { queue, device, freeTables, request } = setUp({ size: 8, tableCount: 2 });
  queue.add(request([1, 2], [3]), 5);
  queue.add(request([1], []), 6);
  queue.add(request([1, 1], []), 7);
  device.finish(device.takeAll()[1]!, 0);
  assert.equal(queue.getBuf(), 6);
  assert.deepEqual([queue.detachUnused(), queue.detachUnused()].sort(), [5, 7]);
  assert.equal(queue.detachUnused(), EMPTY);
  assert.equal(queue.freeDescriptors, 8);
  assert.equal(freeTables(), 2);
});

test('available index: it moves on by what was added, and never back, whatever is done', () => {
  const startIndex = 65530;
  const { queue, device, shared, ring, request } = setUp({ size: 4, startIndex });
  const one = request([1], [1]);
  let seen = startIndex;
  let added = 0;
  const looks = (what: string, call: () => unknown) => {
    call();
    const now = shared.avail.load16(ring.availIdx);
    const moved = (now - seen) & 0xffff;
    assert.ok(moved <= ring.size, `${what} moved it from ${seen} to ${now}`);
    seen = now;
    added += moved;
  };
  let accepted = 0;
  for (let round = 0; round < 10; round++) {
    looks('add', () => (accepted += Number(queue.add(one, round))));
    looks('addDeferred', () => (accepted += Number(queue.addDeferred(one, round))));
    looks('a full ring', () => queue.add(one, round));
    looks('publish', () => queue.publish());
    looks('kick', () => queue.kick());
    looks('enableCalls', () => queue.enableCalls());
    for (const head of device.takeAll()) device.finish(head, 0);
    looks('getBuf', () => queue.getBuf());
    looks('disableCalls', () => queue.disableCalls());
    if (round < 9) looks('getBuf again', () => queue.getBuf());
    else looks('detachUnused', () => queue.detachUnused());
  }
  assert.deepEqual([added, accepted], [20, 20]);
});
