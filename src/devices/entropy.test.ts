import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENTROPY_REQUEST_MAX, EntropyDevice } from './entropy.ts';
import { started, TestQueue } from './test-queue.ts';

function setUp() {
  const queue = new TestQueue();
  return { queue, service: started(new EntropyDevice(), 0, queue) };
}

for (const [what, lengths, expected] of [
  ['a byte', [1], 1],
  ['some dozens', [64], 64],
  ['several elements', [5, 100, 4096, 1], 4202],
  ['more than is drawn at a time', [10_000], 10_000],
  ['more than is given at a time', [100_000], ENTROPY_REQUEST_MAX],
  ['nothing', [0], 0],
] as const)
  test(`entropy: ${what}`, () => {
    const { queue, service } = setUp();
    let offset = 0;
    const pieces = lengths.map((length) => {
      const piece = { offset, length, write: true };
      offset += length + 8;
      return piece;
    });
    queue.offer(0, pieces);
    assert.deepEqual(queue.serve(service), [{ id: 0, length: expected }]);
    const bytes = pieces.flatMap((piece) => [...queue.data.u8.subarray(piece.offset, piece.offset + piece.length)]);
    const filled = bytes.slice(0, expected);
    // 64 bytes that are all zero, or a byte that never comes in 10,000, would be found once in 2^56 runs.
    if (expected >= 64) assert.ok(filled.some((byte) => byte !== 0));
    if (expected >= 10_000) assert.equal(new Set(filled).size, 256);
    for (const { offset: at, length } of pieces)
      assert.ok(
        queue.data.u8.subarray(at + length, at + length + 8).every((byte) => byte === 0),
        'nothing beside it',
      );
    assert.ok(bytes.slice(expected).every((byte) => byte === 0));
    assert.deepEqual([service.bytes, service.failures], [expected, expected === 0 ? 1 : 0]);
  });

test('entropy: no 16 bytes come twice', () => {
  const { queue, service } = setUp();
  const seen = new Set<string>();
  for (let i = 0; i < 2000; i++) {
    queue.offer(0, [{ offset: 0, length: 16, write: true }]);
    queue.serve(service);
    seen.add(Buffer.from(queue.data.u8.slice(0, 16)).toString('hex'));
  }
  assert.equal(seen.size, 2000);
});

test('entropy: what the guest sends is left alone', () => {
  const { queue, service } = setUp();
  queue.data.u8.fill(7, 0, 32);
  queue.offer(0, [
    { offset: 0, length: 32 },
    { offset: 64, length: 32, write: true },
  ]);
  assert.deepEqual(queue.serve(service), [{ id: 0, length: 32 }]);
  assert.ok(queue.data.u8.subarray(0, 32).every((byte) => byte === 7));
});

test('entropy: one queue, no features, nothing to configure', () => {
  const device = new EntropyDevice();
  assert.deepEqual([device.id, device.features, device.config.length, device.queueCount], [4, 0n, 0, 1]);
  assert.throws(() => device.start(1, new TestQueue().target), RangeError);
});
