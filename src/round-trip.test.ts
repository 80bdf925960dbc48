/**
 * Seeded random requests through both ends in one thread: random cuts, random order, every byte verified. Each end
 * sleeps when it finds nothing and goes on only if the other one rings it, so that a missing ring is found too. For
 * each face of the host's queue, and either engine; that of vhost-user over a ring in three regions and with an in-flight area.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomFrom } from './devices/test-queue.ts';
import { DOORBELLS } from './doorbell/index.ts';
import { IndirectPool } from './guest/indirect-pool.ts';
import { EMPTY } from './guest/queue.ts';
import { ScatterList } from './guest/scatter-list.ts';
import { Request } from './host/queue.ts';
import type { SplitHostQueueOptions } from './host/split-host-queue.ts';
import type { Vringh } from './host/vringh.ts';
import type { WasmVringh } from './host/wasm-vringh.ts';
import { LguestQueue } from './launcher/queue.ts';
import { GuestMemory } from './memory/guest-memory.ts';
import { type RangeCallback, slowRange, wholeRange } from './memory/range.ts';
import { allocateShared, MemoryRegion } from './memory/region.ts';
import { bindRing } from './ordering/ring-fields.ts';
import { seqcst } from './ordering/seqcst.ts';
import { alignUp, legacyLayout, type SplitLayout, SplitRing } from './ring/split-layout.ts';
import { ENGINES, type Engine, makeGuest, makeRegions, makeVringh } from './test-engines.ts';
import { InflightArea, inflightBytes } from './vhost-user/queues/inflight.ts';
import { VhostUserQueue } from './vhost-user/queues/queue.ts';

const TRANSFERS = 150;
const ELEMENTS_MAX = 6;
const SLOTS = 24;
const SLOT_SIZE = 8192;
const POOL_TABLES = 4;
const NO_BYTES = new Uint8Array(0);

interface Piece {
  region: MemoryRegion;
  offset: number;
  length: number;
}
interface Slot {
  busy: boolean;
  sent: Uint8Array;
  room: Piece[];
  answered: Uint8Array;
}
interface Face {
  readonly apart: boolean;
  /** It takes elements of length 0. */
  readonly emptyElements: boolean;
  queue(options: SplitHostQueueOptions, engine: Engine): Vringh | WasmVringh | VhostUserQueue | LguestQueue;
}
const FACES = {
  vringh: { apart: false, emptyElements: true, queue: makeVringh },
  'vhost-user': {
    apart: true,
    emptyElements: false,
    queue: (options) => {
      const bytes = new Uint8Array(inflightBytes(options.ring.size));
      const inflight = new InflightArea(bytes, options.ring.size, 'q');
      return new VhostUserQueue({ ...options, ...options.state!, inflight });
    },
  },
  lguest: { apart: false, emptyElements: true, queue: (options) => new LguestQueue(options) },
} as const satisfies Record<string, Face>;

interface Configuration {
  face: keyof typeof FACES;
  guestEngine?: Engine;
  hostEngine?: Engine;
  size: number;
  startIndex: number;
  indirect: boolean;
  eventIdx: boolean;
  callback: (memory: GuestMemory) => RangeCallback;
  seed: number;
}

function placeRing(home: MemoryRegion, layout: SplitLayout, apart: boolean): SplitRing {
  if (!apart) return SplitRing.within(home, 0, layout);
  const [avail, used] = [2 ** 42, 2 ** 43].map(
    (guestBase) => new MemoryRegion({ guestBase, buffer: allocateShared(layout.sizeBytes) }),
  ) as [MemoryRegion, MemoryRegion];
  return new SplitRing(layout.size, {
    desc: { region: home, offset: 0 },
    avail: { region: avail, offset: 6 },
    used: { region: used, offset: 12 },
  });
}

function makePair(configuration: Configuration) {
  const { face, size, startIndex, indirect, eventIdx, callback, guestEngine = 'js', hostEngine = 'js' } = configuration;
  const layout = legacyLayout(size);
  const poolOffset = Math.ceil(layout.sizeBytes / 16) * 16;
  const ringBytes = poolOffset + IndirectPool.sizeBytes(POOL_TABLES, ELEMENTS_MAX);
  const regionBytes = alignUp(Math.max(ringBytes, SLOTS * SLOT_SIZE), 8);
  const [home, ...regions] = makeRegions([2 ** 40, 2 ** 41, 2 ** 32 - SLOT_SIZE], regionBytes) as [
    MemoryRegion,
    ...MemoryRegion[],
  ];
  const ring = placeRing(home, layout, FACES[face].apart);
  const shared = bindRing(seqcst, ring);
  shared.avail.store16(ring.availIdx, startIndex);
  shared.used.store16(ring.usedIdx, startIndex);
  const memory = new GuestMemory([home, ...regions]);
  const features = { indirect, eventIdx, version1: true };
  const doorbell = DOORBELLS.futex.doorbell(DOORBELLS.futex.makeHandle());
  const tables = { region: home, offset: poolOffset, tableCount: POOL_TABLES, tableLength: ELEMENTS_MAX };
  const { queue: guest } = makeGuest({ ring, shared, features, doorbell, tables, startIndex }, guestEngine);
  const state = { availIdx: startIndex, usedIdx: startIndex };
  const host = FACES[face].queue({ ring, shared, features, memory, getRange: callback(memory), state }, hostEngine);
  return { guest, host, doorbell, memory, regions };
}

class RoundTrip {
  added = 0;
  finished = 0;
  private readonly pair: ReturnType<typeof makePair>;
  private readonly size: number;
  private readonly emptyElements: boolean;
  private readonly random: (end: number) => number;
  private readonly slots: Slot[] = Array.from({ length: SLOTS }, () => {
    return { busy: false, sent: NO_BYTES, room: [], answered: NO_BYTES };
  });
  private readonly list = new ScatterList(ELEMENTS_MAX);
  private readonly taken: Request[] = [];
  private guestAsleep = false;
  private hostAsleep = false;

  constructor(configuration: Configuration) {
    this.pair = makePair(configuration);
    this.size = configuration.size;
    this.emptyElements = FACES[configuration.face].emptyElements;
    this.random = randomFrom(configuration.seed);
  }

  run(): void {
    while (this.finished < TRANSFERS) {
      assert.ok(!(this.guestAsleep && this.hostAsleep), `both asleep: ${this.added} added, ${this.finished} finished`);
      const guestTurn = this.hostAsleep || (!this.guestAsleep && this.random(2) === 0);
      if (guestTurn) this.stepGuest();
      else this.stepHost();
    }
    assert.equal(this.pair.guest.getBuf(), EMPTY);
    assert.equal(this.pair.guest.freeDescriptors, this.size);
    assert.equal(this.pair.guest.clampedLengths, 0);
  }

  private stepGuest(): void {
    const { guest, doorbell } = this.pair;
    const rings = doorbell.rings;
    const addFirst = this.random(3) !== 0;
    const progress = addFirst ? this.add() || this.takeBack() : this.takeBack() || this.add();
    if (doorbell.rings !== rings) this.hostAsleep = false;
    if (progress) return;
    this.guestAsleep = this.random(2) === 0 ? guest.enableCalls() : guest.enableCallsDelayed();
  }

  /** One request of random elements, each in a random place of the slot's own memory. False: no room. */
  private add(): boolean {
    const { random, pair } = this;
    const token = this.slots.findIndex((slot) => !slot.busy);
    if (token < 0 || this.added === TRANSFERS) return false;
    const slot = this.slots[token]!;
    const count = 1 + random(Math.min(this.size, ELEMENTS_MAX));
    const out = random(count + 1);
    const step = SLOT_SIZE / ELEMENTS_MAX;
    const pieces = Array.from({ length: count }, (_, i): Piece => {
      // The first element is never empty: by its place the host's half of this test knows the slot.
      const length = random(random(8) === 0 ? 1000 : 20) + (i === 0 || !this.emptyElements ? 1 : 0);
      const offset = Math.floor(token * SLOT_SIZE + i * step + random(300));
      return { region: pair.regions[random(2)]!, offset, length };
    });
    this.list.reset();
    const sent: number[] = [];
    for (const [i, { region, offset, length }] of pieces.entries()) {
      for (let k = 0; k < length; k++) region.u8[offset + k] = random(256);
      if (i < out) sent.push(...region.u8.subarray(offset, offset + length));
      if (i < out) this.list.addOut(region, offset, length);
      else this.list.addIn(region, offset, length);
    }
    const deferred = random(4) === 0;
    if (!(deferred ? pair.guest.addDeferred(this.list, token) : pair.guest.add(this.list, token))) return false;
    Object.assign(slot, { busy: true, sent: Uint8Array.from(sent), room: pieces.slice(out) });
    this.added++;
    pair.guest.publish();
    pair.guest.kick();
    return true;
  }

  private takeBack(): boolean {
    const { guest } = this.pair;
    const token = guest.getBuf();
    if (token === EMPTY) return false;
    const slot = this.slots[token]!;
    assert.ok(slot.busy, `token ${token} came back twice`);
    const { answered } = slot;
    assert.equal(guest.usedLength, answered.length);
    const got = slot.room.flatMap(({ region, offset, length }) => [...region.u8.subarray(offset, offset + length)]);
    assert.deepEqual(got.slice(0, answered.length), [...answered]);
    slot.busy = false;
    this.finished++;
    return true;
  }

  private stepHost(): void {
    const { host, memory } = this.pair;
    const request = new Request(memory);
    if (this.random(2) === 0 && host.next(request)) {
      this.taken.push(request);
      return;
    }
    if (this.taken.length > 0) this.serve(this.taken.splice(this.random(this.taken.length), 1)[0]!);
    else if (!host.hasAvailable() && host.enableKicks()) this.hostAsleep = true;
    if (this.hostAsleep || this.random(3) === 0) if (host.needsCall()) this.guestAsleep = false;
    if (!this.hostAsleep && this.random(8) === 0) host.disableKicks();
  }

  /** Checks what was sent and answers with random bytes, which the slot remembers. */
  private serve(request: Request): void {
    const { random, pair } = this;
    const bytes = new Uint8Array(request.readable.totalBytes());
    for (let done = 0; done < bytes.length; ) done += request.readable.pull(bytes, done, 1 + random(400));
    const first = request.readable.count > 0 ? request.readable : request.writable;
    const slot = this.slots[Math.floor(first.offsets[0]! / SLOT_SIZE)]!;
    assert.deepEqual(bytes, slot.sent);
    const room = request.writable.totalBytes();
    assert.equal(
      room,
      slot.room.reduce((sum, { length }) => sum + length, 0),
    );
    slot.answered = Uint8Array.from({ length: random(room + 1) }, () => random(256));
    const { answered } = slot;
    for (let done = 0; done < answered.length; )
      done += request.writable.push(answered, done, Math.min(1 + random(400), answered.length - done));
    if (random(2) === 0) pair.host.complete(request, answered.length);
    else {
      pair.host.completeDeferred(request, answered.length);
      pair.host.publish();
    }
  }
}

for (const [face, callback] of [
  ['vringh', wholeRange],
  ['vringh', slowRange],
  ['vhost-user', wholeRange],
  ['vhost-user', slowRange],
  ['lguest', wholeRange],
] as const)
  for (const indirect of face === 'lguest' ? [false] : [false, true])
    for (const eventIdx of face === 'lguest' ? [false] : [false, true])
      for (const size of [1, 2, 4, 256, 32768])
        for (const startIndex of [0, 65530]) {
          const name = `${face} ${indirect ? 'indirect ' : ''}${eventIdx ? 'events ' : ''}${callback.name}`;
          test(`round trip: ${name}, ${size} descriptors from ${startIndex}`, () => {
            const seed = size * 31 + startIndex;
            new RoundTrip({ face, size, startIndex, indirect, eventIdx, callback, seed }).run();
          });
        }

for (const guestEngine of ENGINES)
  for (const hostEngine of ENGINES)
    if (guestEngine !== 'js' || hostEngine !== 'js')
      for (const indirect of [false, true])
        for (const eventIdx of [false, true])
          for (const size of [1, 4, 256, 32768]) {
            const name = `${indirect ? 'indirect ' : ''}${eventIdx ? 'events ' : ''}${size} descriptors`;
            test(`round trip: guest ${guestEngine}, host ${hostEngine}, ${name}`, () => {
              const engines = { guestEngine, hostEngine };
              const how = { size, startIndex: 65530, indirect, eventIdx, callback: wholeRange, seed: size };
              new RoundTrip({ face: 'vringh', ...engines, ...how }).run();
            });
          }
