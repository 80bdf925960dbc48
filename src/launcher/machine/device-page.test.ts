import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  VIRTIO_CONFIG_BLK_F_CAPACITY,
  VIRTIO_CONFIG_BLK_F_SEG_MAX,
  VIRTIO_CONFIG_NET_MAC_F,
} from '../../formats/lguest-bus.ts';
import { DevicePage } from './device-page.ts';
import { PhysicalMemory } from './physical-memory.ts';

const PAGE = 4096;
const RAM = 2 ** 20;

function setUp() {
  const memory = new PhysicalMemory(1);
  return { memory, page: new DevicePage(memory) };
}
const sectors = (count: bigint) => new Uint8Array(new BigUint64Array([count]).buffer);
const word = (value: number) => new Uint8Array(new Uint32Array([value]).buffer);
/** The page, byte by byte. */
const bytesOf = (memory: PhysicalMemory, length: number) => [...memory.bytes(RAM, length)];

test('device page: descriptors and fields in the order they were added, to the byte', () => {
  const { memory, page } = setUp();
  const net = page.addDevice(1);
  net.addVirtqueue();
  net.addVirtqueue();
  net.addField(VIRTIO_CONFIG_NET_MAC_F, Uint8Array.of(2, 0, 0, 0xaa, 0xbb, 0xcc));
  const block = page.addDevice(2);
  block.addVirtqueue();
  block.addField(VIRTIO_CONFIG_BLK_F_CAPACITY, sectors(0x1_0000_0003n));
  block.addField(VIRTIO_CONFIG_BLK_F_SEG_MAX, word(126));
  const console = page.addDevice(3);
  console.addVirtqueue();
  console.addVirtqueue();
  // Rings follow the page: two pages each, interrupt lines from 1. Page numbers: 0x100 is the device page.
  const vq = (irq: number, pfn: number) => [2, 8, 128, 0, irq, 0, pfn & 0xff, pfn >> 8, 0, 0];
  const expected = [
    ...[1, 28, 0, ...vq(1, 0x101), ...vq(2, 0x103), 0x41, 6, 2, 0, 0, 0xaa, 0xbb, 0xcc],
    ...[2, 26, 0, ...vq(3, 0x105), 0x41, 8, 3, 0, 0, 0, 1, 0, 0, 0, 0x43, 4, 126, 0, 0, 0],
    ...[3, 20, 0, ...vq(4, 0x107), ...vq(5, 0x109)],
    0,
  ];
  assert.deepEqual(bytesOf(memory, expected.length), expected);
  assert.deepEqual(
    page.devices.map(({ index, id, statusAddress }) => [index, id, statusAddress]),
    [
      [0, 1, RAM + 2],
      [1, 2, RAM + 31 + 2],
      [2, 3, RAM + 60 + 2],
    ],
  );
  assert.deepEqual([page.address, page.lineCount, memory.limitBytes], [RAM, 6, RAM + 11 * PAGE]);
});

test('device page: a ring lies in pages of its own, in the legacy layout, with its used ring on a page', () => {
  const { page } = setUp();
  const { layout, address, sizeBytes, line } = page.addDevice(4).addVirtqueue();
  assert.deepEqual([address, sizeBytes, line], [RAM + PAGE, 2 * PAGE, 1]);
  assert.deepEqual([layout.size, layout.availOffset, layout.usedOffset], [128, 2048, PAGE]);
});

test('device page: a queue without a handler has NO_NOTIFY set from the start, others have not', () => {
  const { memory, page } = setUp();
  const device = page.addDevice(3);
  for (const handled of [true, false]) {
    const { address, layout, sizeBytes } = device.addVirtqueue({ handled });
    const ring = [...memory.bytes(address, sizeBytes)];
    assert.deepEqual(
      ring.flatMap((byte, i) => (byte === 0 ? [] : [[i, byte]])),
      handled ? [] : [[layout.usedOffset, 1]],
    );
  }
});

test('device page: full with descriptors: too many devices, and none half written', () => {
  const { memory, page } = setUp();
  for (let i = 0; i < Math.floor(PAGE / 3); i++) page.addDevice(4);
  const before = bytesOf(memory, PAGE);
  assert.throws(() => page.addDevice(4), { code: 'too-many-devices', value: 4098, message: /^Too many devices/ });
  assert.throws(() => page.devices.at(-1)!.addField(0x41, new Uint8Array(2)), { code: 'too-many-devices' });
  assert.throws(() => page.devices.at(-1)!.addVirtqueue(), { code: 'too-many-devices' });
  assert.deepEqual(bytesOf(memory, PAGE), before);
  assert.equal(page.devices.length, Math.floor(PAGE / 3));
  assert.equal(memory.limitBytes, RAM + PAGE);
  assert.equal(page.lineCount, 1);
});

test('device page: filled to its last byte', () => {
  const { memory, page } = setUp();
  // 15 devices of 258 bytes, then one with the rest.
  for (let i = 0; i < 15; i++) page.addDevice(4).addField(0x41, new Uint8Array(253).fill(7));
  page.addDevice(4).addField(0x42, new Uint8Array(PAGE - 15 * 258 - 5).fill(9));
  assert.equal(memory.bytes(RAM + PAGE - 1, 1)[0], 9);
  assert.throws(() => page.addDevice(4), { code: 'too-many-devices' });
});

test('device page: the fields of one device take 255 bytes at most: its length has 8 bits', () => {
  const { page } = setUp();
  const device = page.addDevice(4);
  device.addField(0x41, new Uint8Array(200));
  assert.throws(() => device.addField(0x41, new Uint8Array(52)), { code: 'too-many-devices', value: 256 });
  assert.throws(() => device.addField(0x41, new Uint8Array(300)), { code: 'too-many-devices' });
  device.addField(0x41, new Uint8Array(51));
});

test('device page: rings that find no room', () => {
  const { memory, page } = setUp();
  const large = page.addDevice(4);
  // 32768 descriptors take 208 pages.
  large.addVirtqueue({ size: 32768 });
  const [before, limit, lines] = [bytesOf(memory, PAGE), memory.limitBytes, page.lineCount];
  assert.throws(() => large.addVirtqueue({ size: 32768 }), { code: 'no-device-memory' });
  assert.deepEqual([bytesOf(memory, PAGE), memory.limitBytes, page.lineCount], [before, limit, lines]);
});

test("device page: a caller's mistakes", () => {
  const { page } = setUp();
  const first = page.addDevice(1);
  page.addDevice(2);
  assert.throws(() => first.addField(0x41, new Uint8Array(6)), RangeError);
  assert.throws(() => first.addVirtqueue(), RangeError);
  for (const id of [0, 256, -1, 1.5]) assert.throws(() => page.addDevice(id), RangeError);
});
