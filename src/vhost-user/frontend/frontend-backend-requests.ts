/**
 * What a backend may ask of its frontend, over a socket of its own. Any thread. What this frontend has no use for is
 * refused where an answer is wanted, and otherwise passed over; what is no request closes the socket.
 */
import type { Channel } from '../messages/channel.ts';
import { decode, encodeReply, type NameFrom, type Reply, type ReplyToSend, type Request } from '../messages/message.ts';

export interface BackendRequestHandlers {
  /** Queues that the backend may name; what is said of another one is refused. */
  readonly queueCount: number;
  /** The configuration space is not what it was. */
  onConfigChange(): void;
  /** Calls and errors by message, where a queue has no descriptor for them. */
  onCall(index: number): void;
  onQueueError(index: number): void;
}

const DONE = 0n;
const REFUSED = 1n;

/**
 * Serves until the channel ends, which it then closes.
 * @returns null, or why it was closed: ProtocolError, SystemError
 */
export async function serveBackendRequests(channel: Channel, handlers: BackendRequestHandlers): Promise<Error | null> {
  try {
    for (;;) {
      const message = await channel.receive();
      if (message === null) return null;
      const status = handle(channel, message, handlers);
      if (status !== null) await channel.send(encodeReply(status));
    }
  } catch (error) {
    return error as Error;
  } finally {
    channel.close();
  }
}

/** Does one request; its answer, or null where none is wanted. @throws ProtocolError */
function handle(
  channel: Channel,
  message: Parameters<typeof decode>[0],
  handlers: BackendRequestHandlers,
): ReplyToSend | null {
  try {
    const request = decode(message, 'backend');
    const value = act(request, handlers) ? DONE : REFUSED;
    return request.needsReply ? ({ request: request.request, value, handles: [] } as Reply<NameFrom<'backend'>>) : null;
  } finally {
    channel.release(message.handles);
  }
}

/** False: refused, and nothing was told. */
function act(request: Request<NameFrom<'backend'>>, handlers: BackendRequestHandlers): boolean {
  if ('index' in request && request.index >= handlers.queueCount) return false;
  switch (request.request) {
    case 'BACKEND_CONFIG_CHANGE_MSG':
      handlers.onConfigChange();
      return true;
    case 'BACKEND_VRING_CALL':
      handlers.onCall(request.index);
      return true;
    case 'BACKEND_VRING_ERR':
      handlers.onQueueError(request.index);
      return true;
    default:
      return false;
  }
}
