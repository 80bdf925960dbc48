/**
 * UDP [RFC 768], in an IPv4 packet.
 *
 *     +0 source port (16 bits)   +2 destination port (16 bits)   +4 length (16 bits, with this header)
 *     +6 checksum (16 bits; 0: none)   +8 data
 */
import { read16, write16 } from './big-endian.ts';
import { addWords, checksumOf } from './checksum.ts';
import { pseudoHeaderSum } from './ipv4.ts';

const SOURCE_PORT = 0;
const DESTINATION_PORT = 2;
const LENGTH = 4;
const CHECKSUM = 6;
export const UDP_DATA = 8;

/** What stands for a checksum of 0, which would say that there is none. */
const ZERO_CHECKSUM = 0xffff;

export const UDP_PORT_ECHO = 7;

/** True if the packet's payload, `length` bytes at `at`, is a whole datagram with a right checksum or none. */
export function isUdp(frame: Uint8Array, at: number, length: number): boolean {
  if (length < UDP_DATA) return false;
  const own = udpBytes(frame, at);
  if (own < UDP_DATA || own > length) return false;
  return read16(frame, at + CHECKSUM) === 0 || udpChecksum(frame, at, own) === 0;
}

export const udpSourcePort = (frame: Uint8Array, at: number): number => read16(frame, at + SOURCE_PORT);
export const udpDestinationPort = (frame: Uint8Array, at: number): number => read16(frame, at + DESTINATION_PORT);
/** Header and data. */
export const udpBytes = (frame: Uint8Array, at: number): number => read16(frame, at + LENGTH);

/** Writes the header before `dataBytes` that stand in their place. The IPv4 header is there already. */
export function writeUdp(
  frame: Uint8Array,
  at: number,
  dataBytes: number,
  { sourcePort, destinationPort }: { sourcePort: number; destinationPort: number },
): void {
  const length = UDP_DATA + dataBytes;
  write16(frame, at + SOURCE_PORT, sourcePort);
  write16(frame, at + DESTINATION_PORT, destinationPort);
  write16(frame, at + LENGTH, length);
  write16(frame, at + CHECKSUM, 0);
  write16(frame, at + CHECKSUM, udpChecksum(frame, at, length) || ZERO_CHECKSUM);
}

/** Sends a datagram back where it came from: its checksum stays right, sums do not know an order. */
export function turnUdp(frame: Uint8Array, at: number): void {
  const source = udpSourcePort(frame, at);
  write16(frame, at + SOURCE_PORT, udpDestinationPort(frame, at));
  write16(frame, at + DESTINATION_PORT, source);
}

const udpChecksum = (frame: Uint8Array, at: number, length: number): number =>
  checksumOf(addWords(frame, at, length, pseudoHeaderSum(frame, length)));
