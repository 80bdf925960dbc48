import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MockDriver } from '../guest/mock-driver.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { bindRing } from '../ordering/ring-fields.ts';
import { seqcst } from '../ordering/seqcst.ts';
import { VRING_AVAIL_F_NO_INTERRUPT, VRING_USED_F_NO_NOTIFY } from '../ring/constants.ts';
import { NO_FEATURES } from '../ring/features.ts';
import { modernLayout, SplitRing } from '../ring/split-layout.ts';
import { makeRegion, makeVringh } from '../test-engines.ts';
import { Request } from './queue.ts';

const SIZE = 16;
const STARTS = [0, 65530, 65535];
const wrap = (index: number) => index & 0xffff;

function setUp(eventIdx: boolean, startIndex = 0) {
  const region = makeRegion(2 ** 40, 65536);
  const ring = SplitRing.within(region, 0, modernLayout(SIZE));
  const shared = bindRing(seqcst, ring);
  const memory = new GuestMemory([region]);
  const driver = new MockDriver({ ring, shared, startIndex });
  const state = { availIdx: startIndex, usedIdx: startIndex };
  const vringh = makeVringh({ ring, shared, features: { ...NO_FEATURES, eventIdx }, memory, state });
  vringh.needsCall(); // one that goes on where another stopped calls once in any case
  const serve = (count: number) => {
    for (let i = 0; i < count; i++) {
      driver.offer(0);
      vringh.completeHead(vringh.takeHead(), 0);
    }
  };
  const usedFlags = () => shared.used.load16(ring.usedFlags);
  const availEvent = () => shared.used.load16(ring.availEvent);
  return { driver, vringh, request: new Request(memory), serve, usedFlags, availEvent };
}

for (const [flags, expected] of [
  [0, true],
  [VRING_AVAIL_F_NO_INTERRUPT, false],
  [0xfffe, true],
  [0xffff, false],
] as const)
  test(`needsCall: available flags ${flags} without events`, () => {
    const { driver, vringh, serve } = setUp(false);
    driver.setAvailFlags(flags);
    driver.setUsedEvent(77);
    assert.equal(vringh.needsCall(), false, 'nothing was completed');
    serve(3);
    assert.equal(vringh.needsCall(), expected);
    assert.equal(vringh.needsCall(), false, 'it was asked already');
  });

const batches: [string, number, number, boolean][] = [
  // what, completed, used_event counted from the start, call
  ['nothing completed', 0, 0, false],
  ['the entry asked for', 1, 0, true],
  ['a later entry asked for', 1, 1, false],
  ['a batch that ends before the event', 5, 5, false],
  ['a batch whose last entry is the event', 5, 4, true],
  ['a batch with the event inside', 5, 2, true],
  ['an event already passed', 5, -1, false],
];
for (const [what, completed, event, expected] of batches)
  for (const startIndex of STARTS)
    test(`needsCall: ${what}, with events from ${startIndex}`, () => {
      const { driver, vringh, serve } = setUp(true, startIndex);
      driver.setAvailFlags(VRING_AVAIL_F_NO_INTERRUPT); // without meaning when events are negotiated
      driver.setUsedEvent(startIndex + event);
      serve(completed);
      assert.equal(vringh.needsCall(), expected);
      assert.equal(vringh.needsCall(), false);
    });

test('needsCall: each batch counts from the last time it was asked', () => {
  const { driver, vringh, serve } = setUp(true, 65533);
  driver.setUsedEvent(65535);
  serve(2);
  assert.equal(vringh.needsCall(), false);
  serve(1);
  assert.equal(vringh.needsCall(), true);
  serve(4);
  assert.equal(vringh.needsCall(), false);
});

test('needsCall: what is deferred counts when it is published', () => {
  const { driver, vringh, request } = setUp(true, 65535);
  driver.setUsedEvent(65535);
  driver.writeDescriptor(0, { offset: 32768, length: 1 });
  driver.offer(0);
  vringh.next(request);
  vringh.completeDeferred(request, 0);
  assert.equal(vringh.needsCall(), false);
  vringh.publish();
  assert.equal(vringh.needsCall(), true);
});

const many: [number, number, boolean][] = [
  // completed, used_event counted from the start, call
  [65535, 65534, true],
  [65535, 65535, false],
  [65536, 65535, true],
  [65536, 5, true],
  [65540, 10, true],
  [131072, 9, true],
];
for (const [completed, event, expected] of many)
  test(`needsCall: after ${completed} completions, event ${event} from the start`, () => {
    const { driver, vringh, serve } = setUp(true, 65535);
    driver.setUsedEvent(65535 + event);
    serve(completed);
    assert.equal(vringh.needsCall(), expected);
    assert.equal(vringh.needsCall(), false);
  });

test('needsCall: more than 65,535 completions still heed the flags', () => {
  const { driver, vringh, serve } = setUp(false);
  driver.setAvailFlags(VRING_AVAIL_F_NO_INTERRUPT);
  serve(65540);
  assert.equal(vringh.needsCall(), false);
});

test('kicks in flags mode: disable and enable write the used flags, and avail_event never', () => {
  const { driver, vringh, usedFlags, availEvent } = setUp(false, 65535);
  const asSetUp = availEvent();
  assert.equal(usedFlags(), 0);
  vringh.disableKicks();
  assert.equal(usedFlags(), VRING_USED_F_NO_NOTIFY);
  vringh.disableKicks();
  assert.equal(vringh.enableKicks(), true);
  assert.equal(usedFlags(), 0);
  vringh.disableKicks();
  driver.offer(0);
  assert.equal(vringh.enableKicks(), false);
  assert.equal(usedFlags(), 0);
  vringh.takeHead();
  assert.equal(vringh.enableKicks(), true);
  assert.equal(availEvent(), asSetUp);
});

for (const startIndex of STARTS)
  test(`kicks in event mode from ${startIndex}: enable names the next entry, the flags stay 0`, () => {
    const { driver, vringh, usedFlags, availEvent } = setUp(true, startIndex);
    assert.equal(vringh.enableKicks(), true);
    assert.equal(availEvent(), startIndex);
    driver.offer(0);
    driver.offer(1);
    assert.equal(vringh.enableKicks(), false);
    assert.equal(availEvent(), startIndex);
    vringh.takeHead();
    vringh.disableKicks();
    assert.equal(availEvent(), startIndex, 'it stays behind while kicks are off');
    assert.equal(vringh.enableKicks(), false);
    assert.equal(availEvent(), wrap(startIndex + 1));
    vringh.takeHead();
    assert.equal(vringh.enableKicks(), true);
    assert.equal(availEvent(), wrap(startIndex + 2));
    assert.equal(usedFlags(), 0);
  });

for (const eventIdx of [false, true])
  test(`kicks nobody asked for find nothing and change nothing, ${eventIdx ? 'events' : 'flags'}`, () => {
    const { driver, vringh, request } = setUp(eventIdx, 65535);
    // A host that was kicked looks; with kicks on or off.
    for (const enabled of [true, false, true]) {
      if (enabled) assert.equal(vringh.enableKicks(), true);
      else vringh.disableKicks();
      for (let i = 0; i < 3; i++)
        assert.deepEqual([vringh.hasAvailable(), vringh.next(request), vringh.needsCall()], [false, false, false]);
    }
    driver.writeDescriptor(0, { length: 0 });
    driver.offer(0);
    assert.deepEqual([vringh.next(request), vringh.next(request), vringh.isBroken], [true, false, false]);
  });
