/**
 * The payloads: each layout stands here once, with its offsets. A layout reads bytes of a peer, which it does not
 * trust, and writes values of ours, which it does not truncate. It knows neither header nor descriptors.
 *
 * 64-bit fields are bigints: this is no hot path, and whoever uses them decides how large they may be.
 */
import { ProtocolError } from './errors.ts';
import {
  VHOST_MEMORY_BASELINE_NREGIONS,
  VHOST_USER_MAX_CONFIG_SIZE,
  VHOST_USER_PAYLOAD_MAX,
  VHOST_USER_VRING_IDX_MASK,
  VHOST_USER_VRING_NOFD_MASK,
  VIRTIO_MAX_SHMEM_REGIONS,
} from './protocol.ts';

export interface Layout<T extends object> {
  /** Bounds of the payload's size, bytes; within them `read` decides. */
  readonly minBytes: number;
  readonly maxBytes: number;
  /** @throws ProtocolError that names `request` */
  read(bytes: Uint8Array, request: string): T;
  /** @throws RangeError for a value that does not fit its field */
  write(values: T): Uint8Array;
}

export type ValuesOf<L> = L extends Layout<infer T> ? T : never;

interface Field<T> {
  read(view: DataView): T;
  write(view: DataView, value: T): void;
}

/** Refused before a DataView would wrap it silently. */
function checkFits(value: number, max: number): number {
  if (!Number.isInteger(value) || value < 0 || value > max)
    throw new RangeError(`${value} does not fit a field that ends at ${max}`);
  return value;
}

function checkFits64(value: bigint): bigint {
  if (value < 0n || value >= 2n ** 64n) throw new RangeError(`${value} does not fit a field of 64 bits`);
  return value;
}

/** Fields by their offset in the payload, bytes. */
const u8 = (offset: number): Field<number> => ({
  read: (view) => view.getUint8(offset),
  write: (view, value) => view.setUint8(offset, checkFits(value, 0xff)),
});
const u16 = (offset: number): Field<number> => ({
  read: (view) => view.getUint16(offset, true),
  write: (view, value) => view.setUint16(offset, checkFits(value, 0xffff), true),
});
const u32 = (offset: number): Field<number> => ({
  read: (view) => view.getUint32(offset, true),
  write: (view, value) => view.setUint32(offset, checkFits(value, 0xffffffff), true),
});
const u64 = (offset: number): Field<bigint> => ({
  read: (view) => view.getBigUint64(offset, true),
  write: (view, value) => view.setBigUint64(offset, checkFits64(value), true),
});

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A payload of one size. What no field covers is padding: written as 0, not looked at. */
function struct<T extends object>(sizeBytes: number, fields: { [K in keyof T]: Field<T[K]> }): Layout<T> {
  const entries = Object.entries(fields) as [keyof T, Field<T[keyof T]>][];
  return {
    minBytes: sizeBytes,
    maxBytes: sizeBytes,
    read(bytes) {
      const view = viewOf(bytes);
      return Object.fromEntries(entries.map(([name, field]) => [name, field.read(view)])) as T;
    },
    write(values) {
      const bytes = new Uint8Array(sizeBytes);
      const view = viewOf(bytes);
      for (const [name, field] of entries) field.write(view, values[name]);
      return bytes;
    },
  };
}

export const EMPTY: Layout<object> = {
  minBytes: 0,
  maxBytes: 0,
  read: () => ({}),
  write: () => new Uint8Array(0),
};

/** One number: a feature word, a count, a status, or 0 for success. */
export const U64 = struct(8, { value: u64(0) });

/** A queue and a number of it: its size, next index, or a switch. */
export const VRING_STATE = struct(8, { index: u32(0), num: u32(4) });

/** Where a queue's ring lies: addresses of the frontend itself, `log` a guest address. */
export const VRING_ADDRESS = struct(40, {
  index: u32(0),
  flags: u32(4),
  desc: u64(8),
  used: u64(16),
  avail: u64(24),
  log: u64(32),
});

export const LOG = struct(16, { sizeBytes: u64(0), offsetBytes: u64(8) });

/** The last 4 bytes are padding: peers send a C structure whose size is a multiple of 8. */
export const INFLIGHT = struct(24, { sizeBytes: u64(0), offsetBytes: u64(8), queues: u16(16), queueSize: u16(18) });

/** 6 bytes of padding at the end, for the same reason. */
export const IOTLB = struct(32, {
  iova: u64(0),
  sizeBytes: u64(8),
  userAddress: u64(16),
  access: u8(24),
  type: u8(25),
});

export const DEVICE_STATE = struct(8, { direction: u32(0), phase: u32(4) });

/** `shmid` stands in the first of 8 bytes. */
export const SHMEM_MAP = struct(40, {
  shmid: u8(0),
  fileOffset: u64(8),
  shmOffset: u64(16),
  sizeBytes: u64(24),
  flags: u64(32),
});

/** One region of guest memory. */
export interface MemoryRegionDescription {
  readonly guestAddress: bigint;
  readonly sizeBytes: bigint;
  /** Its first address in the frontend itself. */
  readonly userAddress: bigint;
  /** Where it starts in its file. */
  readonly mmapOffset: bigint;
}

const REGION = struct(32, { guestAddress: u64(0), sizeBytes: u64(8), userAddress: u64(16), mmapOffset: u64(24) });

/** Of a single region, and of a table: a region starts after 8 bytes. */
const REGIONS_OFFSET = 8;
const TABLE_SIZE_MAX = REGIONS_OFFSET + VHOST_MEMORY_BASELINE_NREGIONS * REGION.maxBytes;

function readRegion(bytes: Uint8Array, index: number, request: string): MemoryRegionDescription {
  const start = REGIONS_OFFSET + index * REGION.maxBytes;
  return REGION.read(bytes.subarray(start, start + REGION.maxBytes), request);
}

export const SINGLE_REGION: Layout<{ region: MemoryRegionDescription }> = {
  minBytes: REGIONS_OFFSET + REGION.maxBytes,
  maxBytes: REGIONS_OFFSET + REGION.maxBytes,
  read: (bytes, request) => ({ region: readRegion(bytes, 0, request) }),
  write({ region }) {
    const bytes = new Uint8Array(REGIONS_OFFSET + REGION.maxBytes);
    bytes.set(REGION.write(region), REGIONS_OFFSET);
    return bytes;
  },
};

/** A count, 4 bytes of padding, and the regions that it counts. Peers send room for more, which says nothing. */
export const MEMORY_TABLE: Layout<{ regions: readonly MemoryRegionDescription[] }> = {
  minBytes: REGIONS_OFFSET,
  maxBytes: TABLE_SIZE_MAX,
  read(bytes, request) {
    const count = viewOf(bytes).getUint32(0, true);
    if (count === 0 || count > VHOST_MEMORY_BASELINE_NREGIONS)
      throw new ProtocolError('bad-region-count', request, count);
    if (bytes.length < REGIONS_OFFSET + count * REGION.maxBytes)
      throw new ProtocolError('wrong-size', request, bytes.length);
    return { regions: Array.from({ length: count }, (_, index) => readRegion(bytes, index, request)) };
  },
  write({ regions }) {
    if (regions.length === 0 || regions.length > VHOST_MEMORY_BASELINE_NREGIONS)
      throw new RangeError(`a memory table of ${regions.length} regions`);
    const bytes = new Uint8Array(REGIONS_OFFSET + regions.length * REGION.maxBytes);
    viewOf(bytes).setUint32(0, regions.length, true);
    regions.forEach((region, index) => {
      bytes.set(REGION.write(region), REGIONS_OFFSET + index * REGION.maxBytes);
    });
    return bytes;
  },
};

/** What answers a memory table: 0 for success, or, during a postcopy migration, the table with our own addresses. */
export const MEMORY_TABLE_REPLY: Layout<{ value: bigint; regions: readonly MemoryRegionDescription[] }> = {
  minBytes: U64.minBytes,
  maxBytes: TABLE_SIZE_MAX,
  read: (bytes, request) =>
    bytes.length === U64.maxBytes
      ? { ...U64.read(bytes, request), regions: [] }
      : { value: 0n, ...MEMORY_TABLE.read(bytes, request) },
  write: ({ value, regions }) => (regions.length === 0 ? U64.write({ value }) : MEMORY_TABLE.write({ regions })),
};

/** The same for one region. */
export const SINGLE_REGION_REPLY: Layout<{ value: bigint; region: MemoryRegionDescription | null }> = {
  minBytes: U64.minBytes,
  maxBytes: SINGLE_REGION.maxBytes,
  read(bytes, request) {
    if (bytes.length === U64.maxBytes) return { ...U64.read(bytes, request), region: null };
    if (bytes.length !== SINGLE_REGION.maxBytes) throw new ProtocolError('wrong-size', request, bytes.length);
    return { value: 0n, ...SINGLE_REGION.read(bytes, request) };
  },
  write: ({ value, region }) => (region === null ? U64.write({ value }) : SINGLE_REGION.write({ region })),
};

/** What answers SET_LOG_BASE: some peers send no payload, others leave the request's first word standing. It says nothing. */
export const U64_OR_EMPTY: Layout<{ value: bigint }> = {
  minBytes: 0,
  maxBytes: U64.maxBytes,
  read(bytes, request) {
    if (bytes.length === 0) return { value: 0n };
    if (bytes.length !== U64.maxBytes) throw new ProtocolError('wrong-size', request, bytes.length);
    return U64.read(bytes, request);
  },
  write: U64.write,
};

const FILE_BITS = BigInt(VHOST_USER_VRING_IDX_MASK | VHOST_USER_VRING_NOFD_MASK);

function readFileWord(word: bigint, request: string): { index: number; noDescriptor: boolean } {
  if ((word & ~FILE_BITS) !== 0n) throw new ProtocolError('bad-value', request, word);
  const bits = Number(word);
  return { index: bits & VHOST_USER_VRING_IDX_MASK, noDescriptor: (bits & VHOST_USER_VRING_NOFD_MASK) !== 0 };
}

function fileWord({ index, noDescriptor }: { index: number; noDescriptor: boolean }): bigint {
  return BigInt(checkFits(index, VHOST_USER_VRING_IDX_MASK) | (noDescriptor ? VHOST_USER_VRING_NOFD_MASK : 0));
}

/** A queue whose kick, call or err descriptor comes along, or does not. */
export const VRING_FILE: Layout<{ index: number; noDescriptor: boolean }> = {
  minBytes: U64.minBytes,
  maxBytes: U64.maxBytes,
  read: (bytes, request) => readFileWord(U64.read(bytes, request).value, request),
  write: (values) => U64.write({ value: fileWord(values) }),
};

const AREA = struct(24, { word: u64(0), sizeBytes: u64(8), offsetBytes: u64(16) });

/** The same with a piece of the descriptor's file: a page to be kicked by writing to it. */
export const VRING_AREA: Layout<{
  index: number;
  noDescriptor: boolean;
  sizeBytes: bigint;
  offsetBytes: bigint;
}> = {
  minBytes: AREA.minBytes,
  maxBytes: AREA.maxBytes,
  read(bytes, request) {
    const { word, ...area } = AREA.read(bytes, request);
    return { ...readFileWord(word, request), ...area };
  },
  write: ({ sizeBytes, offsetBytes, ...file }) => AREA.write({ word: fileWord(file), sizeBytes, offsetBytes }),
};

/** What answers SET_DEVICE_STATE_FD: bits 0 to 7 the error, bit 8 that no descriptor comes along. */
export const DEVICE_STATE_REPLY: Layout<{ error: number; noDescriptor: boolean }> = {
  minBytes: U64.minBytes,
  maxBytes: U64.maxBytes,
  read(bytes, request) {
    const { index, noDescriptor } = readFileWord(U64.read(bytes, request).value, request);
    return { error: index, noDescriptor };
  },
  write: ({ error, noDescriptor }) => U64.write({ value: fileWord({ index: error, noDescriptor }) }),
};

const CONFIG_HEADER = struct(12, { offset: u32(0), sizeBytes: u32(4), flags: u32(8) });
const CONFIG_SIZE_MAX = CONFIG_HEADER.maxBytes + VHOST_USER_MAX_CONFIG_SIZE;

/**
 * A piece of the configuration space; a request to read has bytes too, which mean nothing. The payload may be longer
 * than the piece.
 */
export const CONFIG: Layout<{ offset: number; flags: number; bytes: Uint8Array }> = {
  minBytes: CONFIG_HEADER.maxBytes,
  maxBytes: CONFIG_SIZE_MAX,
  read(payload, request) {
    const { offset, sizeBytes, flags } = CONFIG_HEADER.read(payload, request);
    if (sizeBytes > VHOST_USER_MAX_CONFIG_SIZE) throw new ProtocolError('size-too-large', request, sizeBytes);
    const end = CONFIG_HEADER.maxBytes + sizeBytes;
    if (payload.length < end) throw new ProtocolError('wrong-size', request, payload.length);
    return { offset, flags, bytes: payload.slice(CONFIG_HEADER.maxBytes, end) };
  },
  write({ offset, flags, bytes }) {
    checkFits(bytes.length, VHOST_USER_MAX_CONFIG_SIZE);
    const payload = new Uint8Array(CONFIG_HEADER.maxBytes + bytes.length);
    payload.set(CONFIG_HEADER.write({ offset, sizeBytes: bytes.length, flags }));
    payload.set(bytes, CONFIG_HEADER.maxBytes);
    return payload;
  },
};

/** What answers GET_CONFIG: bytes null, sent as no payload at all, says that it failed. */
export const CONFIG_REPLY: Layout<{ offset: number; flags: number; bytes: Uint8Array | null }> = {
  minBytes: 0,
  maxBytes: CONFIG_SIZE_MAX,
  read(payload, request) {
    if (payload.length === 0) return { offset: 0, flags: 0, bytes: null };
    if (payload.length < CONFIG.minBytes) throw new ProtocolError('wrong-size', request, payload.length);
    return CONFIG.read(payload, request);
  },
  write: ({ offset, flags, bytes }) => (bytes === null ? new Uint8Array(0) : CONFIG.write({ offset, flags, bytes })),
};

/** 16 bytes that name an object, as they travel. */
export const SHARED_OBJECT: Layout<{ uuid: Uint8Array }> = {
  minBytes: 16,
  maxBytes: 16,
  read: (bytes) => ({ uuid: bytes.slice() }),
  write({ uuid }) {
    if (uuid.length !== 16) throw new RangeError(`a UUID of ${uuid.length} bytes`);
    return uuid.slice();
  },
};

/** What answers GET_SHARED_OBJECT is the descriptor. Peers leave the request's payload standing, or send none. */
export const SHARED_OBJECT_REPLY: Layout<{ uuid: Uint8Array | null }> = {
  minBytes: 0,
  maxBytes: 16,
  read(bytes, request) {
    if (bytes.length === 0) return { uuid: null };
    if (bytes.length !== 16) throw new ProtocolError('wrong-size', request, bytes.length);
    return SHARED_OBJECT.read(bytes, request);
  },
  write: ({ uuid }) => (uuid === null ? new Uint8Array(0) : SHARED_OBJECT.write({ uuid })),
};

const SHMEM_CONFIG_SIZE = 8 + VIRTIO_MAX_SHMEM_REGIONS * 8;

/** How many shared memory regions have a size, and the size of each by its id. */
export const SHMEM_CONFIG: Layout<{ count: number; sizes: BigUint64Array }> = {
  minBytes: SHMEM_CONFIG_SIZE,
  maxBytes: SHMEM_CONFIG_SIZE,
  read(bytes, request) {
    const view = viewOf(bytes);
    const count = view.getUint32(0, true);
    if (count > VIRTIO_MAX_SHMEM_REGIONS) throw new ProtocolError('bad-value', request, count);
    const sizes = BigUint64Array.from({ length: VIRTIO_MAX_SHMEM_REGIONS }, (_, id) =>
      view.getBigUint64(8 + id * 8, true),
    );
    return { count, sizes };
  },
  write({ count, sizes }) {
    if (sizes.length !== VIRTIO_MAX_SHMEM_REGIONS) throw new RangeError(`sizes of ${sizes.length} regions`);
    const bytes = new Uint8Array(SHMEM_CONFIG_SIZE);
    const view = viewOf(bytes);
    view.setUint32(0, checkFits(count, VIRTIO_MAX_SHMEM_REGIONS), true);
    sizes.forEach((size, id) => {
      view.setBigUint64(8 + id * 8, size, true);
    });
    return bytes;
  },
};

/** A payload whose layout is each implementation's own: bytes with a bound. */
export const OPAQUE: Layout<{ bytes: Uint8Array }> = {
  minBytes: 0,
  maxBytes: VHOST_USER_PAYLOAD_MAX,
  read: (bytes) => ({ bytes: bytes.slice() }),
  write({ bytes }) {
    checkFits(bytes.length, VHOST_USER_PAYLOAD_MAX);
    return bytes.slice();
  },
};
