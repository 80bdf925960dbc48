/** The initial RAM disk: at the top of memory, its length rounded up to pages. Launcher's main thread. */
import { LGUEST_PAGE_SIZE } from '../../formats/lguest-bus.ts';
import { alignUp } from '../../ring/split-layout.ts';
import { LauncherError } from '../errors.ts';
import type { Image } from './image-file.ts';
import type { PhysicalMemory } from './physical-memory.ts';
import type { Placement } from './placement.ts';

export interface PlacedInitrd {
  readonly address: number;
  /** Whole pages; zeroes follow the file's bytes. */
  readonly sizeBytes: number;
}

/** @throws LauncherError `empty-image`, `outside-memory`, `overlap` */
export function placeInitrd(image: Image, ramBytes: number, placement: Placement): PlacedInitrd {
  if (image.sizeBytes === 0) throw new LauncherError('empty-image', 0, `: initrd ${image.name} is empty`);
  const sizeBytes = alignUp(image.sizeBytes, LGUEST_PAGE_SIZE);
  const address = ramBytes - sizeBytes;
  placement.claim(`initrd ${image.name}`, address, sizeBytes);
  return { address, sizeBytes };
}

/** @throws LauncherError if the image cannot be read. */
export function loadInitrd(image: Image, initrd: PlacedInitrd, memory: PhysicalMemory): void {
  image.read(0, memory.bytes(initrd.address, image.sizeBytes));
}
