/** Tells the kinds of kernel images apart. Launcher's main thread; writes to no memory. */
import { LauncherError } from '../errors.ts';
import { parseBzImage } from './bzimage.ts';
import { ELF_HEADER_SIZE, isElf, parseElf } from './elf.ts';
import { type Image, readBytes } from './image-file.ts';
import type { KernelImage } from './kernel-image.ts';

/** An ELF file by its magic, else a bzImage. @throws LauncherError for what is neither, or a broken one. */
export function parseKernel(image: Image): KernelImage {
  if (image.sizeBytes === 0) throw new LauncherError('empty-image', 0, `: ${image.name} is empty`);
  const start = readBytes(image, 'kernel', 0, ELF_HEADER_SIZE);
  return isElf(start) ? parseElf(image) : parseBzImage(image);
}
