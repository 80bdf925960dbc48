/** The bus as a guest finds it: on pages of a real machine, and on pages that make no sense. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VIRTIO_ID_BLOCK, VIRTIO_ID_CONSOLE, VIRTIO_ID_NET, VIRTIO_ID_RNG } from '../formats/ids.ts';
import { LGUEST_PAGE_SIZE } from '../formats/lguest-bus.ts';
import { ScatterList } from '../guest/scatter-list.ts';
import { Request } from '../host/queue.ts';
import { DevicePage } from '../launcher/machine/device-page.ts';
import { PhysicalMemory } from '../launcher/machine/physical-memory.ts';
import { LguestQueue } from '../launcher/queue.ts';
import { allocateShared, MemoryRegion } from '../memory/region.ts';
import { bindRing } from '../ordering/ring-fields.ts';
import { seqcst } from '../ordering/seqcst.ts';
import { NO_FEATURES } from '../ring/features.ts';
import { SplitRing } from '../ring/split-layout.ts';
import { type BusMachine, LguestBus } from './bus.ts';
import { driveBlock, driveConsole, driveEntropy, driveNet } from './bus-drivers.ts';
import { GuestRam } from './ram.ts';

/** A machine of 1 MB whose page `fill` has written. */
function machineOf(fill: (page: DevicePage) => void) {
  const memory = new PhysicalMemory(1);
  const page = new DevicePage(memory);
  fill(page);
  const told: string[] = [];
  const bytes = new Uint8Array(memory.shared.buffer);
  const machine: BusMachine = {
    memory: memory.shared,
    devicePage: page.address,
    notify: (address) => told.push(`notify 0x${address.toString(16)}`),
    setStatus: (device, status) => {
      told.push(`status ${device} ${status}`);
      bytes[page.devices[device]!.statusAddress] = status;
    },
  };
  return { memory, page, machine, told };
}

test('bus: devices in order, their queues, fields and status', () => {
  const { machine, page, told } = machineOf((page) => {
    const block = page.addDevice(VIRTIO_ID_BLOCK);
    block.addVirtqueue();
    block.addField(0x41, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    block.addField(0x99, new Uint8Array(0));
    const console = page.addDevice(VIRTIO_ID_CONSOLE);
    console.addVirtqueue({ size: 8 });
    console.addVirtqueue();
  });
  const { devices } = new LguestBus(machine);
  const placed = page.devices.map(({ queues }) => queues.map(({ address, line }) => [address, line]));
  assert.deepEqual(
    devices.map(({ index, id }) => [index, id]),
    [
      [0, VIRTIO_ID_BLOCK],
      [1, VIRTIO_ID_CONSOLE],
    ],
  );
  assert.deepEqual(
    devices.map(({ queues }) => queues.map(({ address, line }) => [address, line])),
    placed,
  );
  assert.deepEqual(
    devices[1]!.queues.map(({ size }) => size),
    [8, 128],
  );
  const [block] = devices;
  assert.deepEqual([...block!.field(0x41, 8)!], [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual([block!.field(0x42, 8), block!.field(0x99, 0)?.length], [null, 0]);
  assert.throws(() => block!.field(0x41, 6), { name: 'BusError', value: 8 });
  assert.equal(
    block!.drive(() => 'driver'),
    'driver',
  );
  const failure = new Error('planted');
  const fails = () =>
    devices[1]!.drive(() => {
      throw failure;
    });
  assert.throws(fails, failure);
  assert.deepEqual(told, ['status 0 1', 'status 0 3', 'status 0 7', 'status 1 1', 'status 1 3', 'status 1 131']);
  assert.deepEqual([block!.status, devices[1]!.status], [7, 131]);
});

test('bus: a page full of devices, to its last byte', () => {
  // 3 bytes of the descriptor, 2 of the field, 11 of its value.
  const { machine } = machineOf((page) => {
    for (let i = 0; i < 4096 / 16; i++) page.addDevice(VIRTIO_ID_RNG).addField(0x70, new Uint8Array(11));
  });
  assert.equal(new LguestBus(machine).devices.length, 256);
});

test('bus: features are negotiated where a device has a choice', () => {
  const { machine, memory } = machineOf((page) => {
    const device = page.addDevice(VIRTIO_ID_BLOCK);
    device.addField(0x40, Uint8Array.of(0xf0, 0, 0, 0x80, 0, 0, 0, 0));
    page.addDevice(VIRTIO_ID_NET);
  });
  const { devices } = new LguestBus(machine);
  assert.equal(devices[0]!.negotiate(0xff_8000_0011n), 0x8000_0010n);
  assert.deepEqual([...memory.bytes(machine.devicePage + 3 + 2 + 4, 4)], [0x10, 0, 0, 0x80]);
  assert.equal(devices[1]!.negotiate(-1n), null);
});

test('bus: requests go through a queue, which its ring notifies; a wish not to be kicked is kept to', () => {
  const { machine, memory, page, told } = machineOf((page) => page.addDevice(VIRTIO_ID_RNG).addVirtqueue());
  const { address, layout } = page.devices[0]!.queues[0]!;
  const all = memory.guestMemory();
  const ring = SplitRing.within(all.regions[0]!, address, layout);
  const host = new LguestQueue({ ring, shared: bindRing(seqcst, ring), features: NO_FEATURES, memory: all });
  const bus = new LguestBus(machine);
  const queue = bus.devices[0]!.openQueue(0);
  assert.throws(() => bus.devices[0]!.openQueue(1), { name: 'BusError', value: 1 });
  const elements = new ScatterList(1).addIn(bus.region, 0x20000, 8);
  const request = new Request(all);
  for (let i = 0; i < 300; i++) {
    if (i === 299) host.disableKicks();
    queue.add(elements, i);
    queue.kick();
    assert.equal(host.next(request), true);
    request.writable.push(Uint8Array.of(i), 0, 1);
    host.complete(request, 1);
    assert.deepEqual([queue.getBuf(), queue.usedLength, bus.region.u8[0x20000]], [i, 1, i & 0xff]);
  }
  assert.deepEqual([told.length, told[0]], [299, `notify 0x${address.toString(16)}`]);
});

const senseless: [string, number[], RegExp][] = [
  // what, the page's first bytes, message
  ['a field cut short', [2, 1, 0, 0x41], /a field of device 0 passes its end: 4101/],
  ['a value cut short', [2, 4, 0, 0x41, 8], /field 65 of device 0 has length 8/],
  ['a queue of another length', [2, 6, 0, 2, 4, 0, 0, 0, 0], /a queue of device 0 has length 4/],
  ['a queue with the timer', [2, 10, 0, 2, 8, 128, 0, 0, 0, 0, 1, 0, 0], /a queue of device 0 has interrupt 0/],
  ['features of another length', [2, 6, 0, 0x40, 4, 0, 0, 0, 0], /features of device 0 have length 4/],
];
function pageOf(bytes: readonly number[], devicePage = 4096, memoryBytes = 65536): BusMachine {
  const memory = allocateShared(memoryBytes);
  new Uint8Array(memory.buffer).set(bytes, devicePage);
  return { memory, devicePage, notify: () => {}, setStatus: () => {} };
}
for (const [what, bytes, message] of senseless)
  test(`bus: refuses ${what}`, () => {
    assert.throws(() => new LguestBus(pageOf(bytes)), { name: 'BusError', message });
  });
test('bus: refuses a page that is none, or ends in the middle of a device', () => {
  assert.throws(() => new LguestBus(pageOf([], 4097)), /it lies at 4097/);
  assert.throws(() => new LguestBus({ ...pageOf([]), devicePage: 65536 }), /it lies at 65536/);
  // Devices of 258 bytes, until one has no room.
  const device = [9, 255, 0, 0x70, 253, ...new Array<number>(253).fill(0)];
  const many = Array.from({ length: 15 }, () => device).flat();
  assert.throws(() => new LguestBus(pageOf([...many, 9, 255, 0])), /device 15 ends at/);
});
test('bus: whatever the page holds, the walk ends', () => {
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  };
  for (let i = 0; i < 300; i++) {
    const bytes = Array.from({ length: LGUEST_PAGE_SIZE }, () => (random() < 200 ? random() & 15 : random()));
    try {
      assert.ok(new LguestBus(pageOf(bytes)).devices.length <= LGUEST_PAGE_SIZE / 3);
    } catch (error) {
      assert.equal((error as Error).name, 'BusError', `page ${i}: ${error}`);
    }
  }
});

test('bus: drivers refuse devices without what they need, and tell them', () => {
  const { machine, told, memory } = machineOf((page) => {
    page.addDevice(VIRTIO_ID_BLOCK).addVirtqueue();
    const net = page.addDevice(VIRTIO_ID_NET);
    net.addVirtqueue();
    page.addDevice(VIRTIO_ID_CONSOLE);
    const block = page.addDevice(VIRTIO_ID_BLOCK);
    block.addVirtqueue();
    block.addField(0x41, Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 0));
  });
  const bus = new LguestBus(machine);
  const ram = new GuestRam(bus.region, memory.ramBytes);
  const [block, net, console, small] = bus.devices;
  assert.throws(() => driveBlock(block!, ram, { depth: 1, slotBytes: 512 }), /no capacity has block device 0/);
  assert.throws(() => driveNet(net!, ram), /device 1 has no queue 1/);
  assert.throws(() => driveConsole(console!, ram), /device 2 has no queue 0/);
  assert.throws(() => driveBlock(small!, ram, { depth: 1000, slotBytes: 4096 }), /bytes of guest memory/);
  for (const index of [0, 1, 2, 3]) assert.ok(told.includes(`status ${index} 131`));
});

test('bus: the drivers on devices as the launcher describes them', () => {
  const { machine, memory } = machineOf((page) => {
    const block = page.addDevice(VIRTIO_ID_BLOCK);
    block.addVirtqueue();
    block.addField(0x41, Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0));
    block.addField(0x43, Uint8Array.of(126, 0, 0, 0));
    block.addField(0x40, Uint8Array.of(0x20, 2, 0, 0, 0, 0, 0, 0));
    const net = page.addDevice(VIRTIO_ID_NET);
    net.addVirtqueue();
    net.addVirtqueue();
    net.addField(0x41, Uint8Array.of(2, 0, 0, 0, 0, 7));
    page.addDevice(VIRTIO_ID_RNG).addVirtqueue();
  });
  const bus = new LguestBus(machine);
  const ram = new GuestRam(bus.region, memory.ramBytes);
  const [block, net, entropy] = bus.devices;
  const { disk } = driveBlock(block!, ram, { depth: 4, slotBytes: 8192 });
  assert.deepEqual([disk.capacitySectors, disk.readOnly, disk.canFlush, disk.elementsMax], [2 ** 32, true, true, 126]);
  const driver = driveNet(net!, ram);
  assert.deepEqual([driver.headerBytes, [...driver.net.mac!], driver.mtuOrDefault], [10, [2, 0, 0, 0, 0, 7], 1500]);
  assert.equal(driveEntropy(entropy!, ram).read(new Uint8Array(8)), 0);
});

test('guest ram: whole pages, none twice, none past the end', () => {
  const region = new MemoryRegion({ guestBase: 0, buffer: allocateShared(0x20000) });
  const ram = new GuestRam(region, 0x14000);
  assert.deepEqual([ram.take(1), ram.take(4096), ram.take(4097), ram.freeBytes], [0x10000, 0x11000, 0x12000, 0]);
  assert.throws(() => ram.take(1), /no 4096 bytes of guest memory, 0 are left/);
  assert.equal(new GuestRam(region, 0x1000).freeBytes, 0);
});
