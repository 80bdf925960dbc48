/**
 * The order in which each end touches what it shares: an ordering that records every access, and keeps what memory
 * held at each store, stands in for the real one.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SilentDoorbell } from '../doorbell/doorbell.ts';
import { IndirectPool } from '../guest/indirect-pool.ts';
import { MockDriver } from '../guest/mock-driver.ts';
import { EMPTY } from '../guest/queue.ts';
import { ScatterList } from '../guest/scatter-list.ts';
import { SplitVirtqueue } from '../guest/split-virtqueue.ts';
import { MockDevice } from '../host/mock-device.ts';
import { Request } from '../host/queue.ts';
import { Vringh } from '../host/vringh.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { allocateShared, MemoryRegion } from '../memory/region.ts';
import { VRING_DESC_F_WRITE } from '../ring/constants.ts';
import { modernLayout, SplitRing } from '../ring/split-layout.ts';
import type { Ordering, SharedFields } from './ordering.ts';
import { bindRing } from './ring-fields.ts';
import { seqcst } from './seqcst.ts';

const SIZE = 8;
const POOL = 4096;
const DATA = 8192;
const FIELDS = ['availFlags', 'availIdx', 'usedEvent', 'usedFlags', 'usedIdx', 'availEvent'] as const;

/** An ordering that tells what it was asked for. */
class Recorder implements Ordering {
  readonly name = 'recorder';
  readonly summary = 'records every access';
  readonly sound = true;
  /** `load field`, `store field`, `fence`, in order. */
  readonly accesses: string[] = [];
  /** What the region held just before each store, by the access's place in `accesses`. */
  readonly before = new Map<number, Uint8Array>();
  /** Called just before a load: a peer that is as late as can be. */
  beforeLoad: (field: string) => void = () => {};
  ring: SplitRing | null = null;

  bind(region: MemoryRegion): SharedFields {
    const real = seqcst.bind(region);
    const nameOf = (offset: number) => FIELDS.find((field) => this.ring?.[field] === offset) ?? `offset ${offset}`;
    return {
      load16: (offset) => {
        const field = nameOf(offset);
        this.beforeLoad(field);
        this.accesses.push(`load ${field}`);
        return real.load16(offset);
      },
      store16: (offset, value) => {
        this.before.set(this.accesses.length, region.u8.slice());
        this.accesses.push(`store ${nameOf(offset)}`);
        real.store16(offset, value);
      },
      fence: () => {
        this.accesses.push('fence');
        real.fence();
      },
    };
  }

  forget(): void {
    this.accesses.length = 0;
    this.before.clear();
  }
}

function setUp(eventIdx: boolean, indirect = false) {
  const region = new MemoryRegion({ guestBase: 2 ** 40, buffer: allocateShared(65536) });
  const ring = SplitRing.within(region, 0, modernLayout(SIZE));
  const memory = new GuestMemory([region]);
  const recorder = new Recorder();
  recorder.ring = ring;
  const shared = bindRing(recorder, ring);
  const features = { indirect, eventIdx, version1: true };
  const doorbell = new SilentDoorbell();
  const indirectPool = new IndirectPool({ region, offset: POOL, tableCount: 4, tableLength: 4 });
  const peer = bindRing(seqcst, ring);
  return {
    region,
    ring,
    recorder,
    request: new Request(memory),
    list: new ScatterList(3)
      .addOut(region, DATA, 4)
      .addOut(region, DATA + 8, 4)
      .addIn(region, DATA + 16, 8),
    guest: () => {
      const queue = new SplitVirtqueue({ ring, shared, features, doorbell, indirectPool });
      recorder.forget(); // what set-up stored, before there is a peer
      return queue;
    },
    host: () => new Vringh({ ring, shared, features, memory }),
    driver: () => new MockDriver({ ring, shared: peer }),
    device: () => new MockDevice({ ring, shared: peer }),
  };
}
type Recorded = ReturnType<typeof setUp>;

/** Everything but the index itself was in memory when the index was stored, and it was stored once. */
function assertPublishedLast({ recorder, region }: Recorded, field: string, offset: number): void {
  const stores = recorder.accesses.flatMap((access, i) => (access === `store ${field}` ? [i] : []));
  assert.equal(stores.length, 1);
  const before = recorder.before.get(stores[0]!)!;
  const after = region.u8.slice();
  assert.notDeepEqual(after.subarray(offset, offset + 2), before.subarray(offset, offset + 2));
  before.set(after.subarray(offset, offset + 2), offset);
  assert.deepEqual(after, before);
}

for (const indirect of [false, true]) {
  const what = indirect ? 'a table' : 'a chain';

  test(`guest: descriptors of ${what} and the available entry are written before the available index`, () => {
    const h = setUp(false, indirect);
    const queue = h.guest();
    const untouched = h.region.u8.slice();
    assert.ok(queue.add(h.list, 1));
    assertPublishedLast(h, 'availIdx', h.ring.availIdx);
    assert.notDeepEqual(h.recorder.before.get(0), untouched, 'the descriptors are there');
  });

  test(`guest: deferred adds of ${what} store no shared field before publish`, () => {
    const h = setUp(true, indirect);
    const queue = h.guest();
    queue.addDeferred(h.list, 1);
    queue.addDeferred(h.list, 2);
    assert.deepEqual(h.recorder.accesses, []);
    queue.publish();
    assertPublishedLast(h, 'availIdx', h.ring.availIdx);
  });
}

for (const deferred of [false, true])
  test(`host: bytes and used entries are written before the used index${deferred ? ', deferred' : ''}`, () => {
    const h = setUp(false);
    const vringh = h.host();
    const driver = h.driver();
    for (const head of [0, 1]) {
      driver.writeDescriptor(head, { offset: DATA + 8 * head, length: 8, flags: VRING_DESC_F_WRITE });
      driver.putHead(head);
    }
    driver.publish();
    vringh.next(h.request);
    h.request.writable.push(Uint8Array.of(1, 2, 3), 0, 3);
    h.recorder.forget();
    if (deferred) {
      vringh.completeDeferred(h.request, 3);
      vringh.next(h.request);
      vringh.completeDeferred(h.request, 5);
      assert.deepEqual(h.recorder.accesses, []);
      vringh.publish();
    } else vringh.complete(h.request, 3);
    assertPublishedLast(h, 'usedIdx', h.ring.usedIdx);
    assert.deepEqual([...h.ring.usedRing.subarray(0, 4)], deferred ? [0, 3, 1, 5] : [0, 3, 0, 0]);
  });

test('guest: used entries are read behind the used index', () => {
  const h = setUp(false);
  const queue = h.guest();
  const device = h.device();
  queue.add(h.list, 7);
  // The entry appears together with the index, in the last moment: who read it before has the old one.
  h.recorder.beforeLoad = (field) => {
    if (field === 'usedIdx') device.finish(device.takeHead()!, 6);
  };
  assert.equal(queue.getBuf(), 7);
  assert.equal(queue.usedLength, 6);
  h.recorder.beforeLoad = () => {};
  assert.equal(queue.getBuf(), EMPTY);
});

test('host: entries and descriptors are read behind the available index', () => {
  const h = setUp(false);
  const vringh = h.host();
  const driver = h.driver();
  h.recorder.beforeLoad = (field) => {
    if (field !== 'availIdx') return;
    driver.writeChain(3, [{ offset: DATA, length: 5 }]);
    driver.offer(3);
  };
  assert.equal(vringh.next(h.request), true);
  assert.deepEqual([h.request.head, h.request.readable.totalBytes()], [3, 5]);
});

/** What each call may do to shared fields, in order. */
const sequences: [string, boolean, (h: Recorded) => () => unknown, string[]][] = [
  // what, EVENT_IDX, prepared call, accesses
  ...[false, true].flatMap((eventIdx): [string, boolean, (h: Recorded) => () => unknown, string[]][] => [
    [
      'guest add and kick: index, fence, their wish',
      eventIdx,
      (h) => {
        const queue = h.guest();
        return () => {
          queue.add(h.list, 1);
          queue.kick();
        };
      },
      ['store availIdx', 'fence', eventIdx ? 'load availEvent' : 'load usedFlags'],
    ],
    ...(['enableCalls', 'enableCallsDelayed'] as const).map(
      (call): [string, boolean, (h: Recorded) => () => unknown, string[]] => [
        `guest ${call}: our wish, fence, their index`,
        eventIdx,
        (h) => {
          const queue = h.guest();
          queue.disableCalls();
          return () => queue[call]();
        },
        [eventIdx ? 'store usedEvent' : 'store availFlags', 'fence', 'load usedIdx'],
      ],
    ),
    [
      'host complete and needsCall: index, fence, their wish',
      eventIdx,
      (h) => {
        const vringh = h.host();
        h.driver().offer(0);
        const head = vringh.takeHead();
        return () => {
          vringh.completeHead(head, 0);
          vringh.needsCall();
        };
      },
      ['store usedIdx', 'fence', eventIdx ? 'load usedEvent' : 'load availFlags'],
    ],
    [
      'host enableKicks: our wish, fence, their index',
      eventIdx,
      (h) => {
        const vringh = h.host();
        vringh.disableKicks();
        return () => vringh.enableKicks();
      },
      [eventIdx ? 'store availEvent' : 'store usedFlags', 'fence', 'load availIdx'],
    ],
    [
      'guest getBuf: their index, then our wish and a fence',
      eventIdx,
      (h) => {
        const queue = h.guest();
        const device = h.device();
        queue.add(h.list, 1);
        device.finish(device.takeHead()!, 0);
        return () => queue.getBuf();
      },
      eventIdx ? ['load usedIdx', 'store usedEvent', 'fence'] : ['load usedIdx'],
    ],
  ]),
  [
    'host: the available index is read once for a batch',
    false,
    (h) => {
      const vringh = h.host();
      const driver = h.driver();
      for (const head of [0, 1, 2]) driver.putHead(head);
      driver.publish();
      return () => [vringh.takeHead(), vringh.takeHead(), vringh.takeHead()];
    },
    ['load availIdx'],
  ],
  [
    'guest: the used index is read once for a batch',
    false,
    (h) => {
      const queue = h.guest();
      const device = h.device();
      const one = new ScatterList(1).addOut(h.region, DATA, 1);
      for (const token of [0, 1, 2]) queue.add(one, token);
      for (const head of device.takeAll()) device.finish(head, 0);
      return () => [queue.getBuf(), queue.getBuf(), queue.getBuf()];
    },
    ['load usedIdx'],
  ],
];
for (const [what, eventIdx, prepare, expected] of sequences)
  test(`${what}, ${eventIdx ? 'events' : 'flags'}`, () => {
    const h = setUp(eventIdx);
    const call = prepare(h);
    h.recorder.forget();
    call();
    assert.deepEqual(h.recorder.accesses, expected);
  });
