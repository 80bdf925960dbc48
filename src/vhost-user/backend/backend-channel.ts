/**
 * The requests that a backend sends by itself, over the channel of SET_BACKEND_REQ_FD. None asks for an answer, so
 * nothing is read. What is to be said twice before it could be sent once is said once: a frontend that does not read
 * cannot fill memory.
 */
import type { Channel } from '../messages/channel.ts';
import { encode, type NameFrom, type RequestToSend } from '../messages/message.ts';

export class BackendChannel {
  private readonly channel: Channel;
  private readonly failed: (error: Error) => void;
  private readonly waiting = new Map<string, RequestToSend<NameFrom<'backend'>>>();
  private sending = false;
  private closed = false;

  constructor(channel: Channel, failed: (error: Error) => void) {
    this.channel = channel;
    this.failed = failed;
  }

  /** About one queue. */
  sendVring(request: 'BACKEND_VRING_CALL' | 'BACKEND_VRING_ERR', index: number): void {
    this.send(`${request} ${index}`, { request, index, num: 0 });
  }

  sendConfigChange(): void {
    const request = 'BACKEND_CONFIG_CHANGE_MSG';
    this.send(request, { request });
  }

  close(): void {
    this.closed = true;
    this.waiting.clear();
    this.channel.close();
  }

  private send(key: string, request: RequestToSend<NameFrom<'backend'>>): void {
    if (this.closed) return;
    this.waiting.set(key, request);
    if (!this.sending) void this.sendAll();
  }

  private async sendAll(): Promise<void> {
    this.sending = true;
    try {
      for (const [key, request] of this.waiting) {
        this.waiting.delete(key);
        await this.channel.send(encode(request));
      }
    } catch (error) {
      if (!this.closed) {
        this.close();
        this.failed(error as Error);
      }
    } finally {
      this.sending = false;
    }
  }
}
