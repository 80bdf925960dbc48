import assert from 'node:assert/strict';
import { closeSync, fstatSync, fsyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as blk from '../formats/block.ts';
import { whyUnavailable } from '../native/libc.ts';
import { AsyncDisk, type FileCalls } from './async-disk.ts';
import { BlockDevice } from './block.ts';
import { randomFrom, started, TestQueue } from './test-queue.ts';

const { VIRTIO_BLK_S_OK: OK, VIRTIO_BLK_S_IOERR: IOERR } = blk;
const native = whyUnavailable() ?? false;
const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));
const SECTORS = 512;
let images = 0;
function image(): string {
  const path = join(folder, `${images++}.img`);
  writeFileSync(
    path,
    Uint8Array.from({ length: 512 * SECTORS }, (_, i) => (i >> 9) & 0xff),
  );
  return path;
}

/** A slow medium: what is asked for waits until the test lets it go on, in whatever order. */
class SleepingCalls implements FileCalls {
  /** What was called, and when it ended: `read`, `write`, `sync`. */
  readonly log: string[] = [];
  readonly asleep: { call: string; wake: (code?: string) => void }[] = [];

  readv: FileCalls['readv'] = (descriptor, into, position, done) => {
    this.sleep('read', done, () => {
      const file = readFileSync(`/proc/self/fd/${descriptor}`);
      let at = position;
      for (const view of into) {
        view.set(file.subarray(at, at + view.length));
        at += view.length;
      }
      return at - position;
    });
  };
  writev: FileCalls['writev'] = (_descriptor, from, _position, done) => {
    this.sleep('write', done, () => from.reduce((sum, view) => sum + view.length, 0));
  };
  write: FileCalls['write'] = (_descriptor, _from, _offset, length, _position, done) => {
    this.sleep('write', done, () => length);
  };
  fdatasync: FileCalls['fdatasync'] = (_descriptor, done) => {
    this.sleep(
      'sync',
      (error) => done(error),
      () => 0,
    );
  };

  private sleep(call: string, done: (error: Error | null, count: number) => void, work: () => number): void {
    this.log.push(call);
    const wake = (code?: string) => {
      this.log.push(`${call} ended`);
      if (code === undefined) done(null, work());
      else done(Object.assign(new Error(`${code}: planted`), { code, syscall: call }), 0);
    };
    this.asleep.push({ call, wake });
  }
}

const turn = () => new Promise(setImmediate);

function setUp(calls: FileCalls | undefined, path = image()) {
  const disk = new AsyncDisk({ path, atOnce: false, ...(calls === undefined ? {} : { calls }) });
  const device = new BlockDevice({ disk });
  const queue = new TestQueue();
  const service = started(device, 0, queue);
  const { u8 } = queue.data;
  /** A request of one sector, its header and status at its head's place. */
  const send = (head: number, type: number, sector = head) => {
    const at = 64 * head;
    const view = new DataView(u8.buffer, u8.byteOffset + at);
    view.setUint32(0, type, true);
    view.setBigUint64(8, BigInt(sector), true);
    u8[at + 16] = 0xee;
    const write = type === blk.VIRTIO_BLK_T_IN;
    const data = type === blk.VIRTIO_BLK_T_FLUSH ? [] : [{ offset: 32768 + 512 * head, length: 512, write }];
    queue.offer(head, [{ offset: at, length: 16 }, ...data, { offset: at + 16, length: 1, write: true }]);
  };
  const status = (head: number) => u8[64 * head + 16];
  const data = (head: number) => u8.subarray(32768 + 512 * head, 32768 + 512 * (head + 1));
  return { disk, device, queue, service, send, status, data };
}

test('async disk: on a slow medium many requests are under way at once, answered as they end', async () => {
  const calls = new SleepingCalls();
  const { disk, device, queue, service, send, status, data } = setUp(calls);
  for (let i = 0; i < 32; i++) send(3 * i, blk.VIRTIO_BLK_T_IN);
  assert.deepEqual(queue.serve(service), [], 'the device does not wait for any');
  assert.equal(calls.asleep.length, 32);
  assert.equal(disk.threadedCount, 32);
  const random = randomFrom(7);
  const order: number[] = [];
  const heads = Array.from({ length: 32 }, (_, i) => 3 * i);
  while (calls.asleep.length > 0) {
    const at = random(calls.asleep.length);
    const [call] = calls.asleep.splice(at, 1);
    const [head] = heads.splice(at, 1);
    call!.wake();
    await turn();
    assert.deepEqual(queue.serve(service), [{ id: head, length: 513 }]);
    assert.equal(status(head!), OK);
    assert.ok(data(head!).every((byte) => byte === head));
    order.push(head!);
  }
  assert.notDeepEqual(
    order,
    order.toSorted((a, b) => a - b),
  );
  device.close();
});

test('async disk: a flush waits for what came before it, not for what comes after', async () => {
  const calls = new SleepingCalls();
  const { device, queue, service, send } = setUp(calls);
  send(0, blk.VIRTIO_BLK_T_OUT);
  send(3, blk.VIRTIO_BLK_T_OUT);
  send(6, blk.VIRTIO_BLK_T_FLUSH);
  send(9, blk.VIRTIO_BLK_T_OUT);
  queue.serve(service);
  assert.deepEqual(calls.log, ['write', 'write', 'write']);
  const [first, second, third] = calls.asleep;
  second!.wake();
  await turn();
  assert.deepEqual(queue.serve(service), [{ id: 3, length: 1 }]);
  assert.equal(calls.log.includes('sync'), false, 'one of them is still under way');
  // One that fails is told to its own request; the others still reach the medium.
  first!.wake('EIO');
  await turn();
  assert.deepEqual(queue.serve(service), [{ id: 0, length: 1 }]);
  assert.equal(calls.log.at(-1), 'sync');
  calls.asleep.at(-1)!.wake();
  await turn();
  assert.deepEqual(queue.serve(service), [{ id: 6, length: 1 }]);
  third!.wake();
  await turn();
  assert.deepEqual(queue.serve(service), [{ id: 9, length: 1 }]);
  device.close();
});

for (const [what, type, length] of [
  ['a read', blk.VIRTIO_BLK_T_IN, 0],
  ['a write', blk.VIRTIO_BLK_T_OUT, 1],
  ['a flush', blk.VIRTIO_BLK_T_FLUSH, 1],
] as const)
  test(`async disk: ${what} that fails on another thread is an I/O error`, async () => {
    const calls = new SleepingCalls();
    const { device, queue, service, send, status } = setUp(calls);
    send(0, type);
    queue.serve(service);
    calls.asleep[0]!.wake('EIO');
    await turn();
    assert.deepEqual(queue.serve(service), [{ id: 0, length }]);
    assert.equal(status(0), IOERR);
    assert.equal(service.failures, 1);
    device.close();
  });

test('async disk: stop waits for what is under way; the file is closed behind it', async () => {
  const calls = new SleepingCalls();
  const { disk, device, queue, service, send } = setUp(calls);
  const { descriptor } = disk as unknown as { descriptor: number };
  send(0, blk.VIRTIO_BLK_T_OUT);
  queue.serve(service);
  let stopped = false;
  const stopping = Promise.resolve(service.stop()).then(() => {
    stopped = true;
  });
  await turn();
  assert.equal(stopped, false);
  device.close();
  fsyncSync(descriptor);
  calls.asleep[0]!.wake();
  await stopping;
  await turn();
  assert.throws(() => fstatSync(descriptor), { code: 'EBADF' });
});

test('async disk: a page-cached file is served at once, as far as the file system can tell', { skip: native }, () => {
  const path = image();
  const disk = new AsyncDisk({ path });
  const device = new BlockDevice({ disk });
  const queue = new TestQueue();
  const service = started(device, 0, queue);
  queue.data.u8[0] = blk.VIRTIO_BLK_T_OUT;
  queue.offer(0, [
    { offset: 0, length: 16 },
    { offset: 4096, length: 512 },
    { offset: 64, length: 1, write: true },
  ]);
  assert.deepEqual(queue.serve(service), [{ id: 0, length: 1 }]);
  assert.deepEqual([disk.atOnceCount, disk.threadedCount], [1, 0]);
  device.close();
});

test('async disk: real threads: random requests, many at once, are what an array would hold', async () => {
  const path = image();
  const { device, queue, service, send, status, data } = setUp(undefined, path);
  const model = new Uint8Array(readFileSync(path));
  const random = randomFrom(3);
  for (let round = 0; round < 100; round++) {
    // Sectors of one round differ: the order among them is open.
    const first = random(SECTORS - 32);
    const kinds = Array.from({ length: 32 }, () => (random(2) === 0 ? blk.VIRTIO_BLK_T_IN : blk.VIRTIO_BLK_T_OUT));
    for (const [i, type] of kinds.entries()) {
      if (type === blk.VIRTIO_BLK_T_OUT) data(3 * i).fill(random(256));
      send(3 * i, type, first + i);
    }
    let answered = 0;
    for (let turns = 0; answered < 32; turns++) {
      assert.ok(turns < 1e6);
      answered += queue.serve(service).length;
      if (answered < 32) await turn();
    }
    for (const [i, type] of kinds.entries()) {
      assert.equal(status(3 * i), OK);
      const at = 512 * (first + i);
      if (type === blk.VIRTIO_BLK_T_OUT) model.set(data(3 * i), at);
      else assert.deepEqual(data(3 * i), model.subarray(at, at + 512));
    }
  }
  await service.stop();
  device.close();
  const file = openSync(path, 'r');
  assert.deepEqual(new Uint8Array(readFileSync(file)), model);
  closeSync(file);
});
