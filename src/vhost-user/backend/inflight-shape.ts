/**
 * The in-flight area of all queues as a session knows it: a file of one part a queue. What stands in a part is the
 * queue's. [vhost-user, Inflight I/O tracking]
 *
 *     +0      parts by queue, each with room for the descriptors that the messages tell of
 *     behind  parts by queue, each with room for the largest ring there is: only of areas that are made here
 *
 * Frontends ask for an area before they know their rings: QEMU 10 says 128 and then has rings of 256 and 1024. It hands
 * back the size in bytes that it was given, and its own number of descriptors. So the parts in front are where every
 * backend looks for them, and a ring that has no room there has its part behind.
 */

import { VRING_SIZE_MAX } from '../../ring/constants.ts';
import { ProtocolError } from '../messages/errors.ts';
import type { Handle } from '../messages/handle.ts';
import { inflightBytes } from '../queues/inflight.ts';
import type { AreaSetup, InflightSetup } from '../queues/queue-setup.ts';
import { exact, holds, type SizeOf } from './memory-table.ts';
import { checkRingSize } from './vring-state.ts';

export interface InflightShape extends AreaSetup {
  /** Parts. */
  readonly queues: number;
  /** Descriptors that each part in front has room for. */
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

/** Bytes of a part behind. */
const LARGEST_PART = inflightBytes(VRING_SIZE_MAX);

/** Bytes of all parts in front. @throws ProtocolError for queues that there cannot be. */
function frontSize(queues: number, queueSize: number, queueCount: number, request: string): number {
  checkRingSize(queueSize, request);
  if (queues < 1 || queues > queueCount) throw new ProtocolError('bad-inflight-area', request, queues);
  return queues * inflightBytes(queueSize);
}

/** Bytes of an area that is made for these queues. @throws ProtocolError for queues that there cannot be. */
export function inflightSize(queues: number, queueSize: number, queueCount: number, request: string): number {
  return frontSize(queues, queueSize, queueCount, request) + queues * LARGEST_PART;
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
  if (frontSize(queues, queueSize, queueCount, request) > sizeBytes)
    throw new ProtocolError('bad-inflight-area', request, sizeBytes);
  if (offsetBytes % AREA_ALIGN !== 0) throw new ProtocolError('bad-inflight-area', request, offsetBytes);
  if (!holds(sizeOf, handle, offsetBytes, sizeBytes))
    throw new ProtocolError('bad-inflight-area', request, offsetBytes + sizeBytes);
  return { handle, offsetBytes, sizeBytes, queues, queueSize };
}

/** A queue's part in front and the one behind, or null where the area has none. */
function partsOf(
  { handle, offsetBytes, sizeBytes, queues, queueSize }: InflightShape,
  index: number,
): { readonly inFront: AreaSetup | null; readonly behind: AreaSetup | null } {
  if (index >= queues) return { inFront: null, behind: null };
  const frontPart = inflightBytes(queueSize);
  const behindAt = queues * frontPart;
  const part = (at: number, partBytes: number) => ({ handle, offsetBytes: offsetBytes + at, sizeBytes: partBytes });
  const hasMore = behindAt + queues * LARGEST_PART <= sizeBytes;
  return {
    inFront: part(index * frontPart, frontPart),
    behind: hasMore ? part(behindAt + index * LARGEST_PART, LARGEST_PART) : null,
  };
}

/**
 * The part of a queue whose ring has `ringSize` descriptors, or null: the area has no room for it. What stands in the
 * queue's other part is of a ring that is gone; of one that was reset (`isFresh`), what stands in its own is, too.
 */
export function inflightPart(
  shape: InflightShape,
  index: number,
  ringSize: number,
  isFresh: boolean,
): InflightSetup | null {
  const fits = ringSize <= shape.queueSize;
  const { inFront, behind } = partsOf(shape, index);
  const [own, other] = fits ? [inFront, behind] : [behind, inFront];
  if (own === null) return null;
  const forgotten = [isFresh ? own : null, other].filter((area) => area !== null);
  return { ...own, entries: fits ? shape.queueSize : ringSize, forgotten };
}
