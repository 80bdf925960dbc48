/** Regions of more than 4 GiB: mapped in pieces, and served wherever a ring or a request lies in them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { MockDriver } from '../../guest/mock-driver.ts';
import { Request } from '../../host/queue.ts';
import { MemoryRegion } from '../../memory/region.ts';
import { closeDescriptor } from '../../native/descriptors.ts';
import { whyUnavailable } from '../../native/libc.ts';
import { type Mapping, mapFile } from '../../native/mapping.ts';
import { openMemfd } from '../../native/memfd.ts';
import { bindRing } from '../../ordering/ring-fields.ts';
import { seqcst } from '../../ordering/seqcst.ts';
import { VIRTIO_RING_F_EVENT_IDX, VRING_DESC_F_WRITE } from '../../ring/constants.ts';
import { featureWord } from '../../ring/feature-word.ts';
import { featuresFromBits } from '../../ring/features.ts';
import { RING_PARTS, type RingPlaces, SplitRing } from '../../ring/split-layout.ts';
import { VhostUserQueue } from './queue.ts';
import type { QueueSetup, RegionSetup } from './queue-setup.ts';
import { ThreadMemory } from './thread-memory.ts';

const skip = whyUnavailable() ?? false;

const GIB = 2 ** 30;
/** Pieces end here, counted from the start of the region. */
const BORDERS = [4 * GIB, 8 * GIB, 12 * GIB] as const;
const SIZE = 16;
/** Before the region in its file, and the region, bytes. */
const FILE_OFFSET = 4096;
const REGION_BYTES = 12 * GIB + 65536;
const GUEST = 2 ** 40;
const USER = 2 ** 46;
/** Where the peer sees a part of the ring, bytes: from so many before the part on. */
const WINDOW_BYTES = 8192;
const BEFORE = 4096;

/** The same file as the frontend has it: a window around each part. */
function peerOf(file: number, offsets: Record<keyof RingPlaces, number>, eventIdx: boolean) {
  const mappings: Mapping[] = [];
  const place = (offset: number) => {
    const start = offset - (offset % BEFORE) - BEFORE;
    const mapping = mapFile(file, { offsetBytes: FILE_OFFSET + start, sizeBytes: 2 * WINDOW_BYTES });
    mappings.push(mapping);
    return { region: new MemoryRegion({ guestBase: GUEST + start, buffer: mapping.buffer }), offset: offset - start };
  };
  const places = { desc: place(offsets.desc), avail: place(offsets.avail), used: place(offsets.used) };
  const ring = new SplitRing(SIZE, places, 'peer', eventIdx);
  return { ring, close: () => mappings.map((mapping) => mapping.close()) };
}

/** Mappings of this file in the process. */
const mappingsOf = (name: string) =>
  readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.includes(`memfd:${name} `)).length;

const setupOf = (region: RegionSetup, offsets: Record<keyof RingPlaces, number>, features: bigint): QueueSetup => ({
  index: 3,
  size: SIZE,
  features,
  regions: [region],
  desc: USER + offsets.desc,
  avail: USER + offsets.avail,
  used: USER + offsets.used,
  availIdx: 0,
  usedIdx: 0,
  inOrder: false,
  kick: null,
  call: null,
  byMessage: false,
  log: null,
  logCall: null,
  usedLogAddress: null,
  inflight: null,
  record: null,
});

const PARTS = ['desc', 'avail', 'used'] as const;
for (const across of [[], ['desc'], ['avail'], ['used'], PARTS] as const)
  for (const eventIdx of [false, true])
    test(`thread memory: a ring ${across.length === 0 ? 'within pieces' : `whose ${across.join(', ')} lie across 4 GiB`}, ${eventIdx ? 'events' : 'flags'}: served`, {
      skip,
    }, () => {
      const name = `ring of ${across.length} across, ${eventIdx}`.replaceAll(' ', '-');
      const file = openMemfd(name, FILE_OFFSET + REGION_BYTES);
      // Half of a part before its border; or all of it behind.
      const offsets = Object.fromEntries(
        PARTS.map((part, i) => {
          const half = RING_PARTS[part].sizeBytes(SIZE, eventIdx) / 2;
          const lies = (across as readonly string[]).includes(part);
          return [part, BORDERS[i]! + (lies ? -(half - (half % RING_PARTS[part].align)) : 64)];
        }),
      ) as Record<keyof RingPlaces, number>;
      const features = eventIdx ? featureWord(VIRTIO_RING_F_EVENT_IDX) : 0n;
      const region = {
        id: 1,
        handle: { kind: 'descriptor', descriptor: file } as const,
        offsetBytes: FILE_OFFSET,
        sizeBytes: REGION_BYTES,
        guestBase: GUEST,
        userBase: USER,
      };
      const memory = new ThreadMemory().open([region]);
      const setup = setupOf(region, offsets, features);
      const ring = memory.ringOf(setup);
      const queue = new VhostUserQueue({
        ring,
        shared: bindRing(seqcst, ring),
        features: featuresFromBits(features),
        memory: memory.guest,
        availIdx: 0,
        usedIdx: 0,
      });
      const peer = peerOf(file, offsets, eventIdx);
      const driver = new MockDriver({ ring: peer.ring, shared: bindRing(seqcst, peer.ring) });
      const request = new Request(memory.guest);
      // Twice round, through every entry.
      for (let i = 0; i < 2 * SIZE; i++) {
        const head = (2 * i) % SIZE;
        const address = GUEST + BORDERS[1] + 1024;
        driver.writeChain(head, [
          { address: GUEST + BORDERS[0] + 2047, length: 1 },
          { address, length: 4, flags: VRING_DESC_F_WRITE },
        ]);
        driver.offer(head);
        assert.equal(queue.next(request), true);
        assert.deepEqual([request.head, request.readable.count, request.writable.count], [head, 1, 1]);
        assert.equal(request.writable.addressOf(0), address);
        queue.complete(request, i);
        queue.enableKicks();
        assert.deepEqual(driver.readUsed(), { id: head, length: i });
      }
      peer.close();
      const open = mappingsOf(name);
      assert.ok(open >= 4, `${open} mappings`);
      memory.close();
      assert.equal(mappingsOf(name), 0, 'all of the file is let go of');
      closeDescriptor(file);
    });

test('thread memory: a ring part that ends behind its region is refused, across 4 GiB or not', { skip }, () => {
  const file = openMemfd('short', 4 * GIB + 8);
  const handle = { kind: 'descriptor', descriptor: file } as const;
  const region = { id: 1, handle, offsetBytes: 0, sizeBytes: 4 * GIB + 8, guestBase: GUEST, userBase: USER };
  const memory = new ThreadMemory().open([region]);
  for (const used of [4 * GIB - 16, 4 * GIB + 4]) {
    const setup = setupOf(region, { desc: 0, avail: 4096, used }, 0n);
    assert.throws(() => memory.ringOf(setup), { code: 'ring-outside-memory', queue: 'queue 3', index: 2 });
  }
  memory.close();
  closeDescriptor(file);
});
