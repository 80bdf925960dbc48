/**
 * Plays the actions of one fuzzed session at a server: owns the frontend's descriptors and its connections, and gives
 * all of them back. On the server's own event loop, in its process: what the two leave behind is counted together.
 */
import { setImmediate as loopTurn } from 'node:timers/promises';
import { closeDescriptor } from '../../native/descriptors.ts';
import { closeEventfd, openEventfd } from '../../native/eventfd.ts';
import { openMemfd } from '../../native/memfd.ts';
import { ODD_DESCRIPTORS, type OddDescriptorKind } from '../../native/odd-descriptors.ts';
import { connectUnix, receiveBytes, SEND_DESCRIPTORS_MAX, sendBytes, socketPair } from '../../native/unix-socket.ts';
import { VHOST_USER_HEADER_SIZE, VHOST_USER_SET_VRING_BASE, VHOST_USER_SET_VRING_NUM } from '../messages/protocol.ts';
import {
  type Action,
  type DescriptorName,
  INFLIGHT_BYTES,
  LOG_BYTES,
  MEMORY,
  MORE_MEMORY,
  type SendAction,
} from './fuzz-actions.ts';
import { changeShared, kickShared } from './fuzz-flags.ts';
import { FuzzGuest } from './fuzz-guest.ts';

/** A socket that stays full for so many turns is left alone: the backend has what it can take. */
const FULL_TURNS_MAX = 50;
const READ_SIZE = 65536;

export class FuzzFrontend {
  readonly guest: FuzzGuest;
  /** Connections made so far. */
  connections = 0;
  private readonly path: string;
  private readonly queueCount: number;
  private readonly opened = new Map<DescriptorName, number>();
  private readonly closers: (() => void)[] = [];
  private readonly into = new Uint8Array(READ_SIZE);
  private socket = -1;
  /** The backend has ended the connection. */
  private ended = false;

  constructor(path: string, queueCount: number) {
    this.path = path;
    this.queueCount = queueCount;
    const areas = [this.descriptorOf('log'), this.descriptorOf('in flight')];
    this.guest = new FuzzGuest(queueCount, this.descriptorOf('memory'), areas);
  }

  connect(): void {
    this.socket = connectUnix(this.path);
    this.connections++;
    this.ended = false;
  }

  async play(actions: readonly Action[]): Promise<void> {
    for (const action of actions) {
      switch (action.does) {
        case 'send':
          await this.send(action);
          break;
        case 'write':
          this.guest.write(action.queue, action.style, action.seed);
          break;
        case 'kick':
          kickShared(this.descriptorOf(`kick ${action.queue}`), action.count);
          break;
        case 'change shared':
          changeShared(this.descriptorOf(`${action.name} ${action.queue}`), action.change);
          break;
        case 'read':
          await loopTurn();
          this.read();
          break;
        case 'wait':
          for (let left = action.turns; left > 0; left--) await loopTurn();
          break;
        case 'reconnect':
          closeDescriptor(this.socket);
          this.connect();
      }
    }
  }

  /** Closes everything: the backend sees the end. */
  close(): void {
    if (this.socket >= 0) closeDescriptor(this.socket);
    for (const close of this.closers) close();
  }

  private async send(action: SendAction): Promise<void> {
    if (this.ended) return;
    const frame = frameOf(action);
    const length = Math.min(action.cutAt ?? frame.length, frame.length);
    if (length === 0) return;
    this.note(action);
    const descriptors = action.descriptors.slice(0, SEND_DESCRIPTORS_MAX).map((name) => this.descriptorOf(name));
    for (let sent = 0, full = 0; sent < length && full < FULL_TURNS_MAX && !this.ended; ) {
      const count = this.sendSome(frame, sent, length, sent === 0 ? descriptors : []);
      if (count > 0) sent += count;
      else {
        full++;
        this.read();
        await loopTurn();
      }
    }
  }

  private sendSome(frame: Uint8Array, from: number, end: number, descriptors: readonly number[]): number {
    try {
      return sendBytes(this.socket, frame, from, end - from, descriptors);
    } catch {
      // It was sent away.
      this.ended = true;
      return 0;
    }
  }

  /** What a guest knows of the rings that its frontend sets up. */
  private note({ request, payload }: SendAction): void {
    const [index, , , , low = 0, high = 0] = payload;
    if (payload.length !== 8 || index! >= this.queueCount) return;
    const number = low + 256 * high;
    if (request === VHOST_USER_SET_VRING_NUM && number > 0) this.guest.sizes[index!] = Math.min(number, 256);
    if (request === VHOST_USER_SET_VRING_BASE) this.guest.restart(index!, number);
  }

  /** All that is there; what it says is the backend's affair. */
  private read(): void {
    const received: number[] = [];
    try {
      while (!this.ended) {
        const count = receiveBytes(this.socket, this.into, 0, READ_SIZE, received);
        if (count < 0) break;
        if (count === 0) this.ended = true;
      }
    } catch {
      this.ended = true;
    }
    for (const descriptor of received) closeDescriptor(descriptor);
  }

  /** Opened when it is needed, and then the same for the whole session. */
  private descriptorOf(name: DescriptorName): number {
    const known = this.opened.get(name);
    if (known !== undefined) return known;
    const descriptor = this.open(name);
    this.opened.set(name, descriptor);
    return descriptor;
  }

  private open(name: DescriptorName): number {
    if (name in ODD_DESCRIPTORS) {
      const { descriptor, close } = ODD_DESCRIPTORS[name as OddDescriptorKind]();
      this.closers.push(close);
      return descriptor;
    }
    if (name in FILES) return this.keep(openMemfd(`fuzzed ${name}`, FILES[name as keyof typeof FILES]));
    if (name === 'backend channel') {
      const [ours, theirs] = socketPair();
      this.keep(theirs);
      return this.keep(ours);
    }
    const eventfd = openEventfd();
    this.closers.push(() => closeEventfd(eventfd));
    return eventfd;
  }

  private keep(descriptor: number): number {
    this.closers.push(() => closeDescriptor(descriptor));
    return descriptor;
  }
}

const FILES = {
  memory: MEMORY.sizeBytes,
  'more memory': MORE_MEMORY.sizeBytes,
  log: LOG_BYTES + 4096,
  'in flight': INFLIGHT_BYTES,
} as const;

function frameOf({ request, flags, sizeBytes, payload }: SendAction): Uint8Array {
  const frame = new Uint8Array(VHOST_USER_HEADER_SIZE + payload.length);
  const view = new DataView(frame.buffer);
  for (const [i, word] of [request, flags, sizeBytes].entries()) view.setUint32(4 * i, word, true);
  frame.set(payload, VHOST_USER_HEADER_SIZE);
  return frame;
}
