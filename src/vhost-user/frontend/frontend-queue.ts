/**
 * One queue of a vhost-user device, seen from its driver: the ring in shared memory and its event descriptors. The
 * ring's memory and the descriptors stay from one connection to the next. The thread that drives the device.
 */
import { SystemCallDoorbell } from '../../doorbell/system-call.ts';
import { IndirectPool } from '../../guest/indirect-pool.ts';
import { SplitVirtqueue } from '../../guest/split-virtqueue.ts';
import { setNonBlocking } from '../../native/descriptors.ts';
import type { SystemError } from '../../native/errors.ts';
import { addEventfd, closeEventfd, openEventfd, takeEventfd } from '../../native/eventfd.ts';
import { boundBlockedCalls } from '../../native/interrupts.ts';
import { threadWatcher } from '../../native/watcher.ts';
import { ORDERINGS } from '../../ordering/index.ts';
import { bindRing, type RingFields } from '../../ordering/ring-fields.ts';
import { featuresFromBits } from '../../ring/features.ts';
import { modernLayout, SplitRing } from '../../ring/split-layout.ts';
import type { Handle } from '../messages/handle.ts';
import type { FrontendMemory } from './frontend-memory.ts';
import type { RingDescription } from './frontend-session.ts';

/** What parts of a ring are kept apart by: neither side's writes touch a cache line of the other's. */
const PART_ALIGN = 64;

/** A backend that makes the descriptor block is not kicked any more: it does not answer then, which is bounded. */
class KickDoorbell extends SystemCallDoorbell {
  private blocks = false;

  /** For another backend: as it was at first, and kicks that the one before did not take are gone. */
  renew(): void {
    setNonBlocking(this.descriptor);
    takeEventfd(this.descriptor);
    this.blocks = false;
  }

  protected signal(): void {
    if (this.blocks) return;
    try {
      addEventfd(this.descriptor);
    } catch (error) {
      if ((error as SystemError).code !== 'EINTR') throw error;
      this.blocks = true;
    }
  }
}

export interface FrontendQueueOptions {
  index: number;
  size: number;
  /** Descriptors in each indirect table; 0: no tables. */
  indirectLength: number;
  memory: FrontendMemory;
}

const handleOf = (descriptor: number): Handle => ({ kind: 'descriptor', descriptor });

export class FrontendQueue {
  readonly index: number;
  /** Rung by the queue. */
  readonly kick: KickDoorbell;
  /** What drivers use. Another one after a connection on which the ring began anew. */
  queue: SplitVirtqueue;
  private readonly memory: FrontendMemory;
  private readonly ring: SplitRing;
  private readonly fields: RingFields;
  private readonly poolOptions: { offset: number; tableLength: number } | null;
  private readonly kickDescriptor: number;
  private readonly callDescriptor: number;
  private readonly errDescriptor: number;
  private watched = false;

  /** @throws NativeUnavailable, SystemError, RangeError */
  constructor({ index, size, indirectLength, memory }: FrontendQueueOptions, features: bigint) {
    this.index = index;
    this.memory = memory;
    const { availOffset, usedOffset, sizeBytes } = modernLayout(size);
    const place = (bytes: number) => ({ region: memory.region, offset: memory.allocate(bytes, PART_ALIGN) });
    this.ring = new SplitRing(
      size,
      { desc: place(availOffset), avail: place(usedOffset - availOffset), used: place(sizeBytes - usedOffset) },
      `queue ${index}`,
    );
    this.fields = bindRing(ORDERINGS.seqcst, this.ring);
    this.poolOptions =
      indirectLength === 0
        ? null
        : { offset: memory.allocate(IndirectPool.sizeBytes(size, indirectLength)), tableLength: indirectLength };
    // The backend gets them, and may change how they behave.
    boundBlockedCalls();
    this.kickDescriptor = openEventfd();
    this.callDescriptor = openEventfd();
    this.errDescriptor = openEventfd();
    this.kick = new KickDoorbell(this.kickDescriptor);
    this.queue = this.makeQueue(features);
  }

  /** Guest memory that a queue takes, bytes. */
  static bytesFor(size: number, indirectLength: number): number {
    return modernLayout(size).sizeBytes + IndirectPool.sizeBytes(size, indirectLength) + 4 * PART_ALIGN;
  }

  /** The ring from its start again, nothing outstanding. Only while no backend looks at it. */
  restart(features: bigint): void {
    this.queue = this.makeQueue(features);
  }

  /** Where the backend's used ring stands: after it died, the next available entry it is to take. */
  usedIdx(): number {
    return this.fields.used.load16(this.ring.usedIdx);
  }

  /** As a backend is told of it. */
  describe(base: number): RingDescription {
    const { desc, avail, used } = this.ring.places;
    return {
      index: this.index,
      size: this.ring.size,
      desc: this.memory.userAddressOf(desc.offset),
      avail: this.memory.userAddressOf(avail.offset),
      used: this.memory.userAddressOf(used.offset),
      base,
      kick: handleOf(this.kickDescriptor),
      call: handleOf(this.callDescriptor),
      err: handleOf(this.errDescriptor),
      logAddress: null,
    };
  }

  /** Calls back, on the event loop, when the backend has called, or says that the ring is broken. */
  watch(onCall: (index: number) => void, onError: (index: number) => void): void {
    if (this.watched) return;
    this.watched = true;
    const watch = (descriptor: number, tell: (index: number) => void) =>
      threadWatcher().watch(descriptor, () => {
        takeEventfd(descriptor);
        tell(this.index);
      });
    watch(this.callDescriptor, onCall);
    watch(this.errDescriptor, onError);
  }

  close(): void {
    for (const descriptor of [this.callDescriptor, this.errDescriptor]) {
      if (this.watched) threadWatcher().unwatch(descriptor);
      closeEventfd(descriptor);
    }
    closeEventfd(this.kickDescriptor);
  }

  private makeQueue(features: bigint): SplitVirtqueue {
    const { ring, poolOptions, memory } = this;
    const pool = poolOptions && new IndirectPool({ region: memory.region, tableCount: ring.size, ...poolOptions });
    return new SplitVirtqueue({
      ring,
      shared: this.fields,
      features: featuresFromBits(features),
      doorbell: this.kick,
      name: `queue ${this.index}`,
      ...(pool && { indirectPool: pool }),
    });
  }
}
