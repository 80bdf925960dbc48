/**
 * What an x86 kernel image says of itself: where to enter it, and which of its bytes belong where. Launcher's main
 * thread. Whether that fits a memory is the placement's to say; nothing here writes to one.
 */
import { LauncherError } from '../errors.ts';
import { parseBzImage } from './bzimage.ts';
import { ELF_HEADER_SIZE, isElf, parseElf } from './elf.ts';
import { type Image, readBytes } from './image-file.ts';

/** Bytes of the image that go to one place in memory. */
export interface Segment {
  /** In messages: 'Section 0'. */
  readonly name: string;
  /** Where its bytes are in the image, and how many. */
  readonly fileOffset: number;
  readonly fileBytes: number;
  /** Where they go, and how much memory is the segment's: what the image does not fill stays zero. */
  readonly address: number;
  readonly memoryBytes: number;
}

export interface KernelImage {
  readonly kind: 'elf' | 'bzImage';
  readonly entry: number;
  /** What the kernel calls itself; null: it does not say. */
  readonly version: string | null;
  readonly segments: readonly Segment[];
}

/** An ELF file by its magic, else a bzImage. @throws LauncherError for what is neither, or a broken one. */
export function parseKernel(image: Image): KernelImage {
  if (image.sizeBytes === 0) throw new LauncherError('empty-image', 0, `: ${image.name} is empty`);
  const start = readBytes(image, 'kernel', 0, ELF_HEADER_SIZE);
  return isElf(start) ? parseElf(image) : parseBzImage(image);
}
