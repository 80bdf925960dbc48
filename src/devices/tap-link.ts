/**
 * A tap as a link, or what else is a descriptor of packets: watched in the thread's event loop while somebody listens, and for room only after it had none. On
 * the device's own thread.
 */
import { threadWatcher, type Watcher } from '../native/watcher.ts';
import type { PacketLink } from './packet-link.ts';

/** A descriptor that a packet a call is read from and written to: a tap, a socket of packets. */
export interface PacketDescriptor {
  readonly descriptor: number;
  /** The next packet; -1: there is none now. */
  receive(into: Uint8Array): number;
  /** False: there is no room for it now. */
  send(bytes: Uint8Array, length: number): boolean;
  close(): void;
}

export class TapLink implements PacketLink {
  onReadable: (() => void) | null = null;
  onWritable: (() => void) | null = null;
  private readonly tap: PacketDescriptor;
  private readonly watcher: Watcher;
  private listening = false;
  private refused = false;
  private closed = false;

  /** The tap is closed with the link. */
  constructor(tap: PacketDescriptor, watcher = threadWatcher()) {
    this.tap = tap;
    this.watcher = watcher;
  }

  /** @throws SystemError once the interface is gone */
  receive(into: Uint8Array): number {
    try {
      const length = this.tap.receive(into);
      // Nobody was told before that somebody waits for packets: a link is listened to from the first vain look on.
      if (length < 0) this.resume();
      return length;
    } catch (error) {
      // What has failed stays readable: it would wake its device for ever.
      this.pause();
      throw error;
    }
  }

  /** @throws SystemError once the interface is gone */
  send(bytes: Uint8Array, length: number): boolean {
    if (this.tap.send(bytes, length)) return true;
    if (!this.refused) {
      this.refused = true;
      this.watcher.watchWritable(this.tap.descriptor, this.writable);
    }
    return false;
  }

  pause(): void {
    if (!this.listening) return;
    this.listening = false;
    // `unwatch` forgets both directions.
    this.watcher.unwatch(this.tap.descriptor);
    if (this.refused) this.watcher.watchWritable(this.tap.descriptor, this.writable);
  }

  resume(): void {
    if (this.listening || this.closed) return;
    this.listening = true;
    this.watcher.watch(this.tap.descriptor, this.readable);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.watcher.unwatch(this.tap.descriptor);
    this.tap.close();
  }

  private readonly readable = (): void => {
    // Without a listener the watch, which goes by level, would go round for nothing.
    if (this.onReadable === null) this.pause();
    else this.onReadable();
  };

  private readonly writable = (): void => {
    this.refused = false;
    this.watcher.unwatchWritable(this.tap.descriptor);
    this.onWritable?.();
  };
}
