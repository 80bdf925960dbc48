/** A stream of whole messages with a peer, whatever carries them. It knows their frame and not what they mean. */
import type { Handle } from './handle.ts';

/** A message as it travels: the header's fields but the size, the payload's bytes, what rides along. */
export interface Message {
  request: number;
  /** Bits 0 and 1 version, bit 2 reply, bit 3 needs reply. */
  flags: number;
  payload: Uint8Array;
  handles: readonly Handle[];
}

export interface Channel {
  /**
   * The next message; null once the peer is gone or `close` was called. One call at a time: what is not asked for is
   * not read, so that a peer cannot fill memory.
   * @throws ProtocolError for a frame that cannot be read; SystemError where the transport fails. The channel is then of no use.
   */
  receive(): Promise<Message | null>;
  /** Sends a message whole. Its descriptors stay the sender's. */
  send(message: Message): Promise<void>;
  /** Gives back what came with a message and is not needed any more: a descriptor is closed, a doorbell cut off. */
  release(handles: readonly Handle[]): void;
  close(): void;
}
