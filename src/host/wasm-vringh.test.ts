/** The tests of `Vringh` on the Wasm engine, and what only that can be asked for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MockDriver } from '../guest/mock-driver.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import type { MemoryRegion } from '../memory/region.ts';
import { bindRing } from '../ordering/ring-fields.ts';
import { seqcst } from '../ordering/seqcst.ts';
import { VRING_DESC_F_WRITE } from '../ring/constants.ts';
import { NO_FEATURES } from '../ring/features.ts';
import { modernLayout, SplitRing } from '../ring/split-layout.ts';
import { makeRegion, makeRegions, nextArea, useEngine } from '../test-engines.ts';
import { Request } from './queue.ts';
import { WasmVringh } from './wasm-vringh.ts';

const SIZE = 4;
const BASE = 2 ** 40;
const DATA = 4096;

function setUp() {
  const regions = makeRegions([BASE, BASE + 65536], 65536) as [MemoryRegion, MemoryRegion];
  const ring = SplitRing.within(regions[0], 0, modernLayout(SIZE));
  const memory = new GuestMemory(regions);
  const privateArea = nextArea(regions[0], WasmVringh.privateBytes(SIZE, 2));
  const queue = new WasmVringh({ ring, privateArea, features: NO_FEATURES, memory });
  const driver = new MockDriver({ ring, shared: bindRing(seqcst, ring) });
  return { regions, memory, queue, driver };
}

test('request: its lists, filled in place, are those of any other request', () => {
  const { memory, queue, driver } = setUp();
  const other = new Request(memory);
  for (const request of [queue.request, other, queue.request]) {
    // The second element ends in the other region.
    driver.writeChain(0, [
      { offset: DATA, length: 3 },
      { offset: 65536 - 2, length: 5 },
      { offset: DATA + 8, length: 4, flags: VRING_DESC_F_WRITE },
    ]);
    driver.offer(0);
    assert.equal(queue.next(request), true);
    const { readable, writable } = request;
    const elements = [readable, writable].flatMap(({ regions, offsets, lengths, count }) =>
      Array.from({ length: count }, (_, i) => [regions[i], offsets[i], lengths[i]]),
    );
    assert.deepEqual(elements, [
      [0, DATA, 3],
      [0, 65536 - 2, 2],
      [1, 0, 3],
      [0, DATA + 8, 4],
    ]);
    queue.complete(request, 0);
  }
});

test('request: getdesc begins its lists anew, read before or not', () => {
  const { regions, queue, driver } = setUp();
  const { readable, writable } = queue.request;
  const byte = new Uint8Array(2);
  for (const head of [0, 1]) {
    regions[0].u8[DATA + head] = 7 + head;
    driver.writeDescriptor(head, { offset: DATA + head, length: 1 });
    driver.offer(head);
    assert.equal(queue.getdesc(readable, writable), head);
    assert.deepEqual([readable.pull(byte, 0, 2), byte[0]], [1, 7 + head]);
  }
});

test('request: a list that grew beyond its place is filled all the same', () => {
  const { queue, driver } = setUp();
  const { readable } = queue.request;
  for (let i = 0; i <= 2 * SIZE; i++) readable.append(0, 0, 1);
  driver.writeDescriptor(0, { offset: DATA, length: 3 });
  driver.offer(0);
  assert.equal(queue.next(queue.request), true);
  assert.deepEqual([readable.count, readable.offsets[0], readable.lengths[0]], [1, DATA, 3]);
});

test('wasm vringh: guest memory outside its shared memory is refused', () => {
  const region = makeRegion(BASE, 65536);
  const ring = SplitRing.within(region, 0, modernLayout(SIZE));
  const memory = new GuestMemory([region, makeRegion(2 * BASE, 65536)]);
  const privateArea = nextArea(region, WasmVringh.privateBytes(SIZE, 2));
  assert.throws(
    () => new WasmVringh({ ring, privateArea, features: NO_FEATURES, memory }),
    /^TypeError: .* in one shared memory$/,
  );
});

useEngine('wasm');
await import('./vringh.test.ts');
await import('./notifications.test.ts');
