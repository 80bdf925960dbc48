/** Where a guest finds the file that `--initrd` names: the boot parameters at address 0 say so. Guest thread. */
import type { Guest } from './guest.ts';
import { BOOT_RAMDISK_IMAGE, BOOT_RAMDISK_SIZE } from './machine/boot-header.ts';

/** Bytes of the guest's memory. */
export interface GuestInitrd {
  readonly address: number;
  /** Whole pages; zeroes follow the file's bytes. */
  readonly sizeBytes: number;
}

/** Null: there is none. As long as the guest has not written over the first page of its memory. */
export function initrdOf({ memory }: Pick<Guest, 'memory'>): GuestInitrd | null {
  const view = new DataView(memory.buffer);
  const sizeBytes = view.getUint32(BOOT_RAMDISK_SIZE, true);
  return sizeBytes === 0 ? null : { address: view.getUint32(BOOT_RAMDISK_IMAGE, true), sizeBytes };
}
