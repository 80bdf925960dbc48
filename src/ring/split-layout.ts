/**
 * Where the parts of a split virtqueue lie. The one place that adds numbers to their offsets.
 *
 *     descriptor table, 16 bytes an entry        align 16
 *       +0 address low  +4 address high  +8 length  +12 flags (16 bits)  +14 next (16 bits)
 *     available ring, written by the guest       align 2
 *       +0 flags  +2 idx  +4 ring[size] (16 bits each)  then used_event, with EVENT_IDX alone
 *     used ring, written by the host             align 4
 *       +0 flags  +2 idx  +4 ring[size] (32-bit id, 32-bit length)  then avail_event, with EVENT_IDX alone
 *
 * [virtio-v1.4 §2.7]; the legacy layout [§2.7.2] puts the used ring at the next multiple of an alignment.
 *
 * Without EVENT_IDX the bytes behind both rings are the guest's own: a firmware keeps its variables there. The layouts
 * below leave room for both events in any case, as the kernel's do. A `SplitRing` ends where it was negotiated to end.
 */
import type { MemoryRegion } from '../memory/region.ts';
import { VRING_DESC_SIZE, VRING_DESC_WORDS, VRING_LEGACY_ALIGN, VRING_SIZE_MAX } from './constants.ts';
import { RingError } from './errors.ts';
import type { RingFeatures } from './features.ts';

const DESC_ALIGN = 16;
const AVAIL_ALIGN = 2;
const USED_ALIGN = 4;
const WORD_SIZE = 4;

/** Sizes and places of a ring's three parts, bytes from wherever the ring is put. */
export interface SplitLayout {
  /** Number of descriptors. */
  readonly size: number;
  readonly descOffset: number;
  readonly availOffset: number;
  readonly usedOffset: number;
  /** From the start of the ring to the end of its last part. */
  readonly sizeBytes: number;
}

/** What each part of a ring with `size` descriptors is, with or without EVENT_IDX, wherever it lies. Bytes. */
export const RING_PARTS = {
  desc: { align: DESC_ALIGN, sizeBytes: (size: number) => descBytes(size) },
  avail: { align: AVAIL_ALIGN, sizeBytes: (size: number, eventIdx: boolean) => availBytes(size, eventIdx) },
  used: { align: USED_ALIGN, sizeBytes: (size: number, eventIdx: boolean) => usedBytes(size, eventIdx) },
} as const;

const EVENT_SIZE = 2;

const descBytes = (size: number) => VRING_DESC_SIZE * size;
const availBytes = (size: number, eventIdx: boolean) => 4 + 2 * size + (eventIdx ? EVENT_SIZE : 0);
const usedBytes = (size: number, eventIdx: boolean) => 4 + 8 * size + (eventIdx ? EVENT_SIZE : 0);

/** The next multiple of `align` from `offset` on. */
export const alignUp = (offset: number, align: number) => Math.ceil(offset / align) * align;

/** @throws RingError `bad-queue-size` unless `size` is a power of two from 1 to 32768. */
export function checkQueueSize(size: number, queue = 'queue'): void {
  if (!Number.isInteger(size) || size < 1 || size > VRING_SIZE_MAX || (size & (size - 1)) !== 0)
    throw new RingError('bad-queue-size', queue, 0, size);
}

function layout(size: number, usedAlign: number): SplitLayout {
  checkQueueSize(size);
  const availOffset = descBytes(size);
  const usedOffset = alignUp(availOffset + availBytes(size, true), usedAlign);
  return { size, descOffset: 0, availOffset, usedOffset, sizeBytes: usedOffset + usedBytes(size, true) };
}

/** The layout of the kernel's test programs and of legacy devices: used ring at the next multiple of `align`. */
export function legacyLayout(size: number, align = VRING_LEGACY_ALIGN): SplitLayout {
  if (!Number.isInteger(align) || align < USED_ALIGN || (align & (align - 1)) !== 0)
    throw new RangeError(`the legacy alignment must be a power of two from 4, not ${align}`);
  return layout(size, align);
}

/** The closest packing that virtio 1.x allows; there a driver may also place the parts apart. */
export function modernLayout(size: number): SplitLayout {
  return layout(size, USED_ALIGN);
}

/** Two cache lines: processors fetch them in pairs. Bytes. */
const LINE_SIZE = 128;
/** Flags and index of a ring, in front of its entries. */
const HEADER_SIZE = 4;

/**
 * The parts apart, as only VERSION_1 allows: flags and index of each side end a line pair of their own, so that the
 * entries behind them begin another; an event has a third where the entries fill whole ones: available rings from 64,
 * used rings from 16 descriptors on.
 * @throws RingError `bad-queue-size`
 */
export function apartLayout(size: number): SplitLayout {
  checkQueueSize(size);
  const behind = (end: number) => alignUp(end, LINE_SIZE) + LINE_SIZE - HEADER_SIZE;
  const availOffset = behind(descBytes(size));
  const usedOffset = behind(availOffset + availBytes(size, true));
  return { size, descOffset: 0, availOffset, usedOffset, sizeBytes: usedOffset + usedBytes(size, true) };
}

/** Where a part of a ring starts: bytes from the start of a region. */
export interface RingPlace {
  readonly region: MemoryRegion;
  readonly offset: number;
}

/** The three parts of a ring, each in whatever region. */
export interface RingPlaces {
  readonly desc: RingPlace;
  readonly avail: RingPlace;
  readonly used: RingPlace;
}

/** A split ring: typed views over its tables, and the byte offsets of its shared fields. */
export class SplitRing {
  readonly places: RingPlaces;
  readonly size: number;
  /** Both events are parts of it; else nothing may touch the bytes where they would stand. */
  readonly eventIdx: boolean;
  /** Descriptor table, four 32-bit words an entry: address low, address high, length, flags | next << 16. */
  readonly desc: Uint32Array;
  /** Heads made available; index with `& (size - 1)`. */
  readonly availRing: Uint16Array;
  /** Used elements, two 32-bit words each: id, length. */
  readonly usedRing: Uint32Array;
  /** Byte offsets of the fields that the guest writes, in the region of `places.avail`, for `SharedFields`. */
  readonly availFlags: number;
  readonly availIdx: number;
  readonly usedEvent: number;
  /** The same of those that the host writes, in the region of `places.used`. */
  readonly usedFlags: number;
  readonly usedIdx: number;
  readonly availEvent: number;

  /**
   * @param eventIdx whether EVENT_IDX was negotiated. A queue with it refuses a ring without.
   * @throws RingError if the size is refused, or a part is misaligned, leaves its region, or overlaps another.
   */
  constructor(size: number, places: RingPlaces, queue = 'queue', eventIdx = true) {
    checkQueueSize(size, queue);
    const { desc, avail, used } = places;
    // In errors a part is named by its number: 0 descriptors, 1 available, 2 used.
    const parts = [
      { part: 0, place: desc, bytes: descBytes(size), align: DESC_ALIGN },
      { part: 1, place: avail, bytes: availBytes(size, eventIdx), align: AVAIL_ALIGN },
      { part: 2, place: used, bytes: usedBytes(size, eventIdx), align: USED_ALIGN },
    ].map((part) => ({ ...part, at: part.place.offset, address: part.place.region.addressOf(part.place.offset) }));
    for (const { part, place, bytes, align, at, address } of parts) {
      if (!(at >= 0) || at + bytes > place.region.sizeBytes)
        throw new RingError('ring-outside-memory', queue, part, at);
      // The specification aligns addresses; typed views align places in the buffer, to a word at most.
      if (address % align !== 0 || at % Math.min(align, WORD_SIZE) !== 0)
        throw new RingError('ring-misaligned', queue, part, at);
    }
    parts.sort((a, b) => a.address - b.address);
    for (const [i, { part, at, address }] of parts.entries()) {
      const before = parts[i - 1];
      if (before !== undefined && before.address + before.bytes > address)
        throw new RingError('ring-parts-overlap', queue, part, at);
    }
    this.places = places;
    this.size = size;
    this.eventIdx = eventIdx;
    this.desc = new Uint32Array(desc.region.buffer, startOf(desc), VRING_DESC_WORDS * size);
    this.availRing = new Uint16Array(avail.region.buffer, startOf(avail) + 4, size);
    this.usedRing = new Uint32Array(used.region.buffer, startOf(used) + 4, 2 * size);
    this.availFlags = avail.offset;
    this.availIdx = avail.offset + 2;
    this.usedEvent = avail.offset + 4 + 2 * size;
    this.usedFlags = used.offset;
    this.usedIdx = used.offset + 2;
    this.availEvent = used.offset + 4 + 8 * size;
  }

  /** @throws RangeError if a queue has events negotiated and its ring ends before them. */
  checkFeatures({ eventIdx }: RingFeatures): void {
    if (eventIdx && !this.eventIdx) throw new RangeError('EVENT_IDX was negotiated, and the ring has no events');
  }

  /** A ring whose parts all lie in `region`, from `baseOffset` bytes on. @throws RingError as the constructor does. */
  static within(
    region: MemoryRegion,
    baseOffset: number,
    layout: SplitLayout,
    queue = 'queue',
    eventIdx = true,
  ): SplitRing {
    const at = (offset: number): RingPlace => ({ region, offset: baseOffset + offset });
    const places = { desc: at(layout.descOffset), avail: at(layout.availOffset), used: at(layout.usedOffset) };
    return new SplitRing(layout.size, places, queue, eventIdx);
  }
}

/** Where a part starts in the buffer of its region, bytes. */
const startOf = ({ region, offset }: RingPlace) => region.byteOffset + offset;
