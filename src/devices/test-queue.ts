/** For tests: a queue of a device with both its ends in one thread; the guest is a driver by hand or a real one. */
import { DOORBELLS } from '../doorbell/index.ts';
import { MockDriver, type UsedEntry } from '../guest/mock-driver.ts';
import { SplitVirtqueue } from '../guest/split-virtqueue.ts';
import { Vringh } from '../host/vringh.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { allocateShared, MemoryRegion } from '../memory/region.ts';
import { bindRing } from '../ordering/ring-fields.ts';
import { seqcst } from '../ordering/seqcst.ts';
import { VRING_DESC_F_WRITE } from '../ring/constants.ts';
import { modernLayout, SplitRing } from '../ring/split-layout.ts';
import type { Device, DeviceQueue, QueueService } from './device.ts';

/** An element as a guest offers it: in the data region, `write` for the host to write. */
export interface Piece {
  offset: number;
  length: number;
  write?: boolean;
}

export interface TestQueueOptions {
  size?: number;
  eventIdx?: boolean;
  dataBytes?: number;
}

export class TestQueue {
  /** What requests lie in, apart from the ring. */
  readonly data: MemoryRegion;
  readonly driver: MockDriver;
  /** A real driver over the same ring: use either. */
  readonly guest: SplitVirtqueue;
  readonly target: DeviceQueue;
  /** How often the device asked to be served. */
  wakes = 0;

  constructor({ size = 256, eventIdx = true, dataBytes = 2 ** 20 }: TestQueueOptions = {}) {
    const layout = modernLayout(size);
    const home = new MemoryRegion({ guestBase: 2 ** 40, buffer: allocateShared(layout.sizeBytes) });
    this.data = new MemoryRegion({ guestBase: 2 ** 33, buffer: allocateShared(dataBytes) });
    const ring = SplitRing.within(home, 0, layout);
    const shared = bindRing(seqcst, ring);
    const memory = new GuestMemory([home, this.data]);
    const features = { indirect: true, eventIdx, version1: true };
    const { doorbell, makeHandle } = DOORBELLS.futex;
    this.guest = new SplitVirtqueue({ ring, shared, features, doorbell: doorbell(makeHandle()) });
    this.driver = new MockDriver({ ring, shared, region: this.data });
    const queue = new Vringh({ ring, shared, features, memory });
    this.target = { queue, memory, call: doorbell(makeHandle()), wake: () => this.wakes++ };
  }

  /** Makes a request of these pieces available, its first descriptor at `head`. */
  offer(head: number, pieces: readonly Piece[]): void {
    this.driver.writeChain(
      head,
      pieces.map(({ offset, length, write }) => ({ offset, length, flags: write === true ? VRING_DESC_F_WRITE : 0 })),
    );
    this.driver.offer(head);
  }

  /** Lets `happen` happen at the last moment before the device asks for kicks: it must find what came. */
  beforeKicks(happen: () => void): void {
    const { queue } = this.target;
    const enableKicks = queue.enableKicks.bind(queue);
    queue.enableKicks = () => {
      queue.enableKicks = enableKicks;
      happen();
      return enableKicks();
    };
  }

  /** Serves what is there until the device wants to wait. Returns what was completed. */
  serve(service: QueueService): UsedEntry[] {
    while (service.serve());
    const used: UsedEntry[] = [];
    for (let entry = this.driver.readUsed(); entry !== null; entry = this.driver.readUsed()) used.push(entry);
    return used;
  }
}

/** A device with features acknowledged and a queue in service. */
export function started(device: Device, index: number, queue: TestQueue, features = device.features): QueueService {
  device.acknowledge(features);
  return device.start(index, queue.target);
}

/** A small seeded generator (mulberry32): integers from 0 to below `end`. */
export function randomFrom(seed: number): (end: number) => number {
  let state = seed;
  return (end) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % end;
  };
}
