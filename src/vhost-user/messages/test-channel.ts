/** The two ends of a channel in memory, for tests: what one sends, the other receives, as it is. */
import type { Channel, Message } from './channel.ts';
import type { Handle } from './handle.ts';

class MemoryChannel implements Channel {
  /** What was given back, in order. */
  readonly released: Handle[] = [];
  closed = false;
  peer: MemoryChannel | null = null;
  private readonly arrived: Message[] = [];
  private waiting: ((message: Message | null) => void) | null = null;

  receive(): Promise<Message | null> {
    const message = this.arrived.shift();
    if (message !== undefined || this.closed) return Promise.resolve(message ?? null);
    return new Promise((resolve) => {
      this.waiting = resolve;
    });
  }

  async send(message: Message): Promise<void> {
    if (this.closed || this.peer === null || this.peer.closed) throw new Error('EPIPE: broken pipe, sendmsg');
    this.peer.take(message);
  }

  release(handles: readonly Handle[]): void {
    this.released.push(...handles);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.wake(null);
    this.peer?.close();
  }

  private take(message: Message): void {
    if (this.waiting === null) this.arrived.push(message);
    else this.wake(message);
  }

  private wake(message: Message | null): void {
    const wake = this.waiting;
    this.waiting = null;
    wake?.(message);
  }
}

export type { MemoryChannel };

export function channelPair(): [MemoryChannel, MemoryChannel] {
  const a = new MemoryChannel();
  const b = new MemoryChannel();
  a.peer = b;
  b.peer = a;
  return [a, b];
}
