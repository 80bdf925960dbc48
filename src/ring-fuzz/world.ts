/**
 * The memory that fuzzed rings lie in, and the watch over it: what the end under test reads and writes goes through
 * views that note it, refuse what is outside, count, and let the peer act just before. A copy of all of it, changed
 * only by what was noted, shows every write that was not.
 *
 *     guard | A 16 KiB, across a 4 GiB border of guest addresses | guard | B 4 KiB, touching A there | guard | C 2 KiB | guard
 *
 * Behind it, outside the watch, is room for what an engine keeps for itself. Made once a process and filled anew for
 * each case.
 */
import { GuestMemory } from '../memory/guest-memory.ts';
import { PrivateArea } from '../memory/private-area.ts';
import type { RangeCallback } from '../memory/range.ts';
import { allocateShared, MemoryRegion, type SharedMemory } from '../memory/region.ts';
import type { SharedFields } from '../ordering/ordering.ts';
import { bindRing, type RingFields } from '../ordering/ring-fields.ts';
import { seqcst } from '../ordering/seqcst.ts';
import { modernLayout, RING_PARTS, SplitRing } from '../ring/split-layout.ts';
import { compareWrites, type Expected } from '../ring-oracle/answer.ts';
import type { RingPlan } from '../ring-oracle/fields.ts';
import type { OracleRegion } from '../ring-oracle/memory.ts';
import { type Access, Disagreement, LoggedReads, MemoryReads, type Reads } from '../ring-oracle/reads.ts';
import type { Setup } from './ring-case.ts';

const GUARD_BYTES = 64;
const PRIVATE_BYTES = 16384;
/** A, B, C: by these numbers cases name them. */
export const REGIONS = [
  { guestBase: 2 ** 33 - 8192, sizeBytes: 16384 },
  { guestBase: 2 ** 33 + 8192, sizeBytes: 4096 },
  { guestBase: 0x10000, sizeBytes: 2048 },
] as const;

/** Where in region A things lie that are no ring. */
export const TABLES_AT = 2048;
export const DATA_AT = 8192;

type View = Uint8Array | Uint16Array | Uint32Array;

/** Something of the peer, to be done before an access. */
export interface Interruption {
  readonly at: number;
  readonly act: () => void;
}

/** The ring and its memory as the end under test has them, watched or not. */
interface Seen {
  readonly ring: SplitRing;
  readonly shared: RingFields;
  readonly memory: GuestMemory;
  /** Region A. */
  readonly home: MemoryRegion;
}

export class World {
  readonly regions: readonly MemoryRegion[];
  readonly memory: GuestMemory;
  /** The same under watch. */
  private readonly watchedRegions: readonly MemoryRegion[];
  private readonly watchedMemory: GuestMemory;
  readonly reads: Access[] = [];
  readonly writes: Access[] = [];
  private readonly shared: SharedMemory;
  private readonly all: Buffer;
  private readonly copy: Buffer;
  private interruptions: readonly Interruption[] = [];
  private accesses = 0;
  private accessesMax = 0;
  private answers = 0;

  constructor() {
    const sizeBytes = REGIONS.reduce((sum, region) => sum + region.sizeBytes + GUARD_BYTES, GUARD_BYTES);
    const buffer = allocateShared(sizeBytes + PRIVATE_BYTES);
    this.shared = buffer;
    let byteOffset = GUARD_BYTES;
    this.regions = REGIONS.map((region) => {
      const made = new MemoryRegion({ ...region, buffer, byteOffset });
      byteOffset += region.sizeBytes + GUARD_BYTES;
      return made;
    });
    this.all = Buffer.from(buffer.buffer, 0, sizeBytes);
    this.copy = Buffer.alloc(sizeBytes);
    this.watchedRegions = this.regions.map((region) => {
      const views = { u8: this.watch(region.u8), u16: this.watch(region.u16), u32: this.watch(region.u32) };
      return Object.assign(Object.create(region) as MemoryRegion, views);
    });
    this.memory = new GuestMemory(this.regions);
    this.watchedMemory = new GuestMemory(this.watchedRegions);
  }

  /** Fills everything, guards too, with a pattern. No call makes more accesses than that, or there is no end to it. */
  reset(accessesMax: number): void {
    this.accessesMax = accessesMax;
    for (let i = 0; i < this.all.length; i++) this.all[i] = (i * 7 + (i >> 8)) & 0xff;
    this.adopt();
  }

  /** What stands in memory now is as it should be. */
  adopt(): void {
    this.all.copy(this.copy);
  }

  /** What stands in memory, as if it had just been written. */
  standing(at: number, width: number): Access[] {
    return [{ at, width, value: this.all.readUIntLE(at, width) }];
  }

  /** What is written there now should be. */
  expect(at: number, bytes: Uint8Array): void {
    this.copy.set(bytes, at);
  }

  /** The bytes of a piece, as they should be. */
  bytes(at: number, length: number): Buffer {
    return this.copy.subarray(at, at + length);
  }

  /** An act of the peer, between two calls or within one. */
  peer(act: () => void): void {
    this.check();
    act();
    this.adopt();
  }

  /** @throws Disagreement if anything was written that nobody noted. */
  check(): void {
    if (this.all.compare(this.copy) === 0) return;
    const at = this.all.findIndex((byte, i) => byte !== this.copy[i]);
    throw new Disagreement(`byte 0x${at.toString(16)} is ${this.all[at]}, not ${this.copy[at]}: written unseen`);
  }

  /** Starts the watch over one call. */
  begin(interruptions: readonly Interruption[]): void {
    this.reads.length = 0;
    this.writes.length = 0;
    this.accesses = 0;
    this.answers = 0;
    this.interruptions = interruptions;
  }

  /**
   * After a call of an end: it wrote this, and read no more than was asked for; of one that cannot be watched, memory
   * is as if it had. @throws Disagreement
   */
  end(watched: boolean, reads: Reads, writes: Expected['writes']): void {
    this.interruptions = [];
    if (watched) compareWrites(this.writes, writes);
    else for (const { at, width, value } of writes.flat()) this.copy.writeUIntLE(value, at, width);
    reads.end();
    this.check();
  }

  /** What the call read. Of an end that cannot be watched: what it could read. */
  readsOf(watched: boolean): Reads {
    return watched ? new LoggedReads(this.reads) : new MemoryReads(this.copy);
  }

  /**
   * A ring, its parts in one region or three, and what the end under test has of it. Three regions: the descriptors
   * begin theirs, and the two rings end theirs, so that a guard or what the guest keeps there is next to each.
   */
  ring({ size, apart, eventIdx }: Setup, watched: boolean): { ring: SplitRing; plan: RingPlan; seen: Seen } {
    const [a, b, c] = this.regions as [MemoryRegion, MemoryRegion, MemoryRegion];
    const places = { desc: { region: a, offset: 0 }, avail: atEndOf(b, 'avail'), used: atEndOf(c, 'used') };
    function atEndOf(region: MemoryRegion, part: 'avail' | 'used') {
      const { align, sizeBytes } = RING_PARTS[part];
      const room = region.sizeBytes - sizeBytes(size, eventIdx);
      return { region, offset: room - (room % align) };
    }
    const ring = apart
      ? new SplitRing(size, places, 'queue', eventIdx)
      : SplitRing.within(a, 0, modernLayout(size), 'queue', eventIdx);
    const parts = {
      desc: this.watch(ring.desc),
      availRing: this.watch(ring.availRing),
      usedRing: this.watch(ring.usedRing),
    };
    const { desc, avail, used } = ring.places;
    const plan = {
      size,
      desc: desc.region.byteOffset + desc.offset,
      avail: avail.region.byteOffset + avail.offset,
      used: used.region.byteOffset + used.offset,
    };
    if (!watched) return { ring, plan, seen: { ring, shared: bindRing(seqcst, ring), memory: this.memory, home: a } };
    const shared = { avail: this.fieldsOf(avail.region), used: this.fieldsOf(used.region) };
    const [home] = this.watchedRegions as [MemoryRegion];
    const watchedRing = Object.assign(Object.create(ring) as SplitRing, parts);
    return { ring, plan, seen: { ring: watchedRing, shared, memory: this.watchedMemory, home } };
  }

  /** What the next engine keeps for itself: the same room for each. */
  privateArea(): PrivateArea {
    return new PrivateArea({ memory: this.shared, byteOffset: this.all.length, sizeBytes: PRIVATE_BYTES });
  }

  /** A range callback before whose answers the peer may act, too. */
  range(answer: RangeCallback): RangeCallback {
    return (range) => {
      this.answers++;
      this.step();
      return answer(range);
    };
  }

  oracleRegions(): OracleRegion[] {
    return this.regions.map(({ guestBase, sizeBytes, byteOffset }) => ({
      start: BigInt(guestBase),
      bytes: BigInt(sizeBytes),
      at: byteOffset,
    }));
  }

  private fieldsOf(region: MemoryRegion): SharedFields {
    const { u16, byteOffset } = region;
    return {
      load16: (offset) => this.read(u16, offset / 2, byteOffset + offset),
      store16: (offset, value) => this.write(u16, offset / 2, byteOffset + offset, value),
      fence: () => this.step(),
    };
  }

  private watch<T extends View>(view: T): T {
    const { byteOffset, BYTES_PER_ELEMENT: width } = view;
    return new Proxy(view, {
      get: (_, key) => {
        const index = indexOf(key);
        if (index === null) return Reflect.get(view, key, view);
        return this.read(view, index, byteOffset + width * index);
      },
      set: (_, key, value) => {
        this.write(view, indexOf(key) ?? Number.NaN, byteOffset + width * Number(key), Number(value));
        return true;
      },
    });
  }

  private read(view: View, index: number, at: number): number {
    this.step();
    const value = view[index];
    if (value === undefined) throw new Disagreement(`read element ${index} of ${view.length}`);
    this.reads.push({ at, width: view.BYTES_PER_ELEMENT, value });
    return value;
  }

  private write(view: View, index: number, at: number, value: number): void {
    this.step();
    if (view[index] === undefined) throw new Disagreement(`wrote element ${index} of ${view.length}`);
    view[index] = value;
    const width = view.BYTES_PER_ELEMENT;
    this.writes.push({ at, width, value: view[index]! });
    this.all.copy(this.copy, at, at, at + width);
  }

  /** Before every access: what the peer does just now, and that there is an end to it. */
  private step(): void {
    const now = this.accesses++;
    for (const { at, act } of this.interruptions) if (at === now) this.peer(act);
    if (now - this.answers > this.accessesMax)
      throw new Disagreement(`more than ${this.accessesMax} accesses in one call`);
  }
}

/** A key that names an element, however wrong; null for the view's own properties. */
const indexOf = (key: string | symbol): number | null =>
  typeof key === 'string' && /^(?:-?\d|NaN|-?Infinity)/.test(key) ? Number(key) : null;
