/**
 * Guest memory for drivers' buffers, handed out once and never taken back. Guest thread.
 *
 * It starts behind what the boot leaves at the bottom (parameters, command line) and goes upwards; an initrd and the
 * boot page tables, at the top, are passed only by a guest that takes nearly everything.
 */
import type { MemoryRegion } from '../memory/region.ts';
import { alignUp } from '../ring/split-layout.ts';

/** Where the boot parameters have certainly ended, bytes. */
const BOOT_END = 0x10000;
const PAGE_SIZE = 4096;

export class GuestRam {
  readonly region: MemoryRegion;
  private readonly endBytes: number;
  private next: number;

  /** `ramBytes`: what of the region is the guest's to use, from its start. */
  constructor(region: MemoryRegion, ramBytes: number, start = BOOT_END) {
    this.region = region;
    this.endBytes = Math.min(ramBytes, region.sizeBytes);
    this.next = start;
  }

  /** Bytes not handed out. */
  get freeBytes(): number {
    return Math.max(0, this.endBytes - this.next);
  }

  /** Where whole pages for `sizeBytes` start in the region. @throws RangeError if there are not so many. */
  take(sizeBytes: number): number {
    const at = this.next;
    const size = alignUp(sizeBytes, PAGE_SIZE);
    if (size > this.freeBytes) throw new RangeError(`no ${size} bytes of guest memory, ${this.freeBytes} are left`);
    this.next = at + size;
    return at;
  }
}
