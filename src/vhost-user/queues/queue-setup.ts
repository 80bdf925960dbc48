/**
 * All that a thread needs to serve one queue of a vhost-user device: plain data that the session makes and any thread
 * of the process can be sent. Numbers are checked before they stand here: addresses are below 2^53, ranges do not wrap.
 */
import type { QueueState } from '../../host/queue.ts';
import type { Handle } from '../messages/handle.ts';

/** One region of the frontend's memory table. */
export interface RegionSetup {
  /** Of this region and no other in this process, ever: threads keep what they mapped under it. */
  readonly id: number;
  /** A descriptor, or memory that threads share; it stays the session's. */
  readonly handle: Handle;
  /** Where the region starts in what the handle stands for, bytes. */
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  /** Its first address as requests name it. */
  readonly guestBase: number;
  /** Its first address as ring addresses name it: the frontend's own. */
  readonly userBase: number;
}

/** A piece of a file or of shared memory. */
export interface AreaSetup {
  readonly handle: Handle;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/** One queue's part of the in-flight area. */
export interface InflightSetup extends AreaSetup {
  /** Entries that its header tells of: the ring's descriptors, or more. */
  readonly entries: number;
  /** Parts, of this queue alone, that hold what was in flight in a ring that is gone: they are begun anew first. */
  readonly forgotten: readonly AreaSetup[];
}

export interface QueueSetup {
  readonly index: number;
  /** Descriptors in the ring. */
  readonly size: number;
  /** The device's feature word as the frontend acknowledged it. */
  readonly features: bigint;
  readonly regions: readonly RegionSetup[];
  /** The ring's parts, in the frontend's own addresses. */
  readonly desc: number;
  readonly avail: number;
  readonly used: number;
  /**
   * Where to go on; usedIdx null: where the used ring stands, or as the in-flight area says.
   */
  readonly availIdx: QueueState['availIdx'];
  readonly usedIdx: QueueState['usedIdx'] | null;
  /** The device serves in order: a used ring that stands elsewhere than `availIdx` says where to go on. */
  readonly inOrder: boolean;
  /** Null: no kick comes, the queue is looked at again and again, or kicked by messages. */
  readonly kick: Handle | null;
  /** Null: the guest looks by itself, or is called by messages. */
  readonly call: Handle | null;
  /** INBAND_NOTIFICATIONS: a kick or call without a handle travels as a message of the protocol. */
  readonly byMessage: boolean;
  /** Where written pages are noted (LOG_ALL acknowledged), or null. */
  readonly log: AreaSetup | null;
  /** Rung after pages were noted, or null. */
  readonly logCall: Handle | null;
  /** Guest address under which writes to the used ring are noted, or null. */
  readonly usedLogAddress: number | null;
  /** What is left of the queue when its thread dies (`QueueRecord`), or null: it dies with the session. */
  readonly record: SharedArrayBuffer | null;
  /** This queue's part of the in-flight area, or null: it is served untracked. */
  readonly inflight: InflightSetup | null;
}
