/** Asks the peer and takes its answer: for the side of a channel that sends the requests, one at a time. */
import type { Channel } from './channel.ts';
import { ProtocolError } from './errors.ts';
import { decodeReply, encode, type Reply, type RequestName, type RequestToSend } from './message.ts';

/**
 * Sends a request that is answered, always or because it asks for it, and waits for the answer.
 * @throws ProtocolError for a wrong answer, or if the peer goes away instead; SystemError where the transport fails.
 */
export async function requestReply<N extends RequestName>(
  channel: Channel,
  request: RequestToSend & { readonly request: N },
): Promise<Reply<N>> {
  await channel.send(encode(request));
  const message = await channel.receive();
  if (message === null) throw new ProtocolError('peer-gone', request.request, 0);
  try {
    return decodeReply<N>(request.request, message);
  } catch (error) {
    channel.release(message.handles);
    throw error;
  }
}
