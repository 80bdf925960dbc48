import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ConsoleDevice } from '../devices/console.ts';
import { EchoPort } from '../devices/console-port.ts';
import type { Disk } from '../devices/disk.ts';
import { FileDisk } from '../devices/file-disk.ts';
import { NetDevice } from '../devices/net.ts';
import { loopbackLink } from '../devices/packet-link.ts';
import { ArrayDisk } from '../devices/test-disk.ts';
import { imageFile } from '../devices/test-image.ts';
import * as blk from '../formats/block.ts';
import { VIRTIO_ID_BLOCK, VIRTIO_ID_NET } from '../formats/ids.ts';
import { configFields, guestFeatures, launcherBlock } from './device-policy.ts';
import { BusQueue } from './test-bus-queue.ts';

const { VIRTIO_BLK_S_OK: OK, VIRTIO_BLK_S_IOERR: IOERR, VIRTIO_BLK_S_UNSUPP: UNSUPP } = blk;
const { VIRTIO_BLK_T_IN: IN, VIRTIO_BLK_T_OUT: OUT, VIRTIO_BLK_T_BARRIER: BARRIER } = blk;
const DATA = 4096;
const FOOTER = 16;
const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));

function onBus(disk: Disk) {
  const device = launcherBlock({ disk });
  device.acknowledge(guestFeatures(device));
  const bus = new BusQueue(VIRTIO_ID_BLOCK, 0);
  const service = device.start(0, bus.target);
  const send = (type: number, sector: number, lengthBytes = 512, head = 0) => {
    const view = new DataView(bus.u8.buffer, 1024 + head * 32);
    view.setUint32(0, type, true);
    view.setBigUint64(8, BigInt(sector), true);
    bus.u8[1024 + head * 32 + FOOTER] = 0xee;
    const data = [(type & 1) === 1 ? 'out' : 'in', DATA, lengthBytes] as const;
    const footer = ['in', 1024 + head * 32 + FOOTER, 1] as const;
    bus.offer(head, [['out', 1024 + head * 32, 16], ...(lengthBytes > 0 ? [data] : []), footer]);
  };
  const status = (head = 0) => bus.u8[1024 + head * 32 + FOOTER];
  return { device, bus, service, send, status };
}

const answers: [string, { type: number; sector: number; readOnly?: boolean; length?: number }, number, number][] = [
  // what, request, status, written
  ['a read', { type: IN, sector: 7 }, OK, 513],
  ['a write', { type: OUT, sector: 7 }, OK, 1],
  ['a barrier write', { type: (OUT | BARRIER) >>> 0, sector: 7 }, OK, 1],
  ['a SCSI command', { type: blk.VIRTIO_BLK_T_SCSI_CMD, sector: 0 }, UNSUPP, 0],
  ['a SCSI command as a barrier', { type: (blk.VIRTIO_BLK_T_SCSI_CMD | BARRIER) >>> 0, sector: 0 }, UNSUPP, 0],
  ['a flush', { type: blk.VIRTIO_BLK_T_FLUSH, sector: 0, length: 0 }, OK, 1],
  ['a write to a read-only image', { type: OUT, sector: 0, readOnly: true }, IOERR, 1],
  ['a write past the end of a read-only image', { type: OUT, sector: 8, readOnly: true }, IOERR, 1],
  ['a read past the end', { type: IN, sector: 8 }, IOERR, 0],
  ['half a sector', { type: OUT, sector: 0, length: 100 }, IOERR, 1],
];
for (const [what, { type, sector, readOnly = false, length = 512 }, expected, written] of answers)
  test(`launcher's disk: ${what}`, () => {
    const path = imageFile(folder, 512 * 8);
    const { device, bus, service, send, status } = onBus(new FileDisk({ path, readOnly }));
    send(type, sector, length);
    assert.deepEqual(bus.serve(service), [{ id: 0, length: written }]);
    assert.equal(status(), expected);
    assert.equal(statSync(path).size, 8 * 512);
    device.close();
  });

const pastEnd: [string, number, number, string][] = [
  // what, sector, length, reason
  ['right behind the end', 8, 512, 'Write past end 4096+512'],
  ['from inside', 7, 1024, 'Write past end 3584+1024'],
  ['a barrier', 9, 512, 'Write past end 4608+512'],
  ['far beyond', 2 ** 53, 512, `Write past end ${2 ** 62}+512`],
];
for (const [what, sector, length, message] of pastEnd)
  test(`launcher's disk: a write past the end (${what}) stops the guest, and nothing of it is written`, () => {
    const path = imageFile(folder, 512 * 8);
    const { device, bus, service, send } = onBus(new FileDisk({ path }));
    bus.u8.fill(0x55, DATA, DATA + 1024);
    send(what === 'a barrier' ? (OUT | BARRIER) >>> 0 : OUT, sector, length);
    assert.throws(() => service.serve(), { name: 'BadGuest', message });
    service.stop();
    device.close();
    assert.equal(statSync(path).size, 8 * 512);
    const file = openSync(path, 'r');
    const bytes = new Uint8Array(8 * 512);
    readSync(file, bytes, 0, bytes.length, 0);
    closeSync(file);
    assert.ok(bytes.every((byte) => byte === 0));
  });

test("launcher's disk: a sparse image of more than 4 GiB, to its last sector", () => {
  const sectors = 2 ** 33 / 512 + 8;
  const path = imageFile(folder, 512 * sectors);
  const { device, bus, service, send, status } = onBus(new FileDisk({ path }));
  assert.equal(new DataView(configFields(device)[0]!.bytes.buffer).getBigUint64(0, true), BigInt(sectors));
  bus.u8.fill(0x5a, DATA, DATA + 512);
  send(OUT, sectors - 1);
  bus.serve(service);
  bus.u8.fill(0, DATA, DATA + 512);
  send(IN, sectors - 1);
  assert.deepEqual(bus.serve(service), [{ id: 0, length: 513 }]);
  assert.equal(status(), OK);
  assert.ok(bus.u8.subarray(DATA, DATA + 512).every((byte) => byte === 0x5a));
  assert.ok(statSync(path).blocks < 1000, 'it is still sparse');
  send(OUT, sectors);
  assert.throws(() => service.serve(), /Write past end 8589938688\+512/);
  device.close();
});

test("launcher's disk: a barrier: what came before is flushed, what comes after waits", async () => {
  const disk = new ArrayDisk({ sectors: 8, later: true });
  const { bus, service, send } = onBus(disk);
  send(OUT, 0, 512, 0);
  send((OUT | BARRIER) >>> 0, 1, 512, 3);
  send(OUT, 2, 512, 6);
  assert.deepEqual(bus.serve(service), []);
  assert.equal(disk.waiting.length, 2, 'the first write and the flush');
  for (const answer of disk.waiting.splice(0)) answer();
  await new Promise(setImmediate);
  assert.deepEqual(bus.serve(service), [{ id: 0, length: 1 }]);
  assert.equal(disk.waiting.length, 1, 'the write of the barrier');
  assert.equal(bus.wakes, 0);
  for (const answer of disk.waiting.splice(0)) answer();
  await new Promise(setImmediate);
  assert.equal(bus.wakes, 1);
  assert.deepEqual(bus.serve(service), [{ id: 3, length: 1 }]);
  assert.equal(disk.waiting.length, 1, 'the write behind it');
  for (const answer of disk.waiting.splice(0)) answer();
  await new Promise(setImmediate);
  assert.deepEqual(bus.serve(service), [{ id: 6, length: 1 }]);
  assert.equal(disk.flushes, 1);
});

test("launcher's disk: a barrier whose flush fails is an error, and what comes after goes on", async () => {
  const disk = new ArrayDisk({ sectors: 8, later: true });
  const { bus, service, send, status } = onBus(disk);
  disk.failure = Object.assign(new Error('EIO: planted'), { syscall: 'fdatasync' });
  send((OUT | BARRIER) >>> 0, 1);
  bus.serve(service);
  for (const answer of disk.waiting.splice(0)) answer();
  await new Promise(setImmediate);
  assert.deepEqual(bus.serve(service), [{ id: 0, length: 1 }]);
  assert.equal(status(), IOERR);
  assert.equal(disk.waiting.length, 0, 'nothing was written');
  send(IN, 1, 512, 3);
  bus.serve(service);
  assert.equal(disk.waiting.length, 1);
});

test('device page: the fields of each device', () => {
  const disk = launcherBlock({ disk: new ArrayDisk({ sectors: 0x1234 }) });
  const mac = Uint8Array.of(2, 1, 2, 3, 4, 5);
  const cases = [
    // device, fields
    [
      disk,
      [
        [0x41, 0x34, 0x12, 0, 0, 0, 0, 0, 0],
        [0x43, 126, 0, 0, 0],
      ],
    ],
    [new NetDevice({ link: loopbackLink(), mac }), [[0x41, 2, 1, 2, 3, 4, 5]]],
    [new NetDevice({ link: loopbackLink() }), []],
    [new ConsoleDevice({ port: new EchoPort() }), []],
  ] as const;
  for (const [device, expected] of cases)
    assert.deepEqual(
      configFields(device).map(({ type, bytes }) => [type, ...bytes]),
      expected,
      device.name,
    );
});

test('launcher: a guest has no merged buffers: its packets begin with 10 bytes, zeroed', () => {
  const link = loopbackLink();
  const device = new NetDevice({ link });
  device.acknowledge(guestFeatures(device));
  const [receive, transmit] = [new BusQueue(VIRTIO_ID_NET, 0), new BusQueue(VIRTIO_ID_NET, 1)];
  const services = [device.start(0, receive.target), device.start(1, transmit.target)] as const;
  transmit.u8.fill(0x77, DATA, DATA + 70);
  transmit.offer(0, [
    ['out', DATA, 10],
    ['out', DATA + 10, 60],
  ]);
  assert.deepEqual(transmit.serve(services[1]), [{ id: 0, length: 0 }]);
  receive.u8.fill(0xee, DATA, DATA + 200);
  receive.offer(0, [
    ['in', DATA, 10],
    ['in', DATA + 100, 100],
  ]);
  assert.deepEqual(receive.serve(services[0]), [{ id: 0, length: 70 }]);
  assert.deepEqual([...receive.u8.subarray(DATA, DATA + 11)], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xee]);
  assert.ok(receive.u8.subarray(DATA + 100, DATA + 160).every((byte) => byte === 0x77));
});
