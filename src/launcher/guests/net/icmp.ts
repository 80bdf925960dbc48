/**
 * ICMP echo [RFC 792], in an IPv4 packet.
 *
 *     +0 type (8 bits)   +1 code (8 bits)   +2 checksum (16 bits)   +4 identifier (16 bits)   +6 sequence (16 bits)
 *     +8 data
 */
import { read16, write16 } from './big-endian.ts';
import { addWords, checksumOf } from './checksum.ts';

const TYPE = 0;
const CODE = 1;
const CHECKSUM = 2;
const IDENTIFIER = 4;
const SEQUENCE = 6;
export const ICMP_DATA = 8;

export const ICMP_ECHO_REPLY = 0;
export const ICMP_ECHO_REQUEST = 8;

/** True if the `length` bytes at `at` are an echo message, of either kind, with a right checksum. */
export function isEcho(frame: Uint8Array, at: number, length: number): boolean {
  if (length < ICMP_DATA || frame[at + CODE] !== 0) return false;
  const type = frame[at + TYPE];
  if (type !== ICMP_ECHO_REQUEST && type !== ICMP_ECHO_REPLY) return false;
  return checksumOf(addWords(frame, at, length)) === 0;
}

export const icmpType = (frame: Uint8Array, at: number): number => frame[at + TYPE]!;
export const icmpIdentifier = (frame: Uint8Array, at: number): number => read16(frame, at + IDENTIFIER);
export const icmpSequence = (frame: Uint8Array, at: number): number => read16(frame, at + SEQUENCE);

/** Writes the header of a request whose data stands in its place. `length`: bytes of both. */
export function writeEchoRequest(
  frame: Uint8Array,
  at: number,
  length: number,
  { identifier, sequence }: { identifier: number; sequence: number },
): void {
  write16(frame, at + IDENTIFIER, identifier);
  write16(frame, at + SEQUENCE, sequence);
  seal(frame, at, length, ICMP_ECHO_REQUEST);
}

/** Makes a request its own answer. */
export const turnEcho = (frame: Uint8Array, at: number, length: number): void =>
  seal(frame, at, length, ICMP_ECHO_REPLY);

function seal(frame: Uint8Array, at: number, length: number, type: number): void {
  frame[at + TYPE] = type;
  frame[at + CODE] = 0;
  write16(frame, at + CHECKSUM, 0);
  write16(frame, at + CHECKSUM, checksumOf(addWords(frame, at, length)));
}
