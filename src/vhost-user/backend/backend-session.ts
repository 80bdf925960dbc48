/**
 * The backend's side of one vhost-user connection: takes the frontend's requests one after the other, obeys, answers.
 * In one thread; it knows no libc and no device, and touches no guest memory: queues are run by runners, from plain
 * data. One session is one connection; the device outlives it.
 *
 * What becomes of a bad message:
 *
 *     no message at all: size, version, flags, number, descriptors   the connection ends (with an error)
 *     a request that is refused, and asked for an answer             non-zero is answered, the session goes on
 *     a request that is refused, and did not ask                     the connection ends: the frontend would not know
 *     GET_CONFIG that fails                                          answered with no payload, as the protocol has it
 *     the frontend goes away, in the middle or not                   the session ends without an error
 *
 * Refused are: what was not offered, negotiated or is not served; memory that is empty, wraps, overlaps, is misaligned
 * or is not in its file (before anything is mapped); rings without memory, kicks without addresses, queues that are not
 * there, another geometry while a ring runs; logs and in-flight areas that do not hold what they must.
 *
 * A refused request has changed nothing. A queue that could not be put into service because its runner failed
 * (`queue-failed`) is also broken until GET_VRING_BASE. Whatever the end, all that was received
 * is given back: handles, mappings, rings. What a request means is in `backend-requests.ts`.
 */

import type { Channel, Message } from '../messages/channel.ts';
import { ProtocolError } from '../messages/errors.ts';
import { decode, encodeReply, isAnswered, type NameFrom, type ReplyToSend, type Request } from '../messages/message.ts';
import { U64 } from '../messages/payload.ts';
import {
  VHOST_USER_ADD_MEM_REG,
  VHOST_USER_PROTOCOL_F_REPLY_ACK,
  VHOST_USER_REPLY_MASK,
  VHOST_USER_SET_MEM_TABLE,
  VHOST_USER_VERSION,
} from '../messages/protocol.ts';
import type { BackendSessionOptions } from './backend-options.ts';
import { HANDLERS, type Handler } from './backend-requests.ts';
import { BackendState } from './backend-state.ts';

type FrontendRequest = Request<NameFrom<'frontend'>>;

/** What sending to a peer fails with that is not there any more. */
const GONE: ReadonlySet<string> = new Set(['EPIPE', 'ECONNRESET']);

/** What acknowledges: 0 for success. */
const DONE = 0n;
const REFUSED = 1n;

export class BackendSession {
  private readonly channel: Channel;
  private readonly state: BackendState;
  /** The request of a postcopy migration whose addresses the frontend has yet to take note of. */
  private unconfirmed: FrontendRequest | null = null;
  private closed = false;
  /** Why it was ended from outside. */
  private endedFor: Error | null = null;

  constructor(options: BackendSessionOptions) {
    this.channel = options.channel;
    this.state = new BackendState(options);
  }

  /**
   * Serves until the frontend goes away or `close` is called; then everything is given back.
   * @throws what ended it otherwise: ProtocolError, SystemError, what a hook threw. Everything is given back then, too.
   */
  async run(): Promise<void> {
    // What an earlier frontend acknowledged is not this one's.
    this.state.device.acknowledge(0n);
    try {
      for (let message = await this.channel.receive(); message !== null; message = await this.channel.receive())
        await this.take(message);
      if (this.endedFor !== null) throw this.endedFor;
    } catch (error) {
      // What fails because the channel was closed, by us or by a frontend that did not wait for its answer, is none.
      if (this.endedFor !== null) throw this.endedFor;
      if (!this.closed && !GONE.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    } finally {
      await this.state.close();
      this.channel.close();
    }
  }

  /** Ends the session: `run` returns, once everything is given back. */
  close(): void {
    this.closed = true;
    this.channel.close();
  }

  /** The same for a reason, which `run` throws. */
  end(reason: Error): void {
    this.endedFor ??= reason;
    this.close();
  }

  /** The frontend has said that it owns the session, or has started a ring. */
  get hasBegun(): boolean {
    return this.state.isOwned || this.state.rings.anyStarted;
  }

  /** Tells the frontend, where it wants to know, that the configuration space is not what it was. */
  notifyConfigChange(): void {
    this.state.notifyConfigChange();
  }

  private async take(message: Message): Promise<void> {
    const { hooks } = this.state;
    if (hooks.processMessage !== undefined && (await hooks.processMessage(message, this.channel))) return;
    if (this.unconfirmed !== null && isConfirmation(message)) return this.confirm(message);
    let request: FrontendRequest;
    try {
      request = decode(message, 'frontend');
    } catch (error) {
      this.channel.release(message.handles);
      throw error;
    }
    try {
      await this.obey(request, message.request);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.state.report({ kind: 'refused', request: request.request, error });
      if (!this.isAsked(request)) throw error;
      await this.acknowledge(message.request, REFUSED);
    } finally {
      this.state.releaseUnkept(message.handles);
    }
  }

  private async obey(request: FrontendRequest, number: number): Promise<void> {
    const handler = HANDLERS[request.request] as Handler<typeof request.request> | undefined;
    if (handler === undefined) throw new ProtocolError('unsupported-request', request.request, number);
    this.state.need(request.request);
    const answer = await handler(this.state, request);
    if (answer !== undefined) {
      await this.channel.send(encodeReply({ request: request.request, ...answer } as ReplyToSend));
      if (!isAnswered(request.request)) this.unconfirmed = request;
    } else if (this.isAsked(request)) await this.acknowledge(number, DONE);
  }

  private isAsked({ needsReply }: FrontendRequest): boolean {
    return needsReply && this.state.has(VHOST_USER_PROTOCOL_F_REPLY_ACK);
  }

  private acknowledge(request: number, value: bigint): Promise<void> {
    const flags = VHOST_USER_VERSION | VHOST_USER_REPLY_MASK;
    return this.channel.send({ request, flags, payload: U64.write({ value }), handles: [] });
  }

  /**
   * The frontend has noted where its memory is in this process: from now on it is told of every page that is touched
   * and missing. Only then does it get the acknowledgement that it asked for.
   */
  private async confirm(message: Message): Promise<void> {
    const request = this.unconfirmed!;
    this.unconfirmed = null;
    this.channel.release(message.handles);
    const { value } = U64.read(message.payload, request.request);
    if (value !== DONE) throw new ProtocolError('request-failed', request.request, value);
    this.state.postcopy?.arm();
    if (this.isAsked(request)) await this.acknowledge(message.request, DONE);
  }
}

/** Memory requests are longer: so short, they only confirm what they were answered. */
function isConfirmation({ request, payload }: Message): boolean {
  const ofMemory = request === VHOST_USER_SET_MEM_TABLE || request === VHOST_USER_ADD_MEM_REG;
  return ofMemory && payload.length === U64.maxBytes;
}
