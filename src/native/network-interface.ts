/**
 * Setting up a network interface of this machine by its name, as `ip link` and `ip address` do: up, its hardware
 * address, its IPv4 address, its bridge. It needs the right to (CAP_NET_ADMIN).
 *
 *     struct ifreq   char name[16] | what is set, 24 bytes: int or short | struct sockaddr
 */
import { closeDescriptor } from './descriptors.ts';
import { systemError } from './errors.ts';
import { lazyCalls, libc } from './libc.ts';

interface Calls {
  socket(domain: number, type: number, protocol: number): number;
  ioctl(descriptor: number, request: number, argument: Uint8Array): number;
}

const calls = lazyCalls<Calls>({
  socket: 'int socket(int domain, int type, int protocol)',
  ioctl: 'int ioctl(int descriptor, unsigned long request, void *argument)',
});

const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const ARPHRD_ETHER = 1;
const IFF_UP = 1;

const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const SIOCSIFADDR = 0x8916;
const SIOCSIFNETMASK = 0x891c;
const SIOCSIFHWADDR = 0x8924;
const SIOCGIFINDEX = 0x8933;
const SIOCBRADDIF = 0x89a2;

const IFREQ_SIZE = 40;
const IFREQ_VALUE = 16;
/** Of a name, without the zero that ends it. */
const NAME_MAX = 15;

/** A request about the interface of this name, or of a name the kernel makes: `''`, `tap%d`. */
export class InterfaceRequest {
  readonly bytes = new Uint8Array(new ArrayBuffer(IFREQ_SIZE));
  readonly value = new DataView(this.bytes.buffer, IFREQ_VALUE);

  constructor(name: string) {
    const encoded = Buffer.from(name);
    if (encoded.length > NAME_MAX || encoded.includes(0))
      throw new RangeError(`interface name ${JSON.stringify(name)}: ${encoded.length} bytes, ${NAME_MAX} at most`);
    this.bytes.set(encoded);
  }

  /** As the kernel has filled it in. */
  get name(): string {
    return Buffer.from(this.bytes.subarray(0, this.bytes.indexOf(0))).toString();
  }

  /** @throws SystemError that names the request */
  send(descriptor: number, request: number, what: string): void {
    if (calls().ioctl(descriptor, request, this.bytes) < 0) throw systemError('ioctl', libc().errno(), what);
  }
}

/** Requests about interfaces go to any socket. */
function withSocket(body: (socket: number) => void): void {
  const socket = calls().socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
  if (socket < 0) throw systemError('socket', libc().errno());
  try {
    body(socket);
  } finally {
    closeDescriptor(socket);
  }
}

export function bringUp(name: string): void {
  withSocket((socket) => {
    const request = new InterfaceRequest(name);
    request.send(socket, SIOCGIFFLAGS, `SIOCGIFFLAGS ${name}`);
    request.value.setUint16(0, request.value.getUint16(0, true) | IFF_UP, true);
    request.send(socket, SIOCSIFFLAGS, `SIOCSIFFLAGS ${name}`);
  });
}

/** Six bytes: the machine's own end, not that of whoever is behind a tap. */
export function setHardwareAddress(name: string, address: Uint8Array): void {
  if (address.length !== 6) throw new RangeError(`a hardware address of ${address.length} bytes, not 6`);
  withSocket((socket) => {
    const request = new InterfaceRequest(name);
    request.value.setUint16(0, ARPHRD_ETHER, true);
    request.bytes.set(address, IFREQ_VALUE + 2);
    request.send(socket, SIOCSIFHWADDR, `SIOCSIFHWADDR ${name}`);
  });
}

/** An address as `192.0.2.1/24`. */
export function setIpv4Address(name: string, address: string): void {
  const { bytes, prefixBits } = parseIpv4(address);
  const mask = new Uint8Array(4);
  new DataView(mask.buffer).setUint32(0, prefixBits === 0 ? 0 : -1 << (32 - prefixBits));
  withSocket((socket) => {
    sendSocketAddress(socket, name, SIOCSIFADDR, bytes, `SIOCSIFADDR ${name} ${address}`);
    sendSocketAddress(socket, name, SIOCSIFNETMASK, mask, `SIOCSIFNETMASK ${name} ${address}`);
  });
}

/** struct sockaddr_in: u16 family, u16 port, the address as it is sent. */
function sendSocketAddress(socket: number, name: string, code: number, address: ArrayLike<number>, what: string): void {
  const request = new InterfaceRequest(name);
  request.value.setUint16(0, AF_INET, true);
  request.bytes.set(address, IFREQ_VALUE + 4);
  request.send(socket, code, what);
}

function parseIpv4(address: string): { bytes: number[]; prefixBits: number } {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(address)?.slice(1).map(Number);
  if (parts === undefined || parts.slice(0, 4).some((part) => part > 255) || parts[4]! > 32)
    throw new RangeError(`${JSON.stringify(address)} is no IPv4 address with its prefix (192.0.2.1/24)`);
  return { bytes: parts.slice(0, 4), prefixBits: parts[4]! };
}

/** Makes it a port of a bridge that is there. */
export function addToBridge(name: string, bridge: string): void {
  withSocket((socket) => {
    const port = new InterfaceRequest(name);
    port.send(socket, SIOCGIFINDEX, `SIOCGIFINDEX ${name}`);
    const request = new InterfaceRequest(bridge);
    request.value.setInt32(0, port.value.getInt32(0, true), true);
    request.send(socket, SIOCBRADDIF, `SIOCBRADDIF ${bridge} ${name}`);
  });
}
