/** Images made by hand, for tests: whole ones, of which a test breaks what it wants broken. */
import { PhysicalMemory } from './physical-memory.ts';

export const PT_LOAD = 1;
export const PT_NOTE = 4;
export const ELF_HEADER = 52;
export const PROGRAM_HEADER = 32;

export interface ElfSegment {
  readonly type?: number;
  readonly address: number;
  readonly bytes: Uint8Array;
  /** Default: as many as there are bytes. */
  readonly memoryBytes?: number;
}

/** A 32-bit executable: header, program headers, then the bytes of the segments. */
export function makeElf(segments: readonly ElfSegment[], entry: number): Buffer {
  const start = ELF_HEADER + PROGRAM_HEADER * segments.length;
  const header = Buffer.alloc(start);
  header.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(3, 18);
  header.writeUInt32LE(1, 20);
  header.writeUInt32LE(entry, 24);
  header.writeUInt32LE(ELF_HEADER, 28);
  header.writeUInt16LE(ELF_HEADER, 40);
  header.writeUInt16LE(PROGRAM_HEADER, 42);
  header.writeUInt16LE(segments.length, 44);
  let offset = start;
  for (const [i, { type = PT_LOAD, address, bytes, memoryBytes = bytes.length }] of segments.entries()) {
    const words = [type, offset, address + 0xc0000000, address, bytes.length, memoryBytes, 7, 4];
    for (const [j, word] of words.entries()) header.writeUInt32LE(word >>> 0, ELF_HEADER + PROGRAM_HEADER * i + 4 * j);
    offset += bytes.length;
  }
  return Buffer.concat([header, ...segments.map(({ bytes }) => bytes)]);
}

export interface BzImageParts {
  readonly setupSectors?: number;
  readonly version?: string;
  readonly entry?: number;
  readonly kernel: Uint8Array;
}

export function makeBzImage({ setupSectors = 3, version = '', entry = 0x100000, kernel }: BzImageParts): Buffer {
  const setup = Buffer.alloc((setupSectors + 1) * 512);
  setup.writeUInt8(setupSectors, 0x1f1);
  setup.write('HdrS', 0x202, 'latin1');
  setup.writeUInt16LE(0x20c, 0x206);
  setup.writeUInt32LE(entry, 0x214);
  if (version !== '') {
    setup.writeUInt16LE(0x100, 0x20e);
    setup.write(version, 0x300, 'latin1');
  }
  return Buffer.concat([setup, kernel]);
}

/** Bytes that differ from place to place. */
export const pattern = (length: number, seed = 1): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => ((i * 31 + seed * 17 + (i >> 8)) & 0xff) | 1);

const CANARY = 0xa5;

/** A guest's memory whose device pages are full of canaries: nothing that is loaded may touch them. */
export function memoryWithCanaries(memoryMb: number): { memory: PhysicalMemory; untouched: () => boolean } {
  const memory = new PhysicalMemory(memoryMb);
  const canaries = new Uint8Array(memory.shared.buffer, memory.ramBytes);
  canaries.fill(CANARY);
  return { memory, untouched: () => canaries.every((byte) => byte === CANARY) };
}

/** True if not one byte of the guest's own memory was written. */
export const isZero = (memory: PhysicalMemory): boolean =>
  new BigUint64Array(memory.shared.buffer, 0, memory.ramBytes / 8).every((word) => word === 0n);

export const silent = (): void => undefined;
