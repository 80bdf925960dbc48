/**
 * The frontend's memory as a session knows it: checked regions, nothing mapped. A table never changes: every request
 * that alters memory makes another, so that a refused one leaves no trace. It closes no handle.
 *
 * Checked before anybody maps: no region is empty, wraps, is misaligned, overlaps another (as the guest names it or as
 * the frontend does) or reaches beyond its file; and all of it together is no more than can be mapped.
 */
import { GUEST_ADDRESS_END } from '../../memory/region.ts';
import { ProtocolError } from '../messages/errors.ts';
import type { Handle } from '../messages/handle.ts';
import type { MemoryRegionDescription } from '../messages/payload.ts';
import type { RegionSetup } from '../queues/queue-setup.ts';

/** Bytes behind a handle. @throws for what has no size. */
export type SizeOf = (handle: Handle) => number;

/** What a table is checked against, and for whom. */
export interface TableLimits {
  /** Named in errors. */
  readonly request: string;
  /** Regions at most. */
  readonly slots: number;
  readonly sizeOf: SizeOf;
}

/** Memory regions at most: each holds a descriptor of this process. */
export const MEMORY_SLOTS = 256;

/** Views of memory have words: every start and size is a multiple of this. Bytes. */
const REGION_ALIGN = 8n;

/**
 * Memory of one frontend at most, bytes. A file can be of any size and have no byte in it; every 4 GiB of it are a
 * mapping, with a view that takes milliseconds to make once they are used (one in a turn), and a process whose
 * addresses are used up dies.
 */
const MEMORY_SIZE_MAX = 2 ** 42;

/** 64-bit numbers end here. */
const U64_END = 2n ** 64n;

let lastId = 0;

/** A 64-bit number of the protocol as one of ours. @throws ProtocolError */
export function exact(request: string, value: bigint): number {
  if (value >= BigInt(GUEST_ADDRESS_END)) throw new ProtocolError('address-too-large', request, value);
  return Number(value);
}

/** True if a handle holds `sizeBytes` from `offsetBytes` on; what has no size (a socket, a pipe) holds nothing. */
export function holds(sizeOf: SizeOf, handle: Handle, offsetBytes: number, sizeBytes: number): boolean {
  try {
    return offsetBytes + sizeBytes <= sizeOf(handle);
  } catch {
    return false;
  }
}

function checkRegion(
  { guestAddress, sizeBytes, userAddress, mmapOffset }: MemoryRegionDescription,
  handle: Handle,
  { request, sizeOf }: TableLimits,
): RegionSetup {
  if (sizeBytes === 0n) throw new ProtocolError('region-empty', request, guestAddress);
  for (const start of [guestAddress, userAddress, mmapOffset])
    if (start + sizeBytes > U64_END) throw new ProtocolError('region-wraps', request, start);
  for (const number of [guestAddress, userAddress, mmapOffset, sizeBytes]) {
    exact(request, number + sizeBytes - 1n);
    if (number % REGION_ALIGN !== 0n) throw new ProtocolError('region-misaligned', request, number);
  }
  const region = {
    offsetBytes: Number(mmapOffset),
    sizeBytes: Number(sizeBytes),
    guestBase: Number(guestAddress),
    userBase: Number(userAddress),
  };
  if (!holds(sizeOf, handle, region.offsetBytes, region.sizeBytes))
    throw new ProtocolError('file-too-short', request, mmapOffset + sizeBytes);
  return { id: ++lastId, handle, ...region };
}

function checkOverlap(regions: readonly RegionSetup[], base: 'guestBase' | 'userBase', request: string): void {
  const sorted = [...regions].sort((a, b) => a[base] - b[base]);
  for (const [i, region] of sorted.entries()) {
    const before = sorted[i - 1];
    if (before !== undefined && before[base] + before.sizeBytes > region[base])
      throw new ProtocolError('region-overlaps', request, region[base]);
  }
}

export class MemoryTable {
  static readonly empty: MemoryTable = new MemoryTable([]);

  readonly regions: readonly RegionSetup[];

  private constructor(regions: readonly RegionSetup[]) {
    this.regions = regions;
  }

  /** The table of a SET_MEM_TABLE, one handle a region. @throws ProtocolError */
  static of(descriptions: readonly MemoryRegionDescription[], handles: readonly Handle[], limits: TableLimits) {
    return MemoryTable.checked(
      descriptions.map((description, i) => checkRegion(description, handles[i]!, limits)),
      limits,
    );
  }

  private static checked(regions: readonly RegionSetup[], { request, slots }: TableLimits): MemoryTable {
    if (regions.length > slots) throw new ProtocolError('too-many-regions', request, regions.length);
    const sizeBytes = regions.reduce((sum, region) => sum + region.sizeBytes, 0);
    if (sizeBytes > MEMORY_SIZE_MAX) throw new ProtocolError('memory-too-large', request, sizeBytes);
    checkOverlap(regions, 'guestBase', request);
    checkOverlap(regions, 'userBase', request);
    return new MemoryTable(regions);
  }

  /** With one region more, which stands last. @throws ProtocolError */
  with(description: MemoryRegionDescription, handle: Handle, limits: TableLimits): MemoryTable {
    return MemoryTable.checked([...this.regions, checkRegion(description, handle, limits)], limits);
  }

  /** The same memory without one region. */
  without(region: RegionSetup): MemoryTable {
    return new MemoryTable(this.regions.filter((other) => other !== region));
  }

  /** The region with these addresses and this size; where it lies in its file does not matter. @throws ProtocolError */
  find({ guestAddress, userAddress, sizeBytes }: MemoryRegionDescription, request: string): RegionSetup {
    const found = this.regions.find(
      (region) =>
        BigInt(region.guestBase) === guestAddress &&
        BigInt(region.userBase) === userAddress &&
        BigInt(region.sizeBytes) === sizeBytes,
    );
    if (found === undefined) throw new ProtocolError('region-unknown', request, guestAddress);
    return found;
  }

  /** True if one region holds `sizeBytes` from the frontend's own `address` on. */
  holdsUser(address: number, sizeBytes: number): boolean {
    return this.regions.some(
      ({ userBase, sizeBytes: room }) => address >= userBase && address + sizeBytes <= userBase + room,
    );
  }

  /** One past the last guest address. */
  get guestEnd(): number {
    return this.regions.reduce((end, region) => Math.max(end, region.guestBase + region.sizeBytes), 0);
  }
}
