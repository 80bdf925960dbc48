/**
 * Ethernet frames.
 *
 *     +0 destination (6 bytes)   +6 source (6 bytes)   +12 type (16 bits)   +14 payload
 */
import { MAC_SIZE } from '../../../formats/net.ts';
import { read16, write16 } from './big-endian.ts';

const DESTINATION = 0;
export const ETHERNET_SOURCE = 6;
const TYPE = 12;
export const ETHERNET_SIZE = 14;

export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_ARP = 0x0806;

export const BROADCAST: Uint8Array = new Uint8Array(MAC_SIZE).fill(0xff);

export function formatMac(mac: Uint8Array): string {
  return Array.from(mac, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

export const etherTypeOf = (frame: Uint8Array): number => read16(frame, TYPE);

/** True if the frame is for `mac`, or for everybody. */
export const isFor = (frame: Uint8Array, mac: Uint8Array): boolean =>
  sameAt(frame, DESTINATION, mac) || sameAt(frame, DESTINATION, BROADCAST);

export function writeEthernet(frame: Uint8Array, destination: Uint8Array, source: Uint8Array, type: number): void {
  putMac(frame, DESTINATION, destination);
  putMac(frame, ETHERNET_SOURCE, source);
  write16(frame, TYPE, type);
}

/** Sends a frame back to where it came from. */
export function turnEthernet(frame: Uint8Array, source: Uint8Array): void {
  frame.copyWithin(DESTINATION, ETHERNET_SOURCE, ETHERNET_SOURCE + MAC_SIZE);
  putMac(frame, ETHERNET_SOURCE, source);
}

/** Copies without an allocation. */
export function putMac(frame: Uint8Array, at: number, mac: Uint8Array): void {
  for (let i = 0; i < MAC_SIZE; i++) frame[at + i] = mac[i]!;
}

function sameAt(frame: Uint8Array, at: number, mac: Uint8Array): boolean {
  for (let i = 0; i < MAC_SIZE; i++) if (frame[at + i] !== mac[i]) return false;
  return true;
}
