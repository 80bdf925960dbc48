/**
 * Both engines do the same: four rings, one for each pair of engines, go through the same random operations, hostile
 * writes among them, and stay the same byte for byte, as do results, errors and rings of the doorbell.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomFrom } from './devices/test-queue.ts';
import { DOORBELLS } from './doorbell/index.ts';
import { IndirectPool } from './guest/indirect-pool.ts';
import { ScatterList } from './guest/scatter-list.ts';
import { Request } from './host/queue.ts';
import { NO_HEAD } from './host/split-host-queue.ts';
import { GuestMemory } from './memory/guest-memory.ts';
import type { MemoryRegion } from './memory/region.ts';
import { bindRing } from './ordering/ring-fields.ts';
import { seqcst } from './ordering/seqcst.ts';
import { RingError } from './ring/errors.ts';
import { alignUp, type SplitRing } from './ring/split-layout.ts';
import { ENGINES, type Engine, makeGuest, makeRegions, makeVringh } from './test-engines.ts';
import { GuardedRing } from './test-guarded-ring.ts';

const STEPS = 1000;
/** Requests that a ring completes at least, in all its lives. */
const COMPLETED_MIN = 20;
const ELEMENTS_MAX = 5;
const TABLES = 3;
const BASE = 2 ** 40;

interface Ring {
  size: number;
  startIndex: number;
  indirect: boolean;
  eventIdx: boolean;
}

/** A ring with both halves, each on an engine, over two regions that touch. */
class World {
  readonly regions: readonly MemoryRegion[];
  readonly guest: ReturnType<typeof makeGuest>['queue'];
  readonly host: ReturnType<typeof makeVringh>;
  readonly name: string;
  readonly guarded: GuardedRing;
  readonly ring: SplitRing;
  readonly tablesOffset: number;
  readonly ringBytes: number;
  private readonly freeTables: () => number;
  private readonly doorbell = DOORBELLS.futex.doorbell(DOORBELLS.futex.makeHandle());
  private readonly memory: GuestMemory;
  private readonly list = new ScatterList(ELEMENTS_MAX);
  private readonly taken: Request[] = [];
  private readonly bytes: Uint8Array;

  constructor({ size, startIndex, indirect, eventIdx }: Ring, guestEngine: Engine, hostEngine: Engine) {
    const tablesOffset = alignUp(GuardedRing.sizeBytes(size), 16);
    this.tablesOffset = tablesOffset;
    this.ringBytes = tablesOffset + IndirectPool.sizeBytes(TABLES, ELEMENTS_MAX);
    const regionBytes = alignUp(this.ringBytes, 64) + 64;
    this.regions = makeRegions([BASE, BASE + regionBytes], regionBytes, 2 ** 16);
    const [region] = this.regions as [MemoryRegion, MemoryRegion];
    this.guarded = new GuardedRing(region, 0, size, eventIdx);
    const { ring } = this.guarded;
    this.ring = ring;
    const shared = bindRing(seqcst, ring);
    shared.avail.store16(ring.availIdx, startIndex);
    shared.used.store16(ring.usedIdx, startIndex);
    this.memory = new GuestMemory(this.regions);
    const features = { indirect, eventIdx, version1: true };
    const tables = { region, offset: tablesOffset, tableCount: TABLES, tableLength: ELEMENTS_MAX };
    const common = { ring, shared, features, name: 'q' };
    const guest = makeGuest({ ...common, doorbell: this.doorbell, tables, startIndex }, guestEngine);
    this.guest = guest.queue;
    this.freeTables = guest.freeTables;
    const state = { availIdx: startIndex, usedIdx: startIndex };
    this.host = makeVringh({ ...common, memory: this.memory, state }, hostEngine);
    this.name = `guest ${guestEngine}, host ${hostEngine}`;
    this.bytes = new Uint8Array(region.buffer, 0, 2 * regionBytes);
  }

  /** What an operation returns or throws, and what can be seen of both halves after it. */
  run(operation: Operation): unknown[] {
    const result = outcomeOf(() => operation(this));
    const { guest, host } = this;
    const lengths = [guest.usedLength, guest.claimedLength, guest.clampedLengths];
    const seen = [guest.freeDescriptors, this.freeTables(), ...lengths, guest.isBroken];
    return [result, this.doorbell.rings, ...seen, host.isBroken, host.lastHead, host.state(true)];
  }

  /** The bytes of all regions, the ring's among them. */
  image(): Uint8Array {
    return this.bytes;
  }

  /** A request of these elements: region, offset and length of each; `out` of them readable. */
  listOf(elements: readonly (readonly [number, number, number])[], out: number, own: boolean): ScatterList {
    const fits = elements.length <= this.guest.size;
    const list = own && fits && 'elements' in this.guest ? this.guest.elements : this.list;
    list.reset();
    for (const [i, [number, offset, length]] of elements.entries()) {
      const region = this.regions[number]!;
      if (i < out) list.addOut(region, offset, length);
      else list.addIn(region, offset, length);
    }
    return list;
  }

  /** Takes a request, into a new one or the engine's own: its head and elements, also of a broken one. */
  take(own: boolean): unknown[] {
    const request = own && 'request' in this.host ? this.host.request : new Request(this.memory);
    const result = outcomeOf(() => this.host.next(request));
    const lists = [request.readable, request.writable].map(({ count, regions, offsets, lengths }) =>
      [regions, offsets, lengths].map((array) => [...array.subarray(0, count)]),
    );
    this.hold(request.head);
    return [result, request.head, lists];
  }

  /** Takes a request whose chain nobody reads. */
  takeHead(): number {
    const head = this.host.takeHead();
    if (head !== NO_HEAD) this.hold(head);
    return head;
  }

  private hold(head: number): void {
    if (head === this.host.size) return;
    const held = new Request(this.memory);
    held.head = head;
    this.taken.push(held);
  }

  /** A request taken before, by any number; one that was never taken if there is none. */
  takenBefore(number: number, forget = true): Request {
    const at = this.taken.length === 0 ? 0 : number % this.taken.length;
    const request = this.taken[at] ?? new Request(this.memory);
    if (forget) this.taken.splice(at, 1);
    return request;
  }
}

type Operation = (world: World) => unknown;

function outcomeOf(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    if (error instanceof RingError) return [error.code, error.queue, error.index, error.value];
    if (error instanceof RangeError) return error.message;
    throw error;
  }
}

type Random = (end: number) => number;

/** Each makes the next operation from random numbers, the same for all rings; listed more often, done more often. */
const OPERATIONS: readonly ((random: Random, world: World) => Operation)[] = [
  add('add'),
  add('addDeferred'),
  add('addDeferred'),
  () =>
    ({ guest }) =>
      guest.publish(),
  () =>
    ({ guest }) =>
      guest.kick(),
  () =>
    ({ guest }) =>
      guest.publishAndKick(),
  () =>
    ({ guest }) =>
      guest.publishAndKick(),
  () =>
    ({ guest }) =>
      guest.getBuf(),
  () =>
    ({ guest }) =>
      guest.getBuf(),
  () =>
    ({ guest }) =>
      guest.getBuf(),
  () =>
    ({ guest }) =>
      guest.look(),
  () =>
    ({ guest }) =>
      guest.callDue(),
  () =>
    ({ guest }) =>
      guest.disableCalls(),
  () =>
    ({ guest }) =>
      guest.enableCalls(),
  () =>
    ({ guest }) =>
      guest.enableCallsDelayed(),
  () =>
    ({ guest }) =>
      guest.poll(guest.enableCallsPrepare()),
  (random) => {
    const own = random(2) === 0;
    return (world) => world.take(own);
  },
  (random) => {
    const own = random(2) === 0;
    return (world) => world.take(own);
  },
  () => (world) => world.takeHead(),
  complete((host, request, length) => host.complete(request, length)),
  complete((host, request, length) => host.complete(request, length)),
  complete((host, request, length) => host.completeDeferred(request, length)),
  complete((host, { head }, length) =>
    host.completeMulti(Uint32Array.of(head, length, head, length), 1 + (length & 1)),
  ),
  (random) => {
    const head = random(5) - 1;
    return ({ host }) => host.completeHead(head, 1);
  },
  () =>
    ({ host }) =>
      host.publish(),
  (random) => {
    const count = random(4);
    return ({ host }) => host.rewind(count);
  },
  () =>
    ({ host }) =>
      host.needsCall(),
  () =>
    ({ host }) =>
      host.needsCall(),
  () =>
    ({ host }) =>
      host.disableKicks(),
  () =>
    ({ host }) =>
      host.enableKicks(),
  () =>
    ({ host }) =>
      host.look(),
  () =>
    ({ host }) =>
      host.hasAvailable(),
  () =>
    ({ host }) =>
      host.state(),
];

/** A request of random elements, some beyond their region's end, some tokens wrong. */
function add(how: 'add' | 'addDeferred'): (random: Random, world: World) => Operation {
  return (random, { ringBytes }) => {
    const count = random(ELEMENTS_MAX + 1);
    const out = random(count + 1);
    const own = random(2) === 0;
    const token = random(50) - (random(20) === 0 ? 50 : 0);
    const elements = Array.from({ length: count }, () => [random(2), ringBytes + random(56), random(9)] as const);
    return (world) => world.guest[how](world.listOf(elements, out, own), token);
  };
}

function complete(
  how: (host: World['host'], request: Request, length: number) => void,
): (random: Random, world: World) => Operation {
  return (random) => {
    const number = random(8);
    const forget = random(10) !== 0;
    const length = random(20) === 0 ? 2 ** 32 - random(2) : random(12);
    return (world) => how(world.host, world.takenBefore(number, forget), length);
  };
}

/** Flags or next of a descriptor, in the ring or in a table: what breaks a request, and never the ring. */
function hostileDescriptor(random: Random, { ring, tablesOffset }: World): Operation {
  const at = random(2) === 0 ? 16 * random(ring.size) : tablesOffset + 16 * random(TABLES * ELEMENTS_MAX);
  const field = (at >> 1) + 6 + random(2);
  const value = random(20) === 0 ? random(0x10000) : random(8);
  return ({ regions }) => {
    regions[0]!.u16[field] = value;
  };
}

/** 16 bits anywhere in ring and tables, or an index moved a little. */
function hostileRing(random: Random, { ring, ringBytes }: World): Operation {
  const isIndex = random(2) === 0;
  const word = random(ringBytes >> 1);
  const value = random(2) === 0 ? random(8) : random(0x10000);
  const index = (random(2) === 0 ? ring.availIdx : ring.usedIdx) >> 1;
  const by = random(2 * ring.size) - 1;
  return ({ regions }) => {
    const { u16 } = regions[0]!;
    if (isIndex) u16[index]! += by;
    else u16[word] = value;
  };
}

/**
 * One life of the rings: until both halves are broken, or for so many steps. Of so many steps one is hostile. Returns
 * how many requests were completed.
 */
function live(ring: Ring, random: Random, hostile: typeof hostileRing, hostileEvery: number): number {
  const worlds = ENGINES.flatMap((guest) => ENGINES.map((host) => new World(ring, guest, host)));
  const first = worlds[0]!;
  for (let step = 0; step < STEPS && !(first.guest.isBroken && first.host.isBroken); step++) {
    const isHostile = random(hostileEvery) === 0;
    const make = isHostile ? hostile : OPERATIONS[random(OPERATIONS.length)]!;
    const operation = make(random, first);
    const before = Buffer.from(first.image());
    const expected = first.run(operation);
    // A caller's mistake, which is a message, changes nothing.
    if (typeof expected[0] === 'string') assert.ok(before.equals(first.image()), `step ${step}: ${expected[0]}`);
    if (isHostile) first.guarded.adopt();
    else first.guarded.check();
    for (const world of worlds.slice(1)) {
      assert.deepEqual(world.run(operation), expected, `${world.name}, step ${step}`);
      if (Buffer.compare(world.image(), first.image()) !== 0)
        assert.deepEqual([...world.image()], [...first.image()], `${world.name}, step ${step}: memory`);
    }
  }
  return (first.host.state(true).usedIdx - ring.startIndex) & 0xffff;
}

const LIVES: readonly (readonly [typeof hostileRing, number])[] = [
  [hostileDescriptor, 1000],
  [hostileDescriptor, 20],
  [hostileDescriptor, 4],
  [hostileRing, 100],
  ...Array(6).fill([hostileRing, 20]),
];

for (const size of [1, 2, 4, 16])
  for (const indirect of [false, true])
    for (const eventIdx of [false, true]) {
      const name = `${size} descriptors${indirect ? ', indirect' : ''}${eventIdx ? ', events' : ''}`;
      test(`engines: the same ring byte for byte, ${name}`, () => {
        const random = randomFrom(size * 4 + Number(indirect) * 2 + Number(eventIdx));
        const completed = LIVES.map(([hostile, every]) =>
          live({ size, indirect, eventIdx, startIndex: [0, 65530][random(2)]! }, random, hostile, every),
        );
        // Not all of it was refused.
        const all = completed.reduce((sum, one) => sum + one, 0);
        assert.ok(all > COMPLETED_MIN, `${all} requests`);
      });
    }
