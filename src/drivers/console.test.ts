/** Console and entropy drivers against their devices, both on one thread. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConsoleDevice } from '../devices/console.ts';
import { EchoPort } from '../devices/console-port.ts';
import type { Device } from '../devices/device.ts';
import { EntropyDevice } from '../devices/entropy.ts';
import { randomFrom, started, TestQueue } from '../devices/test-queue.ts';
import { EMPTY } from '../guest/queue.ts';
import { Request } from '../host/queue.ts';
import { ByteReceiver } from './byte-receiver.ts';
import { CONSOLE_FEATURES, ConsoleDriver, readTerminalSize } from './console.ts';
import { EntropyDriver } from './entropy.ts';
import { Slots } from './slots.ts';
import { LyingQueue } from './test-lying-queue.ts';

const slotsOf = ({ data }: TestQueue, count: number, slotBytes: number) =>
  new Slots({ region: data, offset: 0, count, slotBytes });

interface StageOptions {
  eventIdx?: boolean;
  slots?: number;
  slotBytes?: number;
  capacity?: number;
}

/** A console driver and a device that echoes; `pump` serves it until it has nothing to do. */
function consoleStage({ slots = 4, slotBytes = 16, capacity = 4096, eventIdx = true }: StageOptions = {}) {
  const [rx, tx] = [new TestQueue({ size: 8, eventIdx }), new TestQueue({ size: 8, eventIdx })];
  const device: Device = new ConsoleDevice({ port: new EchoPort(capacity), size: { cols: 80, rows: 25 } });
  const driver = new ConsoleDriver({
    receive: { queue: rx.guest, slots: slotsOf(rx, slots, slotBytes) },
    transmit: { queue: tx.guest, slots: slotsOf(tx, slots, slotBytes) },
    features: device.features,
    config: device.config,
  });
  const services = [started(device, 0, rx), started(device, 1, tx)];
  const pump = () => {
    for (let round = 0; round < 4; round++) for (const service of services) while (service.serve());
  };
  return { rx, tx, device, driver, pump };
}

const bytesOf = (length: number, seed = 1) => Uint8Array.from({ length }, (_, i) => (i * 7 + seed) & 0xff);

test('console driver: what is written comes back, however it is cut', () => {
  const { driver, pump } = consoleStage();
  const sent = bytesOf(60);
  assert.equal(driver.write(sent), 60);
  pump();
  const back = new Uint8Array(100);
  let count = 0;
  for (const part of [1, 0, 20, 100]) {
    count += driver.input.read(back.subarray(count), part);
    pump();
  }
  assert.equal(count, 60);
  assert.deepEqual(back.slice(0, 60), sent);
  assert.equal(driver.input.read(back), 0);
});

test('console driver: no room is said, and room is told of', () => {
  const { driver, pump } = consoleStage();
  const sent = bytesOf(100);
  assert.equal(driver.write(sent), 64);
  assert.equal(driver.write(sent, 64), 0);
  assert.equal(driver.enableRoomCalls(), true);
  pump();
  assert.equal(driver.enableRoomCalls(), false);
  driver.disableRoomCalls();
  assert.equal(driver.write(sent, 64), 36);
});

test('console driver: the device is kicked for what is written and for buffers', () => {
  const { driver, pump, rx, tx } = consoleStage();
  const kicksLeft = () => [tx.guest.kick(), rx.guest.kick()];
  assert.deepEqual(kicksLeft(), [false, false]);
  driver.write(bytesOf(40));
  assert.deepEqual(kicksLeft(), [false, false]);
  pump();
  driver.input.read(new Uint8Array(40));
  assert.deepEqual(kicksLeft(), [false, false]);
});

test('console driver: calls for room are off, also on other queues', () => {
  const { driver, pump, rx, tx } = consoleStage({ eventIdx: false });
  driver.write(bytesOf(40));
  pump();
  assert.ok(rx.target.call.rings > 0);
  assert.equal(tx.target.call.rings, 0);
  const other = new TestQueue({ size: 8, eventIdx: false });
  driver.resume(new TestQueue({ size: 8 }).guest, other.guest);
  driver.write(bytesOf(10));
  const request = new Request(other.target.memory);
  assert.equal(other.target.queue.next(request), true);
  other.target.queue.complete(request, 0);
  assert.equal(other.target.queue.needsCall(), false);
});

test('console driver: input is told of, and a buffer that is half read is input', () => {
  const { driver, pump, rx } = consoleStage();
  const { input } = driver;
  const into = new Uint8Array(16);
  assert.equal(input.enableCalls(), true);
  driver.write(bytesOf(10));
  pump();
  assert.ok(rx.target.call.rings > 0);
  assert.equal(input.enableCalls(), false);
  assert.equal(input.read(into, 4), 4);
  assert.equal(input.enableCalls(), false);
  assert.equal(input.read(into), 6);
  assert.equal(input.enableCalls(), true);
  input.disableCalls();
});

test('console driver: 100,000 random bytes come back in order through little room', () => {
  const random = randomFrom(3);
  const { driver, pump, rx } = consoleStage({ slots: 2, slotBytes: 7, capacity: 4096 });
  const total = 100_000;
  const sent = Uint8Array.from({ length: total }, () => random(256));
  const back = new Uint8Array(total);
  let written = 0;
  let read = 0;
  for (let turns = 0; read < total && turns < 10 * total; turns++) {
    written += driver.write(sent, written, Math.min(total, written + random(30)));
    if (random(3) > 0) pump();
    read += driver.input.read(back.subarray(read), random(30));
  }
  assert.equal(read, total);
  assert.deepEqual(back, sent);
  assert.equal(rx.guest.freeDescriptors, 6, 'every receive buffer is with the device');
});

test('console driver: on other queues it goes on', () => {
  const { driver, pump } = consoleStage();
  driver.write(bytesOf(40));
  pump();
  driver.input.read(new Uint8Array(5));
  const [rx, tx] = [new TestQueue({ size: 8 }), new TestQueue({ size: 8 })];
  driver.resume(rx.guest, tx.guest);
  assert.equal(driver.input.read(new Uint8Array(5)), 0);
  assert.equal(rx.guest.freeDescriptors, 4);
  assert.equal(driver.write(bytesOf(100)), 64);
});

const consoleConfig = consoleStage().device.config;
for (const [what, config, features, expected] of [
  ['said', consoleConfig, CONSOLE_FEATURES, { cols: 80, rows: 25 }],
  ['not negotiated', consoleConfig, 0n, null],
  ['cannot be read', new Uint8Array(0), CONSOLE_FEATURES, null],
  ['cut off', consoleConfig.slice(0, 3), CONSOLE_FEATURES, null],
] as const)
  test(`the terminal's size: ${what}`, () => assert.deepEqual(readTerminalSize(config, features), expected));

test("console driver: the terminal's size is read again when it changed", () => {
  const { driver } = consoleStage();
  assert.deepEqual(driver.size, { cols: 80, rows: 25 });
  driver.reconfigure(Uint8Array.of(132, 0, 43, 0));
  assert.deepEqual(driver.size, { cols: 132, rows: 43 });
});

test('entropy driver: a stream of random bytes', () => {
  const queue = new TestQueue({ size: 8 });
  const driver = new EntropyDriver({ queue: queue.guest, slots: slotsOf(queue, 4, 64) });
  const service = started(new EntropyDevice(), 0, queue);
  const bytes = new Uint8Array(65536);
  let count = 0;
  for (let turns = 0; count < bytes.length && turns < 1000; turns++) {
    while (service.serve());
    count += driver.read(bytes.subarray(count), 100);
  }
  assert.equal(count, bytes.length);
  const seen = new Set(Array.from({ length: 8192 }, (_, i) => Buffer.from(bytes.buffer, 8 * i, 8).toString('hex')));
  assert.equal(seen.size, 8192, 'no eight bytes come twice');
});

/** Plays the device: writes `bytes` and says it were `used`. */
function give({ target: { queue, memory } }: TestQueue, bytes: Uint8Array, used: number): void {
  const request = new Request(memory);
  assert.equal(queue.next(request), true);
  request.writable.push(bytes, 0, bytes.length);
  queue.complete(request, used);
}

test('entropy driver: a device that writes less than it says gives no old bytes again', () => {
  const queue = new TestQueue({ size: 2 });
  const driver = new EntropyDriver({ queue: queue.guest, slots: slotsOf(queue, 1, 8) });
  const into = new Uint8Array(8);
  give(queue, bytesOf(8), 8);
  assert.equal(driver.read(into), 8);
  give(queue, Uint8Array.of(1, 2), 8);
  assert.equal(driver.read(into), 8);
  assert.deepEqual(into, Uint8Array.of(1, 2, 0, 0, 0, 0, 0, 0));
});

test('a stream of bytes: empty buffers go back, and lengths are cut to the buffer', () => {
  const queue = new TestQueue({ size: 4 });
  const receiver = new ByteReceiver({ queue: queue.guest, slots: slotsOf(queue, 3, 8) });
  const into = new Uint8Array(32);
  for (const used of [0, 0, 0xffffffff]) give(queue, bytesOf(8), used);
  assert.equal(receiver.read(into), 8);
  assert.deepEqual(into.slice(0, 8), bytesOf(8));
  assert.equal(queue.guest.freeDescriptors, 1);
  for (let i = 0; i < 3; i++) give(queue, bytesOf(8), 0);
  assert.equal(receiver.read(into), 0);
  assert.equal(receiver.read(into), 0);
  assert.equal(queue.guest.freeDescriptors, 1);
});

test('a stream of bytes: empty buffers without end do not hold the thread', () => {
  const queue = new LyingQueue(0);
  const receiver = new ByteReceiver({ queue, slots: slotsOf(new TestQueue(), 3, 8) });
  assert.equal(receiver.read(new Uint8Array(8)), 0);
  assert.equal(queue.asked, 3);
});

test('a stream of bytes: nothing behind a buffer is read, though the queue does not cut lengths', () => {
  const stage = new TestQueue();
  stage.data.u8.fill(0xee);
  const slots = slotsOf(stage, 3, 8);
  for (let slot = 0; slot < 3; slot++) stage.data.u8.fill(1, slots.offsetOf(slot), slots.offsetOf(slot) + 8);
  const into = new Uint8Array(24);
  assert.equal(new ByteReceiver({ queue: new LyingQueue(9), slots }).read(into), 24);
  assert.deepEqual(into, new Uint8Array(24).fill(1));
});

test('slots lie at cache lines, apart, and each is handed out once', () => {
  const { data: region } = new TestQueue();
  assert.equal(Slots.bytesFor(3, 65), 384);
  const slots = new Slots({ region, offset: 128, count: 3, slotBytes: 65 });
  assert.deepEqual([slots.acquire(), slots.acquire(), slots.acquire(), slots.acquire()], [0, 1, 2, EMPTY]);
  assert.deepEqual(
    [0, 1, 2].map((slot) => slots.offsetOf(slot)),
    [128, 256, 384],
  );
  slots.release(1);
  assert.deepEqual([slots.inUse, slots.acquire(), slots.inUse], [2, 1, 3]);
  const last = region.sizeBytes - 384;
  assert.equal(new Slots({ region, offset: last, count: 3, slotBytes: 65 }).inUse, 0);
  for (const [offset, count, slotBytes] of [
    [8, 1, 8],
    [last + 64, 3, 65],
    [-64, 1, 8],
    [0, 0, 8],
    [0, 1.5, 8],
    [0, 65536, 8],
    [0, 1, 0],
  ] as const)
    assert.throws(() => new Slots({ region, offset, count, slotBytes }), RangeError, `${offset} ${count} ${slotBytes}`);
});

test('a stream of bytes: more slots than descriptors are refused', () => {
  const queue = new TestQueue({ size: 2 });
  const slots = slotsOf(queue, 3, 8);
  assert.throws(() => new ByteReceiver({ queue: queue.guest, slots }), RangeError);
  const receive = { queue: new TestQueue({ size: 4 }).guest, slots: slotsOf(queue, 2, 8) };
  assert.throws(
    () =>
      new ConsoleDriver({ receive, transmit: { queue: queue.guest, slots }, features: 0n, config: new Uint8Array(0) }),
    RangeError,
  );
});
