/**
 * One contiguous piece of guest memory: where the guest sees it, and typed views over the bytes that hold it.
 *
 * Guest addresses are never buffer offsets: every access from the host side goes through a translation
 * (`range.ts`). This file does not translate; it only holds a region and its views.
 */

/** The largest region: typed views address at most 4 GiB. Bytes. */
export const REGION_SIZE_MAX = 2 ** 32;

/** Guest addresses are numbers, exact below this. An address at or above it lies outside every region. */
export const GUEST_ADDRESS_END = 2 ** 53;

/** A word and its high half make a 64-bit guest address: `high * ADDRESS_HIGH_UNIT + low`. */
export const ADDRESS_HIGH_UNIT = 2 ** 32;

const WASM_PAGE_SIZE = 65536;

/** Memory that threads share: a WebAssembly.Memory, which Wasm code can import, and its buffer. Cloned to threads. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
}

// The engine has it, the type library without the DOM does not: the one part of it that is used.
declare const WebAssembly: {
  Memory: new (descriptor: { initial: number; maximum: number; shared: true }) => SharedMemory;
};

export interface MemoryRegionOptions {
  /** First guest address of the region; a multiple of 8. */
  guestBase: number;
  /** What holds the bytes; only over a shared memory can orderings that are written in Wasm work. */
  buffer: SharedArrayBuffer | ArrayBuffer | SharedMemory;
  /** Where the region starts in the buffer, bytes; a multiple of 8. Default 0. */
  byteOffset?: number;
  /** Length of the region, bytes; a multiple of 8. Default: to the end of the buffer. */
  sizeBytes?: number;
}

/** Guest memory of consecutive addresses over one buffer. All offsets below are bytes from the region's start. */
export class MemoryRegion {
  readonly guestBase: number;
  /** The base in two 32-bit words, the low one signed: descriptors are written without floating point. */
  readonly guestBaseLow: number;
  readonly guestBaseHigh: number;
  readonly sizeBytes: number;
  readonly buffer: SharedArrayBuffer | ArrayBuffer;
  /** The shared memory that the buffer belongs to, if the region was made of one. */
  readonly memory: SharedMemory | null;
  readonly byteOffset: number;
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;

  /** @throws RangeError if the size, the alignment or the addresses cannot be a region. */
  constructor(options: MemoryRegionOptions) {
    const { guestBase, byteOffset = 0 } = options;
    const memory = 'buffer' in options.buffer ? options.buffer : null;
    const buffer = memory === null ? (options.buffer as SharedArrayBuffer | ArrayBuffer) : memory.buffer;
    const sizeBytes = options.sizeBytes ?? buffer.byteLength - byteOffset;
    if (!Number.isSafeInteger(guestBase) || guestBase < 0 || guestBase % 8 !== 0)
      throw new RangeError(`a region's guest base must be a multiple of 8 below 2^53, not ${guestBase}`);
    if (!Number.isInteger(byteOffset) || byteOffset < 0 || byteOffset % 8 !== 0)
      throw new RangeError(`a region's place in its buffer must be a multiple of 8, not ${byteOffset}`);
    if (!Number.isInteger(sizeBytes) || sizeBytes <= 0 || sizeBytes > REGION_SIZE_MAX || sizeBytes % 8 !== 0)
      throw new RangeError(`a region's size must be a multiple of 8 up to 4 GiB, not ${sizeBytes}`);
    if (byteOffset + sizeBytes > buffer.byteLength)
      throw new RangeError(`a region of ${sizeBytes} bytes at ${byteOffset} passes its ${buffer.byteLength} bytes`);
    if (guestBase + sizeBytes > GUEST_ADDRESS_END)
      throw new RangeError(`a region of ${sizeBytes} bytes at ${guestBase} passes guest address 2^53`);
    this.guestBase = guestBase;
    this.guestBaseLow = guestBase | 0;
    this.guestBaseHigh = Math.floor(guestBase / ADDRESS_HIGH_UNIT);
    this.sizeBytes = sizeBytes;
    this.buffer = buffer;
    this.memory = memory;
    this.byteOffset = byteOffset;
    this.u8 = new Uint8Array(buffer, byteOffset, sizeBytes);
    this.u16 = new Uint16Array(buffer, byteOffset, sizeBytes / 2);
    this.u32 = new Uint32Array(buffer, byteOffset, sizeBytes / 4);
    this.i32 = new Int32Array(buffer, byteOffset, sizeBytes / 4);
  }

  /** The guest address of the byte at `offset`. */
  addressOf(offset: number): number {
    return this.guestBase + offset;
  }
}

/** Zeroed memory that threads and Wasm modules share, at least `sizeBytes` long. */
export function allocateShared(sizeBytes: number): SharedMemory {
  const pages = Math.ceil(sizeBytes / WASM_PAGE_SIZE);
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}
