/**
 * Guest memory that a frontend shares with its backend: one memfd, mapped here, handed out from its start on and never
 * taken back. The thread that drives the device.
 */
import { MemoryRegion } from '../../memory/region.ts';
import { closeDescriptor } from '../../native/descriptors.ts';
import { type Mapping, mapFile } from '../../native/mapping.ts';
import { openMemfd } from '../../native/memfd.ts';
import type { SharedRegion } from './frontend-session.ts';

/** Far from offsets and from this process's own addresses: whoever mixes them up is found out. */
const GUEST_BASE = 2 ** 32;

const PAGE_SIZE = 4096;

/** A cache line: what is handed out does not share one unless it says so. */
const ALIGN = 64;

export class FrontendMemory {
  readonly region: MemoryRegion;
  private readonly descriptor: number;
  private readonly mapping: Mapping;
  private top = 0;

  /** @throws NativeUnavailable, SystemError */
  constructor(sizeBytes: number) {
    const size = Math.ceil(sizeBytes / PAGE_SIZE) * PAGE_SIZE;
    this.descriptor = openMemfd('vringbench', size);
    try {
      this.mapping = mapFile(this.descriptor, { offsetBytes: 0, sizeBytes: size });
      this.region = new MemoryRegion({ guestBase: GUEST_BASE, buffer: this.mapping.buffer });
    } catch (error) {
      closeDescriptor(this.descriptor);
      throw error;
    }
  }

  /** Room for `sizeBytes` that nobody else has: its offset. @throws RangeError if there is none */
  allocate(sizeBytes: number, align = ALIGN): number {
    const offset = Math.ceil(this.top / align) * align;
    if (offset + sizeBytes > this.region.sizeBytes)
      throw new RangeError(`${sizeBytes} bytes at ${offset} of a guest memory of ${this.region.sizeBytes}`);
    this.top = offset + sizeBytes;
    return offset;
  }

  /** As ring addresses name it: where it is in this process. */
  userAddressOf(offset: number): number {
    return this.mapping.address + offset;
  }

  /** As a backend is told of it. */
  describe(): SharedRegion {
    return {
      guestAddress: BigInt(this.region.guestBase),
      sizeBytes: BigInt(this.region.sizeBytes),
      userAddress: BigInt(this.mapping.address),
      mmapOffset: 0n,
      handle: { kind: 'descriptor', descriptor: this.descriptor },
    };
  }

  close(): void {
    this.mapping.close();
    closeDescriptor(this.descriptor);
  }
}
