/**
 * bzImages: Linux kernels that unpack themselves. Launcher's main thread; see kernel-image.ts.
 *
 *     boot sector | setup_sects sectors of set-up code | the kernel, which goes to 0x100000
 *
 * The set-up code is for a processor in real mode, and is skipped.
 */
import { hex, LauncherError } from '../errors.ts';
import {
  BOOT_CODE32_START,
  BOOT_HEADER,
  BOOT_KERNEL_VERSION,
  BOOT_KERNEL_VERSION_BASE,
  BOOT_MAGIC,
  BOOT_SECTOR_SIZE,
  BOOT_SETUP_SECTS,
} from './boot-header.ts';
import { type Image, readBytes } from './image-file.ts';
import type { KernelImage } from './kernel-image.ts';

/** Where the kernel behind the set-up code goes. */
export const BZIMAGE_ADDRESS = 0x100000;

/** The header's fields that are read here end before this. */
const HEADER_END = BOOT_CODE32_START + 4;

/** A version is a line of text. Bytes. */
const VERSION_MAX = 256;

/** @throws LauncherError `not-a-bzimage`, `malformed-bzimage` */
export function parseBzImage(image: Image): KernelImage {
  if (image.sizeBytes < HEADER_END)
    throw new LauncherError('not-a-bzimage', image.sizeBytes, `: ${image.name} has ${image.sizeBytes} bytes`);
  const header = Buffer.from(readBytes(image, 'kernel', 0, HEADER_END).buffer);
  const magic = header.toString('latin1', BOOT_HEADER, BOOT_HEADER + BOOT_MAGIC.length);
  if (magic !== BOOT_MAGIC) {
    const found = header.readUInt32LE(BOOT_HEADER);
    throw new LauncherError('not-a-bzimage', found, `: ${image.name} has ${hex(found)} at ${hex(BOOT_HEADER)}`);
  }
  const setupSectors = header.readUInt8(BOOT_SETUP_SECTS);
  const fileOffset = (setupSectors + 1) * BOOT_SECTOR_SIZE;
  const fileBytes = image.sizeBytes - fileOffset;
  if (fileBytes <= 0)
    throw new LauncherError(
      'malformed-bzimage',
      setupSectors,
      `: ${image.name} ends before its kernel: ${setupSectors} sectors of set-up code, ${image.sizeBytes} bytes`,
    );
  const segments = [{ name: 'kernel', fileOffset, fileBytes, address: BZIMAGE_ADDRESS, memoryBytes: fileBytes }];
  const version = readVersion(image, header.readUInt16LE(BOOT_KERNEL_VERSION), fileOffset);
  return { kind: 'bzImage', entry: header.readUInt32LE(BOOT_CODE32_START), version, segments };
}

/** The version, printable; null if it is not in the set-up code, which ends at `setupBytes`. */
function readVersion(image: Image, pointer: number, setupBytes: number): string | null {
  const start = BOOT_KERNEL_VERSION_BASE + pointer;
  if (pointer === 0 || start >= setupBytes) return null;
  const bytes = readBytes(image, 'version', start, Math.min(VERSION_MAX, setupBytes - start));
  const end = bytes.indexOf(0);
  if (end <= 0) return null;
  const text = Buffer.from(bytes.subarray(0, end)).toString('latin1');
  // It goes to a terminal: no byte of a file may steer that.
  return text.replace(/[^\x20-\x7e]/g, '?');
}
