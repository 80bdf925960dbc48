/**
 * An x86 image in a few lines, for people: the worker CPU cannot run it, and says what it is and which CPU can.
 * Launcher's main thread.
 */
import { hex } from '../errors.ts';
import { isElf64 as isElf64Header } from './elf.ts';
import { ImageFile } from './image-file.ts';
import type { KernelImage, Segment } from './kernel-image.ts';
import { parseKernel } from './parse-kernel.ts';

export interface ImageDescription {
  readonly kind: KernelImage['kind'];
  /** What the kernel calls itself; null: it does not say. */
  readonly version: string | null;
  readonly entry: number;
  /** The file. */
  readonly sizeBytes: number;
  readonly segments: readonly Segment[];
}

/** What the file holds, read and checked, placed nowhere. @throws LauncherError for what is no whole x86 image. */
export function describeImage(path: string): ImageDescription {
  const image = new ImageFile(path);
  try {
    const { kind, version, entry, segments } = parseKernel(image);
    return { kind, version, entry, sizeBytes: image.sizeBytes, segments };
  } finally {
    image.close();
  }
}

/** True for a 64-bit executable of x86, which a 32-bit machine cannot load. @throws LauncherError */
export function isElf64(path: string): boolean {
  const image = new ImageFile(path);
  try {
    return isElf64Header(image);
  } finally {
    image.close();
  }
}

/** One line for the whole, one for each part that is loaded. */
export function descriptionLines({ kind, version, entry, sizeBytes, segments }: ImageDescription): string[] {
  const said = version === null ? '' : ` '${version}'`;
  return [
    `${kind} image${said}: ${sizeBytes} bytes, entry ${hex(entry)}`,
    ...segments.map(
      ({ name, fileBytes, memoryBytes, address }) =>
        `${name}: ${fileBytes} bytes of the file, ${memoryBytes} bytes of memory at ${hex(address)}`,
    ),
  ];
}

/** Why a worker does not run it. */
export const refusalOf = (path: string, { kind }: { readonly kind: ImageDescription['kind'] | '64-bit elf' }): string =>
  `${path} is an x86 kernel (${kind}): the worker CPU runs ES modules and Wasm modules; run it with --cpu qemu`;
