/**
 * The frontend's half of a vhost-user session: what is asked of the backend, in what order, and what its answers mean.
 * Any thread. It knows no libc, maps nothing and makes no queue: descriptors and addresses are its caller's.
 *
 * One request is under way at a time; others wait for their turn. Every answer is waited for within a bound. After a
 * wrong answer, a late one, or one that nobody asked for, the channel is closed and every later request fails with
 * the same error.
 */
import { featureWord, hasFeature } from '../../ring/feature-word.ts';
import type { Channel, Message } from '../messages/channel.ts';
import { ProtocolError } from '../messages/errors.ts';
import type { Handle } from '../messages/handle.ts';
import {
  decodeReply,
  encode,
  isAnswered,
  type NameFrom,
  nameOf,
  type Reply,
  type RequestToSend,
} from '../messages/message.ts';
import type { MemoryRegionDescription } from '../messages/payload.ts';
import {
  VHOST_USER_F_PROTOCOL_FEATURES,
  VHOST_USER_MAX_CONFIG_SIZE,
  VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS,
  VHOST_USER_PROTOCOL_F_MQ,
  VHOST_USER_PROTOCOL_F_REPLY_ACK,
  VHOST_VRING_F_LOG,
} from '../messages/protocol.ts';
import { missingFeature, withoutLonely } from '../messages/protocol-features.ts';

/** How long a backend may take to answer, unless the caller says otherwise. */
export const ANSWER_TIMEOUT_MS = 10_000;

export interface FrontendSessionOptions {
  /** Bound of the wait for every answer. */
  timeoutMs?: number;
}

/** What the two sides agreed on. */
export interface Negotiated {
  /** Feature word: offered by the backend, and acknowledged. */
  readonly offered: bigint;
  readonly features: bigint;
  /** 0 without PROTOCOL_FEATURES. */
  readonly protocolOffered: bigint;
  readonly protocolFeatures: bigint;
  /** Queues that the backend can serve; 1 where it does not tell. */
  readonly queues: number;
  /** Regions that it can hold at once; null where it takes a table. */
  readonly memorySlots: number | null;
}

export interface Wanted {
  /** Acknowledged if they are offered. */
  features: bigint;
  protocolFeatures: bigint;
}

/** A region of memory as the backend is told of it. */
export interface SharedRegion extends MemoryRegionDescription {
  readonly handle: Handle;
}

/** A ring as the backend is told of it: addresses are the frontend's own. */
export interface RingDescription {
  readonly index: number;
  readonly size: number;
  readonly desc: number;
  readonly avail: number;
  readonly used: number;
  /** The next available entry that the backend is to take. */
  readonly base: number;
  /** Null: the backend polls. */
  readonly kick: Handle | null;
  /** Null: nobody waits for a call. */
  readonly call: Handle | null;
  readonly err: Handle | null;
  /** Guest address of the used ring, whose writes are to be logged; null: they are not. */
  readonly logAddress: number | null;
}

/** The in-flight area, as GET_INFLIGHT_FD hands it out. */
export interface InflightArea {
  readonly handle: Handle;
  readonly sizeBytes: bigint;
  readonly offsetBytes: bigint;
  readonly queues: number;
  readonly queueSize: number;
}

interface Waiter {
  resolve(message: Message): void;
  reject(error: Error): void;
}

type FrontendRequest = NameFrom<'frontend'>;

export class FrontendSession {
  /**
   * Resolves when the session is over: null if `close` was called, else why. A backend that goes away between
   * requests is `peer-gone`.
   */
  readonly ended: Promise<Error | null>;
  private readonly channel: Channel;
  private readonly timeoutMs: number;
  private resolveEnded: (error: Error | null) => void = () => {};
  /** Null while it lives. */
  private end: { readonly error: Error | null } | null = null;
  /** Settles when the last request so far has its answer. */
  private turn: Promise<unknown> = Promise.resolve();
  private waiter: Waiter | null = null;
  private acknowledged: Pick<Negotiated, 'features' | 'protocolFeatures' | 'memorySlots'> = {
    features: 0n,
    protocolFeatures: 0n,
    memorySlots: null,
  };

  constructor(channel: Channel, { timeoutMs = ANSWER_TIMEOUT_MS }: FrontendSessionOptions = {}) {
    this.channel = channel;
    this.timeoutMs = timeoutMs;
    this.ended = new Promise((resolve) => {
      this.resolveEnded = resolve;
    });
    void this.receiveAll();
  }

  get isOpen(): boolean {
    return this.end === null;
  }

  hasProtocolFeature(bit: number): boolean {
    return hasFeature(this.acknowledged.protocolFeatures, bit);
  }

  /** From the first request to SET_FEATURES. @throws ProtocolError, SystemError */
  async negotiate(wanted: Wanted): Promise<Negotiated> {
    const offered = (await this.ask({ request: 'GET_FEATURES' })).value;
    await this.tell({ request: 'SET_OWNER' });
    let protocolOffered = 0n;
    let protocolFeatures = 0n;
    if (hasFeature(offered, VHOST_USER_F_PROTOCOL_FEATURES)) {
      protocolOffered = (await this.ask({ request: 'GET_PROTOCOL_FEATURES' })).value;
      protocolFeatures = withoutLonely(protocolOffered & wanted.protocolFeatures);
      await this.tell({ request: 'SET_PROTOCOL_FEATURES', value: protocolFeatures });
    }
    this.acknowledged = { features: 0n, protocolFeatures, memorySlots: null };
    const queues = await this.askCount('GET_QUEUE_NUM', VHOST_USER_PROTOCOL_F_MQ, 1);
    const memorySlots = await this.askCount('GET_MAX_MEM_SLOTS', VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS, null);
    const own = featureWord(VHOST_USER_F_PROTOCOL_FEATURES);
    const features = offered & (wanted.features | own);
    await this.tell({ request: 'SET_FEATURES', value: features });
    this.acknowledged = { features, protocolFeatures, memorySlots };
    return { offered, features, protocolOffered, protocolFeatures, queues, memorySlots };
  }

  /** A piece of the configuration space. @throws ProtocolError `config-refused` */
  async getConfig(offset: number, sizeBytes: number): Promise<Uint8Array> {
    if (offset + sizeBytes > VHOST_USER_MAX_CONFIG_SIZE)
      throw new RangeError(`${sizeBytes} bytes at ${offset} of a configuration space of ${VHOST_USER_MAX_CONFIG_SIZE}`);
    const reply = await this.ask({ request: 'GET_CONFIG', offset, flags: 0, bytes: new Uint8Array(sizeBytes) });
    if (reply.bytes === null) throw new ProtocolError('config-refused', 'GET_CONFIG', sizeBytes);
    if (reply.bytes.length !== sizeBytes)
      throw this.fail(new ProtocolError('wrong-size', 'GET_CONFIG', reply.bytes.length));
    return reply.bytes;
  }

  setConfig(offset: number, bytes: Uint8Array): Promise<void> {
    return this.tell({ request: 'SET_CONFIG', offset, flags: 0, bytes });
  }

  /** Tells of all memory: region by region where the backend has slots, else in one table. */
  async setMemory(regions: readonly SharedRegion[]): Promise<void> {
    const { memorySlots } = this.acknowledged;
    if (memorySlots === null) {
      await this.tell({ request: 'SET_MEM_TABLE', regions, handles: regions.map(({ handle }) => handle) });
      return;
    }
    if (regions.length > memorySlots) throw new ProtocolError('too-many-regions', 'ADD_MEM_REG', memorySlots);
    for (const region of regions) await this.tell({ request: 'ADD_MEM_REG', region, handles: [region.handle] });
  }

  removeRegion(region: MemoryRegionDescription): Promise<void> {
    return this.tell({ request: 'REM_MEM_REG', region });
  }

  /** Sets a queue up, starts and enables it. */
  async startQueue(ring: RingDescription): Promise<void> {
    const { index, logAddress } = ring;
    await this.tell({ request: 'SET_VRING_NUM', index, num: ring.size });
    await this.tell({ request: 'SET_VRING_BASE', index, num: ring.base });
    await this.tell({
      request: 'SET_VRING_ADDR',
      index,
      flags: logAddress === null ? 0 : 1 << VHOST_VRING_F_LOG,
      desc: BigInt(ring.desc),
      used: BigInt(ring.used),
      avail: BigInt(ring.avail),
      log: BigInt(logAddress ?? 0),
    });
    if (ring.err !== null) await this.tellOfFile('SET_VRING_ERR', index, ring.err);
    await this.tellOfFile('SET_VRING_CALL', index, ring.call);
    await this.tellOfFile('SET_VRING_KICK', index, ring.kick);
    // Without the protocol's features rings are enabled from the start, and the request does not exist.
    if (hasFeature(this.acknowledged.features, VHOST_USER_F_PROTOCOL_FEATURES)) await this.enableQueue(index, true);
  }

  /** @throws ProtocolError `feature-not-negotiated` without PROTOCOL_FEATURES: then queues are always enabled */
  async enableQueue(index: number, enabled: boolean): Promise<void> {
    const request = 'SET_VRING_ENABLE';
    if (!hasFeature(this.acknowledged.features, VHOST_USER_F_PROTOCOL_FEATURES))
      throw new ProtocolError('feature-not-negotiated', request, VHOST_USER_F_PROTOCOL_FEATURES);
    await this.tell({ request, index, num: enabled ? 1 : 0 });
  }

  /** Stops a queue; answers with the next available entry that the backend would have taken. */
  async stopQueue(index: number): Promise<number> {
    const reply = await this.ask({ request: 'GET_VRING_BASE', index, num: 0 });
    if (reply.index !== index) throw this.fail(new ProtocolError('wrong-reply', 'GET_VRING_BASE', reply.index));
    if (reply.num > 0xffff) throw this.fail(new ProtocolError('bad-ring-index', 'GET_VRING_BASE', reply.num));
    return reply.num;
  }

  /** The backend's memory of requests under way, whose handle is then the caller's; null: it has none. */
  async getInflight(queues: number, queueSize: number): Promise<InflightArea | null> {
    const reply = await this.ask({ request: 'GET_INFLIGHT_FD', sizeBytes: 0n, offsetBytes: 0n, queues, queueSize });
    const { sizeBytes, offsetBytes, handles } = reply;
    const handle = handles[0];
    return handle === undefined ? null : { handle, sizeBytes, offsetBytes, queues, queueSize };
  }

  setInflight({ handle, ...area }: InflightArea): Promise<void> {
    return this.tell({ request: 'SET_INFLIGHT_FD', ...area, handles: [handle] });
  }

  /** Where the backend notes the pages that it writes, and what it then rings. */
  async setLog(area: { handle: Handle; sizeBytes: bigint; offsetBytes: bigint }, call: Handle | null): Promise<void> {
    // Before SET_LOG_FD, which belongs to no feature.
    this.need('SET_LOG_BASE');
    const { handle, sizeBytes, offsetBytes } = area;
    if (call !== null) await this.tell({ request: 'SET_LOG_FD', handles: [call] });
    await this.ask({ request: 'SET_LOG_BASE', sizeBytes, offsetBytes, handles: [handle] });
  }

  /** The socket over which the backend may ask something itself. */
  async setBackendChannel(socket: Handle): Promise<void> {
    await this.tell({ request: 'SET_BACKEND_REQ_FD', handles: [socket] });
  }

  close(): void {
    this.finish(null);
  }

  /**
   * Sends a request that has an answer, and waits for it.
   * @throws ProtocolError `feature-not-negotiated`, nothing sent; other codes for the answer; SystemError
   */
  ask<N extends FrontendRequest>(request: RequestToSend<N>): Promise<Reply<N>> {
    if (!isAnswered(request.request)) throw new RangeError(`${request.request} has no answer`);
    return this.inTurn(async () => {
      this.need(request.request);
      return await this.exchange(request as RequestToSend);
    }) as Promise<Reply<N>>;
  }

  /** Sends a request that has none; where acknowledgements were negotiated, waits for one. */
  tell(request: RequestToSend<FrontendRequest>): Promise<void> {
    return this.inTurn(async () => {
      this.need(request.request);
      if (!this.hasProtocolFeature(VHOST_USER_PROTOCOL_F_REPLY_ACK)) {
        await this.send(encode(request));
        return;
      }
      const reply = await this.exchange({ ...request, needsReply: true });
      const value = 'value' in reply ? (reply.value as bigint) : 0n;
      if (value !== 0n) throw new ProtocolError('request-failed', request.request, value);
    });
  }

  /** @throws ProtocolError unless the feature that a request belongs to was negotiated */
  private need(request: FrontendRequest): void {
    const missing = missingFeature(request, this.acknowledged.protocolFeatures);
    if (missing !== null) throw new ProtocolError('feature-not-negotiated', request, missing);
  }

  private tellOfFile(
    request: 'SET_VRING_KICK' | 'SET_VRING_CALL' | 'SET_VRING_ERR',
    index: number,
    handle: Handle | null,
  ): Promise<void> {
    return this.tell({ request, index, noDescriptor: handle === null, handles: handle === null ? [] : [handle] });
  }

  private async askCount<T>(
    request: 'GET_QUEUE_NUM' | 'GET_MAX_MEM_SLOTS',
    feature: number,
    absent: T,
  ): Promise<number | T> {
    if (!this.hasProtocolFeature(feature)) return absent;
    const { value } = await this.ask({ request });
    if (value === 0n || value > BigInt(Number.MAX_SAFE_INTEGER))
      throw this.fail(new ProtocolError('bad-value', request, value));
    return Number(value);
  }

  private inTurn<T>(act: () => Promise<T>): Promise<T> {
    const result = this.turn.then(act);
    this.turn = result.catch(() => {});
    return result;
  }

  private async send(message: Message): Promise<void> {
    this.checkOpen(message.request);
    try {
      await this.channel.send(message);
    } catch (error) {
      throw this.fail(error as Error);
    }
  }

  private async exchange(request: RequestToSend): Promise<Reply> {
    const message = encode(request);
    this.checkOpen(message.request);
    // Both at once: whichever fails first ends the session, and with it the other.
    const [reply] = await Promise.all([this.waitForAnswer(request.request), this.send(message)]);
    try {
      return decodeReply(request.request, reply);
    } catch (error) {
      this.channel.release(reply.handles);
      throw this.fail(error as Error);
    }
  }

  private waitForAnswer(request: string): Promise<Message> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        // An answer that came while this thread stood still is seen before the turn's end.
        setImmediate(() => {
          if (this.waiter === waiter) this.fail(new ProtocolError('timed-out', request, this.timeoutMs));
        });
      }, this.timeoutMs);
      const settle = () => {
        clearTimeout(timer);
        this.waiter = null;
      };
      const waiter: Waiter = {
        resolve(message) {
          settle();
          resolve(message);
        },
        reject(error) {
          settle();
          reject(error);
        },
      };
      this.waiter = waiter;
    });
  }

  /** Always at the channel: so a backend that goes away is seen at once. */
  private async receiveAll(): Promise<void> {
    try {
      for (;;) {
        const message = await this.channel.receive();
        if (message === null) {
          this.fail(new ProtocolError('peer-gone', 'session', 0));
          return;
        }
        if (this.waiter !== null) {
          this.waiter.resolve(message);
          continue;
        }
        this.channel.release(message.handles);
        this.fail(new ProtocolError('unexpected-reply', nameOf(message.request, 'frontend'), message.flags));
        return;
      }
    } catch (error) {
      this.fail(error as Error);
    }
  }

  private checkOpen(request: number): void {
    if (this.end !== null) throw this.end.error ?? new ProtocolError('peer-gone', nameOf(request, 'frontend'), 0);
  }

  /** Ends the session for a reason; returns the reason that it ended for. */
  private fail(error: Error): Error {
    this.finish(error);
    return this.end?.error ?? error;
  }

  private finish(error: Error | null): void {
    if (this.end !== null) return;
    this.end = { error };
    this.channel.close();
    this.waiter?.reject(error ?? new ProtocolError('peer-gone', 'session', 0));
    this.resolveEnded(error);
  }
}
