/**
 * The in-flight area of all queues as a session knows it: a file in equal parts, one a queue. What stands in a part is
 * the queue's. [vhost-user, Inflight I/O tracking]
 */

import { ProtocolError } from '../messages/errors.ts';
import type { Handle } from '../messages/handle.ts';
import { inflightBytes } from '../queues/inflight.ts';
import type { AreaSetup } from '../queues/queue-setup.ts';
import { exact, holds, type SizeOf } from './memory-table.ts';
import { checkRingSize } from './vring-state.ts';

export interface InflightShape extends AreaSetup {
  /** Parts. */
  readonly queues: number;
  /** Descriptors that each part has room for. */
  readonly queueSize: number;
}

/** As messages say it. */
interface InflightMessage {
  readonly sizeBytes: bigint;
  readonly offsetBytes: bigint;
  readonly queues: number;
  readonly queueSize: number;
}

/** Parts start at multiples of it in their file: they have counters of 8 bytes. */
const AREA_ALIGN = 8;

/** Bytes of the area for these queues. @throws ProtocolError for queues that there cannot be. */
export function inflightSize(queues: number, queueSize: number, queueCount: number, request: string): number {
  checkRingSize(queueSize, request);
  if (queues < 1 || queues > queueCount) throw new ProtocolError('bad-inflight-area', request, queues);
  return queues * inflightBytes(queueSize);
}

/** The area of a SET_INFLIGHT_FD. @throws ProtocolError unless the handle holds all that the message says. */
export function checkInflight(
  message: InflightMessage,
  handle: Handle,
  limits: { request: string; queueCount: number; sizeOf: SizeOf },
): InflightShape {
  const { request, queueCount, sizeOf } = limits;
  const { queues, queueSize } = message;
  const offsetBytes = exact(request, message.offsetBytes);
  const sizeBytes = exact(request, message.sizeBytes);
  if (inflightSize(queues, queueSize, queueCount, request) > sizeBytes)
    throw new ProtocolError('bad-inflight-area', request, sizeBytes);
  if (offsetBytes % AREA_ALIGN !== 0) throw new ProtocolError('bad-inflight-area', request, offsetBytes);
  if (!holds(sizeOf, handle, offsetBytes, sizeBytes))
    throw new ProtocolError('bad-inflight-area', request, offsetBytes + sizeBytes);
  return { handle, offsetBytes, sizeBytes, queues, queueSize };
}

/** One queue's part, or null: the area has none for it. */
export function inflightPart(
  { handle, offsetBytes, queues, queueSize }: InflightShape,
  index: number,
): AreaSetup | null {
  if (index >= queues) return null;
  const sizeBytes = inflightBytes(queueSize);
  return { handle, offsetBytes: offsetBytes + index * sizeBytes, sizeBytes };
}
