/**
 * A device on the launcher's bus as its own thread is given it: plain data. The machine places its rings and interrupt
 * lines; what the device is comes from the command line.
 */
import type { DoorbellHandle } from '../doorbell/doorbell.ts';
import type { SharedMemory } from '../memory/region.ts';
import type { InterruptLines } from './guest-boot.ts';

export interface QueuePlan {
  /** Descriptors. */
  readonly size: number;
  /** Address of the ring, legacy layout. */
  readonly address: number;
  /** The interrupt line that its completions raise, from 1. */
  readonly line: number;
  /** What the guest's notify rings. */
  readonly kick: DoorbellHandle;
}

export interface DevicePlan {
  /** Place on the bus, from 0. */
  readonly index: number;
  /** Virtio device number. */
  readonly id: number;
  readonly memory: SharedMemory;
  readonly limitBytes: number;
  /** Address of its status byte in the device page. */
  readonly statusAddress: number;
  /** Rung when the guest's driver says that it drives the device. */
  readonly driven: DoorbellHandle;
  /** Address of the feature bits that the guest accepts, 32 bits, not aligned; null: it is offered none. */
  readonly acceptedAddress: number | null;
  readonly queues: readonly QueuePlan[];
  readonly interrupts: InterruptLines;
}
