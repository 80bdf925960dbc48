/**
 * Benches of the two halves of a split virtqueue, each against the other side by hand on the same thread.
 *
 * What the other side does is left out, but for its index: a plain store moves it by one before each operation that
 * reads it, so that each pays for an ordered read, as it does while requests come one by one.
 *
 *     ring (legacy layout)  |  payload
 */
import { SilentDoorbell } from '../../../src/doorbell/doorbell.ts';
import { MockDriver } from '../../../src/guest/mock-driver.ts';
import { ScatterList } from '../../../src/guest/scatter-list.ts';
import { SplitVirtqueue } from '../../../src/guest/split-virtqueue.ts';
import { MockDevice } from '../../../src/host/mock-device.ts';
import { Request } from '../../../src/host/queue.ts';
import { Vringh } from '../../../src/host/vringh.ts';
import { GuestMemory } from '../../../src/memory/guest-memory.ts';
import type { RingFields } from '../../../src/ordering/ring-fields.ts';
import { NO_FEATURES } from '../../../src/ring/features.ts';
import { legacyLayout, SplitRing } from '../../../src/ring/split-layout.ts';
import { expectEqual } from '../../check-failed.ts';
import type { MicroBench, Stage } from '../micro-bench.ts';

/** As many as the first-level cache holds with their rings. */
const RING_SIZE = 1024;
const PAYLOAD_OFFSET = 32_768;

const makeRing = ({ region }: Stage) => SplitRing.within(region, 0, legacyLayout(RING_SIZE));

/** The stage's own access: ring and fields lie in its one region. */
const fieldsOf = ({ shared }: Stage): RingFields => ({ avail: shared, used: shared });

/** A host queue, the driver by hand that feeds it, and a request to take. */
function hostSide(stage: Stage) {
  const { region } = stage;
  const ring = makeRing(stage);
  const shared = fieldsOf(stage);
  const memory = new GuestMemory([region]);
  const driver = new MockDriver({ ring, shared });
  // Of lengths that tell one from the other.
  for (let i = 0; i < RING_SIZE; i++) driver.writeDescriptor(i, { offset: PAYLOAD_OFFSET, length: i + 1 });
  const vringh = new Vringh({ ring, shared, features: NO_FEATURES, memory });
  return { ring, driver, vringh, request: new Request(memory) };
}

export const addGetBuf: MicroBench = {
  summary: 'guest: add a request of one element, take it back; without the device',
  ordered: true,
  prepare(stage: Stage) {
    const { region } = stage;
    const ring = makeRing(stage);
    const shared = fieldsOf(stage);
    const queue = new SplitVirtqueue({ ring, shared, features: NO_FEATURES, doorbell: new SilentDoorbell() });
    const device = new MockDevice({ ring, shared });
    const elements = new ScatterList(1).addIn(region, PAYLOAD_OFFSET, RING_SIZE);
    let added = 0;
    let finished = 0;
    let taken = 0;
    return {
      operations: RING_SIZE,
      before() {
        added = 0;
        finished = 0;
        taken = 0;
      },
      timed(now) {
        const adding = now();
        added = addAll(queue, elements);
        const addedAt = now();
        const base = device.usedIdx;
        for (let head = device.takeHead(); head !== null; head = device.takeHead()) device.putUsed(head, finished++);
        const taking = now();
        taken = takeAll(queue, region.u16, ring.usedIdx >>> 1, base);
        return addedAt - adding + (now() - taking);
      },
      check() {
        expectEqual('add+getBuf: requests added', added, RING_SIZE);
        expectEqual('add+getBuf: requests that the device saw', finished, RING_SIZE);
        expectEqual('add+getBuf: requests that came back with their token and length', taken, RING_SIZE);
      },
    };
  },
};

/** Returns how many were accepted. */
function addAll(queue: SplitVirtqueue, elements: ScatterList): number {
  let added = 0;
  for (let i = 0; i < RING_SIZE; i++) if (queue.add(elements, i)) added++;
  return added;
}

/** Returns how many came back as they must: the token and the used length are the number of the request. */
function takeAll(queue: SplitVirtqueue, fields: Uint16Array, usedIdxAt: number, base: number): number {
  let taken = 0;
  for (let i = 0; i < RING_SIZE; i++) {
    fields[usedIdxAt] = base + i + 1;
    if (queue.getBuf() === i && queue.claimedLength === i) taken++;
  }
  return taken;
}

export const getdesc: MicroBench = {
  summary: 'host: next, a request of one descriptor',
  ordered: true,
  prepare(stage: Stage) {
    const { ring, driver, vringh, request } = hostSide(stage);
    const availIdxAt = ring.availIdx >>> 1;
    let base = 0;
    let taken = 0;
    return {
      operations: RING_SIZE,
      before() {
        taken = 0;
        base = driver.availIdx;
        for (let i = 0; i < RING_SIZE; i++) driver.putHead(i);
      },
      timed() {
        taken = nextAll(vringh, request, stage.region.u16, availIdxAt, base);
        return undefined;
      },
      check() {
        expectEqual('getdesc: requests taken with their head and element', taken, RING_SIZE);
        for (let i = 0; i < RING_SIZE; i++) vringh.completeHead(i, 0);
      },
    };
  },
};

/** Returns how many were taken as the driver described them. */
function nextAll(vringh: Vringh, request: Request, fields: Uint16Array, availIdxAt: number, base: number): number {
  const { lengths } = request.readable;
  let taken = 0;
  for (let i = 0; i < RING_SIZE; i++) {
    fields[availIdxAt] = base + i + 1;
    if (vringh.next(request) && request.head === i && lengths[0] === i + 1) taken++;
  }
  return taken;
}

export const complete: MicroBench = {
  summary: 'host: complete one request, published at once',
  ordered: true,
  prepare(stage: Stage) {
    const { ring, driver, vringh, request } = hostSide(stage);
    return {
      operations: RING_SIZE,
      before() {
        ring.usedRing.fill(0xffff_ffff);
        for (let i = 0; i < RING_SIZE; i++) driver.putHead(i);
        driver.publish();
        for (let i = 0; i < RING_SIZE; i++) expectEqual('complete: head', vringh.takeHead(), i);
      },
      timed() {
        completeAll(vringh, request);
        return undefined;
      },
      check() {
        // All that was offered is finished, so that both indices stand at the same number.
        expectEqual('complete: used index', stage.shared.load16(ring.usedIdx), driver.availIdx);
        for (let i = 0; i < RING_SIZE; i++) {
          expectEqual('complete: used id', ring.usedRing[2 * i]!, i);
          expectEqual('complete: used length', ring.usedRing[2 * i + 1]!, i);
        }
      },
    };
  },
};

function completeAll(vringh: Vringh, request: Request): void {
  for (let i = 0; i < RING_SIZE; i++) {
    request.head = i;
    vringh.complete(request, i);
  }
}
