/**
 * A guest's physical memory. Launcher's main thread, while the machine is built; afterwards every thread has the shared
 * memory and a limit, and this object is only asked for them.
 *
 *     0                    ramBytes            limitBytes                maxBytes
 *     | the guest's memory | device pages used | device pages not yet used |
 *
 * Address = offset. All of it is zero at first. Addresses from `limitBytes` on are nowhere.
 */
import { LGUEST_DEVICE_PAGES, LGUEST_PAGE_SIZE } from '../../formats/lguest-bus.ts';
import { GuestMemory } from '../../memory/guest-memory.ts';
import { allocateShared, MemoryRegion, REGION_SIZE_MAX, type SharedMemory } from '../../memory/region.ts';
import { hex, LauncherError } from '../errors.ts';

const MEGABYTE = 2 ** 20;
const DEVICE_BYTES = LGUEST_DEVICE_PAGES * LGUEST_PAGE_SIZE;

/** 32-bit addresses reach the memory and its device pages. MB. */
export const MEMORY_MB_MAX = (REGION_SIZE_MAX - DEVICE_BYTES) / MEGABYTE;

export class PhysicalMemory {
  readonly shared: SharedMemory;
  /** The guest's own, bytes from address 0. */
  readonly ramBytes: number;
  readonly maxBytes: number;
  private limit: number;

  /** @throws LauncherError `memory-size` for a size that cannot be, or that the system does not give. */
  constructor(memoryMb: number) {
    if (!Number.isInteger(memoryMb) || memoryMb < 1 || memoryMb > MEMORY_MB_MAX)
      throw new LauncherError('memory-size', memoryMb, `: 1 to ${MEMORY_MB_MAX} MB, not ${memoryMb}`);
    this.ramBytes = memoryMb * MEGABYTE;
    this.maxBytes = this.ramBytes + DEVICE_BYTES;
    this.limit = this.ramBytes;
    try {
      this.shared = allocateShared(this.maxBytes);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new LauncherError('memory-size', memoryMb, `: ${memoryMb} MB cannot be had: ${why}`);
    }
  }

  /** End of the device pages in use: grows with `getPages`. */
  get limitBytes(): number {
    return this.limit;
  }

  /** The address of `count` more device pages. @throws LauncherError `no-device-memory`; nothing is taken then. */
  getPages(count: number): number {
    if (!Number.isInteger(count) || count < 1) throw new RangeError(`pages are taken by 1 or more, not ${count}`);
    const address = this.limit;
    const left = (this.maxBytes - address) / LGUEST_PAGE_SIZE;
    if (count > left) throw new LauncherError('no-device-memory', count, `: ${count} pages wanted, ${left} left`);
    this.limit += count * LGUEST_PAGE_SIZE;
    return address;
  }

  /**
   * `address` if `sizeBytes` from there on lie below the limit: up to its last byte, and nothing wraps.
   * @throws LauncherError `invalid-address`
   */
  check(address: number, sizeBytes: number): number {
    const limit = this.limit;
    // Each alone: a sum of the two might wrap, or not be exact.
    if (!(Number.isInteger(address) && address >= 0 && address < limit))
      throw new LauncherError('invalid-address', address, ` ${hex(address)}`);
    if (!(Number.isInteger(sizeBytes) && sizeBytes >= 0 && sizeBytes <= limit - address))
      throw new LauncherError('invalid-address', address, ` ${hex(address)}: ${sizeBytes} bytes pass ${hex(limit)}`);
    return address;
  }

  /** A view of checked memory. @throws LauncherError `invalid-address` */
  bytes(address: number, sizeBytes: number): Uint8Array {
    return new Uint8Array(this.shared.buffer, this.check(address, sizeBytes), sizeBytes);
  }

  /** A view of checked memory for unaligned, little-endian fields. @throws LauncherError `invalid-address` */
  view(address: number, sizeBytes: number): DataView {
    return new DataView(this.shared.buffer, this.check(address, sizeBytes), sizeBytes);
  }

  /** What queues translate addresses with: all memory below the limit as it is now. */
  guestMemory(): GuestMemory {
    return new GuestMemory([new MemoryRegion({ guestBase: 0, buffer: this.shared, sizeBytes: this.limit })]);
  }
}
