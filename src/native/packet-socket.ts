/**
 * Unix sockets that keep the borders of packets (SOCK_SEQPACKET), by names instead of paths: a name is free again when
 * its socket is closed, however its owner ended. Nothing here blocks, no descriptor is inherited by a child, no signal
 * is sent for a peer that is gone. Names are seen by every user of the machine: who the peer is, `peerUser` tells.
 *
 *     struct sockaddr_un   u16 family | 0, then the name, not ended by anything
 */
import { constants } from 'node:os';
import { closeDescriptor } from './descriptors.ts';
import { systemError } from './errors.ts';
import { lazyCalls, libc } from './libc.ts';

interface Calls {
  socket(domain: number, type: number, protocol: number): number;
  bind(socket: number, address: Uint8Array, sizeBytes: number): number;
  listen(socket: number, backlog: number): number;
  connect(socket: number, address: Uint8Array, sizeBytes: number): number;
  send(socket: number, bytes: Uint8Array, length: number, flags: number): number;
  recv(socket: number, into: Uint8Array, length: number, flags: number): number;
  getsockopt(socket: number, level: number, option: number, value: Int32Array, sizeBytes: Uint32Array): number;
  poll(descriptors: Int32Array, count: number, timeoutMs: number): number;
}

const calls = lazyCalls<Calls>({
  socket: 'int socket(int domain, int type, int protocol)',
  bind: 'int bind(int socket, void *address, uint32_t size)',
  listen: 'int listen(int socket, int backlog)',
  connect: 'int connect(int socket, void *address, uint32_t size)',
  send: 'int64_t send(int socket, void *bytes, uint64_t length, int flags)',
  recv: 'int64_t recv(int socket, void *into, uint64_t length, int flags)',
  getsockopt: 'int getsockopt(int socket, int level, int option, void *value, void *size)',
  poll: 'int poll(void *descriptors, unsigned long count, int timeout)',
});

const { EADDRINUSE, EAGAIN, ECONNREFUSED, ECONNRESET, EINTR, ENAMETOOLONG, EPIPE } = constants.errno;

const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const PACKETS = SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC;
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const MSG_PEEK = 0x2;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const POLLHUP = 0x10;

const nothing = new Uint8Array(1);

const BACKLOG = 4;
/** sun_path, without the zero that begins a name. */
const NAME_MAX = 107;
/** struct ucred: process, user, group. */
const CREDENTIALS_WORDS = 3;
const CREDENTIALS_USER = 1;

function addressOf(name: string): Uint8Array {
  const bytes = Buffer.from(name);
  if (bytes.length > NAME_MAX)
    throw systemError('bind', ENAMETOOLONG, `a name of ${bytes.length} bytes, ${NAME_MAX} at most: ${name}`);
  const address = new Uint8Array(3 + bytes.length);
  address[0] = AF_UNIX;
  address.set(bytes, 3);
  return address;
}

/** A new socket on which `body` succeeds, or -1 if it fails with one of these; what else fails throws. */
function openSocket(call: string, name: string, allowed: readonly number[], body: (socket: number) => number): number {
  const socket = calls().socket(AF_UNIX, PACKETS, 0);
  if (socket < 0) throw systemError('socket', libc().errno());
  if (body(socket) === 0) return socket;
  const errno = libc().errno();
  closeDescriptor(socket);
  if (allowed.includes(errno)) return -1;
  throw systemError(call, errno, name);
}

/** A socket that listens by this name, for `acceptUnix`; -1: another has the name. */
export function listenPackets(name: string): number {
  const address = addressOf(name);
  const { bind, listen } = calls();
  return openSocket('bind', name, [EADDRINUSE], (socket) =>
    bind(socket, address, address.length) < 0 ? -1 : listen(socket, BACKLOG),
  );
}

/** A socket that is connected with whoever listens by this name; -1: nobody does, or too many wait. */
export function connectPackets(name: string): number {
  const address = addressOf(name);
  const { connect } = calls();
  return openSocket('connect', name, [ECONNREFUSED, EAGAIN], (socket) => {
    for (;;) {
      if (connect(socket, address, address.length) === 0) return 0;
      if (libc().errno() !== EINTR) return -1;
    }
  });
}

/** The user that the peer ran as when it connected, or began to listen. */
export function peerUser(socket: number): number {
  const credentials = new Int32Array(new ArrayBuffer(CREDENTIALS_WORDS * 4));
  const size = Uint32Array.of(credentials.byteLength);
  if (calls().getsockopt(socket, SOL_SOCKET, SO_PEERCRED, credentials, size) < 0)
    throw systemError('getsockopt', libc().errno());
  return credentials[CREDENTIALS_USER]!;
}

/** One end of a connection of packets. */
export class PacketSocket {
  readonly descriptor: number;
  /** The peer sends no more: all its packets were received. */
  ended = false;
  /** The peer receives no more. */
  broken = false;

  constructor(descriptor: number) {
    this.descriptor = descriptor;
  }

  /** The next packet; -1: there is none now, or never again (`ended`). One longer than `into` is left out. */
  receive(into: Uint8Array): number {
    for (;;) {
      const length = calls().recv(this.descriptor, into, into.length, MSG_DONTWAIT | MSG_TRUNC);
      if (length > into.length) continue;
      if (length > 0) return length;
      if (length === 0) {
        this.ended = true;
        this.broken = true;
        return -1;
      }
      const errno = libc().errno();
      if (errno === EAGAIN) return -1;
      // A peer that is gone with packets of ours unread: said once, and its own packets are still to be had.
      if (errno === ECONNRESET) this.broken = true;
      else if (errno !== EINTR) throw systemError('recv', errno);
    }
  }

  /** Sends the first `length` bytes as a packet. False: there is no room for it now, or the peer is gone (`broken`). */
  send(bytes: Uint8Array, length: number): boolean {
    if (length <= 0 || length > bytes.length) throw new RangeError(`a packet of ${length} bytes of ${bytes.length}`);
    for (;;) {
      if (calls().send(this.descriptor, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
      const errno = libc().errno();
      if (errno === EAGAIN) return false;
      if (errno === EPIPE || errno === ECONNRESET) {
        this.broken = true;
        return false;
      }
      if (errno !== EINTR) throw systemError('send', errno);
    }
  }

  /** True if the peer is gone, whether its packets were received or not. */
  hungUp(): boolean {
    const polled = Int32Array.of(this.descriptor, 0);
    return calls().poll(polled, 1, 0) > 0 && ((polled[1]! >>> 16) & POLLHUP) !== 0;
  }

  /** True if no packet waits. */
  isEmpty(): boolean {
    return calls().recv(this.descriptor, nothing, 0, MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC) <= 0;
  }

  close(): void {
    closeDescriptor(this.descriptor);
  }
}
