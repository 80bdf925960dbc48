/**
 * One ring as the messages of a session describe it, and the rules for its parts. It runs nothing and closes nothing.
 *
 * [vhost-user, Ring states]: a ring is started by its kick and stopped by GET_VRING_BASE; apart from that it is
 * enabled or disabled. It is served while it is started and enabled and everything it needs is there.
 */
import type { QueueState } from '../../host/queue.ts';
import { VIRTIO_RING_F_EVENT_IDX, VRING_SIZE_MAX } from '../../ring/constants.ts';
import { hasFeature } from '../../ring/feature-word.ts';
import { RING_PARTS } from '../../ring/split-layout.ts';
import { ProtocolError } from '../messages/errors.ts';
import type { Handle } from '../messages/handle.ts';
import { VHOST_VRING_F_LOG } from '../messages/protocol.ts';
import { exact, type MemoryTable } from './memory-table.ts';

/** Ring indices have 16 bits. */
const RING_INDEX_MAX = 0xffff;

/** Where a ring's parts lie, in the frontend's own addresses. */
export interface RingAddresses {
  readonly desc: number;
  readonly avail: number;
  readonly used: number;
  /** Guest address under which writes to the used ring are noted in the log, or null. */
  readonly usedLogAddress: number | null;
}

/** As SET_VRING_ADDR says it. */
export interface AddressMessage {
  readonly flags: number;
  readonly desc: bigint;
  readonly avail: bigint;
  readonly used: bigint;
  readonly log: bigint;
}

export class VringState {
  readonly index: number;
  size = 0;
  addresses: RingAddresses | null = null;
  /** Where service goes on; usedIdx null: where the used ring stands. */
  position: { availIdx: number; usedIdx: number | null } = { availIdx: 0, usedIdx: null };
  started = false;
  /** What SET_VRING_ENABLE said; null: nothing yet, then negotiation decides. */
  enabled: boolean | null = null;
  kick: Handle | null = null;
  call: Handle | null = null;
  err: Handle | null = null;
  /** Its ring cannot be trusted, or could not be put into service; until it is stopped. */
  broken = false;
  /** In service. */
  running = false;
  /** Reset, and not served since: what it had in flight is of no ring any more. */
  wasReset = false;

  constructor(index: number) {
    this.index = index;
  }

  /** Where the runner left it. */
  standAt({ availIdx, usedIdx }: QueueState): void {
    this.position = { availIdx, usedIdx };
  }

  /** Where the frontend wants it to go on. */
  goOnAt(availIdx: number, request: string): void {
    if (availIdx > RING_INDEX_MAX) throw new ProtocolError('bad-ring-index', request, availIdx);
    this.position = { availIdx, usedIdx: null };
  }

  /** As it was at first, but for its handles. */
  reset(request: string): void {
    this.enabled = null;
    this.size = 0;
    this.addresses = null;
    this.wasReset = true;
    this.goOnAt(0, request);
  }

  /** All handles, which it then has no more. */
  takeHandles(...names: ('kick' | 'call' | 'err')[]): Handle[] {
    const taken = names.map((name) => this[name]).filter((handle) => handle !== null);
    for (const name of names) this[name] = null;
    return taken;
  }
}

export function checkRingSize(size: number, request: string): void {
  if (size < 1 || size > VRING_SIZE_MAX || (size & (size - 1)) !== 0)
    throw new ProtocolError('bad-queue-size', request, size);
}

export function readAddresses(message: AddressMessage, request: string): RingAddresses {
  const { flags, desc, avail, used, log } = message;
  if ((flags & ~(1 << VHOST_VRING_F_LOG)) !== 0) throw new ProtocolError('bad-value', request, flags);
  return {
    desc: exact(request, desc),
    avail: exact(request, avail),
    used: exact(request, used),
    usedLogAddress: (flags & (1 << VHOST_VRING_F_LOG)) === 0 ? null : exact(request, log),
  };
}

export function samePlace(a: RingAddresses, b: RingAddresses): boolean {
  return a.desc === b.desc && a.avail === b.avail && a.used === b.used;
}

/** What a ring's parts are checked against. */
interface Negotiated {
  readonly memory: MemoryTable;
  readonly features: bigint;
}

/** That each part is aligned, lies in one region and overlaps no other. @throws ProtocolError */
export function checkRing(size: number, addresses: RingAddresses, negotiated: Negotiated, request: string): void {
  const { memory, features } = negotiated;
  const eventIdx = hasFeature(features, VIRTIO_RING_F_EVENT_IDX);
  const parts = (['desc', 'avail', 'used'] as const).map((name) => {
    const { align, sizeBytes } = RING_PARTS[name];
    return { start: addresses[name], end: addresses[name] + sizeBytes(size, eventIdx), align };
  });
  for (const { start, end, align } of parts) {
    if (start % align !== 0) throw new ProtocolError('bad-ring-address', request, start);
    if (!memory.holdsUser(start, end - start)) throw new ProtocolError('address-outside-memory', request, start);
  }
  parts.sort((a, b) => a.start - b.start);
  for (const [i, part] of parts.entries())
    if (i > 0 && parts[i - 1]!.end > part.start) throw new ProtocolError('bad-ring-address', request, part.start);
}
