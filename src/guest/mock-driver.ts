/**
 * The driver side of a split ring by hand: any descriptor, any table, any available entry, any index.
 * For tests, benches and fuzzers of the host side; either thread. It checks nothing and keeps no rule, so that every
 * misbehaviour of a guest can be written down; it allocates as it likes.
 */
import type { MemoryRegion } from '../memory/region.ts';
import type { RingFields } from '../ordering/ring-fields.ts';
import { VRING_DESC_F_INDIRECT, VRING_DESC_F_NEXT, VRING_DESC_SIZE, VRING_DESC_WORDS } from '../ring/constants.ts';
import type { SplitRing } from '../ring/split-layout.ts';

/** A descriptor as it is written, whatever sense it makes. */
export interface RawDescriptor {
  /** Guest address, any 64 bits (a bigint where a number is not exact). Left out: that of `offset`. */
  address?: number | bigint;
  /** Byte offset in the driver's region: for an address that an honest guest could have meant. Default 0. */
  offset?: number;
  /** Bytes. */
  length: number;
  /** Default 0. */
  flags?: number;
  /** Default 0. */
  next?: number;
}

/** What the host wrote into one entry of the used ring. */
export interface UsedEntry {
  id: number;
  length: number;
}

export interface MockDriverOptions {
  ring: SplitRing;
  shared: RingFields;
  /** Where elements and indirect tables lie if nothing else is said. Default: the descriptor table's region. */
  region?: MemoryRegion;
  /** Where both indices start. Default 0. */
  startIndex?: number;
}

export class MockDriver {
  readonly ring: SplitRing;
  readonly region: MemoryRegion;
  /** The next available entry to write, 16 bits. */
  availIdx: number;
  /** The next used entry to read, 16 bits. */
  lastUsedIdx: number;
  private readonly shared: RingFields;

  constructor(options: MockDriverOptions) {
    const { ring, shared, region = ring.places.desc.region, startIndex = 0 } = options;
    this.ring = ring;
    this.shared = shared;
    this.region = region;
    this.availIdx = startIndex;
    this.lastUsedIdx = startIndex;
    this.setAvailIdx(startIndex);
  }

  /** Writes entry `index` of the ring's own descriptor table. */
  writeDescriptor(index: number, raw: RawDescriptor): void {
    this.ring.desc.set(this.words(raw), VRING_DESC_WORDS * index);
  }

  /** Writes honest descriptors from `head` on, one after the other, linked by NEXT. */
  writeChain(head: number, raws: readonly RawDescriptor[]): void {
    for (const [i, raw] of linked(raws, head).entries()) this.writeDescriptor(head + i, raw);
  }

  /** Writes a table, as it is, at any byte offset of a region. Returns the descriptor that refers to it. */
  writeTable(offset: number, raws: readonly RawDescriptor[], region = this.region): RawDescriptor {
    const bytes = new Uint8Array(Uint32Array.from(raws.flatMap((raw) => this.words(raw))).buffer);
    region.u8.set(bytes, offset);
    return {
      address: region.addressOf(offset),
      length: raws.length * VRING_DESC_SIZE,
      flags: VRING_DESC_F_INDIRECT,
    };
  }

  /** Writes an honest table: its entries linked by NEXT. */
  writeTableChain(offset: number, raws: readonly RawDescriptor[], region = this.region): RawDescriptor {
    return this.writeTable(offset, linked(raws, 0), region);
  }

  /** Puts `head`, any 16 bits, into the next available entry; the host does not see it yet. */
  putHead(head: number): void {
    this.ring.availRing[this.availIdx & (this.ring.size - 1)] = head;
    this.availIdx = (this.availIdx + 1) & 0xffff;
  }

  /** Makes one head available. */
  offer(head: number): void {
    this.putHead(head);
    this.publish();
  }

  /** Shows the host the heads put so far. */
  publish(): void {
    this.setAvailIdx(this.availIdx);
  }

  /** Makes the shared available index anything; `availIdx` stays. */
  setAvailIdx(value: number): void {
    // A release: descriptors and entries first. Pairs with A acquire, SplitHostQueue.refreshAvail.
    this.shared.avail.store16(this.ring.availIdx, value & 0xffff);
  }

  /** Moves the shared available index by any value, also backwards, without an entry. */
  moveAvailIdx(by: number): void {
    this.availIdx = (this.availIdx + by) & 0xffff;
    this.publish();
  }

  /** The available ring's flags, any 16 bits. */
  setAvailFlags(value: number): void {
    this.shared.avail.store16(this.ring.availFlags, value);
  }

  setUsedEvent(value: number): void {
    this.shared.avail.store16(this.ring.usedEvent, value & 0xffff);
  }

  /** The next used entry, or null. */
  readUsed(): UsedEntry | null {
    // B acquire: their index, before its elements. Pairs with B release, SplitHostQueue.publish.
    if (this.shared.used.load16(this.ring.usedIdx) === this.lastUsedIdx) return null;
    const at = (this.lastUsedIdx & (this.ring.size - 1)) << 1;
    this.lastUsedIdx = (this.lastUsedIdx + 1) & 0xffff;
    return { id: this.ring.usedRing[at]!, length: this.ring.usedRing[at + 1]! };
  }

  /** The four 32-bit words of a descriptor. */
  private words({ address, offset = 0, length, flags = 0, next = 0 }: RawDescriptor): number[] {
    const bits = BigInt(address ?? this.region.addressOf(offset));
    return [Number(bits & 0xffffffffn), Number((bits >> 32n) & 0xffffffffn), length, (flags | (next << 16)) >>> 0];
  }
}

/** The same descriptors with NEXT set in all but the last, the first one standing at `start`. */
function linked(raws: readonly RawDescriptor[], start: number): RawDescriptor[] {
  return raws.map((raw, i) =>
    i === raws.length - 1 ? raw : { ...raw, flags: (raw.flags ?? 0) | VRING_DESC_F_NEXT, next: start + i + 1 },
  );
}
