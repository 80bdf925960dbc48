/**
 * A ring for tests with guarded bytes before and behind each of its parts. Without events the guards begin where the
 * events would stand: those bytes are the guest's own, and no side may touch them [virtio-v1.4 §2.7.6, §2.7.8].
 */
import assert from 'node:assert/strict';
import type { MemoryRegion } from './memory/region.ts';
import { RING_PARTS, type RingPlace, SplitRing } from './ring/split-layout.ts';

const GUARD_BYTES = 16;
/** Every part begins at a multiple of this, which the largest alignment of a part divides. */
const PART_ALIGN = 16;

const PARTS = ['desc', 'avail', 'used'] as const;

export class GuardedRing {
  readonly ring: SplitRing;
  /** Behind the last guard, bytes from the start of the region. */
  readonly endOffset: number;
  private readonly bytes: Uint8Array;
  /** Where each guard starts, and what must stand there. */
  private readonly guards: { readonly start: number; readonly bytes: Uint8Array }[] = [];

  /** @param offset where the first guard begins, a multiple of 16. */
  constructor(region: MemoryRegion, offset: number, size: number, eventIdx: boolean) {
    const places: Partial<Record<(typeof PARTS)[number], RingPlace>> = {};
    let at = offset;
    for (const part of PARTS) {
      const start = Math.ceil((at + GUARD_BYTES) / PART_ALIGN) * PART_ALIGN;
      this.guards.push({ start: at, bytes: patternOf(start - at) });
      places[part] = { region, offset: start };
      at = start + RING_PARTS[part].sizeBytes(size, eventIdx);
    }
    this.endOffset = Math.ceil((at + GUARD_BYTES) / PART_ALIGN) * PART_ALIGN;
    this.guards.push({ start: at, bytes: patternOf(this.endOffset - at) });
    this.bytes = region.u8;
    for (const { start, bytes } of this.guards) this.bytes.set(bytes, start);
    this.ring = new SplitRing(size, places as Required<typeof places>, 'queue', eventIdx);
  }

  /** The bytes that a guarded ring takes of its region. */
  static sizeBytes(size: number): number {
    const parts = PARTS.reduce((sum, part) => sum + RING_PARTS[part].sizeBytes(size, true), 0);
    return parts + (PARTS.length + 1) * (GUARD_BYTES + PART_ALIGN);
  }

  /** What stands in the guards now is what must stand there. */
  adopt(): void {
    for (const { start, bytes } of this.guards) bytes.set(this.bytes.subarray(start, start + bytes.length));
  }

  /** @throws AssertionError if a guarded byte was written. */
  check(): void {
    for (const { start, bytes } of this.guards)
      for (let i = 0; i < bytes.length; i++)
        if (this.bytes[start + i] !== bytes[i])
          assert.fail(`a byte outside of the ring was written: ${this.bytes[start + i]} at ${start + i}`);
  }
}

const patternOf = (length: number) => Uint8Array.from({ length }, (_, i) => (37 * i + 11) & 0xff);
