/**
 * What a vhost-user peer can do wrong, as typed errors. The connection is then closed; other connections go on.
 * A broken ring is a RingError and a failed system call a SystemError; the caller's own mistake is neither.
 */

/** Each code and what it means. The codes are part of the public interface. */
export const PROTOCOL_ERRORS = {
  // The frame.
  'bad-version': 'the header has another protocol version than 1',
  'unknown-flags': 'the header has flags that are not specified',
  'unexpected-reply': 'a reply stands where a request must be',
  'reply-expected': 'a request stands where a reply must be',
  'wrong-reply': 'the reply is to another request',
  'unknown-request': 'there is no such request',
  'size-too-large': 'the payload is larger than any may be',
  'wrong-size': 'the payload has not the size of its request',
  truncated: 'the peer went away in the middle of a message',
  'peer-gone': 'the peer went away where an answer was due',
  'timed-out': 'the peer took too long',
  'too-many-pending': 'the peer sent more messages than may wait',
  'not-a-message': 'what came is not a message at all',
  // What rides along.
  'too-many-descriptors': 'more descriptors came than the request takes',
  'too-few-descriptors': 'fewer descriptors came than the request takes',
  'wrong-handle': 'what came along is of another kind than the request takes',
  'descriptors-lost': 'the kernel had to drop descriptors of the message',
  // Fields.
  'bad-region-count': 'a memory table has no region, or more than 8',
  'bad-value': 'a field has a value that is not specified',
  // Order and negotiation.
  'unsupported-request': 'the request is not served here',
  'feature-not-offered': 'feature bits are acknowledged that were not offered',
  'feature-alone': 'feature bits are acknowledged without others that they need',
  'feature-not-negotiated': 'the request belongs to a feature that was not negotiated',
  'request-failed': 'the peer answered that the request failed',
  refused: 'the device refuses the request, or the session in its present state',
  'config-refused': 'the configuration space cannot be read or written there',
  // Memory.
  'region-empty': 'a memory region has no bytes',
  'region-wraps': 'a memory region runs past the end of its address space',
  'region-overlaps': 'two memory regions overlap',
  'region-misaligned': 'a memory region or its offset is not aligned as views of memory must be',
  'region-unknown': 'there is no such memory region to remove',
  'region-in-use': 'a memory region cannot go while a queue lies in it',
  'memory-too-large': 'all memory regions together have more bytes than can be mapped',
  'too-many-regions': 'more memory regions than slots were announced',
  'file-too-short': 'a file ends before what is to be mapped of it',
  'address-too-large': 'an address or a size is 2^53 or more',
  'address-outside-memory': 'an address lies in no memory region',
  'no-memory-table': 'ring addresses came before the memory they lie in',
  // Queues.
  'queue-out-of-range': 'there is no queue of this index',
  'bad-queue-size': 'the queue size is not a power of two from 1 to 32768',
  'bad-ring-index': 'a ring index has more than 16 bits',
  'bad-ring-address': 'a part of the ring is misaligned, or overlaps another',
  'kick-before-addresses': 'a queue is kicked or enabled before it has its addresses',
  'queue-running': 'the geometry of a queue changes while it runs',
  'queue-not-running': 'the queue does not run',
  'queue-failed': 'the queue could not be put into service',
  // Shared areas.
  'bad-log-area': 'the dirty log is too small, or leaves its file',
  'bad-inflight-area':
    'the in-flight area is for no queue or too many, smaller than it says, misaligned, or leaves its file',
} as const;

export type ProtocolErrorCode = keyof typeof PROTOCOL_ERRORS;

/** A peer's misbehaviour: what, in which message, with which value. */
export class ProtocolError extends Error {
  readonly code: ProtocolErrorCode;
  /** The request's name, or its number if it has none. */
  readonly request: string;
  /** The number that was wrong. */
  readonly value: number | bigint;

  constructor(code: ProtocolErrorCode, request: string, value: number | bigint) {
    super(`${request}: ${PROTOCOL_ERRORS[code]} (${code}: ${value})`);
    this.name = 'ProtocolError';
    this.code = code;
    this.request = request;
    this.value = value;
  }
}
