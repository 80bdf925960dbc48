import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';
import { ConsoleDevice } from './console.ts';
import { EchoPort, StreamPort } from './console-port.ts';
import { randomFrom, started, TestQueue } from './test-queue.ts';

function setUp(port: EchoPort | StreamPort = new EchoPort()) {
  const device = new ConsoleDevice({ port });
  const rx = new TestQueue();
  const tx = new TestQueue();
  return { port, device, rx, tx, receive: started(device, 0, rx), transmit: started(device, 1, tx) };
}
/** Puts bytes at 0 of the transmit queue's memory and offers them as head 0, in one element. */
function say(tx: TestQueue, bytes: string | Uint8Array): void {
  const sent = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
  tx.data.u8.set(sent, 0);
  tx.offer(0, [{ offset: 0, length: sent.length }]);
}
const text = (queue: TestQueue, offset: number, length: number) =>
  Buffer.from(queue.data.u8.slice(offset, offset + length)).toString('latin1');

test('console: what is written comes back as it was', () => {
  const { rx, tx, receive, transmit } = setUp();
  for (let head = 0; head < 4; head++) rx.offer(head, [{ offset: 64 * head, length: 8, write: true }]);
  assert.deepEqual(rx.serve(receive), []);
  say(tx, 'hello, console');
  assert.deepEqual(tx.serve(transmit), [{ id: 0, length: 0 }]);
  assert.equal(rx.wakes, 1);
  assert.deepEqual(rx.serve(receive), [
    { id: 0, length: 8 },
    { id: 1, length: 6 },
  ]);
  assert.equal(text(rx, 0, 8) + text(rx, 64, 6), 'hello, console');
  assert.deepEqual([transmit.bytes, receive.bytes], [14, 14]);
});

test('console: without guest buffers bytes wait in the port, and nobody is woken', () => {
  const { rx, tx, receive, transmit } = setUp();
  rx.serve(receive);
  say(tx, 'waiting');
  tx.serve(transmit);
  assert.equal(rx.wakes, 0);
  rx.offer(0, [{ offset: 0, length: 64, write: true }]);
  assert.deepEqual(rx.serve(receive), [{ id: 0, length: 7 }]);
  say(tx, 'again');
  tx.serve(transmit);
  assert.equal(rx.wakes, 0, 'it has no buffers again');
  rx.offer(1, [{ offset: 0, length: 64, write: true }]);
  rx.serve(receive);
  assert.equal(text(rx, 0, 5), 'again');
});

test('console: what the port has no room for waits in the ring, and goes on where it stopped', () => {
  const port = new EchoPort(5000);
  const { tx, transmit } = setUp(port);
  const sent = Uint8Array.from({ length: 9000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
  say(tx, sent);
  const got: number[] = [];
  const chunk = new Uint8Array(1000);
  for (let rounds = 0; got.length < sent.length; rounds++) {
    assert.ok(rounds < 100);
    const used = tx.serve(transmit);
    if (used.length > 0) assert.equal(transmit.bytes, 9000);
    for (let count = port.read(chunk, 700); count > 0; count = port.read(chunk, 700))
      got.push(...chunk.subarray(0, count));
  }
  assert.deepEqual(got, [...sent]);
  assert.ok(tx.wakes >= 1);
  assert.deepEqual([transmit.requests, tx.serve(transmit).length], [1, 0]);
});

test('console: a stopped queue has nothing in flight and is left alone', () => {
  const port = new EchoPort(4096);
  const { rx, tx, receive, transmit } = setUp(port);
  say(tx, new Uint8Array(9000));
  tx.serve(transmit);
  rx.offer(0, [{ offset: 0, length: 64, write: true }]);
  transmit.stop();
  receive.stop();
  const chunk = new Uint8Array(4096);
  port.read(chunk, 4096);
  port.write(chunk, 1);
  assert.deepEqual([tx.wakes, rx.wakes], [0, 1]);
  assert.equal(receive.serve(), false);
  assert.doesNotThrow(() => [rx, tx].map(({ target }) => target.queue.state()));
});

/** A request of 100,000 bytes that the port takes a part of, and the bytes. */
function half() {
  const port = new EchoPort();
  const device = new ConsoleDevice({ port });
  const tx = new TestQueue();
  const sent = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
  const service = started(device, 1, tx);
  say(tx, sent);
  const chunk = new Uint8Array(4096);
  const got: number[] = [];
  const read = (bytesMax: number) => {
    for (let left = bytesMax; left > 0; ) {
      const count = port.read(chunk, Math.min(left, chunk.length));
      if (count === 0) break;
      got.push(...chunk.subarray(0, count));
      left -= count;
    }
  };
  return { port, device, tx, sent, service, got, read };
}

for (const everyTurn of [false, true])
  test(`console: a request goes on where it was after ${everyTurn ? 'a pause in every turn' : 'one pause'}`, () => {
    const { device, tx, sent, got, read, ...first } = half();
    let { service } = first;
    const used: unknown[] = [];
    let pauses = 0;
    for (let rounds = 0; got.length < sent.length; rounds++) {
      assert.ok(rounds < 200);
      service.serve();
      if (everyTurn || pauses === 0) {
        assert.equal(service.stop(), undefined);
        assert.doesNotThrow(() => tx.target.queue.state());
        service = device.start(1, tx.target);
        pauses++;
      }
      read(10_000);
    }
    used.push(...tx.serve(service));
    assert.deepEqual(used, [{ id: 0, length: 0 }]);
    read(1);
    assert.equal(Buffer.compare(Uint8Array.from(got), sent), 0, `${got.length} bytes of ${sent.length}`);
    assert.ok(everyTurn ? pauses > 5 : pauses === 1);
  });

test('console: a request that waits is paused twice without a byte moved between', () => {
  const { device, tx, sent, service, got, read } = half();
  tx.serve(service);
  service.stop();
  device.start(1, tx.target).stop();
  const last = device.start(1, tx.target);
  read(65_536);
  assert.equal(tx.serve(last).length, 1);
  read(65_536);
  assert.equal(Buffer.compare(Uint8Array.from(got), sent), 0);
});

/** A ring set up anew, with a request of these bytes. */
function fresh(bytes: Uint8Array, { head = 0, offset = 0, before = () => {} }: FreshOptions = {}): TestQueue {
  const queue = new TestQueue();
  queue.data.u8.set(bytes, offset);
  before(queue);
  queue.offer(head, [{ offset, length: bytes.length }]);
  return queue;
}
interface FreshOptions {
  head?: number;
  offset?: number;
  before?: (queue: TestQueue) => void;
}

const others: [what: string, change: (rig: ReturnType<typeof half>) => TestQueue][] = [
  [
    'after a reset',
    ({ device, tx }) => {
      device.reset();
      return tx;
    },
  ],
  ['whose length is another', ({ sent }) => fresh(sent.subarray(0, 500))],
  ['whose place is another', ({ sent }) => fresh(sent, { offset: 64 })],
  ['whose head is another', ({ sent }) => fresh(sent, { head: 3 })],
  [
    'behind another one in the ring',
    ({ sent }) => fresh(sent, { before: (queue) => queue.offer(4, [{ offset: 0, length: 0 }]) }),
  ],
];
for (const [what, change] of others)
  test(`console: a request ${what} is not the one that was paused: it is served whole`, () => {
    const rig = half();
    const { device, tx, sent, service, got, read } = rig;
    tx.serve(service);
    service.stop();
    read(65_536);
    got.length = 0;
    const queue = change(rig);
    const next = device.start(1, queue.target);
    for (let rounds = 0; next.requests < queue.driver.availIdx; rounds++) {
      assert.ok(rounds < 10);
      next.serve();
      read(65_536);
    }
    const whole = what === 'whose length is another' ? sent.subarray(0, 500) : sent;
    assert.equal(Buffer.compare(Uint8Array.from(got), whole), 0, `${got.length} bytes`);
  });

test('console: a receive buffer without room is given back', () => {
  const { rx, tx, receive, transmit } = setUp();
  say(tx, 'x');
  tx.serve(transmit);
  rx.offer(0, [{ offset: 0, length: 8 }]);
  rx.offer(1, [{ offset: 0, length: 8, write: true }]);
  assert.deepEqual(rx.serve(receive), [
    { id: 0, length: 0 },
    { id: 1, length: 1 },
  ]);
  assert.equal(receive.failures, 1);
});

test('console: configuration space and features', () => {
  const sized = new ConsoleDevice({ port: new EchoPort(), size: { cols: 80, rows: 25 } });
  assert.deepEqual([...sized.config], [80, 0, 25, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual([sized.features, sized.id], [1n, 3]);
  assert.equal(new ConsoleDevice({ port: new EchoPort() }).features, 0n);
  assert.throws(() => sized.start(2, new TestQueue().target), RangeError);
});

test('console: streams as a port: input in chunks of any size, output with their back-pressure', async () => {
  const input = new PassThrough();
  const written: Buffer[] = [];
  const done: (() => void)[] = [];
  const output = new Writable({
    highWaterMark: 10,
    write: (chunk, _encoding, callback) => {
      written.push(chunk);
      done.push(callback);
    },
  });
  const port = new StreamPort(input, output);
  const { rx, tx, receive, transmit } = setUp(port);
  for (let head = 0; head < 4; head++) rx.offer(head, [{ offset: 64 * head, length: 6, write: true }]);
  assert.deepEqual(rx.serve(receive), []);
  input.write('typed text');
  input.write('!');
  await new Promise(setImmediate);
  assert.ok(rx.wakes > 0);
  assert.equal(rx.serve(receive).length, 2);
  await new Promise(setImmediate);
  assert.equal(rx.serve(receive).length, 1);
  assert.equal(text(rx, 0, 6) + text(rx, 64, 4) + text(rx, 128, 1), 'typed text!');

  say(tx, '0123456789abc');
  assert.equal(tx.serve(transmit).length, 1);
  say(tx, 'later');
  assert.equal(tx.serve(transmit).length, 0, 'the stream is full');
  while (done.length > 0) {
    done.shift()!();
    await new Promise(setImmediate);
  }
  assert.equal(tx.wakes, 1);
  assert.equal(tx.serve(transmit).length, 1);
  assert.equal(Buffer.concat(written).toString(), '0123456789abclater');
  port.close();
  assert.deepEqual([input.listenerCount('data'), output.listenerCount('drain')], [0, 0]);
});

const failures: [what: string, fail: (input: PassThrough, output: PassThrough) => void, warning: RegExp][] = [
  ['output', (_, output) => output.destroy(new Error('ENOSPC: planted')), /write console output.*ENOSPC: planted/],
  ['input', (input) => input.destroy(new Error('EIO: planted')), /get console input.*EIO: planted/],
];
for (const [what, fail, warning] of failures)
  test(`console: ${what} that fails is told of once, and the guest writes on`, async () => {
    const [input, output] = [new PassThrough(), new PassThrough({ highWaterMark: 1 })];
    const warnings: string[] = [];
    const port = new StreamPort(input, output, (line) => warnings.push(line));
    const { tx, transmit } = setUp(port);
    say(tx, 'fills it');
    assert.equal(tx.serve(transmit).length, 1);
    fail(input, output);
    await new Promise(setImmediate);
    if (what === 'input') output.resume();
    for (let i = 0; i < 10; i++) {
      say(tx, 'more');
      while (tx.serve(transmit).length === 0) await new Promise(setImmediate);
    }
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, warning);
    port.close();
  });

test('console: without streams nothing comes, and what is written is forgotten', () => {
  const { rx, tx, receive, transmit } = setUp(new StreamPort(null, null));
  rx.offer(0, [{ offset: 0, length: 8, write: true }]);
  say(tx, 'nobody');
  assert.deepEqual([rx.serve(receive).length, tx.serve(transmit).length], [0, 1]);
});

test('console: random writes come back over random buffers, in order', () => {
  const random = randomFrom(5);
  const { rx, tx, receive, transmit } = setUp(new EchoPort(300));
  const sent: number[] = [];
  const got: number[] = [];
  let offered: number[] = [];
  for (let round = 0; round < 20_000 && (round < 3000 || got.length < sent.length); round++) {
    if (
      random(2) === 0 &&
      round < 3000 &&
      transmit.requests === tx.driver.lastUsedIdx &&
      tx.driver.availIdx === tx.driver.lastUsedIdx
    ) {
      const bytes = Uint8Array.from({ length: random(250) + 1 }, () => random(256));
      sent.push(...bytes);
      say(tx, bytes);
    }
    if (offered.length === 0)
      offered = Array.from({ length: 1 + random(3) }, (_, head) => {
        const length = 1 + random(100);
        rx.offer(head, [{ offset: 512 * head, length, write: true }]);
        return head;
      });
    if (random(2) === 0) tx.serve(transmit);
    for (const { id, length } of rx.serve(receive)) {
      got.push(...rx.data.u8.subarray(512 * id, 512 * id + length));
      offered = offered.filter((head) => head !== id);
    }
  }
  assert.ok(sent.length > 10_000);
  assert.deepEqual(got, sent);
});
