/**
 * IPv4 packets [RFC 791], behind the Ethernet header. No fragments: what comes in pieces is none of ours.
 *
 *     +0 version (4 bits), header length (4 bits, 32-bit words)   +1 service   +2 total length (16 bits)
 *     +4 identification   +6 flags (3 bits), fragment offset (13 bits)   +8 time to live   +9 protocol
 *     +10 header checksum   +12 source (32 bits)   +16 destination (32 bits)   +20 options   then payload
 */
import { read16, read32, write16, write32 } from './big-endian.ts';
import { addWords, checksumOf } from './checksum.ts';
import { ETHERNET_SIZE } from './ethernet.ts';

const IP = ETHERNET_SIZE;
const VERSION_LENGTH = IP;
const SERVICE = IP + 1;
const TOTAL_LENGTH = IP + 2;
const IDENTIFICATION = IP + 4;
const FRAGMENT = IP + 6;
const TTL = IP + 8;
const PROTOCOL = IP + 9;
const CHECKSUM = IP + 10;
const SOURCE = IP + 12;
const DESTINATION = IP + 16;
const HEADER_SIZE = 20;
/** Where the payload of a packet that we write starts in its frame. */
export const IP_PAYLOAD = IP + HEADER_SIZE;

const VERSION_4 = 4;
/** Version 4, a header of five words. */
const PLAIN_HEADER = 0x45;
const DONT_FRAGMENT = 0x4000;
/** More fragments, or an offset: part of a packet. */
const IS_FRAGMENT = 0x3fff;
const TTL_DEFAULT = 64;

export const IP_PROTOCOL_ICMP = 1;
export const IP_PROTOCOL_UDP = 17;

/** An address as one number of 32 bits; null: it is none. */
export function parseIp(text: string): number | null {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined || parts.some((part) => part > 255)) return null;
  return parts.reduce((address, part) => address * 256 + part, 0);
}

export const formatIp = (address: number): string =>
  [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.');

/** True if the frame, whose type says IPv4, holds one whole packet with a right header. */
export function isIpv4(frame: Uint8Array, length: number): boolean {
  if (length < IP_PAYLOAD || frame[VERSION_LENGTH]! >> 4 !== VERSION_4) return false;
  const header = ipHeaderBytes(frame);
  const total = read16(frame, TOTAL_LENGTH);
  if (header < HEADER_SIZE || header > total || IP + total > length) return false;
  return (read16(frame, FRAGMENT) & IS_FRAGMENT) === 0 && checksumOf(addWords(frame, IP, header)) === 0;
}

const ipHeaderBytes = (frame: Uint8Array): number => (frame[VERSION_LENGTH]! & 0xf) << 2;

export const ipProtocol = (frame: Uint8Array): number => frame[PROTOCOL]!;
export const ipSource = (frame: Uint8Array): number => read32(frame, SOURCE);
export const ipDestination = (frame: Uint8Array): number => read32(frame, DESTINATION);
/** Of a packet that `isIpv4`: where its payload starts in the frame, and its bytes. */
export const ipPayloadAt = (frame: Uint8Array): number => IP + ipHeaderBytes(frame);
export const ipPayloadBytes = (frame: Uint8Array): number => read16(frame, TOTAL_LENGTH) - ipHeaderBytes(frame);

export interface Ipv4Fields {
  readonly protocol: number;
  readonly source: number;
  readonly destination: number;
}

/** Writes a plain header before `payloadBytes` that stand, or will, at IP_PAYLOAD. Returns the frame's length. */
export function writeIpv4(
  frame: Uint8Array,
  { protocol, source, destination }: Ipv4Fields,
  payloadBytes: number,
): number {
  const total = HEADER_SIZE + payloadBytes;
  frame[VERSION_LENGTH] = PLAIN_HEADER;
  frame[SERVICE] = 0;
  write16(frame, TOTAL_LENGTH, total);
  write16(frame, IDENTIFICATION, 0);
  write16(frame, FRAGMENT, DONT_FRAGMENT);
  frame[TTL] = TTL_DEFAULT;
  frame[PROTOCOL] = protocol;
  write32(frame, SOURCE, source);
  write32(frame, DESTINATION, destination);
  write16(frame, CHECKSUM, 0);
  write16(frame, CHECKSUM, checksumOf(addWords(frame, IP, HEADER_SIZE)));
  return IP + total;
}

/** Sends a packet back to where it came from, its options as they are; its payload is the caller's. */
export function turnIpv4(frame: Uint8Array): void {
  const source = ipSource(frame);
  write32(frame, SOURCE, ipDestination(frame));
  write32(frame, DESTINATION, source);
  frame[TTL] = TTL_DEFAULT;
  write16(frame, CHECKSUM, 0);
  write16(frame, CHECKSUM, checksumOf(addWords(frame, IP, ipHeaderBytes(frame))));
}

/** What the checksums of protocols above add up of the packet: addresses, protocol and their own length. */
export const pseudoHeaderSum = (frame: Uint8Array, payloadBytes: number): number =>
  addWords(frame, SOURCE, 8, frame[PROTOCOL]! + payloadBytes);
