import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SilentDoorbell } from '../doorbell/doorbell.ts';
import { VIRTIO_BLK_S_IOERR } from '../formats/block.ts';
import { SplitVirtqueue } from '../guest/split-virtqueue.ts';
import { Vringh } from '../host/vringh.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { allocateShared, MemoryRegion } from '../memory/region.ts';
import { ORDERINGS } from '../ordering/index.ts';
import { bindRing } from '../ordering/ring-fields.ts';
import { RingError } from '../ring/errors.ts';
import { NO_FEATURES } from '../ring/features.ts';
import { modernLayout, SplitRing } from '../ring/split-layout.ts';
import { BlockDriver } from './block.ts';
import { BlockClient } from './block-client.ts';
import { TestDisk } from './test-disk.ts';

function stage(ringSize = 64) {
  const region = new MemoryRegion({ guestBase: 2 ** 40, buffer: allocateShared(2 ** 18) });
  const memory = new GuestMemory([region]);
  const ring = SplitRing.within(region, 0, modernLayout(ringSize));
  const shared = bindRing(ORDERINGS.seqcst, ring);
  const queue = new SplitVirtqueue({ ring, shared, features: NO_FEATURES, doorbell: new SilentDoorbell() });
  const disk = new TestDisk(new Vringh({ ring, shared, features: NO_FEATURES, memory }), memory, 65536);
  const config = new Uint8Array(8);
  new DataView(config.buffer).setBigUint64(0, 128n, true);
  const options = { queue, region, offset: 65536, depth: 4, slotBytes: 4096, features: 1n << 9n, config };
  return { disk, client: new BlockClient(new BlockDriver(options)), ring, shared, queue };
}

/** Serves until nothing comes any more. */
function serveAll({ disk, client }: ReturnType<typeof stage>): void {
  while (disk.serve() > 0) client.serve();
}

for (const ringSize of [64, 8])
  test(`block client: more requests than slots, or than a ring of ${ringSize} has room for, wait their turn`, async () => {
    const all = stage(ringSize);
    const { client, disk } = all;
    const writes = Array.from({ length: 20 }, (_, i) => client.write(i, new Uint8Array(512).fill(i + 1)));
    serveAll(all);
    await Promise.all(writes);
    for (let i = 0; i < 20; i++) assert.ok(disk.bytes.subarray(i * 512, (i + 1) * 512).every((byte) => byte === i + 1));
    const bytes = new Uint8Array(4096);
    const last = [client.read(0, bytes), client.flush()];
    const name = client.getId();
    serveAll(all);
    await Promise.all(last);
    assert.deepEqual(bytes, disk.bytes.slice(0, 4096));
    assert.equal(await name, 'test disk');
    assert.equal(disk.flushes, 1);
  });

test('block client: what the device or the driver refuses is one rejection, and the next one goes on', async () => {
  const all = stage();
  const { client, disk } = all;
  await assert.rejects(client.read(0, new Uint8Array(100)), RangeError);
  await assert.rejects(client.write(0, new Uint8Array(8192)), RangeError);
  disk.forcedStatus = VIRTIO_BLK_S_IOERR;
  const refused = client.read(3, new Uint8Array(512));
  serveAll(all);
  await assert.rejects(refused, { code: 'io-error', message: /^read of 512 bytes from sector 3: / });
  disk.forcedStatus = null;
  const served = client.read(3, new Uint8Array(512));
  serveAll(all);
  await served;
});

test('block client: a device that is gone rejects what is under way, what waits, and what comes', async () => {
  const { client } = stage();
  const gone = new Error('gone');
  const pending = Array.from({ length: 8 }, () => client.flush());
  client.fail(gone);
  for (const operation of [...pending, client.flush()]) await assert.rejects(operation, gone);
});

type Stage = ReturnType<typeof stage>;
const used = ({ ring, shared }: Stage) => shared.used.load16(ring.usedIdx);
/** What a device can do to its used ring, and the code that it is told by. */
const breaks: [what: string, act: (all: Stage) => void, code: string][] = [
  ['an index that jumps', (all) => all.shared.used.store16(all.ring.usedIdx, used(all) + 5), 'used-index-jump'],
  ['an index that goes back', (all) => all.shared.used.store16(all.ring.usedIdx, used(all) - 1), 'used-index-jump'],
  [
    'a head that is not outstanding',
    (all) => {
      all.ring.places.used.region.u32[(all.ring.places.used.offset + 4) >> 2] = 63;
      all.shared.used.store16(all.ring.usedIdx, used(all) + 1);
    },
    'used-id-not-outstanding',
  ],
];
for (const [what, act, code] of breaks)
  test(`block client: a queue that breaks by ${what} rejects what is under way, what waits, and what comes`, async () => {
    const all = stage();
    const { client } = all;
    // Two more than there are slots.
    const pending = Array.from({ length: 6 }, (_, i) => client.write(i, new Uint8Array(512)));
    const settled = Promise.allSettled(pending);
    act(all);
    client.serve();
    client.serve();
    for (const result of await settled)
      assert.deepEqual(result.status === 'rejected' ? (result.reason as { code?: string }).code : result.status, code);
    await assert.rejects(client.flush(), { name: 'RingError', code });
    await assert.rejects(client.getId(), { name: 'RingError', code });
  });

test('block client: a queue found broken by the next request rejects those before it, too', async () => {
  const all = stage();
  const { client } = all;
  const first = Promise.allSettled([client.write(0, new Uint8Array(512))]);
  const broken = new RingError('used-index-jump', 'queue 0', 0, 9);
  all.queue.addDeferred = () => {
    throw broken;
  };
  await assert.rejects(client.flush(), broken);
  assert.deepEqual(await first, [{ status: 'rejected', reason: broken }]);
});

test('block client: after a failure another one changes nothing', async () => {
  const { client } = stage();
  const gone = new Error('gone');
  const pending = Promise.allSettled([client.flush()]);
  client.fail(gone);
  client.fail(new Error('later'));
  assert.deepEqual(await pending, [{ status: 'rejected', reason: gone }]);
  await assert.rejects(client.flush(), gone);
});

test('block client: bytes that were given away meanwhile are one rejection, and the next request goes on', async () => {
  const all = stage();
  const { client } = all;
  const bytes = new Uint8Array(512);
  const read = Promise.allSettled([client.read(0, bytes)]);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  serveAll(all);
  assert.equal((await read)[0]!.status, 'rejected');
  const next = client.read(0, new Uint8Array(512));
  serveAll(all);
  await next;
});
