/** The launcher's queue among friends. What bad guests get from it stands in the table of src/host/hostile.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MockDriver, type RawDescriptor } from '../guest/mock-driver.ts';
import { Request } from '../host/queue.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { allocateShared, MemoryRegion } from '../memory/region.ts';
import { bindRing } from '../ordering/ring-fields.ts';
import { seqcst } from '../ordering/seqcst.ts';
import { VRING_AVAIL_F_NO_INTERRUPT, VRING_DESC_F_WRITE, VRING_USED_F_NO_NOTIFY } from '../ring/constants.ts';
import { NO_FEATURES } from '../ring/features.ts';
import { legacyLayout, SplitRing } from '../ring/split-layout.ts';
import { LguestQueue } from './queue.ts';

const SIZE = 16;
const DATA = 16384;
const MEMORY_BYTES = 65536;

/** The launcher's guest memory starts at address 0. */
function setUp() {
  const region = new MemoryRegion({ guestBase: 0, buffer: allocateShared(MEMORY_BYTES) });
  const ring = SplitRing.within(region, 4096, legacyLayout(SIZE));
  const shared = bindRing(seqcst, ring);
  const memory = new GuestMemory([region]);
  const options = { ring, shared, features: NO_FEATURES, memory, name: 'console in' };
  const driver = new MockDriver({ ring, shared });
  return { ring, shared, options, driver, queue: new LguestQueue(options), request: new Request(memory) };
}
const data = (length: number, flags = 0, next = 0): RawDescriptor => ({ offset: DATA, length, flags, next });

for (const [what, features] of [
  ['INDIRECT_DESC', { indirect: true, eventIdx: false }],
  ['EVENT_IDX', { indirect: false, eventIdx: true }],
] as const)
  test(`lguest: ${what} is refused at set-up`, () => {
    const { options } = setUp();
    const refused = { ...options, features: { ...NO_FEATURES, ...features } };
    assert.throws(() => new LguestQueue(refused), { name: 'RangeError', message: new RegExp(what) });
  });

test('lguest: requests in and out, elements of length 0 among them, up to the last byte of memory', () => {
  const { driver, queue, request } = setUp();
  for (let i = 0; i < 3 * SIZE; i++) {
    driver.writeChain(i % 8, [data(3), data(0), { offset: MEMORY_BYTES - 2, length: 2, flags: VRING_DESC_F_WRITE }]);
    driver.offer(i % 8);
    assert.equal(queue.next(request), true);
    assert.deepEqual([request.readable.totalBytes(), request.writable.totalBytes()], [3, 2]);
    queue.complete(request, 2);
    assert.deepEqual(driver.readUsed(), { id: i % 8, length: 2 });
    assert.equal(queue.next(request), false);
  }
});

test('lguest: the guest is interrupted unless it set NO_INTERRUPT, and kicks can be switched off', () => {
  const { ring, shared, driver, queue, request } = setUp();
  driver.writeDescriptor(0, data(1));
  for (const [flags, expected] of [
    [0, true],
    [VRING_AVAIL_F_NO_INTERRUPT, false],
    [0, true],
  ] as const) {
    driver.setAvailFlags(flags);
    driver.offer(0);
    queue.next(request);
    queue.complete(request, 0);
    assert.equal(queue.needsCall(), expected);
  }
  queue.disableKicks();
  assert.equal(shared.used.load16(ring.usedFlags), VRING_USED_F_NO_NOTIFY);
  assert.equal(queue.enableKicks(), true);
  assert.equal(shared.used.load16(ring.usedFlags), 0);
});

test("lguest: a caller's mistake does not break the queue", () => {
  const { queue, request } = setUp();
  assert.throws(() => queue.completeHead(0, 0), RangeError);
  assert.equal(queue.isBroken, false);
  assert.equal(queue.next(request), false);
});
