/**
 * What a backend session is made with: the device, what the operating system does for it, the device author's own
 * callbacks, and somebody to tell what happens.
 */
import type { Channel, Message } from '../messages/channel.ts';
import type { Handle } from '../messages/handle.ts';
import type { ServedDevice } from '../queues/queue-runner.ts';
import type { RegionSetup } from '../queues/queue-setup.ts';
import type { SizeOf } from './memory-table.ts';

/**
 * The device author's callbacks, as libvhost-user has them. All may be left out. What they throw ends the session.
 */
export interface SessionHooks {
  /** The feature word that is offered, from the one that would be. */
  offerFeatures?(features: bigint): bigint;
  offerProtocolFeatures?(features: bigint): bigint;
  /** Acknowledged: the session obeys already. */
  featuresSet?(features: bigint): void;
  protocolFeaturesSet?(features: bigint): void;
  /**
   * Sees every message first, undecoded. True: it was taken over, an answer sent and its handles released (by
   * `channel.release`) if need be.
   */
  processMessage?(message: Message, channel: Channel): boolean | Promise<boolean>;
  /** A ring was started or stopped by the frontend; `started` and then perhaps not enabled yet. */
  queueStarted?(index: number, started: boolean): void;
  /** The queue's requests are completed in the order they came in. Default: no. */
  isInOrder?(index: number): boolean;
  /** The configuration space; default: the device's, zeros behind its end. Null: there are no such bytes. */
  readConfig?(offset: number, sizeBytes: number): Uint8Array | null;
  /** False: refused. `flags` as in SET_CONFIG. Default: the device's. */
  writeConfig?(offset: number, bytes: Uint8Array, flags: number): boolean | Promise<boolean>;
  /** After a migration: announce this address on the network. Default: the device's. */
  announce?(macAddress: Uint8Array): void;
  /** False: refused. Default: the device's. */
  setMtu?(mtuBytes: number): boolean;
  /** All device state but the session's back to its start. */
  reset?(): void;
}

/** Memory that is not there yet, and comes page by page when it is touched [vhost-user, Migration: postcopy]. */
export interface Postcopy {
  /** What the frontend fills pages through; stays ours until `end`. */
  readonly handle: Handle;
  /** Maps, and says where: one address of this process a region. */
  map(regions: readonly RegionSetup[]): bigint[];
  /** From now on a page of what was mapped that is not there waits for the frontend. */
  arm(): void;
  /** The memory is as any other: a page that has not come reads as zeroes. */
  end(): Promise<void>;
}

/** For the frontend at the other end of a channel. Resolves once a fault outlives neither that end nor this program's. */
export type OpenPostcopy = (channel: Channel) => Promise<Postcopy>;

/** What the operating system does for a session. */
export interface SessionSystem {
  readonly sizeOf: SizeOf;
  /** New memory of zeros that can be sent. */
  allocate(name: string, sizeBytes: number): Handle;
  /** Rings what an err handle stands for. */
  ring(handle: Handle): void;
  /** The channel over a descriptor, which is then the channel's. */
  openChannel(descriptor: number): Channel;
  /** Null: it cannot be had. */
  readonly openPostcopy: OpenPostcopy | null;
}

/** What a session tells, for people and tests. */
export type SessionEvent =
  /** A request was refused; the session goes on if the frontend asked for an answer. */
  | { readonly kind: 'refused'; readonly request: string; readonly error: Error }
  /** A queue is out of service until it is stopped and started again. */
  | { readonly kind: 'queue-broken'; readonly index: number; readonly error: Error }
  /**
   * A ring of `size` descriptors is served, but what it has in flight is lost with this process: the in-flight area has
   * room for `room` of its descriptors. Once a session.
   */
  | { readonly kind: 'untracked'; readonly index: number; readonly size: number; readonly room: number }
  /** Something failed that nobody waits for. */
  | { readonly kind: 'failed'; readonly what: string; readonly error: Error };

export interface BackendSessionOptions {
  readonly channel: Channel;
  readonly device: ServedDevice;
  readonly system: SessionSystem;
  readonly hooks?: SessionHooks;
  readonly report?: (event: SessionEvent) => void;
}
