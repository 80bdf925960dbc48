/**
 * Messages over a connected Unix socket: a header of 12 bytes, the payload, descriptors beside them. On the thread's
 * event loop; it never blocks. It knows where a message begins and ends, and nothing of what it says.
 *
 * A message is read in calls that end where it ends, so that no byte and no descriptor of the next one is ever
 * taken with it. Nothing is read, nor watched, while nobody asks: a peer can fill no more than the kernel's buffer.
 */
import { constants } from 'node:os';
import { setImmediate as loopTurn } from 'node:timers/promises';
import { type SystemError, systemError } from '../../native/errors.ts';
import { boundBlockedCalls } from '../../native/interrupts.ts';
import { closeStranger } from '../../native/strangers.ts';
import { receiveBytes, sendBytes } from '../../native/unix-socket.ts';
import { threadWatcher } from '../../native/watcher.ts';
import type { Channel, Message } from './channel.ts';
import { ProtocolError } from './errors.ts';
import type { Handle } from './handle.ts';
import { VHOST_USER_HEADER_SIZE, VHOST_USER_MAX_FDS, VHOST_USER_PAYLOAD_MAX } from './protocol.ts';

const { ECONNRESET, EMSGSIZE, EPIPE } = constants.errno;

export interface SocketChannelOptions {
  /**
   * The longest time that a message may take from its first byte to its last, in either direction. Between messages
   * nothing is bounded: a peer may have nothing to say.
   */
  readonly timeoutMs?: number;
}

/** Messages in a row that are taken without a turn of the event loop: a peer that floods holds nobody else up. */
const IN_A_ROW_MAX = 16;

export class SocketChannel implements Channel {
  private readonly socket: number;
  private readonly timeoutMs: number;
  private readonly watcher = threadWatcher();
  private closed = false;

  private readonly header = new Uint8Array(VHOST_USER_HEADER_SIZE);
  private readonly headerView = new DataView(this.header.buffer);
  /** The message that is being read: its payload once the header is there, how much of either, what came along. */
  private payload: Uint8Array | null = null;
  private filled = 0;
  private descriptors: number[] = [];
  /** When it must be complete, on `performance`'s clock; null before its first byte. */
  private deadline: number | null = null;

  private receiving = false;
  private inARow = 0;
  /** End the waits for the socket. */
  private wakeReader: (() => void) | null = null;
  private wakeWriter: (() => void) | null = null;
  /** The send under way, after those before it. It never fails. */
  private lastSend: Promise<void> = Promise.resolve();

  /** The socket is the channel's from now on. */
  constructor(socket: number, { timeoutMs = 10_000 }: SocketChannelOptions = {}) {
    this.socket = socket;
    this.timeoutMs = timeoutMs;
    // Descriptors that are on their way are closed by the kernel in whatever call drops them.
    boundBlockedCalls();
  }

  /** The socket's number: the channel's, as long as it is open. -1: it is closed. */
  get descriptor(): number {
    return this.closed ? -1 : this.socket;
  }

  async receive(): Promise<Message | null> {
    if (this.receiving) throw new TypeError('a message is being received: one call at a time');
    this.receiving = true;
    try {
      if (++this.inARow > IN_A_ROW_MAX) {
        this.inARow = 0;
        await loopTurn();
      }
      return await this.takeMessage();
    } catch (error) {
      this.close();
      throw error;
    } finally {
      this.receiving = false;
    }
  }

  private async takeMessage(): Promise<Message | null> {
    while (!this.closed) {
      const message = this.readOn();
      if (message !== undefined) return message;
      if (this.deadline !== null && performance.now() >= this.deadline)
        throw new ProtocolError('timed-out', this.messageName(), this.timeoutMs);
      this.inARow = 0;
      await this.readable();
    }
    return null;
  }

  /** Reads what is there of the message: the whole message, null at the end, undefined if more is to come. */
  private readOn(): Message | null | undefined {
    for (;;) {
      const into = this.payload ?? this.header;
      if (this.filled === into.length) {
        if (this.payload !== null) return this.takeWhole(this.payload);
        this.startPayload();
        continue;
      }
      const count = this.readSome(into);
      if (count < 0) return undefined;
      if (count === 0) {
        if (this.payload === null && this.filled === 0) return null;
        throw new ProtocolError('truncated', this.messageName(), this.filled);
      }
      this.filled += count;
      this.deadline ??= performance.now() + this.timeoutMs;
      if (this.descriptors.length > VHOST_USER_MAX_FDS)
        throw new ProtocolError('too-many-descriptors', this.messageName(), this.descriptors.length);
    }
  }

  private readSome(into: Uint8Array): number {
    try {
      return receiveBytes(this.socket, into, this.filled, into.length - this.filled, this.descriptors);
    } catch (error) {
      const { errno } = error as SystemError;
      // It closed its end before it had read all that we sent: gone, like any other.
      if (errno === -ECONNRESET) return 0;
      if (errno === -EMSGSIZE) throw new ProtocolError('descriptors-lost', this.messageName(), this.filled);
      throw error;
    }
  }

  /** The header is there. Its size is believed only within its bound. */
  private startPayload(): void {
    const sizeBytes = this.headerView.getUint32(8, true);
    if (sizeBytes > VHOST_USER_PAYLOAD_MAX) throw new ProtocolError('size-too-large', this.messageName(), sizeBytes);
    this.payload = new Uint8Array(sizeBytes);
    this.filled = 0;
  }

  private takeWhole(payload: Uint8Array): Message {
    const handles = this.descriptors.map((descriptor): Handle => ({ kind: 'descriptor', descriptor }));
    const request = this.headerView.getUint32(0, true);
    const flags = this.headerView.getUint32(4, true);
    this.forgetUnfinished();
    return { request, flags, payload, handles };
  }

  private forgetUnfinished(): void {
    this.payload = null;
    this.filled = 0;
    this.descriptors = [];
    this.deadline = null;
  }

  /** For people: the request's number, if it has come. */
  private messageName(): string {
    return this.payload === null && this.filled < 4 ? 'message' : `message ${this.headerView.getUint32(0, true)}`;
  }

  /** Waits for something to read, for the end, for the deadline or for `close`. */
  private async readable(): Promise<void> {
    const timer =
      this.deadline === null ? undefined : setTimeout(() => this.wakeReader?.(), this.leftMs(this.deadline));
    try {
      await new Promise<void>((resolve) => {
        this.wakeReader = resolve;
        this.watcher.watch(this.socket, resolve);
      });
    } finally {
      clearTimeout(timer);
      this.wakeReader = null;
      // A socket that was closed meanwhile has another owner by now: `close` has ended the watch.
      if (!this.closed) this.unwatchReading();
    }
  }

  /** The watcher forgets a descriptor in both directions; a send that waits goes on waiting. */
  private unwatchReading(): void {
    this.watcher.unwatch(this.socket);
    if (this.wakeWriter !== null) this.watcher.watchWritable(this.socket, this.wakeWriter);
  }

  private leftMs(deadline: number): number {
    return Math.max(0, Math.ceil(deadline - performance.now()));
  }

  async send({ request, flags, payload, handles }: Message): Promise<void> {
    if (payload.length > VHOST_USER_PAYLOAD_MAX) throw new RangeError(`a payload of ${payload.length} bytes`);
    if (handles.length > VHOST_USER_MAX_FDS) throw new RangeError(`${handles.length} descriptors with one message`);
    const descriptors = handles.map(descriptorOfHandle);
    const frame = new Uint8Array(VHOST_USER_HEADER_SIZE + payload.length);
    const view = new DataView(frame.buffer);
    view.setUint32(0, request, true);
    view.setUint32(4, flags, true);
    view.setUint32(8, payload.length, true);
    frame.set(payload, VHOST_USER_HEADER_SIZE);
    const sent = this.lastSend.then(() => this.sendFrame(frame, descriptors, `message ${request}`));
    this.lastSend = sent.catch(() => {});
    return sent;
  }

  private async sendFrame(frame: Uint8Array, descriptors: readonly number[], name: string): Promise<void> {
    const deadline = performance.now() + this.timeoutMs;
    for (let sentBytes = 0; sentBytes < frame.length; ) {
      if (this.closed) throw systemError('sendmsg', EPIPE, 'the channel is closed');
      const count = this.sendSome(frame, sentBytes, descriptors);
      if (count >= 0) sentBytes += count;
      else if (performance.now() < deadline) await this.writable(deadline);
      else {
        this.close();
        throw new ProtocolError('timed-out', name, this.timeoutMs);
      }
    }
  }

  /** The descriptors go with the first byte, once. */
  private sendSome(frame: Uint8Array, from: number, descriptors: readonly number[]): number {
    try {
      return sendBytes(this.socket, frame, from, frame.length - from, from === 0 ? descriptors : []);
    } catch (error) {
      // Half a message stands in the way of every other. After none of it, what the peer sent can still be read.
      if (from > 0) this.close();
      throw error;
    }
  }

  /** Waits for room, for the deadline or for `close`. */
  private async writable(deadline: number): Promise<void> {
    const timer = setTimeout(() => this.wakeWriter?.(), this.leftMs(deadline));
    try {
      await new Promise<void>((resolve) => {
        this.wakeWriter = resolve;
        this.watcher.watchWritable(this.socket, resolve);
      });
    } finally {
      clearTimeout(timer);
      this.wakeWriter = null;
      if (!this.closed) this.watcher.unwatchWritable(this.socket);
    }
  }

  release(handles: readonly Handle[]): void {
    for (const handle of handles) closeStranger(descriptorOfHandle(handle));
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    if (this.wakeReader !== null || this.wakeWriter !== null) this.watcher.unwatch(this.socket);
    for (const descriptor of this.descriptors) closeStranger(descriptor);
    this.forgetUnfinished();
    closeStranger(this.socket);
    this.wakeReader?.();
    this.wakeWriter?.();
  }
}

function descriptorOfHandle(handle: Handle): number {
  if (handle.kind !== 'descriptor') throw new TypeError(`${handle.kind} does not travel over a socket`);
  return handle.descriptor;
}
