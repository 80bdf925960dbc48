/**
 * Memory of setups, mapped for one thread: each region once, for all its queues that name it, and let go of with the
 * last of them. It checks only what mapping itself needs: the session has checked the rest.
 */
import { GuestMemory, type RegionPlace } from '../../memory/guest-memory.ts';
import { MemoryRegion, REGION_SIZE_MAX } from '../../memory/region.ts';
import { MAPPING_ALIGNMENT, type Mapping, mapFile } from '../../native/mapping.ts';
import { RingError } from '../../ring/errors.ts';
import { featuresFromBits } from '../../ring/features.ts';
import { alignUp, RING_PARTS, type RingPlace, type RingPlaces, SplitRing } from '../../ring/split-layout.ts';
import type { Handle } from '../messages/handle.ts';
import type { AreaSetup, QueueSetup, RegionSetup } from './queue-setup.ts';

/** A piece of a file or of shared memory, in this thread. */
export interface MappedArea {
  /** Made when it is first asked for. */
  readonly bytes: Uint8Array;
  /** Where it is in this process; null for memory that is no file. */
  readonly address: number | null;
  close(): void;
}

/** @throws SystemError, MappingError, TypeError for a handle that is no memory. */
export function mapArea({ handle, offsetBytes, sizeBytes }: AreaSetup): MappedArea {
  if (handle.kind === 'doorbell') throw new TypeError('a doorbell is no memory');
  if (handle.kind === 'memory')
    return { bytes: new Uint8Array(handle.memory.buffer, offsetBytes, sizeBytes), address: null, close: () => {} };
  const mapping: Mapping = mapFile(handle.descriptor, { offsetBytes, sizeBytes });
  return {
    get bytes() {
      return new Uint8Array(mapping.buffer);
    },
    address: mapping.address,
    close: () => mapping.close(),
  };
}

/** A piece of a region: mapped, and with views once it is used. */
class MappedPiece implements RegionPlace {
  readonly guestBase: number;
  readonly sizeBytes: number;
  readonly area: MappedArea;
  private readonly handle: Handle;
  private region: MemoryRegion | null = null;

  constructor(area: AreaSetup, guestBase: number) {
    this.area = mapArea(area);
    this.handle = area.handle;
    this.guestBase = guestBase;
    this.sizeBytes = area.sizeBytes;
  }

  open(): MemoryRegion {
    if (this.region !== null) return this.region;
    const { guestBase, sizeBytes, handle } = this;
    const { buffer, byteOffset } = this.area.bytes;
    // A shared memory stays one: orderings that are written in Wasm import it.
    const held = handle.kind === 'memory' ? handle.memory : (buffer as ArrayBuffer);
    this.region = new MemoryRegion({ guestBase, buffer: held, byteOffset, sizeBytes });
    return this.region;
  }
}

/** A region in pieces that views can be made of; all but the last have the largest size. */
class MappedRegion {
  readonly setup: RegionSetup;
  readonly pieces: readonly MappedPiece[];
  users = 0;

  constructor(setup: RegionSetup) {
    const { handle, offsetBytes, sizeBytes, guestBase } = setup;
    this.setup = setup;
    const pieces: MappedPiece[] = [];
    this.pieces = pieces;
    try {
      for (let at = 0; at < sizeBytes; at += REGION_SIZE_MAX) {
        const part = Math.min(REGION_SIZE_MAX, sizeBytes - at);
        pieces.push(new MappedPiece({ handle, offsetBytes: offsetBytes + at, sizeBytes: part }, guestBase + at));
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    for (const { area } of this.pieces) area.close();
  }
}

/** The memory of one queue. */
export class QueueMemory {
  readonly guest: GuestMemory;
  private readonly regions: readonly MappedRegion[];
  private readonly release: () => void;
  /** Parts of the ring that lie across the border of two pieces: once more, each as one. */
  private readonly across: MappedPiece[] = [];

  constructor(regions: readonly MappedRegion[], release: () => void) {
    this.regions = regions;
    this.guest = new GuestMemory(regions.flatMap(({ pieces }) => pieces));
    this.release = release;
  }

  /** @throws RingError for a ring that cannot be */
  ringOf({ index, size, features, desc, avail, used }: QueueSetup): SplitRing {
    const queue = `queue ${index}`;
    const { eventIdx } = featuresFromBits(features);
    const at = (part: keyof RingPlaces, userAddress: number) =>
      this.placeOf(userAddress, RING_PARTS[part].sizeBytes(size, eventIdx), queue);
    const places = { desc: at('desc', desc), avail: at('avail', avail), used: at('used', used) };
    return new SplitRing(size, places, queue, eventIdx);
  }

  /** Where bytes of the frontend's own addresses are, in one piece. @throws RingError: nowhere. */
  private placeOf(userAddress: number, sizeBytes: number, queue: string): RingPlace {
    for (const { setup, pieces } of this.regions) {
      const offset = userAddress - setup.userBase;
      if (offset < 0 || offset >= setup.sizeBytes) continue;
      const inPiece = offset % REGION_SIZE_MAX;
      if (inPiece + sizeBytes > REGION_SIZE_MAX && offset + sizeBytes <= setup.sizeBytes)
        return this.mapAcross(setup, offset, sizeBytes);
      return { region: pieces[Math.floor(offset / REGION_SIZE_MAX)]!.open(), offset: inPiece };
    }
    throw new RingError('ring-outside-memory', queue, 0, userAddress);
  }

  /** Maps a part that no piece holds as a whole. @throws SystemError, MappingError */
  private mapAcross({ handle, offsetBytes, guestBase }: RegionSetup, offset: number, sizeBytes: number): RingPlace {
    const start = offset - (offset % MAPPING_ALIGNMENT);
    const wholeBytes = alignUp(offset + sizeBytes, MAPPING_ALIGNMENT) - start;
    const piece = new MappedPiece(
      { handle, offsetBytes: offsetBytes + start, sizeBytes: wholeBytes },
      guestBase + start,
    );
    this.across.push(piece);
    return { region: piece.open(), offset: offset - start };
  }

  /** Lets go of it; once. */
  close(): void {
    for (const { area } of this.across) area.close();
    this.release();
  }
}

export class ThreadMemory {
  /** By region id. */
  private readonly mapped = new Map<number, MappedRegion>();

  /** @throws SystemError, MappingError; nothing is then held that was not before. */
  open(setups: readonly RegionSetup[]): QueueMemory {
    const regions: MappedRegion[] = [];
    const release = () => {
      for (const region of regions) this.drop(region);
    };
    try {
      for (const setup of setups) regions.push(this.take(setup));
      return new QueueMemory(regions, release);
    } catch (error) {
      release();
      throw error;
    }
  }

  private take(setup: RegionSetup): MappedRegion {
    const region = this.mapped.get(setup.id) ?? new MappedRegion(setup);
    this.mapped.set(setup.id, region);
    region.users++;
    return region;
  }

  private drop(region: MappedRegion): void {
    if (--region.users > 0) return;
    this.mapped.delete(region.setup.id);
    region.close();
  }

  /** Where the pieces of a region that is held are in this process, null for memory that is no file; sizes in bytes. */
  addressesOf({ id }: RegionSetup): { address: number | null; sizeBytes: number }[] {
    const region = this.mapped.get(id);
    if (region === undefined) return [];
    return region.pieces.map(({ sizeBytes, area }) => ({ address: area.address, sizeBytes }));
  }
}

let ofThread: ThreadMemory | undefined;

/** This thread's. */
export function threadMemory(): ThreadMemory {
  ofThread ??= new ThreadMemory();
  return ofThread;
}
