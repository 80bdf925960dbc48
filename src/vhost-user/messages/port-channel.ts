/**
 * The same messages between two threads of this process, over a MessagePort: what rides along is memory and doorbells
 * that threads share. Any thread's event loop. The other thread is not trusted more than any peer: what arrives is
 * checked for its shape and rebuilt.
 *
 * A port cannot be told to wait: messages arrive whether or not anybody asks. So they are counted, and a peer that
 * sends more than may wait is cut off.
 */
import { constants } from 'node:os';
import { MessagePort } from 'node:worker_threads';
import { type DoorbellHandle, portsOf } from '../../doorbell/doorbell.ts';
import { systemError } from '../../native/errors.ts';
import type { Channel, Message } from './channel.ts';
import { ProtocolError, type ProtocolErrorCode } from './errors.ts';
import type { Handle } from './handle.ts';
import { VHOST_USER_MAX_FDS, VHOST_USER_PAYLOAD_MAX } from './protocol.ts';

/** Messages that may wait to be received. */
export const PENDING_MAX = 64;

export class PortChannel implements Channel {
  private readonly port: MessagePort;
  private readonly pending: Message[] = [];
  /** Why nothing more is taken; what waits is received first. */
  private failure: ProtocolError | null = null;
  private ended = false;
  private receiving = false;
  private wake: (() => void) | null = null;

  /** The port is the channel's from now on. */
  constructor(port: MessagePort) {
    this.port = port;
    port.on('message', (value: unknown) => this.take(value));
    port.on('messageerror', () => this.fail(new ProtocolError('not-a-message', 'message', 0)));
    port.on('close', () => this.end());
    // Only a receive under way keeps the thread alive, as only that watches a socket.
    port.unref();
  }

  private take(value: unknown): void {
    try {
      if (this.pending.length === PENDING_MAX) refuse('too-many-pending', PENDING_MAX);
      const message = messageOf(value);
      if (this.ended) this.release(message.handles);
      else this.pending.push(message);
      this.wake?.();
    } catch (error) {
      releasePorts(value);
      // Only its shape was looked at: whatever a value throws at that, it is no message.
      this.fail(error instanceof ProtocolError ? error : new ProtocolError('not-a-message', 'message', 0));
    }
  }

  private fail(error: ProtocolError): void {
    if (!this.ended) this.failure = error;
    this.end();
    this.port.close();
  }

  private end(): void {
    this.ended = true;
    this.wake?.();
  }

  async receive(): Promise<Message | null> {
    if (this.receiving) throw new TypeError('a message is being received: one call at a time');
    this.receiving = true;
    this.port.ref();
    try {
      if (this.pending.length === 0 && !this.ended) await this.arrival();
      const message = this.pending.shift();
      if (message !== undefined) return message;
      if (this.failure !== null) throw this.failure;
      return null;
    } finally {
      this.receiving = false;
      this.port.unref();
    }
  }

  private async arrival(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.wake = resolve;
    });
    this.wake = null;
  }

  /** The ports of a doorbell go with it: a sender gives the end that the other thread is to have. */
  async send({ request, flags, payload, handles }: Message): Promise<void> {
    if (payload.length > VHOST_USER_PAYLOAD_MAX) throw new RangeError(`a payload of ${payload.length} bytes`);
    if (handles.length > VHOST_USER_MAX_FDS) throw new RangeError(`${handles.length} handles with one message`);
    if (this.ended) throw systemError('postMessage', constants.errno.EPIPE, 'the channel is closed');
    const ports = handles.flatMap((handle) => {
      if (handle.kind === 'descriptor') throw new TypeError('a descriptor does not travel between threads');
      return handle.kind === 'doorbell' ? portsOf(handle.doorbell) : [];
    });
    this.port.postMessage({ request, flags, payload, handles }, ports);
  }

  release(handles: readonly Handle[]): void {
    for (const handle of handles)
      if (handle.kind === 'doorbell') for (const port of portsOf(handle.doorbell)) port.close();
  }

  close(): void {
    for (const { handles } of this.pending.splice(0)) this.release(handles);
    this.failure = null;
    this.end();
    this.port.close();
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** The fields of an object, whatever it is: nothing is thrown for what has none. */
function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function refuse(code: ProtocolErrorCode, value: number): never {
  throw new ProtocolError(code, 'message', value);
}

function wordOf(value: unknown): number {
  if (typeof value !== 'number' || value >>> 0 !== value) refuse('not-a-message', 0);
  return value;
}

function messageOf(value: unknown): Message {
  const { request, flags, payload, handles } = fieldsOf(value);
  if (!(payload instanceof Uint8Array) || !Array.isArray(handles)) refuse('not-a-message', 0);
  const sizeBytes = payload.length;
  if (sizeBytes > VHOST_USER_PAYLOAD_MAX) refuse('size-too-large', sizeBytes);
  if (handles.length > VHOST_USER_MAX_FDS) refuse('too-many-descriptors', handles.length);
  return {
    request: wordOf(request),
    flags: wordOf(flags),
    // A copy, as long as it was found to be: its buffer may be one that the sender still writes to, and grows.
    payload: payload.slice(0, sizeBytes),
    handles: Array.from(handles, handleOf),
  };
}

function handleOf(value: unknown, index: number): Handle {
  const { kind, memory, doorbell } = fieldsOf(value);
  if (kind === 'memory' && fieldsOf(memory).buffer instanceof SharedArrayBuffer)
    return { kind, memory: memory as { readonly buffer: SharedArrayBuffer } };
  if (kind === 'doorbell' && isDoorbell(doorbell)) return { kind, doorbell };
  return refuse('wrong-handle', index);
}

function isDoorbell(value: unknown): value is DoorbellHandle {
  const { strategy, words, waitPort, ringPort, descriptor } = fieldsOf(value);
  return (
    typeof strategy === 'string' &&
    words instanceof SharedArrayBuffer &&
    (waitPort === undefined || waitPort instanceof MessagePort) &&
    (ringPort === undefined || ringPort instanceof MessagePort) &&
    (descriptor === undefined || (typeof descriptor === 'number' && descriptor >>> 0 === descriptor))
  );
}

/** More handles than any sender can mean: an array may say that it has 2^32. */
const RELEASED_MAX = 1024;

/** Closes the ports that came with what is refused, wherever a message would have them: their other ends see it. */
function releasePorts(value: unknown): void {
  const { handles } = fieldsOf(value);
  if (!Array.isArray(handles)) return;
  for (const handle of handles.slice(0, RELEASED_MAX)) {
    const { waitPort, ringPort } = fieldsOf(fieldsOf(handle).doorbell);
    for (const port of [waitPort, ringPort]) if (port instanceof MessagePort) port.close();
  }
}
