/**
 * The frontend's memory as a session knows it: checked regions, nothing mapped. A table never changes: every request
 * that alters memory makes another, so that a refused one leaves no trace. It closes no handle.
 *
 * Checked before anybody maps: no region is empty, wraps, is misaligned, overlaps another (as the guest names it or as
 * the frontend does) or reaches beyond its file.
 */
import { GUEST_ADDRESS_END } from '../memory/region.ts';
import type { Handle } from './handle.ts';
import type { RegionSetup } from './queue-setup.ts';
import { Refusal } from './refusal.ts';

/** As a message describes it. */
export interface RegionRequest {
  readonly guestAddress: bigint;
  readonly sizeBytes: bigint;
  readonly userAddress: bigint;
  readonly mmapOffset: bigint;
}

/** Bytes behind a handle. @throws for what has no size. */
export type SizeOf = (handle: Handle) => number;

/** Views of memory have words: every start and size is a multiple of this. Bytes. */
const REGION_ALIGN = 8;

let nextId = 1;

/** A 64-bit number of the protocol as one of ours, or -1: it is beyond every address. */
export function exact(value: bigint): number {
  return value < BigInt(GUEST_ADDRESS_END) ? Number(value) : -1;
}

/** True if a handle holds `sizeBytes` from `offsetBytes` on. */
export function holds(sizeOf: SizeOf, handle: Handle, offsetBytes: bigint, sizeBytes: bigint): boolean {
  try {
    return offsetBytes + sizeBytes <= BigInt(sizeOf(handle));
  } catch {
    // What has no size is no memory: a socket, a pipe.
    return false;
  }
}

function checkRegion(raw: RegionRequest, handle: Handle, sizeOf: SizeOf): RegionSetup {
  const { guestAddress, sizeBytes, userAddress, mmapOffset } = raw;
  if (sizeBytes === 0n) throw new Refusal('region-size', sizeBytes);
  for (const start of [guestAddress, userAddress, mmapOffset]) {
    if (exact(start + sizeBytes - 1n) < 0) throw new Refusal('region-wraps', start);
    if (start % BigInt(REGION_ALIGN) !== 0n) throw new Refusal('region-misaligned', start);
  }
  if (sizeBytes % BigInt(REGION_ALIGN) !== 0n) throw new Refusal('region-misaligned', sizeBytes);
  if (!holds(sizeOf, handle, mmapOffset, sizeBytes)) throw new Refusal('region-beyond-file', mmapOffset + sizeBytes);
  return {
    id: nextId++,
    handle,
    offsetBytes: exact(mmapOffset),
    sizeBytes: exact(sizeBytes),
    guestBase: exact(guestAddress),
    userBase: exact(userAddress),
  };
}

type Base = 'guestBase' | 'userBase';

function checkOverlap(regions: readonly RegionSetup[], base: Base): void {
  const sorted = [...regions].sort((a, b) => a[base] - b[base]);
  for (const [i, region] of sorted.entries()) {
    const before = sorted[i - 1];
    if (before !== undefined && before[base] + before.sizeBytes > region[base])
      throw new Refusal('region-overlap', region[base]);
  }
}

export class MemoryTable {
  static readonly empty: MemoryTable = new MemoryTable([]);

  readonly regions: readonly RegionSetup[];

  private constructor(regions: readonly RegionSetup[]) {
    this.regions = regions;
  }

  /** The table of a SET_MEM_TABLE. @throws Refusal */
  static of(raws: readonly RegionRequest[], handles: readonly Handle[], slots: number, sizeOf: SizeOf): MemoryTable {
    return MemoryTable.checked(
      raws.map((raw, i) => checkRegion(raw, handles[i]!, sizeOf)),
      slots,
    );
  }

  private static checked(regions: readonly RegionSetup[], slots: number): MemoryTable {
    if (regions.length > slots) throw new Refusal('region-count', regions.length);
    checkOverlap(regions, 'guestBase');
    checkOverlap(regions, 'userBase');
    return new MemoryTable(regions);
  }

  /** With one region more, which stands last. @throws Refusal */
  with(raw: RegionRequest, handle: Handle, slots: number, sizeOf: SizeOf): MemoryTable {
    return MemoryTable.checked([...this.regions, checkRegion(raw, handle, sizeOf)], slots);
  }

  /** Without the region at these addresses and of this size; where it lies in its file does not matter. @throws Refusal */
  without({ guestAddress, userAddress, sizeBytes }: RegionRequest): MemoryTable {
    const left = this.regions.filter(
      (region) =>
        region.guestBase !== exact(guestAddress) ||
        region.userBase !== exact(userAddress) ||
        region.sizeBytes !== exact(sizeBytes),
    );
    if (left.length === this.regions.length) throw new Refusal('region-unknown', guestAddress);
    return new MemoryTable(left);
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
