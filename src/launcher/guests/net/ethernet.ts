/**
 * Ethernet frames.
 *
 *     +0 destination (6 bytes)   +6 source (6 bytes)   +12 type (16 bits, big-endian)   +14 payload
 */
import { MAC_SIZE } from '../../../formats/net.ts';

export const ETHERNET_DESTINATION = 0;
export const ETHERNET_SOURCE = 6;
export const ETHERNET_TYPE = 12;
export const ETHERNET_SIZE = 14;

export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_ARP = 0x0806;

export const BROADCAST: Uint8Array = new Uint8Array(MAC_SIZE).fill(0xff);

export function formatMac(mac: Uint8Array): string {
  return Array.from(mac, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** True if the frame is for `mac`, or for everybody. */
export function isFor(frame: Uint8Array, mac: Uint8Array): boolean {
  return (
    sameBytes(frame, ETHERNET_DESTINATION, mac, 0, MAC_SIZE) ||
    sameBytes(frame, ETHERNET_DESTINATION, BROADCAST, 0, MAC_SIZE)
  );
}

export function sameBytes(a: Uint8Array, aStart: number, b: Uint8Array, bStart: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[aStart + i] !== b[bStart + i]) return false;
  return true;
}

/** Copies without an allocation: headers are short. */
export function putBytes(
  frame: Uint8Array,
  at: number,
  bytes: Uint8Array,
  from = 0,
  length = bytes.length - from,
): void {
  for (let i = 0; i < length; i++) frame[at + i] = bytes[from + i]!;
}

export function readEtherType(frame: Uint8Array): number {
  return (frame[ETHERNET_TYPE]! << 8) | frame[ETHERNET_TYPE + 1]!;
}

export function writeEthernet(frame: Uint8Array, destination: Uint8Array, source: Uint8Array, type: number): void {
  putBytes(frame, ETHERNET_DESTINATION, destination);
  putBytes(frame, ETHERNET_SOURCE, source);
  frame[ETHERNET_TYPE] = type >>> 8;
  frame[ETHERNET_TYPE + 1] = type & 0xff;
}
