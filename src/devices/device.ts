/**
 * What a virtio device is to whatever connects it to a guest: vhost-user, the launcher, a test. A device serves
 * requests and knows no transport; a transport moves notifications and set-up and knows no device.
 */
import type { Doorbell } from '../doorbell/doorbell.ts';
import type { HostQueue } from '../host/queue.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';

/** A queue that was set up, as the device gets it. */
export interface DeviceQueue {
  readonly queue: HostQueue;
  /** What the queue's requests lie in. */
  readonly memory: GuestMemory;
  /** Calls the guest; rung when `queue.needsCall()` says so. */
  readonly call: Doorbell;
  /**
   * Asks whoever connects the device for `serve`, soon and not from within this call, as if the guest had kicked: a
   * packet came, a link has room again. Asked for many times before it happens, it happens once.
   */
  readonly wake: () => void;
}

/** One queue in service, from `Device.start` to `stop`. */
export interface QueueService {
  /**
   * The guest kicked, or may have. Serves what is available for one turn: some hundred requests, some MiB, some
   * milliseconds at most. True: more is waiting, and this must be called again without a kick.
   * @throws RingError when the ring is broken: the queue is then of no use until it is set up anew.
   */
  serve(): boolean;
  /** Ends service. Afterwards no request is in flight: each is completed, or handed back with `rewind`. */
  stop(): void | Promise<void>;
  /** Since it was started: requests completed, those of them whose chain could not be read included. */
  readonly requests: number;
  /** Requests whose chain could not be read: completed with length 0. */
  readonly brokenRequests: number;
  /** Requests the device answered with an error, packets it dropped. */
  readonly failures: number;
  /** Data moved between guest and device, without headers and status. */
  readonly bytes: number;
}

export interface Device {
  /** Virtio device number [virtio-v1.2 §5]. */
  readonly id: number;
  /** For people: `block`, `net`, ... */
  readonly name: string;
  /** The device's own feature bits that it offers; those of rings and transports are added by whoever connects it. */
  readonly features: bigint;
  readonly queueCount: number;
  /** The configuration space as it stands. */
  readonly config: Uint8Array;
  /**
   * The guest's choice, the whole feature word: bits of the ring such as VERSION_1 matter to some devices. Before any
   * queue starts, and again at every new set-up.
   */
  acknowledge(features: bigint): void;
  /** The guest writes its configuration space. False: refused. */
  writeConfig(offset: number, bytes: Uint8Array): boolean;
  /** The device is set up from its start: what it keeps of a request that was not finished is forgotten. */
  reset?(): void;
  /** Of a network: says on it that this address is here now, after a migration. False: there is no room for it. */
  announce?(macAddress: Uint8Array): boolean;
  /** Of a network: what frames will carry at most, bytes, 68 to 65,535. False: more than the device can. */
  setMtu?(mtuBytes: number): boolean;
  /** Puts a queue into service. The caller then calls `serve` once, for what is there already. */
  start(index: number, queue: DeviceQueue): QueueService;
  /** Releases what the device holds: files, links. */
  close(): void;
}
