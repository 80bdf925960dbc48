import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DOORBELLS } from '../doorbell/index.ts';
import { MockDevice } from '../host/mock-device.ts';
import { bindRing } from '../ordering/ring-fields.ts';
import { seqcst } from '../ordering/seqcst.ts';
import { VRING_AVAIL_F_NO_INTERRUPT, VRING_USED_F_NO_NOTIFY } from '../ring/constants.ts';
import { NO_FEATURES } from '../ring/features.ts';
import { modernLayout, SplitRing } from '../ring/split-layout.ts';
import { makeGuest, makeRegion } from '../test-engines.ts';
import { EMPTY } from './queue.ts';
import { ScatterList } from './scatter-list.ts';

const wrap = (index: number) => index & 0xffff;
const STARTS = [0, 65530, 65535];

function setUp(eventIdx: boolean, startIndex = 0, size = 16) {
  const region = makeRegion(2 ** 40, 65536);
  const ring = SplitRing.within(region, 0, modernLayout(size));
  const shared = bindRing(seqcst, ring);
  shared.avail.store16(ring.availIdx, startIndex);
  const doorbell = DOORBELLS.futex.doorbell(DOORBELLS.futex.makeHandle());
  const features = { ...NO_FEATURES, eventIdx };
  const { queue } = makeGuest({ ring, shared, features, doorbell, startIndex });
  const device = new MockDevice({ ring, shared, startIndex });
  const list = new ScatterList(1).addOut(region, 32768, 1);
  const add = (count: number) => {
    for (let i = 0; i < count; i++) assert.ok(queue.add(list, i));
  };
  const finish = (count: number) => {
    for (let i = 0; i < count; i++) device.finish(device.takeHead()!, 0);
  };
  const availFlags = () => shared.avail.load16(ring.availFlags);
  const usedEvent = () => shared.avail.load16(ring.usedEvent);
  return { queue, device, doorbell, list, add, finish, availFlags, usedEvent };
}

for (const [flags, expected] of [
  [0, true],
  [VRING_USED_F_NO_NOTIFY, false],
  [0xfffe, true],
  [0xffff, false],
] as const)
  test(`kick: used flags ${flags} without events`, () => {
    const { queue, device, doorbell, add } = setUp(false);
    device.setUsedFlags(flags);
    device.setAvailEvent(77);
    add(1);
    assert.equal(queue.kickPrepare(), expected);
    assert.equal(doorbell.rings, 0);
    assert.equal(queue.kick(), expected);
    assert.equal(doorbell.rings, expected ? 1 : 0);
  });

const batches: [string, number, number, boolean][] = [
  // what, added, avail_event counted from the start, kick
  ['nothing added', 0, 0, false],
  ['the entry asked for', 1, 0, true],
  ['a later entry asked for', 1, 1, false],
  ['a batch that ends before the event', 5, 5, false],
  ['a batch whose last entry is the event', 5, 4, true],
  ['a batch with the event inside', 5, 2, true],
  ['an event already passed', 5, -1, false],
];
for (const [what, added, event, expected] of batches)
  for (const startIndex of STARTS)
    test(`kick: ${what}, with events from ${startIndex}`, () => {
      const { queue, device, doorbell, add } = setUp(true, startIndex);
      device.setUsedFlags(VRING_USED_F_NO_NOTIFY); // without meaning when events are negotiated
      device.setAvailEvent(startIndex + event);
      add(added);
      assert.equal(queue.kick(), expected);
      assert.equal(doorbell.rings, expected ? 1 : 0);
      assert.equal(queue.kick(), false);
    });

test('kick: each batch counts from the last time it was asked', () => {
  const { queue, device, add } = setUp(true, 65533);
  device.setAvailEvent(65535);
  add(2);
  assert.equal(queue.kickPrepare(), false);
  add(1);
  assert.equal(queue.kickPrepare(), true);
  add(4);
  assert.equal(queue.kickPrepare(), false);
  device.setAvailEvent(6);
  add(2);
  assert.equal(queue.kickPrepare(), false);
  add(1);
  assert.equal(queue.kickPrepare(), true);
});

test('kick: what is deferred counts when it is published', () => {
  const { queue, device, list, add } = setUp(true, 65535);
  device.setAvailEvent(0);
  add(1);
  queue.addDeferred(list, 1);
  assert.equal(queue.kickPrepare(), false);
  queue.publish();
  assert.equal(queue.kickPrepare(), true);
  assert.equal(queue.kickPrepare(), false);
});

test('notify: rings whatever the host asked for', () => {
  const { queue, device, doorbell } = setUp(false);
  device.setUsedFlags(VRING_USED_F_NO_NOTIFY);
  queue.notify();
  assert.equal(doorbell.rings, 1);
});

test('calls in flags mode: disable and enable write the available flags, and used_event never', () => {
  const { queue, add, finish, availFlags, usedEvent } = setUp(false, 65535);
  const asSetUp = usedEvent();
  assert.equal(availFlags(), 0);
  queue.disableCalls();
  assert.equal(availFlags(), VRING_AVAIL_F_NO_INTERRUPT);
  queue.disableCalls();
  assert.equal(queue.enableCalls(), true);
  assert.equal(availFlags(), 0);
  add(2);
  queue.disableCalls();
  finish(1);
  assert.equal(queue.enableCalls(), false);
  assert.equal(availFlags(), 0);
  queue.getBuf();
  assert.equal(queue.enableCalls(), true);
  assert.equal(usedEvent(), asSetUp);
});

for (const startIndex of STARTS)
  test(`calls in event mode from ${startIndex}: used_event follows while calls are on, the flags stay 0`, () => {
    const { queue, add, finish, availFlags, usedEvent } = setUp(true, startIndex);
    add(6);
    finish(1);
    queue.getBuf();
    assert.equal(usedEvent(), wrap(startIndex + 1));
    queue.disableCalls();
    finish(2);
    queue.getBuf();
    queue.getBuf();
    assert.equal(usedEvent(), wrap(startIndex + 1), 'it stays behind while calls are off');
    assert.equal(queue.enableCalls(), true);
    assert.equal(usedEvent(), wrap(startIndex + 3));
    finish(1);
    assert.equal(queue.enableCalls(), false);
    assert.equal(usedEvent(), wrap(startIndex + 3));
    queue.getBuf();
    assert.equal(usedEvent(), wrap(startIndex + 4));
    assert.equal(availFlags(), 0);
  });

for (const eventIdx of [false, true])
  test(`poll: true once something was finished since prepare, ${eventIdx ? 'events' : 'flags'}`, () => {
    const { queue, add, finish } = setUp(eventIdx, 65534);
    add(3);
    queue.disableCalls();
    const prepared = queue.enableCallsPrepare();
    assert.equal(queue.poll(prepared), false);
    finish(1);
    assert.equal(queue.poll(prepared), true);
    assert.equal(queue.poll(prepared), true);
    queue.getBuf();
    assert.equal(queue.poll(queue.enableCallsPrepare()), false);
  });

const delayed: [number, number, number, boolean][] = [
  // outstanding, finished and not taken, used_event from the start, safe to wait
  [0, 0, 0, true],
  [1, 0, 0, true],
  [1, 1, 0, false],
  [4, 0, 3, true],
  [4, 3, 3, true],
  [4, 4, 3, false],
  [10, 0, 7, true],
  [10, 7, 7, true],
  [10, 8, 7, false],
  [16, 12, 12, true],
  [16, 13, 12, false],
];
for (const [outstanding, finished, event, expected] of delayed)
  for (const eventIdx of [false, true])
    for (const startIndex of [0, 65528])
      test(`delayed calls: ${finished} of ${outstanding} finished, ${eventIdx ? 'events' : 'flags'} from ${startIndex}`, () => {
        const { queue, add, finish, availFlags, usedEvent } = setUp(eventIdx, startIndex);
        const asSetUp = usedEvent();
        queue.disableCalls();
        add(outstanding);
        finish(finished);
        assert.equal(queue.enableCallsDelayed(), expected);
        assert.equal(availFlags(), 0);
        assert.equal(usedEvent(), eventIdx ? wrap(startIndex + event) : asSetUp);
      });

for (const [what, delayed, outstanding, due] of [
  ['the next completion', false, 4, 1],
  ['three quarters of four', true, 4, 4],
  ['three quarters of ten', true, 10, 8],
] as const)
  for (const eventIdx of [false, true])
    test(`callDue: after ${what}, ${eventIdx ? 'events' : 'flags'}`, () => {
      const { queue, add, finish } = setUp(eventIdx, 65530);
      add(outstanding);
      if (delayed) queue.enableCallsDelayed();
      else queue.enableCalls();
      for (let finished = 0; finished <= outstanding; finished++) {
        assert.equal(queue.callDue(), finished >= due, `${finished} finished`);
        if (finished < outstanding) finish(1);
      }
    });

for (const [what, taken, calls, due] of [
  // of ten outstanding, a call asked for after eight: taken back since, calls on or off, then due after so many more
  ['calls on', 3, true, 5],
  ['calls off', 3, false, 5],
  ['calls on, all asked for', 8, true, 1],
  ['calls off, all asked for', 8, false, 1],
  ['calls off, more than asked for', 9, false, 1],
] as const)
  for (const eventIdx of [false, true])
    test(`callDue: moves along with ${taken} taken back, ${what}, ${eventIdx ? 'events' : 'flags'}`, () => {
      const { queue, add, finish } = setUp(eventIdx, 65530);
      add(10);
      assert.equal(queue.enableCallsDelayed(), true);
      if (!calls) queue.disableCalls();
      finish(taken);
      for (let i = 0; i < taken; i++) assert.equal(queue.getBuf(), i);
      // With events and calls on, each getBuf has asked anew: for a call at the next completion.
      const dueAfter = eventIdx && calls ? 1 : due;
      for (let finished = 0; finished <= 10 - taken; finished++) {
        assert.equal(queue.callDue(), finished >= dueAfter, `${finished} finished`);
        if (finished < 10 - taken) finish(1);
      }
    });

for (const eventIdx of [false, true])
  test(`calls nobody asked for find nothing and change nothing, ${eventIdx ? 'events' : 'flags'}`, () => {
    const { queue, add, finish } = setUp(eventIdx, 65535);
    add(1);
    // A guest that was called looks; with calls on or off.
    for (const enabled of [true, false, true]) {
      if (enabled) assert.equal(queue.enableCalls(), true);
      else queue.disableCalls();
      for (let i = 0; i < 3; i++) assert.deepEqual([queue.callDue(), queue.getBuf()], [false, EMPTY]);
    }
    finish(1);
    assert.deepEqual([queue.getBuf(), queue.getBuf(), queue.isBroken], [0, EMPTY, false]);
  });
