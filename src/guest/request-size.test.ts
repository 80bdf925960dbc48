/** Requests of 2^32 bytes: they fit in 1 MiB of memory because all their elements are the same piece of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SilentDoorbell } from '../doorbell/doorbell.ts';
import { MockDevice } from '../host/mock-device.ts';
import { bindRing } from '../ordering/ring-fields.ts';
import { seqcst } from '../ordering/seqcst.ts';
import { NO_FEATURES } from '../ring/features.ts';
import { modernLayout, SplitRing } from '../ring/split-layout.ts';
import { makeGuest, makeRegion } from '../test-engines.ts';
import { ScatterList } from './scatter-list.ts';

const SIZE = 8192;
const PIECE = 2 ** 20;
const PIECES_MAX = 2 ** 32 / PIECE;

function setUp() {
  const region = makeRegion(2 ** 40, PIECE);
  const ring = SplitRing.within(region, 0, modernLayout(SIZE));
  const shared = bindRing(seqcst, ring);
  const { queue } = makeGuest({ ring, shared, features: NO_FEATURES, doorbell: new SilentDoorbell() });
  return { region, queue, device: new MockDevice({ ring, shared }) };
}

test('add: a request of more than 2^32 bytes is refused [virtio-v1.2 §2.7.5.2]', () => {
  for (const direction of ['addOut', 'addIn'] as const) {
    const { region, queue } = setUp();
    const list = new ScatterList(SIZE);
    assert.throws(() => {
      for (let i = 0; i < PIECES_MAX; i++) list[direction](region, 0, PIECE);
      list[direction](region, 0, 1);
      queue.add(list, 0);
    }, RangeError);
  }
});

test('add: room for exactly 2^32 bytes keeps the length that the host reports', () => {
  const { region, queue, device } = setUp();
  const list = new ScatterList(SIZE);
  for (let i = 0; i < PIECES_MAX; i++) list.addIn(region, 0, PIECE);
  queue.add(list, 3);
  device.finish(device.takeHead()!, 5000);
  assert.equal(queue.getBuf(), 3);
  assert.deepEqual([queue.usedLength, queue.clampedLengths], [5000, 0]);
});
