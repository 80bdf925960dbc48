/**
 * A frame by which a network card says where its address is now: after a guest has moved, switches learn the new place
 * from it. A reverse ARP request for the card's own address, to everybody.
 */
import { ETH_HEADER_SIZE, MAC_SIZE } from '../formats/net.ts';

/** The shortest frame on a wire, its checksum left out, bytes. */
const FRAME_MIN = 60;

/** After the two addresses of the Ethernet header: type RARP, then hardware Ethernet, protocol IPv4, request 3. */
const TYPES_AND_REQUEST = Uint8Array.of(0x80, 0x35, 0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x03);

/** Sender and target: a MAC address and an IPv4 address each. */
const SENDER = ETH_HEADER_SIZE + 8;
const TARGET = SENDER + MAC_SIZE + 4;

export function rarpFrame(mac: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_MIN);
  frame.fill(0xff, 0, MAC_SIZE);
  frame.set(mac, MAC_SIZE);
  frame.set(TYPES_AND_REQUEST, 2 * MAC_SIZE);
  frame.set(mac, SENDER);
  frame.set(mac, TARGET);
  return frame;
}
