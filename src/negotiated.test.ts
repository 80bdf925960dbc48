/**
 * Every half of a ring touches what was negotiated and nothing else: each part of the ring has guarded bytes around it,
 * and without EVENT_IDX the guards begin where the events would stand. SeaBIOS keeps its ring's size there.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DOORBELLS } from './doorbell/index.ts';
import { MockDriver } from './guest/mock-driver.ts';
import { ScatterList } from './guest/scatter-list.ts';
import { MockDevice } from './host/mock-device.ts';
import { Request } from './host/queue.ts';
import { FACES } from './host/test-hostile-faces.ts';
import { GuestMemory } from './memory/guest-memory.ts';
import type { SharedFields } from './ordering/ordering.ts';
import { bindRing, type RingFields } from './ordering/ring-fields.ts';
import { seqcst } from './ordering/seqcst.ts';
import type { SplitRing } from './ring/split-layout.ts';
import { ENGINES, makeGuest, makeRegion } from './test-engines.ts';
import { GuardedRing } from './test-guarded-ring.ts';
import { VhostUserQueue } from './vhost-user/queues/queue.ts';

const SIZE = 8;
const RING_AT = 4096;
const DATA = 16384;

/** A guarded ring, its memory, and fields that refuse what was not negotiated. */
function setUp(startIndex: number, eventIdx: boolean) {
  const region = makeRegion(2 ** 40, 32768);
  const guarded = new GuardedRing(region, RING_AT, SIZE, eventIdx);
  const { ring } = guarded;
  const shared = bindRing(seqcst, ring);
  shared.avail.store16(ring.availIdx, startIndex);
  shared.used.store16(ring.usedIdx, startIndex);
  return { region, guarded, ring, shared, watched: watch(shared, ring) };
}

/** The fields, whose every access must be one of the ring's parts. An engine that has memory itself does not use them. */
function watch({ avail, used }: RingFields, { eventIdx, usedEvent, availEvent }: SplitRing): RingFields {
  const over = (fields: SharedFields): SharedFields => {
    const wanted = (offset: number) => {
      if (!eventIdx && (offset === usedEvent || offset === availEvent)) assert.fail(`an event at ${offset}`);
      return offset;
    };
    return {
      load16: (offset) => fields.load16(wanted(offset)),
      store16: (offset, value) => fields.store16(wanted(offset), value),
      fence: () => fields.fence(),
    };
  };
  return { avail: over(avail), used: over(used) };
}

const TAKEN_OVER_AT = [0, 65533];
const STARTS = [null, ...TAKEN_OVER_AT];
const named = (startIndex: number | null) => (startIndex === null ? 'a fresh ring' : `a ring from ${startIndex}`);
const withEvents = (eventIdx: boolean) => (eventIdx ? 'with events' : 'without events');

for (const face of FACES)
  for (const eventIdx of face.rules === 'lguest' ? [false] : [false, true])
    for (const start of TAKEN_OVER_AT)
      test(`negotiated: ${face.name}, a ring taken over at ${start} ${withEvents(eventIdx)}: no byte around the parts is touched`, () => {
        const { region, guarded, ring, shared, watched } = setUp(start, eventIdx);
        const memory = new GuestMemory([region]);
        const state = { availIdx: start, usedIdx: start };
        const features = { indirect: false, eventIdx, version1: true };
        const { queue, take } = face.open({ ring, shared: watched, features, memory, state });
        guarded.check();
        const driver = new MockDriver({ ring, shared, startIndex: start });
        driver.writeDescriptor(0, { offset: DATA, length: 4 });
        const request = new Request(memory);
        for (let i = 0; i < 3 * SIZE; i++) {
          driver.offer(0);
          assert.equal(take('next', request), true);
          queue.completeDeferred(request, 0);
          queue.publish();
          queue.needsCall();
          queue.disableKicks();
          queue.hasAvailable();
          queue.enableKicks();
          if (queue instanceof VhostUserQueue) for (const on of [false, true]) queue.setNotification(on);
          guarded.check();
        }
        const wish = shared.used.load16(ring.availEvent);
        assert.equal(wish === (start + 3 * SIZE) % 0x10000, eventIdx, 'the wish is an event, or none');
      });

for (const engine of ENGINES)
  for (const eventIdx of [false, true])
    for (const start of STARTS)
      test(`negotiated: guest (${engine}), ${named(start)} ${withEvents(eventIdx)}: no byte around the parts is touched`, () => {
        const { region, guarded, ring, shared, watched } = setUp(start ?? 0, eventIdx);
        const features = { indirect: false, eventIdx, version1: true };
        const doorbell = DOORBELLS.futex.doorbell(DOORBELLS.futex.makeHandle());
        const from = start === null ? {} : { startIndex: start };
        const { queue } = makeGuest({ ring, shared: watched, features, doorbell, ...from }, engine);
        guarded.check();
        const device = new MockDevice({ ring, shared, startIndex: start ?? 0 });
        const list = new ScatterList(1).addOut(region, DATA, 4);
        for (let i = 0; i < 3 * SIZE; i++) {
          assert.equal(queue.add(list, i), true);
          queue.kick();
          device.finish(device.takeHead()!, 0);
          assert.equal(queue.callDue(), true);
          assert.equal(queue.getBuf(), i);
          queue.disableCalls();
          queue.enableCalls();
          queue.poll(queue.enableCallsPrepare());
          queue.enableCallsDelayed();
          guarded.check();
        }
        const wish = shared.avail.load16(ring.usedEvent);
        assert.equal(wish === ((start ?? 0) + 3 * SIZE) % 0x10000, eventIdx, 'the wish is an event, or none');
      });

for (const { name, open } of FACES.filter(({ rules }) => rules !== 'lguest'))
  test(`negotiated: ${name} with EVENT_IDX refuses a ring that ends before its events`, () => {
    const { region, ring, shared } = setUp(0, false);
    const features = { indirect: false, eventIdx: true, version1: true };
    const memory = new GuestMemory([region]);
    const options = { ring, shared, features, memory, state: { availIdx: 0, usedIdx: 0 } };
    assert.throws(() => open(options), { name: 'RangeError', message: /EVENT_IDX/ });
  });

for (const engine of ENGINES)
  test(`negotiated: guest (${engine}) with EVENT_IDX refuses a ring that ends before its events`, () => {
    const { ring, shared } = setUp(0, false);
    const features = { indirect: false, eventIdx: true, version1: true };
    const doorbell = DOORBELLS.futex.doorbell(DOORBELLS.futex.makeHandle());
    assert.throws(() => makeGuest({ ring, shared, features, doorbell }, engine), {
      name: 'RangeError',
      message: /EVENT_IDX/,
    });
  });
