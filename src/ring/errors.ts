/**
 * What a peer can do wrong, as typed errors. A caller's own mistake is an assertion (TypeError, RangeError),
 * never one of these; full and empty are return values.
 */

/** Each code and what it means. The codes are part of the public interface. */
export const RING_ERRORS = {
  // The ring cannot be trusted any more; the queue is broken.
  'avail-head-out-of-range': 'the available ring names a head outside the descriptor table',
  'avail-index-jump': 'the available index moved by more than the queue size, or went backwards',
  'avail-head-in-flight': 'a head was made available again while its request was in flight',
  'too-many-in-flight': 'more requests are in flight than the queue has descriptors',
  'used-id-out-of-range': 'the used ring names a head outside the descriptor table',
  'used-id-not-outstanding': 'the used ring names a head that is not outstanding',
  'used-index-jump': 'the used index moved by more than what is outstanding, or went backwards',
  // One request is broken; it can still be completed with length 0.
  'next-out-of-range': 'a next field points outside its table',
  'descriptor-loop': 'a chain is longer than its table: it loops',
  'chain-too-long':
    'a request has more elements than the queue has descriptors, or than its reader takes, tables included',
  'indirect-nested': 'an indirect table contains an indirect descriptor',
  'indirect-next': 'INDIRECT and NEXT are set together, which this reader refuses',
  'indirect-behind-head': 'INDIRECT is set behind the head of a chain, which this reader refuses',
  'indirect-not-negotiated': 'INDIRECT is set but the feature was not negotiated',
  'indirect-table-size': 'an indirect table is empty, not a multiple of 16 bytes, or too long',
  'element-of-length-0': 'an element has length 0, which this reader refuses',
  'address-outside-memory': 'an element or a table leaves guest memory',
  'request-too-long': 'the lengths of a request add up to more than 2^32 bytes',
  'readable-after-writable': 'a readable element follows a writable one',
  'unexpected-readable': 'a readable element in a request that may have none',
  'unexpected-writable': 'a writable element in a request that may have none',
  // The record of requests in flight that a predecessor left cannot be trusted.
  'inflight-version': 'the in-flight area has another version',
  'inflight-size': 'the in-flight area holds requests in flight of a ring of another size',
  'inflight-used-index':
    'with requests in flight the used index is further on than the queue size from where the in-flight area has it',
  'inflight-head-out-of-range': 'the in-flight area names a head outside the descriptor table',
  // Set-up is refused.
  'bad-queue-size': 'the queue size is not a power of two from 1 to 32768',
  'ring-misaligned': 'a part of the ring is not aligned as the specification demands',
  'ring-outside-memory': 'a part of the ring lies outside its region',
  'ring-parts-overlap': 'two parts of the ring overlap',
} as const;

export type RingErrorCode = keyof typeof RING_ERRORS;

/** A peer's misbehaviour: what, on which queue, at which index, with which value. */
export class RingError extends Error {
  readonly code: RingErrorCode;
  /** The name of the queue. */
  readonly queue: string;
  /** The head, descriptor or ring position at which it was found. */
  readonly index: number;
  /** The number that was wrong. */
  readonly value: number;

  constructor(code: RingErrorCode, queue: string, index: number, value: number) {
    super(`${queue}: ${RING_ERRORS[code]} (${code}, at ${index}: ${value})`);
    this.name = 'RingError';
    this.code = code;
    this.queue = queue;
    this.index = index;
    this.value = value;
  }
}
