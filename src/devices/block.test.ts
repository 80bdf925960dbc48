import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as blk from '../formats/block.ts';
import { DirtyLog, LOG_PAGE_SIZE } from '../memory/dirty-log.ts';
import { BlockDevice, type BlockDeviceOptions } from './block.ts';
import { FileDisk } from './file-disk.ts';
import { openDisk } from './open-device.ts';
import { ArrayDisk, systemFailure } from './test-disk.ts';
import { type Piece, randomFrom, started, TestQueue } from './test-queue.ts';

const { VIRTIO_BLK_S_OK: OK, VIRTIO_BLK_S_IOERR: IOERR, VIRTIO_BLK_S_UNSUPP: UNSUPP } = blk;
const { VIRTIO_BLK_T_IN: IN, VIRTIO_BLK_T_OUT: OUT } = blk;
const CAPACITY = 64;
const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));
const IMAGE = join(folder, 'disk.img');
writeFileSync(IMAGE, new Uint8Array(512 * CAPACITY));
/** What a byte holds that nobody wrote. */
const UNTOUCHED = 0xee;
/** Where header, data and status of a request are put in the data region. */
const HEADER = 0;
const DATA = 4096;
const STATUS = 2048;

function setUp(options: Partial<BlockDeviceOptions> & { disk?: ArrayDisk; features?: bigint } = {}) {
  const disk = options.disk ?? new ArrayDisk({ sectors: CAPACITY });
  const device = new BlockDevice({ ...options, disk });
  const queue = new TestQueue();
  queue.data.u8.fill(UNTOUCHED);
  const service = started(device, 0, queue, options.features);
  return { disk, device, queue, service };
}

const headerBytes = (type: number, sector: number | bigint) => {
  const view = new DataView(new ArrayBuffer(16));
  view.setUint32(0, type, true);
  view.setBigUint64(8, BigInt(sector), true);
  return new Uint8Array(view.buffer);
};
const pattern = (length: number, seed = 1) =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + seed * 13 + (i >> 8)) & 0xff);

/** A contiguous range cut at these places, empty pieces left out. */
function cut(offset: number, length: number, cuts: readonly number[], write: boolean): Piece[] {
  const ends = [...new Set([...cuts, length])].sort((a, b) => a - b);
  return ends
    .map((end, i) => ({ offset: offset + (ends[i - 1] ?? 0), length: end - (ends[i - 1] ?? 0), write }))
    .filter((piece) => piece.length > 0);
}

/** Every way to cut a range once or twice, at some interesting places. */
function* cutsOf(length: number): Generator<number[]> {
  yield [];
  const places = [...new Set([1, 4, 8, 15, 16, 17, 100, 511, 512, 513, 1023, 1024, length - 1])].filter(
    (at) => at > 0 && at < length,
  );
  for (const [i, first] of places.entries()) {
    yield [first];
    for (const second of places.slice(i + 1)) yield [first, second];
  }
}

test('block: a read, header and data and status cut in every way', () => {
  const { disk, queue, service } = setUp();
  const { u8 } = queue.data;
  const length = 1024;
  disk.bytes.set(pattern(disk.sizeBytes));
  u8.set(headerBytes(IN, 3), HEADER);
  let cases = 0;
  for (const headerCuts of cutsOf(16))
    for (const dataCuts of cutsOf(length + 1)) {
      u8.fill(UNTOUCHED, DATA, DATA + length + 8);
      queue.offer(0, [...cut(HEADER, 16, headerCuts, false), ...cut(DATA, length + 1, dataCuts, true)]);
      assert.deepEqual(queue.serve(service), [{ id: 0, length: length + 1 }]);
      const where = `${headerCuts}; ${dataCuts}`;
      assert.deepEqual(u8.subarray(DATA, DATA + length), disk.bytes.subarray(3 * 512, 3 * 512 + length), where);
      assert.deepEqual([...u8.subarray(DATA + length, DATA + length + 2)], [OK, UNTOUCHED], where);
      cases++;
    }
  assert.ok(cases > 500, `${cases}`);
  assert.equal(service.requests, cases);
  assert.equal(service.bytes, cases * length);
});

test('block: a write, header and data cut in every way', () => {
  const { disk, queue, service } = setUp();
  const { u8 } = queue.data;
  const length = 1024;
  for (const cuts of cutsOf(16 + length)) {
    const bytes = pattern(length, cuts[0] ?? 0);
    disk.bytes.fill(0);
    u8.set(headerBytes(OUT, 5), HEADER);
    u8.set(bytes, HEADER + 16);
    u8[STATUS] = UNTOUCHED;
    queue.offer(0, [...cut(HEADER, 16 + length, cuts, false), { offset: STATUS, length: 1, write: true }]);
    assert.deepEqual(queue.serve(service), [{ id: 0, length: 1 }]);
    assert.equal(u8[STATUS], OK);
    assert.deepEqual(disk.bytes.subarray(5 * 512, 5 * 512 + length), bytes, `${cuts}`);
    assert.equal(disk.bytes.filter((byte) => byte !== 0).length, bytes.filter((byte) => byte !== 0).length);
  }
});

test('block: a write whose status is the last of many writable bytes', () => {
  const { queue, service } = setUp();
  const { u8 } = queue.data;
  u8.set(headerBytes(OUT, 0), HEADER);
  queue.offer(0, [
    { offset: HEADER, length: 16 + 512 },
    { offset: DATA, length: 9, write: true },
    { offset: STATUS, length: 3, write: true },
  ]);
  assert.deepEqual(queue.serve(service), [{ id: 0, length: 0 }]);
  assert.deepEqual([...u8.subarray(STATUS, STATUS + 3)], [UNTOUCHED, UNTOUCHED, OK]);
});

/** A request as most drivers send it: header, data, status. */
function ask(
  { queue, service }: Pick<ReturnType<typeof setUp>, 'queue' | 'service'>,
  type: number,
  { sector = 0 as number | bigint, out = new Uint8Array(0), room = 0 },
) {
  const { u8 } = queue.data;
  u8.set(headerBytes(type, sector), HEADER);
  u8.set(out, DATA);
  u8[STATUS] = UNTOUCHED;
  queue.offer(0, [
    { offset: HEADER, length: 16 },
    ...(out.length > 0 ? [{ offset: DATA, length: out.length }] : []),
    ...(room > 0 ? [{ offset: DATA + out.length, length: room, write: true }] : []),
    { offset: STATUS, length: 1, write: true },
  ]);
  const used = queue.serve(service);
  assert.equal(used.length, 1);
  const at = DATA + out.length;
  return { status: u8[STATUS], length: used[0]!.length, bytes: u8.slice(at, at + room) };
}

const segment = (sector: number | bigint, sectors: number, flags = 0) => {
  const view = new DataView(new ArrayBuffer(16));
  view.setBigUint64(0, BigInt(sector), true);
  view.setUint32(8, sectors, true);
  view.setUint32(12, flags, true);
  return [...new Uint8Array(view.buffer)];
};
const bytesOf = (...parts: readonly (readonly number[])[]) => Uint8Array.from(parts.flat());
const SECTOR = new Uint8Array(512).fill(7);
const ZEROES = blk.VIRTIO_BLK_T_WRITE_ZEROES;

const answers: [what: string, type: number, asked: Parameters<typeof ask>[2], status: number, length: number][] = [
  ['a read of nothing', IN, {}, OK, 1],
  ['a read of the last sector', IN, { sector: CAPACITY - 1, room: 512 }, OK, 513],
  ['a read of one sector past the end', IN, { sector: CAPACITY, room: 512 }, IOERR, 0],
  ['a read of nothing at the end', IN, { sector: CAPACITY }, OK, 1],
  ['a read that starts inside', IN, { sector: CAPACITY - 1, room: 1024 }, IOERR, 0],
  ['a read whose sector wraps', IN, { sector: 2n ** 64n - 1n, room: 512 }, IOERR, 0],
  ['a read whose sector wraps in bytes', IN, { sector: 2n ** 55n, room: 512 }, IOERR, 0],
  ['a read of half a sector', IN, { room: 256 }, IOERR, 0],
  ['a read of a sector and a byte', IN, { room: 513 }, IOERR, 0],
  ['a write of nothing', OUT, {}, OK, 1],
  ['a write of the last sector', OUT, { sector: CAPACITY - 1, out: SECTOR }, OK, 1],
  ['a write past the end', OUT, { sector: CAPACITY, out: SECTOR }, IOERR, 1],
  ['a write of half a sector', OUT, { out: SECTOR.subarray(0, 256) }, IOERR, 1],
  ['a flush', blk.VIRTIO_BLK_T_FLUSH, {}, OK, 1],
  ['a flush with room for data', blk.VIRTIO_BLK_T_FLUSH, { room: 7 }, OK, 0],
  ['a write with room for data', OUT, { out: SECTOR, room: 7 }, OK, 0],
  ['a write past the end with room for data', OUT, { sector: CAPACITY, out: SECTOR, room: 7 }, IOERR, 0],
  ['a name', blk.VIRTIO_BLK_T_GET_ID, { room: 20 }, OK, 21],
  ['a name into too little room', blk.VIRTIO_BLK_T_GET_ID, { room: 4 }, OK, 5],
  ['a name into much room', blk.VIRTIO_BLK_T_GET_ID, { room: 100 }, OK, 20],
  ['a lifetime', blk.VIRTIO_BLK_T_GET_LIFETIME, { room: 24 }, UNSUPP, 0],
  ['a discard', blk.VIRTIO_BLK_T_DISCARD, { out: bytesOf(segment(0, 1)) }, UNSUPP, 1],
  ['a type nobody knows', 0xffffffff, {}, UNSUPP, 1],
  ['zeroes', ZEROES, { out: bytesOf(segment(0, 1), segment(2, 1, 1)) }, OK, 1],
  ['zeroes without a segment', ZEROES, {}, IOERR, 1],
  ['zeroes by half a segment', ZEROES, { out: bytesOf(segment(0, 1)).subarray(0, 8) }, IOERR, 1],
  ['zeroes by too many segments', ZEROES, { out: bytesOf(...Array(17).fill(segment(0, 1))) }, IOERR, 1],
  ['zeroes past the end', ZEROES, { out: bytesOf(segment(0, 1), segment(CAPACITY - 1, 2)) }, IOERR, 1],
  ['zeroes past 2^64', ZEROES, { out: bytesOf(segment(2n ** 64n - 1n, 2)) }, IOERR, 1],
  ['zeroes over too many sectors', ZEROES, { out: bytesOf(segment(0, 0xffffffff)) }, IOERR, 1],
  ['zeroes with an unknown flag', ZEROES, { out: bytesOf(segment(0, 1), segment(0, 1, 2)) }, UNSUPP, 1],
];
for (const [what, type, asked, status, length] of answers)
  test(`block: ${what} is answered ${['OK', 'IOERR', 'UNSUPP'][status]}`, () => {
    const rig = setUp();
    rig.disk.bytes.fill(0x55);
    const answer = ask(rig, type, asked);
    assert.deepEqual([answer.status, answer.length], [status, length]);
    assert.ok(
      answer.bytes.subarray(0, length).every((byte) => byte !== UNTOUCHED),
      'what is counted is written, from the first writable byte on',
    );
    assert.equal(rig.service.failures, status === OK ? 0 : 1);
    if (status === OK) return;
    assert.ok(
      rig.disk.bytes.every((byte) => byte === 0x55),
      'the disk is as it was',
    );
    assert.ok(
      answer.bytes.every((byte) => byte === UNTOUCHED),
      'the data area is as it was',
    );
  });

test('block: the name is padded with zeroes', () => {
  const rig = setUp({ serial: 'disk-7' });
  const { bytes } = ask(rig, blk.VIRTIO_BLK_T_GET_ID, { room: 20 });
  assert.equal(Buffer.from(bytes).toString('latin1'), 'disk-7'.padEnd(20, '\0'));
});

test('block: zeroes go where the segments say', () => {
  const rig = setUp();
  rig.disk.bytes.fill(0x55);
  ask(rig, ZEROES, { out: bytesOf(segment(1, 2), segment(5, 1)) });
  const zeroed = Array.from({ length: 8 }, (_, i) => rig.disk.bytes.subarray(512 * i, 512 * i + 512)).map((sector) =>
    sector.every((byte) => byte === 0),
  );
  assert.deepEqual(zeroed, [false, true, true, false, false, true, false, false]);
});

for (const [what, segments, status] of [
  ['two segments of 16,385 sectors', Array(2).fill(segment(0, 16385)), OK],
  ['16 segments of 32,768 sectors', Array(16).fill(segment(0, 32768)), OK],
  ['a segment of 32,769 sectors', [segment(0, 32769)], IOERR],
  ['a segment of 32,769 sectors behind another', [segment(0, 1), segment(0, 32769)], IOERR],
] as const)
  test(`block: the limit of sectors is that of one segment: ${what} are answered ${status === OK ? 'OK' : 'IOERR'}`, () => {
    const rig = setUp({ disk: new ArrayDisk({ sectors: 32769 }) });
    rig.disk.bytes.fill(0x55);
    const { bytes } = rig.disk;
    assert.equal(ask(rig, ZEROES, { out: bytesOf(...segments) }).status, status);
    assert.deepEqual([bytes[0], bytes[16384 * 512]], status === OK ? [0, 0] : [0x55, 0x55]);
    assert.equal(bytes[32768 * 512], 0x55);
  });

/** Large requests over the same few pages, and what is wrong with the data between. */
function large({ type = IN, sectors = 0, disk = new ArrayDisk({ sectors }), features = 1n << 9n }) {
  const device = new BlockDevice({ disk });
  const queue = new TestQueue({ dataBytes: 512 * sectors + 8192 });
  const service = started(device, 0, queue, features);
  const { u8 } = queue.data;
  const isRead = type === IN;
  if (isRead) disk.bytes.set(pattern(disk.bytes.length));
  else u8.set(pattern(512 * sectors), DATA);
  u8.set(headerBytes(type, 0), HEADER);
  const offer = () => {
    u8[STATUS] = UNTOUCHED;
    queue.offer(0, [
      { offset: HEADER, length: 16 },
      { offset: DATA, length: 512 * sectors, write: isRead },
      { offset: STATUS, length: 1, write: true },
    ]);
  };
  const wrong = () => Buffer.compare(disk.bytes, u8.subarray(DATA, DATA + 512 * sectors)) !== 0;
  return { disk, device, queue, service, u8, offer, wrong };
}
/** Two pieces and a bit. */
const LARGE = 2 * 2048 + 3;

for (const type of [IN, OUT]) {
  const name = type === IN ? 'read' : 'write';
  test(`block: a ${name} longer than a turn is served in pieces, each byte once`, () => {
    const { disk, queue, service, u8, offer, wrong } = large({ type, sectors: LARGE });
    offer();
    assert.deepEqual([service.serve(), service.serve(), service.requests, u8[STATUS]], [true, true, 0, UNTOUCHED]);
    assert.deepEqual(disk.moved, [2 ** 20, 2 ** 20]);
    assert.deepEqual(queue.serve(service), [{ id: 0, length: type === IN ? 512 * LARGE + 1 : 1 }]);
    assert.deepEqual([u8[STATUS], service.bytes, service.requests, wrong()], [OK, 512 * LARGE, 1, false]);
    assert.deepEqual(disk.moved, [2 ** 20, 2 ** 20, 3 * 512]);
  });

  test(`block: a ${name} that fails in its second piece is IOERR, and the next request is served`, () => {
    const { disk, queue, service, u8, offer, wrong } = large({ type, sectors: LARGE });
    offer();
    service.serve();
    disk.failure = systemFailure();
    assert.deepEqual(queue.serve(service), [{ id: 0, length: type === IN ? 0 : 1 }]);
    assert.deepEqual([u8[STATUS], service.failures], [IOERR, 1]);
    offer();
    assert.equal(queue.serve(service).length, 1);
    assert.deepEqual([u8[STATUS], wrong()], [OK, false]);
  });

  test(`block: a ${name} whose service ends between two pieces is served whole by the next one`, () => {
    const { disk, device, queue, service, u8, offer, wrong } = large({ type, sectors: LARGE });
    offer();
    service.serve();
    assert.equal(service.stop(), undefined);
    assert.deepEqual(queue.target.queue.state(), { availIdx: 0, usedIdx: 0 });
    const next = device.start(0, queue.target);
    assert.equal(queue.serve(next).length, 1);
    assert.deepEqual([u8[STATUS], wrong(), next.requests, disk.moved.length], [OK, false, 1, 4]);
  });

  test(`block: a ${name} in pieces by a disk that answers later, beside another`, async () => {
    const disk = new ArrayDisk({ sectors: LARGE, later: true });
    const { queue, service, u8, offer, wrong } = large({ type, sectors: LARGE, disk });
    offer();
    queue.offer(8, [
      { offset: HEADER, length: 16 },
      { offset: 3000, length: 1, write: true },
    ]);
    const used = queue.serve(service);
    while (used.length < 2) {
      assert.ok(disk.waiting.length > 0);
      for (const work of disk.waiting.splice(0)) work();
      await new Promise(setImmediate);
      used.push(...queue.serve(service));
    }
    assert.deepEqual([u8[STATUS], service.bytes, wrong(), used[0]!.id], [OK, 512 * LARGE, false, 8]);
  });
}

test('block: a write in pieces is flushed once, behind the last', () => {
  const { disk, queue, service, offer } = large({ type: OUT, sectors: LARGE, features: 0n });
  offer();
  service.serve();
  service.serve();
  assert.equal(disk.flushes, 0);
  assert.equal(queue.serve(service).length, 1);
  assert.equal(disk.flushes, 1);
});

test('block: an image for reading alone says so and is not written', () => {
  const rig = setUp({ disk: new ArrayDisk({ sectors: CAPACITY, readOnly: true }) });
  assert.equal((rig.device.features >> 5n) & 1n, 1n);
  assert.equal((rig.device.features >> 14n) & 1n, 0n);
  assert.equal(ask(rig, OUT, { out: SECTOR }).status, IOERR);
  assert.equal(ask(rig, ZEROES, { out: bytesOf(segment(0, 1)) }).status, IOERR);
  assert.equal(ask(rig, IN, { room: 512 }).status, OK);
  assert.ok(rig.disk.bytes.every((byte) => byte === 0));
});

for (const [what, features, flushes] of [
  ['flushes', 1n << 9n, 0],
  ['does not', 0n, 1],
] as const)
  test(`block: for a guest that ${what}, a write is flushed ${flushes} times`, () => {
    const rig = setUp({ features });
    assert.equal(ask(rig, OUT, { out: SECTOR }).status, OK);
    assert.equal(rig.disk.flushes, flushes);
    ask(rig, blk.VIRTIO_BLK_T_FLUSH, {});
    assert.equal(rig.disk.flushes, flushes + 1);
  });

for (const [what, type, asked] of [
  ['read', IN, { room: 512 }],
  ['write', OUT, { out: SECTOR }],
  ['flush', blk.VIRTIO_BLK_T_FLUSH, {}],
  ['zeroes', ZEROES, { out: bytesOf(segment(0, 1)) }],
] as const)
  test(`block: a system that fails a ${what} is IOERR, and the next request is served`, () => {
    const rig = setUp();
    rig.disk.failure = systemFailure('ENOSPC');
    assert.deepEqual([ask(rig, type, asked).status, rig.service.failures], [IOERR, 1]);
    assert.equal(ask(rig, type, asked).status, OK);
  });

test("block: the device's own mistake is not the guest's", () => {
  const rig = setUp();
  rig.disk.failure = new TypeError('planted');
  assert.throws(() => ask(rig, IN, { room: 512 }), TypeError);
});

const hostile: [what: string, pieces: Piece[], length: number, status: number | null][] = [
  ['no header', [{ offset: STATUS, length: 1, write: true }], 1, IOERR],
  [
    'a header of 15 bytes',
    [
      { offset: HEADER, length: 15 },
      { offset: STATUS, length: 1, write: true },
    ],
    1,
    IOERR,
  ],
  ['no place for the status', [{ offset: HEADER, length: 16 }], 0, null],
  ['neither', [{ offset: HEADER, length: 3 }], 0, null],
  [
    'only empty elements',
    [
      { offset: HEADER, length: 0 },
      { offset: STATUS, length: 0, write: true },
    ],
    0,
    null,
  ],
];
for (const [what, pieces, length, status] of hostile)
  test(`block: a request with ${what} is an error of its own`, () => {
    const rig = setUp();
    rig.queue.data.u8.fill(0, HEADER, HEADER + 16);
    rig.queue.offer(0, pieces);
    assert.deepEqual(rig.queue.serve(rig.service), [{ id: 0, length }]);
    if (status !== null) assert.equal(rig.queue.data.u8[STATUS], status);
    assert.equal(rig.service.failures, 1);
    assert.equal(ask(rig, IN, { room: 512 }).status, OK);
  });

test('block: configuration space and features', () => {
  const { device } = setUp({ queues: 4, segMax: 10, sizeMax: 65536 });
  const view = new DataView(device.config.buffer);
  assert.equal(device.config.length, 60);
  assert.equal(view.getBigUint64(0, true), BigInt(CAPACITY));
  assert.deepEqual([view.getUint32(8, true), view.getUint32(12, true), view.getUint32(20, true)], [65536, 10, 512]);
  assert.equal(view.getUint16(34, true), 4);
  assert.deepEqual([view.getUint32(48, true), view.getUint32(52, true)], [32768, 16]);
  for (const bit of [1n, 2n, 6n, 9n, 12n, 14n]) assert.equal((device.features >> bit) & 1n, 1n, `${bit}`);
  for (const bit of [5n, 11n, 13n]) assert.equal((device.features >> bit) & 1n, 0n, `${bit}`);
  assert.equal(device.writeConfig(), false);
  for (const sizeBytes of [2 ** 53, 1000, 2 ** 53 + 512])
    assert.throws(() => new BlockDevice({ disk: Object.assign(new ArrayDisk(), { sizeBytes }) }), RangeError);
  for (const options of [{ queues: 0 }, { queues: 1025 }, { queues: 1.5 }, { serial: 'x'.repeat(21) }])
    assert.throws(() => new BlockDevice({ disk: new ArrayDisk(), ...options }), RangeError);
  assert.throws(() => device.start(4, new TestQueue().target), RangeError);
});

test('block: the disk is closed with the device', () => {
  const { disk, device } = setUp();
  device.close();
  assert.equal(disk.closed, true);
});

test('block: a disk that answers later has many requests at once, in any order', async () => {
  const disk = new ArrayDisk({ later: true });
  disk.bytes.set(pattern(disk.sizeBytes));
  const { queue, service } = setUp({ disk });
  const { u8 } = queue.data;
  for (let i = 0; i < 8; i++) {
    u8.set(headerBytes(IN, i), 16 * i);
    queue.offer(2 * i, [
      { offset: 16 * i, length: 16 },
      { offset: DATA + 1024 * i, length: 513, write: true },
    ]);
  }
  assert.deepEqual(queue.serve(service), []);
  assert.equal(disk.waiting.length, 8);
  const order = [5, 0, 7, 3];
  for (const i of order) disk.waiting[i]!();
  await Promise.resolve();
  assert.deepEqual(
    queue.serve(service).map(({ id }) => id),
    order.map((i) => 2 * i),
  );
  const stopped = service.stop();
  assert.ok(stopped instanceof Promise);
  for (const i of [1, 2, 4, 6]) disk.waiting[i]!();
  await stopped;
  assert.equal(service.requests, 8);
  assert.equal(service.bytes, 8 * 512);
  for (let i = 0; i < 8; i++) {
    const at = DATA + 1024 * i;
    assert.deepEqual(u8.slice(at, at + 512), disk.bytes.slice(512 * i, 512 * i + 512));
    assert.equal(u8[at + 512], OK);
  }
  assert.doesNotThrow(() => queue.target.queue.state());
});

test('block: a disk that answers later and fails, and one write that must last', async () => {
  const disk = new ArrayDisk({ later: true });
  const { queue, service } = setUp({ disk, features: 0n });
  const { u8 } = queue.data;
  u8.set(headerBytes(OUT, 0), HEADER);
  const offer = () =>
    queue.offer(0, [
      { offset: HEADER, length: 528 },
      { offset: STATUS, length: 1, write: true },
    ]);
  offer();
  disk.failure = systemFailure();
  queue.serve(service);
  disk.waiting.shift()!();
  await new Promise(setImmediate);
  assert.deepEqual([u8[STATUS], queue.serve(service).length], [IOERR, 1]);
  offer();
  queue.serve(service);
  disk.waiting.shift()!();
  await new Promise(setImmediate);
  assert.deepEqual([disk.waiting.length, service.requests], [1, 1], 'written, not flushed: not answered');
  disk.waiting.shift()!();
  await service.stop();
  assert.deepEqual([u8[STATUS], disk.flushes, service.requests], [OK, 1, 2]);
});

for (const [what, open] of [
  ['pushed', () => new ArrayDisk({ sectors: CAPACITY })],
  ['read in place by a call an element', () => new FileDisk({ path: IMAGE })],
  ['read in place by one call', () => openDisk({ path: IMAGE })],
] as const)
  test(`block: every page that is written is noted in the dirty log, and no other; ${what}`, () => {
    const disk = open();
    const queue = new TestQueue();
    const { memory } = queue.target;
    const base = queue.data.guestBase;
    const bits = new Uint8Array((base + queue.data.sizeBytes) / LOG_PAGE_SIZE / 8);
    memory.dirtyLog = new DirtyLog(bits);
    const device = new BlockDevice({ disk });
    const service = started(device, 0, queue);
    const dirtyPages = () => {
      const pages: number[] = [];
      for (const [byte, value] of bits.entries())
        for (let bit = 0; bit < 8; bit++) if ((value >> bit) & 1) pages.push(byte * 8 + bit - base / LOG_PAGE_SIZE);
      bits.fill(0);
      return pages;
    };
    const asks: [type: number, sector: number, pieces: Piece[], pages: number[]][] = [
      // Data over the border of pages 2 and 3, more of it on page 8, the status on page 16.
      [
        IN,
        0,
        [
          { offset: 3 * 4096 - 100, length: 200, write: true },
          { offset: 8 * 4096, length: 312, write: true },
          { offset: 16 * 4096, length: 1, write: true },
        ],
        [2, 3, 8, 16],
      ],
      [
        IN,
        CAPACITY,
        [
          { offset: 4096, length: 512, write: true },
          { offset: 16 * 4096, length: 1, write: true },
        ],
        [16],
      ],
      [
        OUT,
        0,
        [
          { offset: 4096, length: 512 },
          { offset: 5 * 4096 - 1, length: 1, write: true },
        ],
        [4],
      ],
    ];
    for (const [type, sector, pieces, pages] of asks) {
      queue.data.u8.set(headerBytes(type, sector), 0);
      queue.offer(0, [{ offset: 0, length: 16 }, ...pieces]);
      queue.serve(service);
      assert.deepEqual(dirtyPages(), pages);
    }
    device.close();
  });

test('block: random requests leave and find what they would in an array', () => {
  const random = randomFrom(20240607);
  const rig = setUp();
  const { queue, service, disk } = rig;
  const { u8 } = queue.data;
  const model = new Uint8Array(disk.sizeBytes);
  for (let round = 0; round < 3000; round++) {
    const type = [IN, OUT, OUT, blk.VIRTIO_BLK_T_FLUSH, ZEROES][random(5)]!;
    const sectors = random(9);
    const sector = random(CAPACITY + 4);
    const length = type === IN || type === OUT ? sectors * 512 + (random(20) === 0 ? 1 + random(511) : 0) : 0;
    const sent = new Uint8Array(16 + (type === OUT ? length : type === ZEROES ? 16 : 0));
    sent.set(headerBytes(type, sector));
    if (type === OUT) for (let i = 16; i < sent.length; i++) sent[i] = random(256);
    if (type === ZEROES) sent.set(segment(sector, sectors), 16);
    u8.set(sent, 0);
    const room = (type === IN ? length : 0) + 1;
    const at = 16384;
    u8.fill(UNTOUCHED, at, at + room);
    const cuts = (end: number) =>
      Array.from({ length: random(6) }, () => 1 + random(end)).filter((place) => place < end);
    queue.offer(0, [...cut(0, sent.length, cuts(sent.length), false), ...cut(at, room, cuts(room), true)]);
    const used = queue.serve(service);
    const bytes = type === ZEROES ? sectors * 512 : length;
    const good = type === blk.VIRTIO_BLK_T_FLUSH || (bytes % 512 === 0 && sector * 512 + bytes <= model.length);
    assert.equal(u8[at + room - 1], good ? OK : IOERR, `round ${round}`);
    assert.deepEqual(used, [{ id: 0, length: good ? room : room === 1 ? 1 : 0 }]);
    const start = sector * 512;
    if (type === IN) {
      const expected = good ? model.subarray(start, start + length) : new Uint8Array(length).fill(UNTOUCHED);
      assert.deepEqual(u8.slice(at, at + length), expected.slice());
    }
    if (good && type === OUT) model.set(sent.subarray(16), start);
    if (good && type === ZEROES) model.fill(0, start, start + bytes);
  }
  assert.deepEqual(disk.bytes, model);
});
