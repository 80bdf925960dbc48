import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SilentDoorbell } from '../doorbell/doorbell.ts';
import {
  SECTOR_SIZE,
  VIRTIO_BLK_F_BLK_SIZE,
  VIRTIO_BLK_F_FLUSH,
  VIRTIO_BLK_F_MQ,
  VIRTIO_BLK_F_RO,
  VIRTIO_BLK_F_SEG_MAX,
  VIRTIO_BLK_F_SIZE_MAX,
  VIRTIO_BLK_S_IOERR,
  VIRTIO_BLK_S_OK,
  VIRTIO_BLK_S_UNSUPP,
} from '../formats/block.ts';
import { IndirectPool } from '../guest/indirect-pool.ts';
import { EMPTY } from '../guest/queue.ts';
import { SplitVirtqueue } from '../guest/split-virtqueue.ts';
import { Vringh } from '../host/vringh.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { allocateShared, MemoryRegion } from '../memory/region.ts';
import { ORDERINGS } from '../ordering/index.ts';
import { bindRing } from '../ordering/ring-fields.ts';
import { NO_FEATURES } from '../ring/features.ts';
import { modernLayout, SplitRing } from '../ring/split-layout.ts';
import { BlockDriver, BlockError } from './block.ts';
import { BlockConfigError, readBlockConfig } from './block-config.ts';
import { TestDisk } from './test-disk.ts';

const RINGS = 4 * 65536;
const REGION_BYTES = 4 * 2 ** 20;
const DISK_BYTES = 2 ** 20;
const bits = (...numbers: number[]) => numbers.reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n);

function configOf(fields: { capacity?: bigint; sizeMax?: number; segMax?: number; blkSize?: number; queues?: number }) {
  const config = new Uint8Array(60);
  const view = new DataView(config.buffer);
  view.setBigUint64(0, fields.capacity ?? BigInt(DISK_BYTES / SECTOR_SIZE), true);
  view.setUint32(8, fields.sizeMax ?? 0, true);
  view.setUint32(12, fields.segMax ?? 0, true);
  view.setUint32(20, fields.blkSize ?? 0, true);
  view.setUint16(34, fields.queues ?? 0, true);
  return config;
}

interface StageOptions {
  ringSize?: number;
  depth?: number;
  slotBytes?: number;
  indirect?: boolean;
  features?: bigint;
  config?: Uint8Array;
}

/** A driver and a disk at the two ends of a ring; `again` puts a fresh ring between the same driver and disk bytes. */
function stage({
  ringSize = 64,
  depth = 8,
  slotBytes = 8192,
  indirect = false,
  features = bits(VIRTIO_BLK_F_FLUSH),
  config = configOf({}),
}: StageOptions = {}) {
  const region = new MemoryRegion({ guestBase: 2 ** 40, buffer: allocateShared(REGION_BYTES) });
  const memory = new GuestMemory([region]);
  const negotiated = { ...NO_FEATURES, indirect, eventIdx: true };
  const ends = (place: number) => {
    const ring = SplitRing.within(region, place * 65536, modernLayout(ringSize));
    const fields = bindRing(ORDERINGS.seqcst, ring);
    const pool = new IndirectPool({ region, offset: place * 65536 + 32768, tableCount: 64, tableLength: 8 });
    return {
      queue: new SplitVirtqueue({
        ring,
        shared: fields,
        features: negotiated,
        doorbell: new SilentDoorbell(),
        ...(indirect && { indirectPool: pool }),
      }),
      disk: new TestDisk(new Vringh({ ring, shared: fields, features: negotiated, memory }), memory, DISK_BYTES),
    };
  };
  const { queue, disk } = ends(0);
  const driver = new BlockDriver({ queue, region, offset: RINGS, depth, slotBytes, features, config });
  const fill = (slot: number, length: number, seed: number) => {
    const data = region.u8.subarray(driver.dataOffset(slot), driver.dataOffset(slot) + length);
    for (let i = 0; i < length; i++) data[i] = (i * 7 + seed) & 0xff;
    return data.slice();
  };
  const dataOf = (slot: number, length: number) =>
    region.u8.slice(driver.dataOffset(slot), driver.dataOffset(slot) + length);
  return { region, queue, disk, driver, fill, dataOf, ends };
}

/** Sends what is queued, has it served and takes the one answer. */
function roundTrip({ driver, disk }: Pick<ReturnType<typeof stage>, 'driver' | 'disk'>): number {
  driver.submit();
  assert.equal(disk.serve(), 1);
  const slot = driver.take();
  assert.equal(driver.take(), EMPTY);
  return slot;
}

for (const indirect of [false, true])
  test(`block driver: what is written is read back, flushed and named${indirect ? ', by indirect tables' : ''}`, () => {
    const all = stage({ indirect });
    const { driver, disk, fill, dataOf } = all;
    const slot = driver.acquire();
    const written = fill(slot, 4096, 3);
    assert.equal(driver.write(slot, 40, 4096), true);
    assert.equal(roundTrip(all), slot);
    assert.equal(driver.status, VIRTIO_BLK_S_OK);
    assert.deepEqual(disk.bytes.slice(40 * 512, 40 * 512 + 4096), written);

    const other = driver.acquire();
    assert.notEqual(other, slot);
    assert.equal(driver.read(other, 40, 4096), true);
    assert.equal(roundTrip(all), other);
    assert.deepEqual(dataOf(other, 4096), written);

    assert.equal(driver.flush(slot), true);
    assert.equal(roundTrip(all), slot);
    assert.equal(disk.flushes, 1);

    assert.equal(driver.getId(slot), true);
    assert.equal(roundTrip(all), slot);
    assert.equal(new TextDecoder().decode(dataOf(slot, 9)), disk.id);
    assert.equal(driver.inFlight, 0);
  });

test('block driver: sectors above 2^32 stand in both halves of the header', () => {
  const all = stage();
  const slot = all.driver.acquire();
  all.driver.read(slot, 5 * 2 ** 32 + 9, 512);
  assert.equal(all.region.u32[(RINGS >> 2) + slot * 16 + 2], 9);
  assert.equal(all.region.u32[(RINGS >> 2) + slot * 16 + 3], 5);
  assert.equal(roundTrip(all), slot);
  assert.equal(all.driver.status, VIRTIO_BLK_S_IOERR);
});

const statuses: [what: string, plant: (disk: TestDisk) => void, status: number, code: string][] = [
  ['IOERR', (disk) => Object.assign(disk, { forcedStatus: VIRTIO_BLK_S_IOERR }), VIRTIO_BLK_S_IOERR, 'io-error'],
  ['UNSUPP', (disk) => Object.assign(disk, { forcedStatus: VIRTIO_BLK_S_UNSUPP }), VIRTIO_BLK_S_UNSUPP, 'unsupported'],
  ['none', (disk) => Object.assign(disk, { silent: true }), 255, 'no-status'],
  ['a status nobody knows', (disk) => Object.assign(disk, { forcedStatus: 77 }), 77, 'unknown-status'],
];
for (const [what, plant, status, code] of statuses)
  test(`block driver: a device that answers ${what}, also where the slot's last request was right`, () => {
    const all = stage();
    const slot = all.driver.acquire();
    all.driver.read(slot, 0, 512);
    roundTrip(all);
    assert.equal(all.driver.status, VIRTIO_BLK_S_OK);
    plant(all.disk);
    all.driver.read(slot, 0, 512);
    roundTrip(all);
    assert.equal(all.driver.status, status);
    assert.equal(new BlockError(all.driver.status, 'read').code, code);
  });

for (const half of ['writes', 'reads'] as const)
  test(`block driver: used lengths of ${half} that are longer than the request are counted, over rings`, () => {
    const { driver, disk, queue, ends } = stage();
    const { disk: nextDisk, queue: nextQueue } = ends(1);
    for (const [on, ring] of [
      [disk, queue],
      [nextDisk, nextQueue],
    ] as const) {
      driver.resume(ring);
      for (const extra of [0, 1, 0xffff]) {
        on.extraBytes = extra;
        const slot = driver.acquire();
        if (half === 'reads') driver.read(slot, 0, 512);
        else driver.write(slot, 0, 512);
        assert.equal(roundTrip({ driver, disk: on }), slot);
        assert.equal(driver.status, VIRTIO_BLK_S_OK);
        driver.release(slot);
      }
    }
    assert.equal(driver.overlongLengths, 4);
  });

test('block driver: as many in flight as there are slots, published at once, taken in any order', () => {
  const { driver, disk, fill } = stage({ depth: 16, ringSize: 64 });
  const slots: number[] = [];
  const images: Uint8Array[] = [];
  for (let slot = driver.acquire(); slot !== EMPTY; slot = driver.acquire()) {
    slots.push(slot);
    images[slot] = fill(slot, 8192, slot * 31);
    assert.equal(driver.write(slot, slot * 16, 8192), true);
  }
  assert.equal(new Set(slots).size, 16);
  assert.equal(driver.inFlight, 16);
  assert.equal(disk.serve(), 0, 'nothing is seen before it is submitted');
  driver.submit();
  assert.equal(disk.serve(), 16);
  const taken = new Set<number>();
  for (let slot = driver.take(); slot !== EMPTY; slot = driver.take()) taken.add(slot);
  assert.deepEqual([...taken].sort(), slots.sort());
  for (const slot of slots) assert.deepEqual(disk.bytes.slice(slot * 8192, (slot + 1) * 8192), images[slot]);
});

test('block driver: a full ring is no room now, and the slot stays free to be sent', () => {
  const { driver, disk } = stage({ depth: 8, ringSize: 8 });
  const slots = [driver.acquire(), driver.acquire(), driver.acquire()];
  assert.equal(driver.read(slots[0]!, 0, 512), true);
  assert.equal(driver.read(slots[1]!, 1, 512), true);
  assert.equal(driver.read(slots[2]!, 2, 512), false);
  assert.equal(driver.inFlight, 2);
  driver.submit();
  disk.serve();
  assert.notEqual(driver.take(), EMPTY);
  assert.equal(driver.read(slots[2]!, 2, 512), true);
});

test('block driver: data is cut into elements that the device takes', () => {
  const all = stage({
    features: bits(VIRTIO_BLK_F_SIZE_MAX, VIRTIO_BLK_F_SEG_MAX),
    config: configOf({ sizeMax: 1536, segMax: 6 }),
  });
  const slot = all.driver.acquire();
  const written = all.fill(slot, 4096, 9);
  all.driver.write(slot, 0, 4096);
  roundTrip(all);
  assert.equal(all.disk.lastElements, 1 + 3 + 1);
  assert.deepEqual(all.disk.bytes.slice(0, 4096), written);
  assert.throws(
    () => stage({ features: bits(VIRTIO_BLK_F_SIZE_MAX), config: configOf({ sizeMax: 1536 }) }),
    RangeError,
  );
});

test('block driver: what a dead device left undone is sent again on another ring, and nothing else', () => {
  const { driver, disk, fill, ends, queue } = stage({ depth: 8, ringSize: 32 });
  const images: Uint8Array[] = [];
  for (let slot = driver.acquire(); slot !== EMPTY; slot = driver.acquire()) {
    images[slot] = fill(slot, 512, slot);
    driver.write(slot, slot, 512);
  }
  driver.submit();
  disk.serve(3);
  const done = [driver.take(), driver.take(), driver.take()];
  assert.equal(driver.take(), EMPTY);
  const next = ends(1);
  assert.equal(driver.resume(next.queue), 5);
  driver.submit();
  assert.equal(next.disk.serve(), 5);
  for (let slot = 0; slot < 8; slot++) {
    const where = done.includes(slot) ? disk : next.disk;
    assert.deepEqual(where.bytes.slice(slot * 512, (slot + 1) * 512), images[slot]);
  }
  for (let i = 0; i < 5; i++) assert.notEqual(driver.take(), EMPTY);
  assert.equal(driver.inFlight, 0);
  assert.equal(driver.resume(queue), 0);
});

test('block driver: a caller’s mistakes', () => {
  const { driver } = stage({ depth: 2 });
  const slot = driver.acquire();
  for (const length of [0, 100, 513, 8704]) assert.throws(() => driver.read(slot, 0, length), RangeError, `${length}`);
  driver.read(slot, 0, 512);
  assert.throws(() => driver.flush(slot), RangeError);
  assert.throws(() => driver.read(2, 0, 512), RangeError);
  assert.throws(() => stage({ depth: 1000, slotBytes: 8192 }), RangeError);
});

const all = bits(VIRTIO_BLK_F_SIZE_MAX, VIRTIO_BLK_F_SEG_MAX, VIRTIO_BLK_F_BLK_SIZE, VIRTIO_BLK_F_MQ, VIRTIO_BLK_F_RO);
test('block config: fields count only with their features', () => {
  const config = configOf({ capacity: 100n, sizeMax: 4096, segMax: 7, blkSize: 4096, queues: 3 });
  assert.deepEqual(readBlockConfig(config, all), {
    capacitySectors: 100,
    sizeBytes: 51200,
    blockSizeBytes: 4096,
    readOnly: true,
    canFlush: false,
    canBarrier: false,
    elementBytesMax: 4096,
    elementsMax: 7,
    requestBytesMax: 7 * 4096,
    queues: 3,
  });
  assert.deepEqual(readBlockConfig(config, bits(VIRTIO_BLK_F_FLUSH)), {
    capacitySectors: 100,
    sizeBytes: 51200,
    blockSizeBytes: 512,
    readOnly: false,
    canFlush: true,
    canBarrier: false,
    elementBytesMax: 0xffffffff,
    elementsMax: 1,
    requestBytesMax: 0xffffffff,
    queues: 1,
  });
});

test('block config: a size_max of 0 is none', () => {
  const config = configOf({ sizeMax: 0, segMax: 1, blkSize: 512 });
  assert.equal(readBlockConfig(config, all).elementBytesMax, 0xffffffff);
});

const senseless: [what: string, config: Uint8Array][] = [
  ['a capacity above 2^53 bytes', configOf({ capacity: 2n ** 45n, sizeMax: 4096, segMax: 1, blkSize: 512 })],
  ['a block size of 0', configOf({ sizeMax: 4096, segMax: 1, blkSize: 0 })],
  ['a block size that is no power of two', configOf({ sizeMax: 4096, segMax: 1, blkSize: 1536 })],
  ['a block size of 2 GiB', configOf({ sizeMax: 4096, segMax: 1, blkSize: 2 ** 31 })],
  ['elements of less than a sector', configOf({ sizeMax: 1, segMax: 1, blkSize: 512 })],
  ['no elements', configOf({ sizeMax: 4096, segMax: 0, blkSize: 512 })],
  ['no capacity', new Uint8Array(7)],
  ['an end before blk_size', configOf({ sizeMax: 4096, segMax: 1, blkSize: 512 }).subarray(0, 20)],
];
for (const [what, config] of senseless)
  test(`block config: ${what} is refused`, () => {
    assert.throws(() => readBlockConfig(config, all), BlockConfigError);
  });
