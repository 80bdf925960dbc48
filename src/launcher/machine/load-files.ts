/** `loadGuest` out of files: they are open only while they are read. Launcher's main thread. */
import { type Image, ImageFile } from './image-file.ts';
import { type Loaded, loadGuest } from './load.ts';
import type { PhysicalMemory } from './physical-memory.ts';

export interface LoadFilesOptions {
  /** Path of an x86 kernel; null for guests whose code is no image. */
  readonly kernel: string | null;
  /** Path of an initrd; null: none. */
  readonly initrd: string | null;
  readonly args: readonly string[];
  /** Takes the original's lines of `--verbose`. */
  readonly verbose: (line: string) => void;
}

/** @throws LauncherError as `loadGuest` does, and for what cannot be opened */
export function loadFiles(memory: PhysicalMemory, options: LoadFilesOptions): Loaded {
  return withImage(options.kernel, (kernel) =>
    withImage(options.initrd, (initrd) => loadGuest(memory, { ...options, kernel, initrd })),
  );
}

function withImage<T>(path: string | null, use: (image: Image | null) => T): T {
  const image = path === null ? null : new ImageFile(path);
  try {
    return use(image);
  } finally {
    image?.close();
  }
}
