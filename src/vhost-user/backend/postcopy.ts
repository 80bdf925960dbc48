/**
 * The backend's part of a postcopy migration: memory that is mapped while it is still on its way, and whose missing
 * pages are asked for when they are touched [vhost-user, Migration: postcopy]. The thread that touches one sleeps, with
 * its event loop, until the frontend has put the page there: so all queues of a session run in this thread, whose
 * mappings are the ones the frontend is told of, and a thread beside it sees the frontend's end and the program's.
 *
 * The userfaultfd that the frontend gets stands for all memory of this process: with it a frontend can fill, or withhold,
 * any page of it that is not there yet. So this is for frontends that are trusted.
 */
import { closeDescriptor } from '../../native/descriptors.ts';
import { FaultGuard } from '../../native/fault-guard.ts';
import { openUserfaultfd, registerMissing } from '../../native/userfaultfd.ts';
import type { Channel } from '../messages/channel.ts';
import type { Handle } from '../messages/handle.ts';
import { SocketChannel } from '../messages/socket-channel.ts';
import type { RegionSetup } from '../queues/queue-setup.ts';
import { type QueueMemory, threadMemory } from '../queues/thread-memory.ts';
import type { OpenPostcopy, Postcopy } from './backend-options.ts';
import { MEMORY_SLOTS } from './memory-table.ts';

interface Held {
  readonly memory: QueueMemory;
  readonly address: number;
  readonly sizeBytes: number;
  armed: boolean;
}

class UserfaultPostcopy implements Postcopy {
  readonly handle: Handle;
  private readonly descriptor: number;
  private readonly guard: FaultGuard;
  /** By region id. */
  private readonly held = new Map<number, Held>();

  private constructor(descriptor: number, guard: FaultGuard) {
    this.descriptor = descriptor;
    this.guard = guard;
    this.handle = { kind: 'descriptor', descriptor };
  }

  /** For the frontend at the other end of `channel`. @throws SystemError, Error: there can be none */
  static async open(channel: Channel): Promise<Postcopy> {
    if (!(channel instanceof SocketChannel)) throw new TypeError('only over a socket the end of a frontend is seen');
    const userfaultfd = openUserfaultfd();
    try {
      const guard = await FaultGuard.start({ socket: channel.descriptor, userfaultfd, rangesMax: MEMORY_SLOTS });
      return new UserfaultPostcopy(userfaultfd, guard);
    } catch (error) {
      closeDescriptor(userfaultfd);
      throw error;
    }
  }

  map(regions: readonly RegionSetup[]): bigint[] {
    const ids = new Set(regions.map(({ id }) => id));
    for (const [id, { memory, address }] of this.held) {
      if (ids.has(id)) continue;
      memory.close();
      this.guard.remove(address);
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
      this.guard.add(held.address, held.sizeBytes);
      registerMissing(this.descriptor, held.address, held.sizeBytes);
      held.armed = true;
    }
  }

  async end(): Promise<void> {
    // The frontend has none to give any more: the guard makes the memory ordinary before it ends.
    try {
      await this.guard.end();
    } finally {
      closeDescriptor(this.descriptor);
      for (const { memory } of this.held.values()) memory.close();
      this.held.clear();
    }
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
export function postcopyOpener(): OpenPostcopy | null {
  possible ??= isPossible();
  return possible ? UserfaultPostcopy.open : null;
}
