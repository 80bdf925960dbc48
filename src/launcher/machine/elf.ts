/**
 * 32-bit ELF executables for the 386: what belongs where. Launcher's main thread; see kernel-image.ts.
 *
 *     header, 52 bytes
 *       +0 magic "\x7fELF"   +4 class (8 bits)   +5 data (8 bits)   +16 type (16 bits)   +18 machine (16 bits)
 *       +24 entry   +28 phoff   +42 phentsize (16 bits)   +44 phnum (16 bits)
 *
 *     program header, 32 bytes, phnum of them from phoff on
 *       +0 type   +4 offset   +8 vaddr   +12 paddr   +16 filesz   +20 memsz   +24 flags   +28 align
 *
 * Physical addresses count: the guest maps itself to its virtual ones.
 */
import { hex, LauncherError } from '../errors.ts';
import { checkInside, type Image, readBytes } from './image-file.ts';
import type { KernelImage, Segment } from './kernel-image.ts';

export const ELF_HEADER_SIZE = 52;
const PROGRAM_HEADER_SIZE = 32;
/** Program headers fill 64 KiB at most. */
const PROGRAM_HEADERS_MAX = 65536 / PROGRAM_HEADER_SIZE;

const MAGIC = [0x7f, 0x45, 0x4c, 0x46];
const ELFCLASS32 = 1;
const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
const ET_EXEC = 2;
const EM_386 = 3;
const EM_X86_64 = 62;
const PT_LOAD = 1;

const E_CLASS = 4;
const E_DATA = 5;
const E_TYPE = 16;
const E_MACHINE = 18;
const E_ENTRY = 24;
const E_PHOFF = 28;
const E_PHENTSIZE = 42;
const E_PHNUM = 44;

const P_TYPE = 0;
const P_OFFSET = 4;
const P_PADDR = 12;
const P_FILESZ = 16;
const P_MEMSZ = 20;

/** True for what starts with ELF's magic, whatever it is otherwise. */
export const isElf = (start: Uint8Array): boolean => MAGIC.every((byte, i) => start[i] === byte);

/** True for a 64-bit x86 executable: its first fields lie where those of a 32-bit one do. */
export function isElf64(image: Image): boolean {
  if (image.sizeBytes < ELF_HEADER_SIZE) return false;
  const bytes = readBytes(image, 'kernel', 0, ELF_HEADER_SIZE);
  return isElf(bytes) && bytes[E_CLASS] === ELFCLASS64 && viewOf(bytes).getUint16(E_MACHINE, true) === EM_X86_64;
}

/** @throws LauncherError `malformed-elf`, `image-truncated`, `empty-image` */
export function parseElf(image: Image): KernelImage {
  const header = viewOf(readBytes(image, 'kernel', 0, ELF_HEADER_SIZE));
  const phentsize = header.getUint16(E_PHENTSIZE, true);
  const phnum = header.getUint16(E_PHNUM, true);
  const checks: [string, number, boolean][] = [
    // field, its value, whether it is as it must be
    ['class', header.getUint8(E_CLASS), header.getUint8(E_CLASS) === ELFCLASS32],
    ['data encoding', header.getUint8(E_DATA), header.getUint8(E_DATA) === ELFDATA2LSB],
    ['type', header.getUint16(E_TYPE, true), header.getUint16(E_TYPE, true) === ET_EXEC],
    ['machine', header.getUint16(E_MACHINE, true), header.getUint16(E_MACHINE, true) === EM_386],
    ['size of a program header', phentsize, phentsize === PROGRAM_HEADER_SIZE],
    ['number of program headers', phnum, phnum >= 1 && phnum <= PROGRAM_HEADERS_MAX],
  ];
  for (const [field, value, right] of checks) if (!right) throw malformed(image, value, `its ${field} is ${value}`);

  const phoff = header.getUint32(E_PHOFF, true);
  const headers = viewOf(readBytes(image, 'program headers', phoff, phnum * PROGRAM_HEADER_SIZE));
  const segments: Segment[] = [];
  for (let i = 0; i < phnum; i++) {
    const segment = parseSegment(image, headers, i);
    if (segment !== null) segments.push(segment);
  }
  if (segments.length === 0) throw new LauncherError('empty-image', 0, `: ${image.name} has no loadable section`);
  return { kind: 'elf', entry: header.getUint32(E_ENTRY, true), version: null, segments };
}

/** Null for a program header that loads nothing. */
function parseSegment(image: Image, headers: DataView, index: number): Segment | null {
  const at = index * PROGRAM_HEADER_SIZE;
  const word = (field: number) => headers.getUint32(at + field, true);
  const segment = {
    name: `Section ${index}`,
    fileOffset: word(P_OFFSET),
    fileBytes: word(P_FILESZ),
    address: word(P_PADDR),
    memoryBytes: word(P_MEMSZ),
  };
  if (word(P_TYPE) !== PT_LOAD) return null;
  const { name, fileOffset, fileBytes, memoryBytes } = segment;
  if (fileBytes > memoryBytes)
    throw malformed(image, fileBytes, `${name} has ${fileBytes} bytes for ${memoryBytes} at ${hex(segment.address)}`);
  checkInside(image, name, fileOffset, fileBytes);
  return memoryBytes === 0 ? null : segment;
}

const viewOf = (bytes: Uint8Array<ArrayBuffer>) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const malformed = (image: Image, value: number, what: string) =>
  new LauncherError('malformed-elf', value, `: ${image.name}: ${what}`);
