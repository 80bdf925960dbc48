/** For tests: a queue as the launcher's bus has it, with a driver by hand: guest memory from 0, the ring in it. */

import type { DeviceQueue, QueueService } from '../devices/device.ts';
import { SilentDoorbell } from '../doorbell/doorbell.ts';
import { MockDriver, type UsedEntry } from '../guest/mock-driver.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { allocateShared, MemoryRegion } from '../memory/region.ts';
import { bindRing } from '../ordering/ring-fields.ts';
import { seqcst } from '../ordering/seqcst.ts';
import { VRING_DESC_F_WRITE } from '../ring/constants.ts';
import { NO_FEATURES } from '../ring/features.ts';
import { legacyLayout, SplitRing } from '../ring/split-layout.ts';
import { LguestQueue } from './queue.ts';
import { requestCheck } from './strict-requests.ts';

const SIZE = 16;
const MEMORY_BYTES = 2 ** 18;

/** An element: where it is, how long, `in` for the host to write. */
export type Element = readonly [direction: 'out' | 'in', address: number, length: number];

export class BusQueue {
  readonly u8: Uint8Array;
  readonly queue: LguestQueue;
  readonly target: DeviceQueue;
  wakes = 0;
  private readonly driver: MockDriver;

  constructor(deviceId: number, index: number) {
    const region = new MemoryRegion({ guestBase: 0, buffer: allocateShared(MEMORY_BYTES) });
    const ring = SplitRing.within(region, MEMORY_BYTES - 16384, legacyLayout(SIZE));
    const shared = bindRing(seqcst, ring);
    const memory = new GuestMemory([region]);
    this.u8 = region.u8;
    this.driver = new MockDriver({ ring, shared });
    const check = requestCheck(deviceId, index);
    this.queue = new LguestQueue({ ring, shared, features: NO_FEATURES, memory, name: 'test', check });
    this.target = { queue: this.queue, memory, call: new SilentDoorbell(), wake: () => this.wakes++ };
  }

  offer(head: number, elements: readonly Element[]): void {
    this.driver.writeChain(
      head,
      elements.map(([direction, address, length]) => ({
        ...{ address, length },
        flags: direction === 'in' ? VRING_DESC_F_WRITE : 0,
      })),
    );
    this.driver.offer(head);
  }

  /** Serves what is there. Returns what was completed since. */
  serve(service: QueueService): UsedEntry[] {
    while (service.serve());
    return this.used();
  }

  used(): UsedEntry[] {
    const used: UsedEntry[] = [];
    for (let entry = this.driver.readUsed(); entry !== null; entry = this.driver.readUsed()) used.push(entry);
    return used;
  }
}
