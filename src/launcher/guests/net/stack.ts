/**
 * As much of a network host as a guest needs: it answers ARP, ICMP echo and UDP echo (port 7), asks by ARP, and sends
 * echoes and datagrams of its own. One address on one link, no routes. Guest thread.
 *
 * It does not wait and knows no device: frames come in by `handle` and go out by `send`. Whatever is not understood is
 * dropped and counted; an answer is made in the frame that asked. Nothing is allocated per packet.
 */
import * as arp from './arp.ts';
import {
  BROADCAST,
  ETHERNET_SIZE,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  etherTypeOf,
  isFor,
  turnEthernet,
  writeEthernet,
} from './ethernet.ts';
import * as icmp from './icmp.ts';
import * as ip from './ipv4.ts';
import * as udp from './udp.ts';

/** Neighbours that are remembered. */
const NEIGHBOURS_MAX = 64;
const UNKNOWN_MAC = new Uint8Array(BROADCAST.length);
const FRAME_BYTES = ETHERNET_SIZE + 1500;

/** Most data of one echo or datagram, bytes. */
export const DATA_BYTES_MAX: number = FRAME_BYTES - ip.IP_PAYLOAD - udp.UDP_DATA;

/** Takes what comes for others than the stack's own services. The data is the first `length` bytes at `at`. */
export interface StackListener {
  echoReply(source: number, sequence: number, frame: Uint8Array, at: number, length: number): void;
  datagram(source: number, sourcePort: number, frame: Uint8Array, at: number, length: number): void;
}

export interface StackOptions {
  readonly mac: Uint8Array;
  readonly address: number;
  /** Takes the first `length` bytes of a frame, which stays the stack's. False: there is no room, it is lost. */
  readonly send: (frame: Uint8Array, length: number) => boolean;
}

export class NetStack {
  readonly mac: Uint8Array;
  readonly address: number;
  listener: StackListener | null = null;
  /** What was answered, what came and was of no use, what found no room. */
  arpAnswers = 0;
  echoAnswers = 0;
  datagramAnswers = 0;
  dropped = 0;
  lost = 0;
  private readonly output: StackOptions['send'];
  private readonly neighbours = new Map<number, Uint8Array>();
  private readonly frame = new Uint8Array(FRAME_BYTES);
  /** Of our echoes, and the port of our datagrams. */
  private readonly identifier = 0x7672;
  private readonly port = 0xc007;

  constructor({ mac, address, send }: StackOptions) {
    this.mac = mac;
    this.address = address;
    this.output = send;
  }

  /** A frame came; it is the stack's until this returns, and is changed. */
  handle(frame: Uint8Array, length: number): void {
    if (length < ETHERNET_SIZE || !isFor(frame, this.mac)) this.dropped++;
    else if (etherTypeOf(frame) === ETHERTYPE_ARP) this.handleArp(frame, length);
    else if (etherTypeOf(frame) === ETHERTYPE_IPV4) this.handleIpv4(frame, length);
    else this.dropped++;
  }

  /** True: who has `address` is known. */
  knows(address: number): boolean {
    return this.neighbours.has(address);
  }

  /** Asks everybody who has `address`. */
  ask(address: number): void {
    const { frame, mac } = this;
    arp.writeArp(frame, {
      operation: arp.ARP_REQUEST,
      senderMac: mac,
      senderIp: this.address,
      targetMac: UNKNOWN_MAC,
      targetIp: address,
      destination: BROADCAST,
    });
    this.send(frame, arp.ARP_FRAME_SIZE);
  }

  /** Sends an echo request. @throws RangeError for too much data, or an address that is not known */
  sendEcho(address: number, sequence: number, data: Uint8Array): void {
    const at = ip.IP_PAYLOAD;
    const bytes = icmp.ICMP_DATA + data.length;
    const length = this.begin(address, ip.IP_PROTOCOL_ICMP, bytes, at + icmp.ICMP_DATA, data);
    icmp.writeEchoRequest(this.frame, at, bytes, { identifier: this.identifier, sequence });
    this.send(this.frame, length);
  }

  /** Sends a datagram. @throws RangeError as `sendEcho` does */
  sendDatagram(address: number, destinationPort: number, data: Uint8Array): void {
    const at = ip.IP_PAYLOAD;
    const bytes = udp.UDP_DATA + data.length;
    const length = this.begin(address, ip.IP_PROTOCOL_UDP, bytes, at + udp.UDP_DATA, data);
    udp.writeUdp(this.frame, at, data.length, { sourcePort: this.port, destinationPort });
    this.send(this.frame, length);
  }

  /** Everything but the header of the protocol in the packet. Returns the frame's length. */
  private begin(address: number, protocol: number, bytes: number, dataAt: number, data: Uint8Array): number {
    const { frame, mac, neighbours } = this;
    const destinationMac = neighbours.get(address);
    if (destinationMac === undefined) throw new RangeError(`nobody is known at ${ip.formatIp(address)}`);
    if (data.length > DATA_BYTES_MAX) throw new RangeError(`a packet has ${DATA_BYTES_MAX} bytes, not ${data.length}`);
    writeEthernet(frame, destinationMac, mac, ETHERTYPE_IPV4);
    frame.set(data, dataAt);
    return ip.writeIpv4(frame, { protocol, source: this.address, destination: address }, bytes);
  }

  private handleArp(frame: Uint8Array, length: number): void {
    if (!arp.isArp(frame, length) || arp.arpTarget(frame) !== this.address) {
      this.dropped++;
      return;
    }
    const sender = arp.arpSender(frame);
    const senderMac = arp.arpSenderMac(frame);
    this.remember(sender, senderMac);
    if (arp.arpOperation(frame) !== arp.ARP_REQUEST) return;
    arp.writeArp(frame, {
      operation: arp.ARP_REPLY,
      senderMac: this.mac,
      senderIp: this.address,
      targetMac: senderMac,
      targetIp: sender,
      destination: senderMac,
    });
    if (this.send(frame, arp.ARP_FRAME_SIZE)) this.arpAnswers++;
  }

  private remember(address: number, mac: Uint8Array): void {
    const { neighbours } = this;
    neighbours.delete(address);
    const [oldest] = neighbours.keys();
    if (neighbours.size === NEIGHBOURS_MAX && oldest !== undefined) neighbours.delete(oldest);
    neighbours.set(address, mac);
  }

  private handleIpv4(frame: Uint8Array, length: number): void {
    if (!ip.isIpv4(frame, length) || ip.ipDestination(frame) !== this.address) {
      this.dropped++;
      return;
    }
    const at = ip.ipPayloadAt(frame);
    const bytes = ip.ipPayloadBytes(frame);
    const protocol = ip.ipProtocol(frame);
    if (protocol === ip.IP_PROTOCOL_ICMP && icmp.isEcho(frame, at, bytes)) this.handleEcho(frame, at, bytes);
    else if (protocol === ip.IP_PROTOCOL_UDP && udp.isUdp(frame, at, bytes)) this.handleUdp(frame, at);
    else this.dropped++;
  }

  private handleEcho(frame: Uint8Array, at: number, bytes: number): void {
    if (icmp.icmpType(frame, at) === icmp.ICMP_ECHO_REQUEST) {
      icmp.turnEcho(frame, at, bytes);
      if (this.answer(frame, at + bytes)) this.echoAnswers++;
    } else if (this.listener === null || icmp.icmpIdentifier(frame, at) !== this.identifier) this.dropped++;
    else {
      const data = at + icmp.ICMP_DATA;
      this.listener.echoReply(ip.ipSource(frame), icmp.icmpSequence(frame, at), frame, data, bytes - icmp.ICMP_DATA);
    }
  }

  private handleUdp(frame: Uint8Array, at: number): void {
    const port = udp.udpDestinationPort(frame, at);
    if (port === udp.UDP_PORT_ECHO) {
      // Two echoes would never leave off.
      if (udp.udpSourcePort(frame, at) === udp.UDP_PORT_ECHO) {
        this.dropped++;
        return;
      }
      udp.turnUdp(frame, at);
      if (this.answer(frame, at + ip.ipPayloadBytes(frame))) this.datagramAnswers++;
    } else if (this.listener === null || port !== this.port) this.dropped++;
    else {
      const length = udp.udpBytes(frame, at) - udp.UDP_DATA;
      this.listener.datagram(ip.ipSource(frame), udp.udpSourcePort(frame, at), frame, at + udp.UDP_DATA, length);
    }
  }

  /** The packet in the frame, up to `end`, goes back. */
  private answer(frame: Uint8Array, end: number): boolean {
    ip.turnIpv4(frame);
    turnEthernet(frame, this.mac);
    return this.send(frame, end);
  }

  private send(frame: Uint8Array, length: number): boolean {
    if (this.output(frame, length)) return true;
    this.lost++;
    return false;
  }
}
