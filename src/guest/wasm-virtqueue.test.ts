/** The tests of `SplitVirtqueue` on the Wasm engine, and what only that can be asked for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SilentDoorbell } from '../doorbell/doorbell.ts';
import { MockDevice } from '../host/mock-device.ts';
import { PrivateArea } from '../memory/private-area.ts';
import { allocateShared, MemoryRegion } from '../memory/region.ts';
import { bindRing } from '../ordering/ring-fields.ts';
import { seqcst } from '../ordering/seqcst.ts';
import { NO_FEATURES } from '../ring/features.ts';
import { modernLayout, SplitRing } from '../ring/split-layout.ts';
import { makeRegion, makeRegions, nextArea, useEngine } from '../test-engines.ts';
import { ScatterList } from './scatter-list.ts';
import { WasmVirtqueue, type WasmVirtqueueOptions } from './wasm-virtqueue.ts';

const SIZE = 4;
const BASE = 2 ** 40;

function optionsOver(region: MemoryRegion): Omit<WasmVirtqueueOptions, 'privateArea'> {
  const ring = SplitRing.within(region, 0, modernLayout(SIZE));
  return { ring, features: { ...NO_FEATURES, indirect: true }, doorbell: new SilentDoorbell() };
}
const areaOf = (region: MemoryRegion) => nextArea(region, WasmVirtqueue.privateBytes(SIZE));

test('elements: the list of its own, one in another region, and any other list make the same descriptors', () => {
  const [region, other] = makeRegions([BASE, 2 * BASE], 65536) as [MemoryRegion, MemoryRegion];
  const options = optionsOver(region);
  const queue = new WasmVirtqueue({ ...options, privateArea: areaOf(region) });
  const device = new MockDevice({ ring: options.ring, shared: bindRing(seqcst, options.ring) });
  const elsewhere = new MemoryRegion({ guestBase: 3 * BASE, buffer: new ArrayBuffer(4096) });
  for (const target of [region, other, elsewhere, region])
    for (const list of [queue.elements, new ScatterList(2)]) {
      queue.add(list.reset().addOut(region, 1024, 3).addIn(target, 2048, 5), 1);
      const head = device.takeHead()!;
      assert.deepEqual(
        device.readChain(head).map(({ address, length }) => [address, length]),
        [
          [region.addressOf(1024), 3],
          [target.addressOf(2048), 5],
        ],
      );
      device.finish(head, 0);
      assert.equal(queue.getBuf(), 1);
    }
});

test('elements: a list of its own is as it was filled, whatever is added meanwhile', () => {
  const region = makeRegion(BASE, 65536);
  const options = optionsOver(region);
  const queue = new WasmVirtqueue({ ...options, privateArea: areaOf(region) });
  const device = new MockDevice({ ring: options.ring, shared: bindRing(seqcst, options.ring) });
  queue.elements.addOut(region, 1024, 3);
  queue.add(new ScatterList(1).addOut(region, 4096, 7), 0);
  queue.add(queue.elements, 1);
  assert.deepEqual(
    device.takeAll().map((head) => device.readDescriptor(head).length),
    [7, 3],
  );
});

const refused: [what: string, make: () => unknown, error: RegExp][] = [
  [
    'a ring outside shared memory',
    () => {
      const region = new MemoryRegion({ guestBase: BASE, buffer: new SharedArrayBuffer(65536) });
      return new WasmVirtqueue({ ...optionsOver(region), privateArea: areaOf(makeRegion(BASE, 65536)) });
    },
    /^TypeError: .* in one shared memory$/,
  ],
  [
    'tables in another memory',
    () => {
      const region = makeRegion(BASE, 65536);
      const tables = { region: makeRegion(BASE, 65536), offset: 0, tableCount: 1, tableLength: 1 };
      return new WasmVirtqueue({ ...optionsOver(region), tables, privateArea: areaOf(region) });
    },
    /^TypeError: .* in one shared memory$/,
  ],
  [
    'tables that do not fit',
    () => {
      const region = makeRegion(BASE, 65536);
      const tables = { region, offset: 8, tableCount: 1, tableLength: 1 };
      return new WasmVirtqueue({ ...optionsOver(region), tables, privateArea: areaOf(region) });
    },
    /^RangeError: 1 indirect tables/,
  ],
  [
    'a private area within a region',
    () => {
      const memory = allocateShared(65536);
      const region = new MemoryRegion({ guestBase: BASE, buffer: memory });
      const privateArea = new PrivateArea({ memory, byteOffset: 65536 - 4096, sizeBytes: 4096 });
      return new WasmVirtqueue({ ...optionsOver(region), privateArea });
    },
    /^RangeError: a region at 0 covers the private area at 61440$/,
  ],
  [
    'a private area that is too small',
    () => {
      const region = makeRegion(BASE, 65536);
      return new WasmVirtqueue({ ...optionsOver(region), privateArea: nextArea(region, 64) });
    },
    /^RangeError: a private area of 64 bytes is too small/,
  ],
  [
    'an area outside its memory',
    () => new PrivateArea({ memory: allocateShared(65536), byteOffset: 65536, sizeBytes: 8 }),
    /^RangeError: a private area of 8 bytes at 65536 passes its memory$/,
  ],
  [
    'an area that is not aligned',
    () => new PrivateArea({ memory: allocateShared(65536), byteOffset: 4, sizeBytes: 8 }),
    /^RangeError: place and size of a private area are multiples of 8, unlike 4$/,
  ],
];
for (const [what, make, error] of refused) test(`wasm virtqueue: ${what} is refused`, () => assert.throws(make, error));

useEngine('wasm');
await import('./split-virtqueue.test.ts');
await import('./notifications.test.ts');
await import('./request-size.test.ts');
