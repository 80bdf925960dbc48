/**
 * A vhost-user socket as guest virtqueues: connects, negotiates, shares memory, starts queues, and does all of it again
 * when the backend has died. The thread that drives the device; everything happens on its event loop.
 *
 * It knows no kind of device: drivers stand on `queues[i].queue`, their memory is `memory.allocate`d.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { closeDescriptor } from '../../native/descriptors.ts';
import { closeStranger } from '../../native/strangers.ts';
import { connectUnix, socketPair } from '../../native/unix-socket.ts';
import { VIRTIO_F_VERSION_1, VIRTIO_RING_F_EVENT_IDX, VIRTIO_RING_F_INDIRECT_DESC } from '../../ring/constants.ts';
import { featureWord, hasFeature } from '../../ring/feature-word.ts';
import { ProtocolError } from '../messages/errors.ts';
import {
  VHOST_USER_PROTOCOL_F_BACKEND_REQ,
  VHOST_USER_PROTOCOL_F_CONFIG,
  VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS,
  VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD,
  VHOST_USER_PROTOCOL_F_MQ,
  VHOST_USER_PROTOCOL_F_REPLY_ACK,
} from '../messages/protocol.ts';
import { SocketChannel } from '../messages/socket-channel.ts';
import { coalesced } from './coalesced.ts';
import { serveBackendRequests } from './frontend-backend-requests.ts';
import { FrontendMemory } from './frontend-memory.ts';
import { FrontendQueue } from './frontend-queue.ts';
import { ANSWER_TIMEOUT_MS, FrontendSession, type InflightArea, type Negotiated } from './frontend-session.ts';

/** What every driver's queues can do. */
export const RING_FEATURES = featureWord(VIRTIO_F_VERSION_1, VIRTIO_RING_F_EVENT_IDX, VIRTIO_RING_F_INDIRECT_DESC);

/** All that this frontend has a use for. */
export const FRONTEND_PROTOCOL_FEATURES = featureWord(
  VHOST_USER_PROTOCOL_F_MQ,
  VHOST_USER_PROTOCOL_F_REPLY_ACK,
  VHOST_USER_PROTOCOL_F_BACKEND_REQ,
  VHOST_USER_PROTOCOL_F_CONFIG,
  VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD,
  VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS,
);

const RING_SIZE = 256;
const INDIRECT_LENGTH = 4;
/** Between two tries to reach a backend that is not there yet. */
const RETRY_MS = 20;

export interface VhostUserDeviceOptions {
  socketPath: string;
  /** Feature bits that the caller understands, ring features among them; acknowledged where offered. */
  features: bigint;
  /** Default: all that this frontend has a use for. */
  protocolFeatures?: bigint;
  /** Default 1. */
  queues?: number;
  /**
   * How many queues belong together: 2 of a network device. Backends count its pairs, and a backend that cannot count
   * has one. Default 1.
   */
  queueGroup?: number;
  /** Descriptors in each ring. Default 256. */
  ringSize?: number;
  /** Descriptors in each indirect table; 0: none. Default 4. */
  indirectLength?: number;
  /** Guest memory for drivers, bytes; rings have theirs beside it. */
  memoryBytes: number;
  /** How much of the configuration space is read. Default 0. */
  configBytes?: number;
  /** Bound of the wait for each answer. */
  timeoutMs?: number;
  /** How long to try again while nobody listens, or who listens goes away. Default 0: not at all. */
  withinMs?: number;
}

export interface DeviceHandlers {
  /** The backend has called: something of this queue is finished, or may be. */
  onCall(index: number): void;
  /** The connection is over: null by `close`, else why. Once a connection. */
  onEnd(error: Error | null): void;
  /** The configuration space was changed; read again when this is called. */
  onConfigChange?(config: Uint8Array): void;
  /**
   * The backend came back with this configuration space, offering these features: looked at before it is asked for
   * anything. Throws if it is another device than the one that went.
   */
  checkReturn?(config: Uint8Array, offered: bigint): void;
  /** The backend says that a ring is broken. */
  onQueueError?(index: number): void;
}

/** How a new connection found the queues. */
export type Reconnection =
  /** As they were: the backend knows what was in flight, and does it. */
  | 'resumed'
  /** Begun anew: what was not taken back must be sent again. */
  | 'restarted';

export class VhostUserDevice {
  readonly memory: FrontendMemory;
  readonly queues: readonly FrontendQueue[];
  /** What the configuration space holds; empty where it was not asked for, or cannot be. */
  config: Uint8Array = new Uint8Array(0);
  negotiated: Negotiated;
  private session: FrontendSession;
  private handlers: DeviceHandlers | null = null;
  private closed = false;
  private inflight: InflightArea | null = null;
  private readonly options: Required<VhostUserDeviceOptions>;

  private constructor(options: Required<VhostUserDeviceOptions>, session: FrontendSession, negotiated: Negotiated) {
    const { queues, ringSize, indirectLength, memoryBytes } = options;
    this.options = options;
    this.session = session;
    this.negotiated = negotiated;
    this.memory = new FrontendMemory(queues * FrontendQueue.bytesFor(ringSize, indirectLength) + memoryBytes);
    const made: FrontendQueue[] = [];
    this.queues = made;
    try {
      for (let index = 0; index < queues; index++)
        made.push(new FrontendQueue({ index, size: ringSize, indirectLength, memory: this.memory }, this.features));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * Connects and negotiates; queues are started by `start`.
   * @throws NativeUnavailable; SystemError if nobody listens; ProtocolError
   */
  static async connect(given: VhostUserDeviceOptions): Promise<VhostUserDevice> {
    const options = {
      protocolFeatures: FRONTEND_PROTOCOL_FEATURES,
      queues: 1,
      queueGroup: 1,
      ringSize: RING_SIZE,
      indirectLength: INDIRECT_LENGTH,
      configBytes: 0,
      timeoutMs: ANSWER_TIMEOUT_MS,
      withinMs: 0,
      ...given,
    };
    return await persist(options.withinMs, () => VhostUserDevice.connectOnce(options));
  }

  private static async connectOnce(options: Required<VhostUserDeviceOptions>): Promise<VhostUserDevice> {
    const session = openSession(options);
    try {
      const negotiated = await negotiate(session, options);
      const device = new VhostUserDevice(options, session, negotiated);
      try {
        await device.prepare(negotiated);
      } catch (error) {
        device.close();
        throw error;
      }
      return device;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  /** The feature word as acknowledged. */
  get features(): bigint {
    return this.negotiated.features;
  }

  get isConnected(): boolean {
    return this.session.isOpen;
  }

  /**
   * Starts every queue. Calls arrive from now on. A backend that goes away meanwhile is waited for as long as `connect`
   * waited for one, and then as by `reconnect`, whose answer this is then.
   * @throws what `reconnect` throws; ProtocolError, SystemError
   */
  async start(handlers: DeviceHandlers, signal?: AbortSignal): Promise<'started' | Reconnection> {
    this.handlers = handlers;
    const { session, options } = this;
    for (const queue of this.queues)
      queue.watch(
        (index) => handlers.onCall(index),
        (index) => handlers.onQueueError?.(index),
      );
    try {
      for (const queue of this.queues) await session.startQueue(queue.describe(0));
    } catch (error) {
      if (options.withinMs === 0 || !isPassing(error)) throw error;
      return await this.reconnect(options.withinMs, signal);
    }
    this.tellEnd(session, handlers);
    return 'started';
  }

  /** Stops every queue; the next available entry of each, which the backend has not taken. */
  async stop(): Promise<number[]> {
    const bases: number[] = [];
    for (const { index } of this.queues) bases.push(await this.session.stopQueue(index));
    return bases;
  }

  /**
   * After the connection ended: waits for the backend to come back, at most `withinMs`, and sets everything up again.
   * @throws the last try's error; ProtocolError `feature-not-offered` if it is another device now; what `checkReturn` throws
   */
  async reconnect(withinMs: number, signal?: AbortSignal): Promise<Reconnection> {
    const { handlers } = this;
    if (handlers === null || this.closed || this.isConnected)
      throw new RangeError('only a device that was started, lost its backend, and is not closed');
    return await persist(withinMs, () => this.tryAgain(handlers), signal);
  }

  /** Twice is once. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.session.close();
    for (const queue of this.queues) queue.close();
    this.releaseInflight();
    this.memory.close();
  }

  private async tryAgain(handlers: DeviceHandlers): Promise<Reconnection> {
    const session = openSession(this.options);
    try {
      const negotiated = await negotiate(session, { ...this.options, features: this.features });
      const missing = this.features & ~negotiated.features;
      const resumes = this.inflight !== null && has(negotiated, VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD);
      if (!resumes) this.releaseInflight();
      this.session = session;
      await this.prepare(negotiated);
      handlers.checkReturn?.(this.config, negotiated.offered);
      if (missing !== 0n) throw new ProtocolError('feature-not-offered', 'GET_FEATURES', missing);
      this.negotiated = negotiated;
      for (const queue of this.queues) {
        queue.kick.renew();
        if (!resumes) queue.restart(this.features);
        await session.startQueue(queue.describe(resumes ? queue.usedIdx() : 0));
        // What the dead backend wished for, or was rung for, says nothing of this one.
        if (resumes) queue.kick.ring();
      }
      this.tellEnd(session, handlers);
      return resumes ? 'resumed' : 'restarted';
    } catch (error) {
      session.close();
      throw error;
    }
  }

  /** Also where it has ended meanwhile. */
  private tellEnd(session: FrontendSession, handlers: DeviceHandlers): void {
    void session.ended.then((error) => handlers.onEnd(error));
  }

  /** What comes before the queues: memory, configuration, the in-flight area, the backend's own socket. */
  private async prepare(negotiated: Negotiated): Promise<void> {
    const { session, options } = this;
    await session.setMemory([this.memory.describe()]);
    if (has(negotiated, VHOST_USER_PROTOCOL_F_CONFIG) && options.configBytes > 0)
      this.config = await session.getConfig(0, options.configBytes);
    if (has(negotiated, VHOST_USER_PROTOCOL_F_BACKEND_REQ)) await this.openBackendChannel(session);
    if (!has(negotiated, VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD)) return;
    this.inflight ??= await session.getInflight(options.queues, options.ringSize);
    if (this.inflight !== null) await session.setInflight(this.inflight);
  }

  private async openBackendChannel(session: FrontendSession): Promise<void> {
    const [ours, theirs] = socketPair();
    const channel = new SocketChannel(ours, { timeoutMs: this.options.timeoutMs });
    try {
      await session.setBackendChannel({ kind: 'descriptor', descriptor: theirs });
    } catch (error) {
      channel.close();
      throw error;
    } finally {
      closeDescriptor(theirs);
    }
    void session.ended.then(() => channel.close());
    void serveBackendRequests(channel, {
      queueCount: this.queues.length,
      onConfigChange: coalesced(() => this.readConfigAgain(session)),
      onCall: (index) => this.handlers?.onCall(index),
      onQueueError: (index) => this.handlers?.onQueueError?.(index),
    });
  }

  private async readConfigAgain(session: FrontendSession): Promise<void> {
    try {
      this.config = await session.getConfig(0, this.options.configBytes);
    } catch {
      return; // Then the session has ended, which is told by itself.
    }
    this.handlers?.onConfigChange?.(this.config);
  }

  private releaseInflight(): void {
    if (this.inflight?.handle.kind === 'descriptor') closeStranger(this.inflight.handle.descriptor);
    this.inflight = null;
  }
}

function openSession({ socketPath, timeoutMs }: Required<VhostUserDeviceOptions>): FrontendSession {
  return new FrontendSession(new SocketChannel(connectUnix(socketPath), { timeoutMs }), { timeoutMs });
}

async function negotiate(session: FrontendSession, options: Required<VhostUserDeviceOptions>): Promise<Negotiated> {
  const { features, protocolFeatures, queues, queueGroup } = options;
  const negotiated = await session.negotiate({ features, protocolFeatures });
  if (queues > negotiated.queues * queueGroup)
    throw new ProtocolError('queue-out-of-range', 'GET_QUEUE_NUM', negotiated.queues);
  return negotiated;
}

const has = ({ protocolFeatures }: Negotiated, bit: number): boolean => hasFeature(protocolFeatures, bit);

/** Errors of a backend that is not there yet, or is going: worth another try. */
const PASSING: readonly unknown[] = [
  'ENOENT',
  'ECONNREFUSED',
  'EAGAIN',
  'EPIPE',
  'ECONNRESET',
  'peer-gone',
  'truncated',
];
const isPassing = (error: unknown): boolean => PASSING.includes((error as { code?: unknown }).code);

/** Acts again while that fails for a passing reason. @throws the last error once the time is over */
async function persist<T>(withinMs: number, act: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await act();
    } catch (error) {
      if (!isPassing(error) || performance.now() >= deadline) throw error;
    }
    await sleep(RETRY_MS, undefined, signal && { signal });
  }
}
