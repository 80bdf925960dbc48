/**
 * ARP for IPv4 over Ethernet [RFC 826], behind the Ethernet header.
 *
 *     +0 hardware type (16 bits)   +2 protocol type   +4 hardware size (8 bits)   +5 protocol size (8 bits)
 *     +6 operation (16 bits)   +8 sender MAC   +14 sender IP   +18 target MAC   +24 target IP
 */
import { MAC_SIZE } from '../../../formats/net.ts';
import { read16, read32, write16, write32 } from './big-endian.ts';
import { ETHERNET_SIZE, ETHERTYPE_ARP, ETHERTYPE_IPV4, putMac, writeEthernet } from './ethernet.ts';

const ARP = ETHERNET_SIZE;
const HARDWARE_TYPE = ARP;
const PROTOCOL_TYPE = ARP + 2;
const SIZES = ARP + 4;
const OPERATION = ARP + 6;
const SENDER_MAC = ARP + 8;
const SENDER_IP = ARP + 14;
const TARGET_MAC = ARP + 18;
const TARGET_IP = ARP + 24;
export const ARP_FRAME_SIZE = ARP + 28;

const HARDWARE_ETHERNET = 1;
/** 6 and 4 bytes. */
const SIZES_MAC_IP = 0x0604;

export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;

/** True if the frame, whose type says ARP, is whole and of the one kind that is understood. */
export function isArp(frame: Uint8Array, length: number): boolean {
  return (
    length >= ARP_FRAME_SIZE &&
    read16(frame, HARDWARE_TYPE) === HARDWARE_ETHERNET &&
    read16(frame, PROTOCOL_TYPE) === ETHERTYPE_IPV4 &&
    read16(frame, SIZES) === SIZES_MAC_IP
  );
}

export const arpOperation = (frame: Uint8Array): number => read16(frame, OPERATION);
export const arpSender = (frame: Uint8Array): number => read32(frame, SENDER_IP);
export const arpTarget = (frame: Uint8Array): number => read32(frame, TARGET_IP);
export const arpSenderMac = (frame: Uint8Array): Uint8Array => frame.slice(SENDER_MAC, SENDER_MAC + MAC_SIZE);

export interface ArpFields {
  readonly operation: number;
  readonly senderMac: Uint8Array;
  readonly senderIp: number;
  readonly targetMac: Uint8Array;
  readonly targetIp: number;
  /** Who gets the frame. */
  readonly destination: Uint8Array;
}

/** Writes a whole frame; it has ARP_FRAME_SIZE bytes. */
export function writeArp(frame: Uint8Array, fields: ArpFields): void {
  writeEthernet(frame, fields.destination, fields.senderMac, ETHERTYPE_ARP);
  write16(frame, HARDWARE_TYPE, HARDWARE_ETHERNET);
  write16(frame, PROTOCOL_TYPE, ETHERTYPE_IPV4);
  write16(frame, SIZES, SIZES_MAC_IP);
  write16(frame, OPERATION, fields.operation);
  putMac(frame, SENDER_MAC, fields.senderMac);
  write32(frame, SENDER_IP, fields.senderIp);
  putMac(frame, TARGET_MAC, fields.targetMac);
  write32(frame, TARGET_IP, fields.targetIp);
}
