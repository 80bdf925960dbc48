import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MockDriver } from '../guest/mock-driver.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { slowRange, wholeRange } from '../memory/range.ts';
import { bindRing } from '../ordering/ring-fields.ts';
import { seqcst } from '../ordering/seqcst.ts';
import { VRING_DESC_F_WRITE } from '../ring/constants.ts';
import { NO_FEATURES } from '../ring/features.ts';
import { modernLayout, SplitRing } from '../ring/split-layout.ts';
import { engineInUse, makeRegion, makeVringh } from '../test-engines.ts';
import { ElementList } from './element-list.ts';
import { type QueueState, Request } from './queue.ts';
import { NO_HEAD } from './split-host-queue.ts';

const DATA = 0x10_0000;

function setUp({ size = 4, startIndex = 0, state }: { size?: number; startIndex?: number; state?: QueueState } = {}) {
  const region = makeRegion(2 ** 40, 0x11_0000);
  const ring = SplitRing.within(region, 0, modernLayout(size));
  const shared = bindRing(seqcst, ring);
  const memory = new GuestMemory([region]);
  const driver = new MockDriver({ ring, shared, startIndex });
  shared.used.store16(ring.usedIdx, startIndex);
  const at = { availIdx: startIndex, usedIdx: startIndex };
  const vringh = makeVringh({ ring, shared, features: NO_FEATURES, memory, state: state ?? at });
  /** Makes a request of 4 readable and 4 writable bytes available, two descriptors from `head` on. */
  const offer = (head: number) => {
    driver.writeChain(head, [
      { offset: DATA + 8 * head, length: 4 },
      { offset: DATA + 8 * head + 4, length: 4, flags: VRING_DESC_F_WRITE },
    ]);
    driver.offer(head);
  };
  /** Makes a request of one readable byte available. */
  const offerOne = (head: number) => {
    driver.writeDescriptor(head, { offset: DATA + head, length: 1 });
    driver.offer(head);
  };
  return { region, ring, shared, memory, driver, vringh, offer, offerOne, request: new Request(memory) };
}

for (const size of [1, 2, 4, 256, 32768])
  for (const startIndex of [0, 65530])
    test(`vringh of ${size} from index ${startIndex}: all taken, completed backwards, twice`, () => {
      const { driver, vringh, offerOne, request } = setUp({ size, startIndex });
      for (let round = 0; round < 2; round++) {
        for (let head = 0; head < size; head++) offerOne(head);
        for (let head = 0; head < size; head++) {
          assert.equal(vringh.next(request), true);
          assert.equal(request.head, head);
          assert.deepEqual([request.readable.count, request.writable.count], [1, 0]);
          assert.equal(request.readable.offsets[0], DATA + head);
        }
        assert.equal(vringh.next(request), false);
        assert.equal(request.head, size);
        for (let head = size - 1; head >= 0; head--) vringh.completeHead(head, head);
        for (let head = size - 1; head >= 0; head--) assert.deepEqual(driver.readUsed(), { id: head, length: head });
        assert.equal(driver.readUsed(), null);
      }
      assert.equal(vringh.isBroken, false);
    });

test('next: nothing there, then elements of both kinds; bytes go both ways', () => {
  const { region, driver, vringh, offer, request } = setUp();
  assert.equal(vringh.next(request), false);
  assert.equal(vringh.hasAvailable(), false);
  offer(2);
  assert.equal(vringh.hasAvailable(), true);
  region.u8.set([1, 2, 3, 4], DATA + 16);
  assert.equal(vringh.next(request), true);
  assert.equal(vringh.hasAvailable(), false);
  const bytes = new Uint8Array(8);
  assert.equal(request.readable.pull(bytes, 0, 8), 4);
  assert.equal(request.writable.push(bytes, 0, 3), 3);
  vringh.complete(request, 3);
  assert.deepEqual([...region.u8.subarray(DATA + 16, DATA + 24)], [1, 2, 3, 4, 1, 2, 3, 0]);
  assert.deepEqual(driver.readUsed(), { id: 2, length: 3 });
});

test('push: readable elements stay as they are, however much is written', () => {
  const { region, driver, vringh, request } = setUp();
  const element = (at: number, length: number, flags = 0) => ({ offset: DATA + at, length, flags });
  driver.writeChain(0, [
    element(0, 8),
    element(8, 8),
    element(24, 8, VRING_DESC_F_WRITE),
    element(16, 4, VRING_DESC_F_WRITE),
  ]);
  driver.offer(0);
  const before = region.u8.slice(DATA, DATA + 64);
  assert.equal(vringh.next(request), true);
  assert.equal(request.writable.push(new Uint8Array(64).fill(0xee), 0, 64), 12);
  assert.equal(request.writable.push(new Uint8Array(64).fill(0xee), 0, 64), 0);
  vringh.complete(request, 12);
  assert.deepEqual(region.u8.slice(DATA, DATA + 64), before.fill(0xee, 16, 20).fill(0xee, 24, 32));
});

test('getdesc: appends to the lists and returns the head', () => {
  const { memory, vringh, offer } = setUp();
  const readable = new ElementList(memory);
  const writable = new ElementList(memory);
  assert.equal(vringh.getdesc(readable, writable), NO_HEAD);
  offer(2);
  offer(0);
  assert.equal(vringh.getdesc(readable, writable), 2);
  assert.equal(vringh.getdesc(readable, writable), 0);
  assert.deepEqual([readable.count, writable.count], [2, 2]);
});

for (const [what, leaveOut, code] of [
  ['readable', 'readable', 'unexpected-readable'],
  ['writable', 'writable', 'unexpected-writable'],
] as const)
  test(`getdesc: an element of the kind left out (${what}) is an error of the request`, () => {
    const { memory, driver, vringh, offer, offerOne } = setUp();
    const list = new ElementList(memory);
    offer(1);
    const readable = leaveOut === 'readable' ? null : list;
    const writable = leaveOut === 'writable' ? null : list;
    assert.throws(() => vringh.getdesc(readable, writable), { code });
    vringh.completeHead(1, 0);
    assert.deepEqual(driver.readUsed(), { id: 1, length: 0 });
    offerOne(3);
    assert.equal(vringh.getdesc(list, null), 3);
  });

test('takeHead: the chain is not read', () => {
  const { driver, vringh } = setUp();
  driver.writeDescriptor(1, { address: 0, length: 4, flags: 1, next: 4711 });
  driver.offer(1);
  assert.equal(vringh.takeHead(), 1);
  assert.equal(vringh.takeHead(), NO_HEAD);
  vringh.completeHead(1, 9);
  assert.deepEqual(driver.readUsed(), { id: 1, length: 9 });
});

test('completeMulti: entries wrap around the end of the used ring, all seen at once', () => {
  const { ring, driver, vringh, offerOne } = setUp({ startIndex: 65533 });
  offerOne(0);
  vringh.completeHead(vringh.takeHead(), 0);
  driver.readUsed();
  for (const head of [3, 1, 2]) offerOne(head);
  for (let i = 0; i < 3; i++) vringh.takeHead();
  const used = Uint32Array.of(1, 10, 3, 30, 2, 20, 0, 99);
  vringh.completeMulti(used, 3);
  assert.deepEqual([...ring.usedRing.subarray(0, 2)], [2, 20], 'the third entry stands at the start of the ring');
  for (const [id, length] of [
    [1, 10],
    [3, 30],
    [2, 20],
  ])
    assert.deepEqual(driver.readUsed(), { id, length });
  assert.equal(driver.readUsed(), null);
  vringh.completeMulti(used, 0);
  assert.equal(driver.readUsed(), null);
});

test('completeDeferred: the guest sees nothing before publish, then all of it', () => {
  const { driver, vringh, offerOne, request } = setUp();
  for (const head of [0, 1, 2]) {
    offerOne(head);
    vringh.next(request);
    vringh.completeDeferred(request, head);
  }
  assert.equal(driver.readUsed(), null);
  vringh.publish();
  assert.equal(vringh.state().usedIdx, 3);
  for (const head of [0, 1, 2]) assert.deepEqual(driver.readUsed(), { id: head, length: head });
  vringh.publish();
  assert.equal(driver.readUsed(), null);
});

test("complete: a head that is not in flight is the caller's mistake", () => {
  const { driver, vringh, offerOne, request } = setUp();
  offerOne(1);
  vringh.next(request);
  for (const head of [0, 2, 4, -1, 65535, Number.NaN]) assert.throws(() => vringh.completeHead(head, 0), RangeError);
  vringh.complete(request, 0);
  assert.throws(() => vringh.complete(request, 0), RangeError);
  assert.equal(vringh.next(request), false);
  assert.throws(() => vringh.complete(request, 0), RangeError);
  driver.readUsed();
  assert.equal(driver.readUsed(), null);
});

for (const startIndex of [0, 65534])
  test(`rewind: the last requests come again, from ${startIndex}`, () => {
    const { vringh, offerOne, request } = setUp({ startIndex });
    for (const head of [3, 0, 2]) offerOne(head);
    const take = () => (vringh.next(request) ? request.head : null);
    assert.deepEqual([take(), take(), take()], [3, 0, 2]);
    vringh.rewind(0);
    assert.equal(take(), null);
    vringh.rewind(2);
    assert.equal(vringh.hasAvailable(), true);
    assert.throws(() => vringh.completeHead(2, 0), RangeError);
    assert.deepEqual([take(), take(), take()], [0, 2, null]);
    vringh.completeHead(3, 0);
    vringh.rewind(2);
    assert.deepEqual(vringh.state(), { availIdx: (startIndex + 1) & 0xffff, usedIdx: (startIndex + 1) & 0xffff });
    offerOne(1);
    assert.deepEqual([take(), take(), take(), take()], [0, 2, 1, null]);
  });

test("rewind: more than is in flight, or what is completed, is the caller's mistake", () => {
  const { vringh, offerOne } = setUp();
  assert.throws(() => vringh.rewind(1), RangeError);
  for (const head of [0, 1]) offerOne(head);
  vringh.takeHead();
  vringh.takeHead();
  for (const count of [3, -1, Number.NaN]) assert.throws(() => vringh.rewind(count), RangeError);
  vringh.completeHead(1, 0);
  assert.throws(() => vringh.rewind(1), RangeError);
  vringh.completeHead(0, 0);
});

test('rewind: past a completed request, whose head is in flight again, changes nothing', () => {
  const { vringh, offerOne } = setUp();
  for (const head of [0, 1, 2]) offerOne(head);
  for (let i = 0; i < 3; i++) vringh.takeHead();
  vringh.completeHead(1, 0);
  offerOne(1);
  assert.equal(vringh.takeHead(), 1);
  assert.throws(() => vringh.rewind(3), RangeError);
  vringh.rewind(2);
  assert.deepEqual([vringh.takeHead(), vringh.takeHead(), vringh.takeHead()], [2, 1, NO_HEAD]);
});

test('state: refused while a request is in flight or a completion unpublished', () => {
  const { vringh, offerOne, request } = setUp();
  offerOne(0);
  vringh.next(request);
  assert.throws(() => vringh.state(), RangeError);
  vringh.completeDeferred(request, 0);
  assert.throws(() => vringh.state(), RangeError);
  vringh.publish();
  assert.deepEqual(vringh.state(), { availIdx: 1, usedIdx: 1 });
});

test('complete: a used length that has no 32 bits is refused', () => {
  const { driver, vringh, offerOne } = setUp();
  offerOne(0);
  vringh.takeHead();
  for (const length of [-1, 2 ** 32, 1.5, Number.NaN]) assert.throws(() => vringh.completeHead(0, length), RangeError);
  vringh.completeHead(0, 0xffffffff);
  assert.deepEqual(driver.readUsed(), { id: 0, length: 0xffffffff });
});

test('completeMulti: one wrong head, and none is completed', () => {
  const { driver, vringh, offerOne } = setUp();
  for (const head of [0, 1]) offerOne(head);
  for (let i = 0; i < 2; i++) vringh.takeHead();
  assert.throws(() => vringh.completeMulti(Uint32Array.of(0, 1, 2, 1), 2), RangeError);
  vringh.publish();
  assert.equal(driver.readUsed(), null);
  vringh.completeMulti(Uint32Array.of(0, 1, 1, 1), 2);
  assert.deepEqual(
    [driver.readUsed(), driver.readUsed()],
    [
      { id: 0, length: 1 },
      { id: 1, length: 1 },
    ],
  );
});

test('lastHead: also of a request that turned out broken', () => {
  const { memory, driver, vringh, offerOne } = setUp();
  assert.equal(vringh.lastHead, 4);
  offerOne(3);
  assert.equal(vringh.getdesc(new ElementList(memory), null), 3);
  assert.equal(vringh.lastHead, 3);
  driver.writeDescriptor(2, { address: 0, length: 1 });
  driver.offer(2);
  assert.throws(() => vringh.getdesc(new ElementList(memory), null), { code: 'address-outside-memory' });
  assert.equal(vringh.lastHead, 2);
  assert.equal(vringh.getdesc(null, null), NO_HEAD);
  assert.equal(vringh.lastHead, 4);
});

for (const eventIdx of [false, true])
  test(`state: another vringh goes on where one stopped, ${eventIdx ? 'events' : 'flags'}`, () => {
    const { ring, shared, memory, driver, vringh, offerOne, request } = setUp({ startIndex: 65534 });
    for (const head of [0, 1, 2]) offerOne(head);
    vringh.next(request);
    vringh.complete(request, 5);
    vringh.disableKicks();
    shared.used.store16(ring.availEvent, 1234);
    const state = vringh.state();
    assert.deepEqual(state, { availIdx: 65535, usedIdx: 65535 });
    const heir = makeVringh({ ring, shared, features: { ...NO_FEATURES, eventIdx }, memory, state });
    assert.deepEqual(
      [shared.used.load16(ring.usedFlags), shared.used.load16(ring.availEvent)],
      [0, eventIdx ? 65535 : 1234],
      'kicks are on',
    );
    assert.equal(heir.needsCall(), true, 'nobody knows whether the one before called');
    assert.equal(heir.needsCall(), false);
    for (const head of [1, 2]) {
      assert.equal(heir.next(request), true);
      assert.equal(request.head, head);
      heir.complete(request, head);
    }
    assert.equal(heir.next(request), false);
    for (const [id, length] of [
      [0, 5],
      [1, 1],
      [2, 2],
    ])
      assert.deepEqual(driver.readUsed(), { id, length });
  });

test('vringh: the range callback decides how elements are cut', {
  skip: engineInUse() === 'wasm' ? 'engine wasm has whole ranges only' : false,
}, () => {
  for (const [callback, count] of [
    [wholeRange, 1],
    [slowRange, 4],
  ] as const) {
    const { ring, shared, memory, offer, request } = setUp();
    const vringh = makeVringh({ ring, shared, features: NO_FEATURES, memory, getRange: callback(memory) });
    offer(0);
    assert.equal(vringh.next(request), true);
    assert.deepEqual([request.readable.count, request.writable.count], [count, count]);
  }
});
