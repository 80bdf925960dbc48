/**
 * Fills a guest's memory before it starts: kernel, initrd, page tables, boot parameters. Launcher's main thread.
 *
 * Everything is placed first and written then: what is refused has touched nothing. Only a file that cannot be read, or
 * is cut meanwhile, fails later; the guest never starts then.
 */
import { hex, LauncherError } from '../errors.ts';
import { type PlacedBootParameters, placeBootParameters, writeBootParameters } from './boot-parameters.ts';
import type { Image } from './image-file.ts';
import { loadInitrd, type PlacedInitrd, placeInitrd } from './initrd.ts';
import type { KernelImage } from './kernel-image.ts';
import { type PlacedPageTables, placePageTables, writePageTables } from './page-tables.ts';
import { parseKernel } from './parse-kernel.ts';
import type { PhysicalMemory } from './physical-memory.ts';
import { Placement } from './placement.ts';

export interface LoadOptions {
  /** An x86 kernel; null for guests whose code is no image. */
  readonly kernel: Image | null;
  readonly initrd: Image | null;
  /** The arguments behind the image on the command line. */
  readonly args: readonly string[];
  /** Takes the original's lines of `--verbose`. */
  readonly verbose: (line: string) => void;
}

export interface Loaded {
  readonly kernel: KernelImage | null;
  readonly initrd: PlacedInitrd | null;
  readonly pageTables: PlacedPageTables;
  readonly commandLine: string;
}

/** @throws LauncherError for images that are broken, do not fit, or lie over each other. */
export function loadGuest(memory: PhysicalMemory, options: LoadOptions): Loaded {
  const { ramBytes } = memory;
  const placement = new Placement(ramBytes);
  const boot: PlacedBootParameters = placeBootParameters(options.args, placement);
  const kernel = options.kernel === null ? null : parseKernel(options.kernel);
  if (kernel !== null) placeKernel(kernel, ramBytes, placement);
  const initrd = options.initrd === null ? null : placeInitrd(options.initrd, ramBytes, placement);
  const pageTables = placePageTables(ramBytes, initrd?.sizeBytes ?? 0, placement);

  if (kernel !== null) loadKernel(options.kernel!, kernel, memory, options.verbose);
  if (initrd !== null) {
    const image = options.initrd!;
    loadInitrd(image, initrd, memory);
    options.verbose(`mapped initrd ${image.name} size=${initrd.sizeBytes} @ ${hex(initrd.address)}`);
  }
  writePageTables(pageTables, memory);
  const { mappedPages, tableCount, tables } = pageTables;
  options.verbose(`Linear mapping of ${mappedPages} pages in ${tableCount} pte pages at ${hex(tables)}`);
  writeBootParameters(boot, initrd, memory);
  return { kernel, initrd, pageTables, commandLine: boot.commandLine };
}

function placeKernel({ entry, segments }: KernelImage, ramBytes: number, placement: Placement): void {
  for (const { name, address, memoryBytes } of segments) placement.claim(name, address, memoryBytes);
  if (entry >= ramBytes)
    throw new LauncherError('invalid-address', entry, ` ${hex(entry)}: the entry, memory ends at ${hex(ramBytes)}`);
}

function loadKernel(image: Image, kernel: KernelImage, memory: PhysicalMemory, verbose: (line: string) => void): void {
  for (const { name, fileOffset, fileBytes, address, memoryBytes } of kernel.segments) {
    // The original says so of sections alone.
    if (kernel.kind === 'elf') verbose(`${name}: size ${memoryBytes} addr ${hex(address)}`);
    image.read(fileOffset, memory.bytes(address, fileBytes));
  }
}
