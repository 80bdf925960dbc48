/**
 * A link between two processes of one user on this machine, by a name that both know: no privileges, nothing left behind
 * however they end. Who comes first listens, who comes second connects; either may leave and come back. On the device's
 * own thread.
 *
 * No packet is lost while both are there: what the other has no room for stays with the sender. So does what is to be
 * sent while nobody is at the other end; what one who left had been sent and not taken is lost with it.
 *
 * Who listens greets who connects, with one byte, before any packet: WELCOME, or TAKEN to a third.
 */
import { userInfo } from 'node:os';
import { closeDescriptor } from '../native/descriptors.ts';
import { connectPackets, listenPackets, PacketSocket, peerUser } from '../native/packet-socket.ts';
import { acceptUnix } from '../native/unix-socket.ts';
import { threadWatcher, type Watcher } from '../native/watcher.ts';
import type { PacketLink } from './packet-link.ts';
import { TapLink } from './tap-link.ts';

const WELCOME = 1;
const TAKEN = 0;

/** Two who come at the same moment, or one that is just ending: the name is tried again so soon, and so often. */
const RETRY_MS = 10;
const RETRIES_MAX = 500;

const GREETING_DEFAULT_MS = 2000;

/** No other user can be at the other end, or take the name by mistake. */
export const socketName = (name: string) => `vringbench/pair/${userInfo().uid}/${name}`;

export interface PairLinkOptions {
  readonly name: string;
  /** Takes lines for people who want to know more. */
  readonly tell?: (line: string) => void;
  /** Whoever is greeted later than this is a link already, and goes on waiting. Default 2000. */
  readonly greetingMs?: number;
}

/** @throws Error if two are connected by this name already, or another user has it */
export async function openPairLink(options: PairLinkOptions): Promise<PacketLink> {
  const link = new PairLink(options);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, options.greetingMs ?? GREETING_DEFAULT_MS);
  });
  try {
    await Promise.race([link.placed, late]);
    return link;
  } catch (error) {
    link.close();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

class PairLink implements PacketLink {
  /** Settled once it listens, or is welcome. */
  readonly placed: Promise<void>;
  private readonly name: string;
  private readonly socketName: string;
  private readonly tell: (line: string) => void;
  private readonly watcher: Watcher = threadWatcher();
  private resolvePlaced: () => void = () => {};
  private rejectPlaced: (error: Error) => void = () => {};
  private readable: (() => void) | null = null;
  private writable: (() => void) | null = null;
  private paused = false;
  private closed = false;
  /** What ended it: every later call says so. */
  private failure: Error | null = null;
  private listener = -1;
  private retries = 0;
  private retryTimer: NodeJS.Timeout | null = null;
  /** Connected, and not greeted yet. */
  private stranger: PacketSocket | null = null;
  private socket: PacketSocket | null = null;
  private link: TapLink | null = null;
  private refused = false;

  constructor({ name, tell = () => {} }: PairLinkOptions) {
    this.name = name;
    this.socketName = socketName(name);
    this.tell = tell;
    this.placed = new Promise((resolve, reject) => {
      this.resolvePlaced = resolve;
      this.rejectPlaced = reject;
    });
    // Whoever opened it may not be waiting any more.
    this.placed.catch(() => {});
    this.settle();
  }

  get onReadable(): (() => void) | null {
    return this.readable;
  }
  set onReadable(listener: (() => void) | null) {
    this.readable = listener;
    if (this.link !== null) this.link.onReadable = listener;
  }

  get onWritable(): (() => void) | null {
    return this.writable;
  }
  set onWritable(listener: (() => void) | null) {
    this.writable = listener;
    if (this.link !== null) this.link.onWritable = listener;
  }

  receive(into: Uint8Array): number {
    if (this.failure !== null) throw this.failure;
    if (this.link === null) return -1;
    const length = this.link.receive(into);
    if (length < 0 && this.socket!.ended) this.lose();
    return length;
  }

  send(bytes: Uint8Array, length: number): boolean {
    if (this.failure !== null) throw this.failure;
    if (this.link === null || this.socket!.broken) {
      this.refused = true;
      return false;
    }
    if (this.link.send(bytes, length)) return true;
    if (this.socket!.broken) this.refused = true;
    return false;
  }

  pause(): void {
    this.paused = true;
    this.link?.pause();
  }

  resume(): void {
    this.paused = false;
    this.link?.resume();
  }

  close(): void {
    this.closed = true;
    if (this.retryTimer !== null) clearTimeout(this.retryTimer);
    // First, so that the other can have the name as soon as it sees the end.
    this.closeListener();
    this.closeStranger();
    this.link?.close();
    this.link = null;
    this.socket = null;
  }

  /** Takes its place: listens by the name, or connects with whoever does. */
  private readonly settle = (): void => {
    this.retryTimer = null;
    if (this.closed) return;
    try {
      this.listener = listenPackets(this.socketName);
      if (this.listener >= 0) {
        this.watcher.watch(this.listener, this.accept);
        this.retries = 0;
        this.tell(`pair ${this.name}: waiting for the other`);
        this.resolvePlaced();
        return;
      }
      const descriptor = connectPackets(this.socketName);
      if (descriptor >= 0) this.meet(descriptor);
      else this.retry();
    } catch (error) {
      this.fail(error as Error);
    }
  };

  private retry(): void {
    if (++this.retries > RETRIES_MAX) {
      this.fail(
        new Error(`pair ${this.name}: the name is taken, and nobody answers by it after ${this.retries} tries`),
      );
      return;
    }
    this.retryTimer = setTimeout(this.settle, RETRY_MS);
  }

  /** Waits for the greeting of who listens. */
  private meet(descriptor: number): void {
    this.stranger = new PacketSocket(descriptor);
    this.checkUser(descriptor);
    this.watcher.watch(descriptor, this.greeted);
  }

  private readonly greeted = (): void => {
    const socket = this.stranger!;
    const greeting = new Uint8Array(1);
    const length = socket.receive(greeting);
    if (length < 0 && !socket.ended) return;
    this.watcher.unwatch(socket.descriptor);
    if (length > 0 && greeting[0] === WELCOME) {
      this.stranger = null;
      this.retries = 0;
      this.connected(socket);
      this.resolvePlaced();
      return;
    }
    this.closeStranger();
    if (length > 0) this.fail(new Error(`pair ${this.name}: two are connected by this name already`));
    // It left before it greeted.
    else this.retry();
  };

  /** Somebody connects. */
  private readonly accept = (): void => {
    if (this.socket?.hungUp() === true) {
      // One whose packets are not all received has still its place; who comes now waits until they are.
      if (this.socket.isEmpty()) this.lose();
      else this.watcher.unwatch(this.listener);
      return;
    }
    const descriptor = acceptUnix(this.listener);
    if (descriptor < 0) return;
    const socket = new PacketSocket(descriptor);
    const welcome = this.socket === null && peerUser(descriptor) === userInfo().uid;
    if (!socket.send(Uint8Array.of(welcome ? WELCOME : TAKEN), 1) || !welcome) {
      socket.close();
      if (!welcome) this.tell(`pair ${this.name}: refused a third`);
      return;
    }
    this.connected(socket);
  };

  private connected(socket: PacketSocket): void {
    this.tell(`pair ${this.name}: connected`);
    this.socket = socket;
    const link = new TapLink(socket, this.watcher);
    this.link = link;
    link.onReadable = this.readable;
    link.onWritable = this.writable;
    if (!this.paused && this.readable !== null) link.resume();
    if (!this.refused) return;
    this.refused = false;
    this.writable?.();
  }

  /** The other has left, and all that it sent is received. */
  private lose(): void {
    this.tell(`pair ${this.name}: the other has left`);
    this.link!.close();
    this.link = null;
    this.socket = null;
    if (this.listener < 0) {
      this.settle();
    } else {
      // Nothing if it is watched: somebody may wait.
      this.watcher.unwatch(this.listener);
      this.watcher.watch(this.listener, this.accept);
    }
  }

  private checkUser(descriptor: number): void {
    const user = peerUser(descriptor);
    if (user !== userInfo().uid) throw new Error(`pair ${this.name}: user ${user} has the name`);
  }

  private fail(error: Error): void {
    this.failure = error;
    this.closeStranger();
    this.rejectPlaced(error);
    // Whoever serves the link hears of it by its next call.
    this.readable?.();
  }

  private closeStranger(): void {
    if (this.stranger === null) return;
    this.watcher.unwatch(this.stranger.descriptor);
    this.stranger.close();
    this.stranger = null;
  }

  private closeListener(): void {
    if (this.listener < 0) return;
    this.watcher.unwatch(this.listener);
    closeDescriptor(this.listener);
    this.listener = -1;
  }
}
