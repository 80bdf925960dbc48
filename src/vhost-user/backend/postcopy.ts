/**
 * The backend's part of a postcopy migration: memory that is mapped while it is still on its way, and whose missing
 * pages are asked for when they are touched [vhost-user, Migration: postcopy]. The thread that touches one sleeps, with
 * its event loop, until the frontend has put the page there: so all queues of a session run in this thread, whose
 * mappings are the ones the frontend is told of.
 */
import { closeDescriptor } from '../../native/descriptors.ts';
import { openUserfaultfd, registerMissing } from '../../native/userfaultfd.ts';
import type { Handle } from '../messages/handle.ts';
import type { RegionSetup } from '../queues/queue-setup.ts';
import { type QueueMemory, threadMemory } from '../queues/thread-memory.ts';
import type { Postcopy } from './backend-options.ts';

interface Held {
  readonly memory: QueueMemory;
  readonly address: number;
  readonly sizeBytes: number;
  armed: boolean;
}

class UserfaultPostcopy implements Postcopy {
  readonly handle: Handle;
  private readonly descriptor = openUserfaultfd();
  /** By region id. */
  private readonly held = new Map<number, Held>();

  constructor() {
    this.handle = { kind: 'descriptor', descriptor: this.descriptor };
  }

  map(regions: readonly RegionSetup[]): bigint[] {
    const ids = new Set(regions.map(({ id }) => id));
    for (const [id, { memory }] of this.held) {
      if (ids.has(id)) continue;
      memory.close();
      this.held.delete(id);
    }
    return regions.map((region) => {
      const held = this.held.get(region.id) ?? this.hold(region);
      return BigInt(held.address);
    });
  }

  arm(): void {
    for (const held of this.held.values()) {
      if (held.armed) continue;
      registerMissing(this.descriptor, held.address, held.sizeBytes);
      held.armed = true;
    }
  }

  end(): void {
    // Whoever sleeps in a page is woken by it: the frontend has none to give any more.
    closeDescriptor(this.descriptor);
    for (const { memory } of this.held.values()) memory.close();
    this.held.clear();
  }

  private hold(region: RegionSetup): Held {
    const memory = threadMemory().open([region]);
    const pieces = threadMemory().addressesOf(region);
    const [piece] = pieces;
    if (pieces.length !== 1 || piece === undefined || piece.address === null) {
      memory.close();
      throw new RangeError(`a region of ${region.sizeBytes} bytes cannot be told of as one: 4 GiB of a file at most`);
    }
    const held = { memory, address: piece.address, sizeBytes: piece.sizeBytes, armed: false };
    this.held.set(region.id, held);
    return held;
  }
}

let possible: boolean | undefined;

function isPossible(): boolean {
  try {
    closeDescriptor(openUserfaultfd());
    return true;
  } catch {
    return false;
  }
}

/** How to open one, or null: this kernel does not allow it to us. */
export function postcopyOpener(): (() => Postcopy) | null {
  possible ??= isPossible();
  return possible ? () => new UserfaultPostcopy() : null;
}
