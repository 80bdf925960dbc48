/** Asks the peer and takes its answer: for the side of a channel that sends the requests, one at a time. */
import type { Channel, Message } from './channel.ts';
import { ProtocolError } from './errors.ts';
import { decodeReply, encode, type Reply, type RequestName, type RequestToSend } from './message.ts';

/**
 * Sends a request that is answered, always or because it asks for it, and waits for the answer.
 * @throws ProtocolError for a wrong answer, if the peer goes away instead, or if none comes for `timeoutMs`: the
 *   channel is then closed; SystemError where the transport fails.
 */
export async function requestReply<N extends RequestName>(
  channel: Channel,
  request: RequestToSend & { readonly request: N },
  timeoutMs = 10_000,
): Promise<Reply<N>> {
  await channel.send(encode(request));
  const message = await receiveWithin(channel, request.request, timeoutMs);
  try {
    return decodeReply<N>(request.request, message);
  } catch (error) {
    channel.release(message.handles);
    throw error;
  }
}

/** A receive can only be ended by closing the channel: an answer that comes late would be taken for the next one. */
async function receiveWithin(channel: Channel, request: RequestName, timeoutMs: number): Promise<Message> {
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    channel.close();
  }, timeoutMs);
  try {
    const message = await channel.receive();
    if (message !== null) return message;
  } finally {
    clearTimeout(timer);
  }
  throw isLate ? new ProtocolError('timed-out', request, timeoutMs) : new ProtocolError('peer-gone', request, 0);
}
