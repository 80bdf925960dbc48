/**
 * The device side of a split ring by hand: reads what the guest made available, writes any used entry, any index,
 * any wish. For tests, benches and fuzzers of the guest side; either thread. It checks nothing and keeps no rule, so
 * that every misbehaviour of a host can be written down; it allocates as it likes.
 */

import { ADDRESS_HIGH_UNIT } from '../memory/region.ts';
import type { RingFields } from '../ordering/ring-fields.ts';
import { VRING_DESC_F_NEXT, VRING_DESC_WORDS } from '../ring/constants.ts';
import type { SplitRing } from '../ring/split-layout.ts';

/** A descriptor as it stands in the table. */
export interface DescriptorCopy {
  address: number;
  length: number;
  flags: number;
  next: number;
}

export interface MockDeviceOptions {
  ring: SplitRing;
  shared: RingFields;
  /** Where both indices start. Default 0. */
  startIndex?: number;
}

export class MockDevice {
  readonly ring: SplitRing;
  /** The next available entry to read, 16 bits. */
  lastAvailIdx: number;
  /** The next used entry to write, 16 bits. */
  usedIdx: number;
  private readonly shared: RingFields;

  constructor(options: MockDeviceOptions) {
    const { ring, shared, startIndex = 0 } = options;
    this.ring = ring;
    this.shared = shared;
    this.lastAvailIdx = startIndex;
    this.usedIdx = startIndex;
    this.setUsedIdx(startIndex);
  }

  /** The next available head, or null. */
  takeHead(): number | null {
    // A acquire: their index, before its entries. Pairs with A release, SplitVirtqueue.publish.
    if (this.shared.avail.load16(this.ring.availIdx) === this.lastAvailIdx) return null;
    const head = this.ring.availRing[this.lastAvailIdx & (this.ring.size - 1)]!;
    this.lastAvailIdx = (this.lastAvailIdx + 1) & 0xffff;
    return head;
  }

  /** Every head made available and not read yet. */
  takeAll(): number[] {
    const heads: number[] = [];
    for (let head = this.takeHead(); head !== null; head = this.takeHead()) heads.push(head);
    return heads;
  }

  /** Entry `index` of a table: the ring's own one, or any words that hold descriptors. */
  readDescriptor(index: number, table = this.ring.desc): DescriptorCopy {
    const word = VRING_DESC_WORDS * index;
    const flagsNext = table[word + 3]!;
    return {
      address: table[word + 1]! * ADDRESS_HIGH_UNIT + table[word]!,
      length: table[word + 2]!,
      flags: flagsNext & 0xffff,
      next: flagsNext >>> 16,
    };
  }

  /** The chain from `head` along NEXT, as many descriptors as the table has at most; tables are not entered. */
  readChain(head: number, table = this.ring.desc): DescriptorCopy[] {
    const chain = [this.readDescriptor(head, table)];
    for (let last = chain[0]!; (last.flags & VRING_DESC_F_NEXT) !== 0 && chain.length < this.ring.size; ) {
      last = this.readDescriptor(last.next, table);
      chain.push(last);
    }
    return chain;
  }

  /** Overwrites the whole descriptor table, which belongs to the guest, with one word. */
  scribbleDescriptors(word: number): void {
    this.ring.desc.fill(word);
  }

  /** Writes any 32-bit id and length into the next used entry; the guest does not see it yet. */
  putUsed(id: number, length: number): void {
    const at = (this.usedIdx & (this.ring.size - 1)) << 1;
    this.ring.usedRing[at] = id;
    this.ring.usedRing[at + 1] = length;
    this.usedIdx = (this.usedIdx + 1) & 0xffff;
  }

  /** Gives one request back. */
  finish(id: number, length: number): void {
    this.putUsed(id, length);
    this.publish();
  }

  /** Shows the guest the entries put so far. */
  publish(): void {
    this.setUsedIdx(this.usedIdx);
  }

  /** Makes the shared used index anything; `usedIdx` stays. */
  setUsedIdx(value: number): void {
    // B release: used elements first. Pairs with B acquire, SplitVirtqueue.refreshUsed.
    this.shared.used.store16(this.ring.usedIdx, value & 0xffff);
  }

  /** Moves the shared used index by any value, also backwards, without an entry. */
  moveUsedIdx(by: number): void {
    this.usedIdx = (this.usedIdx + by) & 0xffff;
    this.publish();
  }

  /** The used ring's flags, any 16 bits. */
  setUsedFlags(value: number): void {
    this.shared.used.store16(this.ring.usedFlags, value);
  }

  setAvailEvent(value: number): void {
    this.shared.used.store16(this.ring.availEvent, value & 0xffff);
  }
}
