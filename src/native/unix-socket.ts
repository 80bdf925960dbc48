/**
 * Unix stream sockets that carry descriptors beside bytes (SCM_RIGHTS). Nothing here blocks, no descriptor is
 * inherited by a child, no signal is sent for a peer that is gone. What the bytes mean is the caller's.
 *
 * libc is given addresses, never JavaScript's own objects: all bytes go through buffers of this module, which live as
 * long as the thread does.
 *
 *     struct msghdr   void *name | u32 name size | pad | struct iovec * | u64 iovecs | void *control | u64 size | int flags
 *     struct iovec    void *base | u64 size
 *     struct cmsghdr  u64 size with this header | int level | int type | the descriptors | pad to 8
 */
import { lstatSync, unlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import { closeDescriptor } from './descriptors.ts';
import { systemError } from './errors.ts';
import { holdingFolder } from './folder-lock.ts';
import { lazyCalls, libc } from './libc.ts';
import { closeStranger } from './strangers.ts';

interface Calls {
  socket(domain: number, type: number, protocol: number): number;
  socketpair(domain: number, type: number, protocol: number, pair: Int32Array): number;
  bind(socket: number, address: Uint8Array, sizeBytes: number): number;
  listen(socket: number, backlog: number): number;
  accept4(socket: number, address: null, sizeBytes: null, flags: number): number;
  connect(socket: number, address: Uint8Array, sizeBytes: number): number;
  sendmsg(socket: number, message: number, flags: number): number;
  recvmsg(socket: number, message: number, flags: number): number;
  shutdown(socket: number, how: number): number;
}

const calls = lazyCalls<Calls>({
  socket: 'int socket(int domain, int type, int protocol)',
  socketpair: 'int socketpair(int domain, int type, int protocol, void *pair)',
  bind: 'int bind(int socket, void *address, uint32_t size)',
  listen: 'int listen(int socket, int backlog)',
  accept4: 'int accept4(int socket, void *address, void *size, int flags)',
  connect: 'int connect(int socket, void *address, uint32_t size)',
  sendmsg: 'int64_t sendmsg(int socket, uint64_t message, int flags)',
  recvmsg: 'int64_t recvmsg(int socket, uint64_t message, int flags)',
  shutdown: 'int shutdown(int socket, int how)',
});

const { EADDRINUSE, EAGAIN, ECONNABORTED, ECONNREFUSED, EINTR, EINVAL, EMSGSIZE, ENAMETOOLONG, ENOTCONN } =
  constants.errno;

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const STREAM = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CTRUNC = 0x8;
/** Said with every call: whether a socket blocks is its open file's, and a peer that sent it can change that. */
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const SHUT_RDWR = 2;

const BACKLOG = 16;
/** sun_path, with the zero that ends it. */
const PATH_SIZE = 108;

/** The kernel passes no more at once: SCM_MAX_FD. */
export const SEND_DESCRIPTORS_MAX = 253;
/** More than these at once are refused. The protocol knows of 8; a peer that sends more is to be seen, not cut off. */
export const RECEIVE_DESCRIPTORS_MAX = 32;

const MSGHDR_CONTROL_SIZE = 40;
const MSGHDR_CONTROL = 32;
const MSGHDR_FLAGS = 48;
const IOVEC = 56;
const IOVEC_SIZE = IOVEC + 8;
const CONTROL = 72;
const CMSG_LEVEL = 8;
const CMSG_TYPE = 12;
const CMSG_DATA = 16;

const controlSize = (descriptors: number) => CMSG_DATA + ((descriptors * 4 + 7) & ~7);

const STAGING = CONTROL + controlSize(SEND_DESCRIPTORS_MAX);
/** More bytes than this at once are a partial transfer, as the kernel may make at any size. */
const STAGING_SIZE = 65536;

/** The one message of this thread: header, iovec, control and bytes, which the addresses in it point to. */
class Message {
  readonly address: number;
  readonly view: DataView;
  readonly staging: Uint8Array;

  constructor() {
    const buffer = new ArrayBuffer(STAGING + STAGING_SIZE);
    this.address = libc().addressOf(buffer);
    this.view = new DataView(buffer);
    this.staging = new Uint8Array(buffer, STAGING, STAGING_SIZE);
    this.setAddress(16, IOVEC);
    this.setWord(24, 1);
    this.setAddress(IOVEC, STAGING);
  }

  /** Of one byte of this message, into a pointer of it. */
  private setAddress(at: number, offset: number): void {
    this.view.setBigUint64(at, BigInt(this.address + offset), true);
  }

  private setWord(at: number, value: number): void {
    this.view.setUint32(at, value, true);
    this.view.setUint32(at + 4, 0, true);
  }

  set length(bytes: number) {
    this.setWord(IOVEC_SIZE, bytes);
  }

  /** 0 for none: then there is no pointer either. */
  set controlSize(bytes: number) {
    if (bytes === 0) this.setWord(MSGHDR_CONTROL, 0);
    else this.setAddress(MSGHDR_CONTROL, CONTROL);
    this.setWord(MSGHDR_CONTROL_SIZE, bytes);
    this.setWord(MSGHDR_FLAGS, 0);
  }

  get controlSize(): number {
    return this.view.getUint32(MSGHDR_CONTROL_SIZE, true);
  }

  get flags(): number {
    return this.view.getUint32(MSGHDR_FLAGS, true);
  }

  writeDescriptors(descriptors: readonly number[]): void {
    if (descriptors.length > 0) {
      this.setWord(CONTROL, CMSG_DATA + descriptors.length * 4);
      this.view.setUint32(CONTROL + CMSG_LEVEL, SOL_SOCKET, true);
      this.view.setUint32(CONTROL + CMSG_TYPE, SCM_RIGHTS, true);
      for (const [i, descriptor] of descriptors.entries())
        this.view.setInt32(CONTROL + CMSG_DATA + i * 4, descriptor, true);
    }
    this.controlSize = descriptors.length === 0 ? 0 : controlSize(descriptors.length);
  }

  /** All that came, of every control message. */
  readDescriptors(): number[] {
    const { view } = this;
    const found: number[] = [];
    const end = CONTROL + this.controlSize;
    for (let at = CONTROL; at + CMSG_DATA <= end; ) {
      const size = view.getUint32(at, true);
      if (size < CMSG_DATA) break;
      const ends = Math.min(at + size, end);
      if (view.getUint32(at + CMSG_LEVEL, true) === SOL_SOCKET && view.getUint32(at + CMSG_TYPE, true) === SCM_RIGHTS)
        for (let data = at + CMSG_DATA; data + 4 <= ends; data += 4) found.push(view.getInt32(data, true));
      at += (size + 7) & ~7;
    }
    return found;
  }
}

let threadMessage: Message | undefined;

function message(): Message {
  threadMessage ??= new Message();
  return threadMessage;
}

/** struct sockaddr_un: u16 family, the path, a zero. */
function addressOfPath(call: string, path: string): Uint8Array {
  const bytes = Buffer.from(path);
  if (bytes.length === 0 || bytes.includes(0)) throw systemError(call, EINVAL, `path ${JSON.stringify(path)}`);
  if (bytes.length >= PATH_SIZE)
    throw systemError(call, ENAMETOOLONG, `a path of ${bytes.length} bytes, ${PATH_SIZE - 1} at most: ${path}`);
  const address = new Uint8Array(2 + bytes.length + 1);
  address[0] = AF_UNIX;
  address.set(bytes, 2);
  return address;
}

function openSocket(): number {
  const socket = calls().socket(AF_UNIX, STREAM, 0);
  if (socket < 0) throw systemError('socket', libc().errno());
  return socket;
}

/** With a new socket, which is closed if it fails. */
function withSocket(body: (socket: number) => void): number {
  const socket = openSocket();
  try {
    body(socket);
    return socket;
  } catch (error) {
    closeDescriptor(socket);
    throw error;
  }
}

/** 0, or the errno. */
function tryConnect(socket: number, address: Uint8Array): number {
  const { connect } = calls();
  for (;;) {
    if (connect(socket, address, address.length) === 0) return 0;
    const errno = libc().errno();
    if (errno !== EINTR) return errno;
  }
}

/** True if a socket's file is there but nobody listens: its owner died. Any file refuses like that, so it is looked at. */
function isStale(path: string, address: Uint8Array): boolean {
  if (!lstatSync(path).isSocket()) return false;
  let errno = 0;
  closeDescriptor(
    withSocket((socket) => {
      errno = tryConnect(socket, address);
    }),
  );
  return errno === ECONNREFUSED;
}

/**
 * A socket that listens at `path`. What a process that died left there is replaced; a path that somebody listens at,
 * or that is another kind of file, is EADDRINUSE. Of processes that try at the same moment one listens: its folder is
 * held meanwhile, so that a socket that does not listen yet is not taken for one that is left over. Closing it leaves
 * the file, which its owner unlinks.
 * @throws SystemError
 */
export function listenUnix(path: string): number {
  const address = addressOfPath('bind', path);
  return holdingFolder(dirname(path), () =>
    withSocket((socket) => {
      bindAt(socket, path, address);
      if (calls().listen(socket, BACKLOG) < 0) throw systemError('listen', libc().errno(), path);
    }),
  );
}

function bindAt(socket: number, path: string, address: Uint8Array): void {
  const { bind } = calls();
  if (bind(socket, address, address.length) === 0) return;
  const errno = libc().errno();
  if (errno !== EADDRINUSE || !isStale(path, address)) throw systemError('bind', errno, path);
  unlinkSync(path);
  if (bind(socket, address, address.length) < 0) throw systemError('bind', libc().errno(), path);
}

/** The next connection, or -1 if none waits. */
export function acceptUnix(listener: number): number {
  const { accept4 } = calls();
  for (;;) {
    const socket = accept4(listener, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket >= 0) return socket;
    const errno = libc().errno();
    if (errno === EAGAIN) return -1;
    if (errno !== EINTR && errno !== ECONNABORTED) throw systemError('accept4', errno);
  }
}

/** @throws SystemError ENOENT or ECONNREFUSED if nobody listens, EAGAIN if too many wait to be accepted */
export function connectUnix(path: string): number {
  const address = addressOfPath('connect', path);
  return withSocket((socket) => {
    const errno = tryConnect(socket, address);
    if (errno !== 0) throw systemError('connect', errno, path);
  });
}

/** Two that are connected with each other. */
export function socketPair(): [number, number] {
  const pair = new Int32Array(2);
  if (calls().socketpair(AF_UNIX, STREAM, 0, pair) < 0) throw systemError('socketpair', libc().errno());
  return [pair[0]!, pair[1]!];
}

/**
 * Sends some of `length` bytes of `bytes` from `offset` on, above 0, and all `descriptors` with the first of them.
 * How many bytes went; -1, and no descriptor: it would block. The descriptors stay the caller's to close.
 * @throws SystemError EPIPE or ECONNRESET if the peer is gone
 */
export function sendBytes(
  socket: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  descriptors: readonly number[],
): number {
  if (length <= 0 || offset < 0 || offset + length > bytes.length)
    throw new RangeError(`bytes ${offset} + ${length} of ${bytes.length}`);
  if (descriptors.length > SEND_DESCRIPTORS_MAX)
    throw new RangeError(`${descriptors.length} descriptors, ${SEND_DESCRIPTORS_MAX} at most`);
  const { sendmsg } = calls();
  const outgoing = message();
  const size = Math.min(length, STAGING_SIZE);
  outgoing.staging.set(bytes.subarray(offset, offset + size));
  outgoing.length = size;
  outgoing.writeDescriptors(descriptors);
  for (;;) {
    const sent = sendmsg(socket, outgoing.address, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return sent;
    const errno = libc().errno();
    if (errno === EAGAIN) return -1;
    if (errno !== EINTR) throw systemError('sendmsg', errno);
  }
}

/**
 * Receives up to `length` bytes, above 0, into `into` from `offset` on. How many came; 0: the peer sends no more; -1:
 * nothing now. Descriptors that came with them are appended: they are the caller's to close, however many they are.
 * @throws SystemError EMSGSIZE if there was no room for them all: then none is left open
 */
export function receiveBytes(
  socket: number,
  into: Uint8Array,
  offset: number,
  length: number,
  descriptors: number[],
): number {
  if (length <= 0 || offset < 0 || offset + length > into.length)
    throw new RangeError(`bytes ${offset} + ${length} of ${into.length}`);
  const { recvmsg } = calls();
  const incoming = message();
  incoming.length = Math.min(length, STAGING_SIZE);
  for (;;) {
    incoming.controlSize = controlSize(RECEIVE_DESCRIPTORS_MAX);
    const received = recvmsg(socket, incoming.address, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (received >= 0) {
      takeDescriptors(incoming, descriptors);
      into.set(incoming.staging.subarray(0, received), offset);
      return received;
    }
    const errno = libc().errno();
    if (errno === EAGAIN) return -1;
    if (errno !== EINTR) throw systemError('recvmsg', errno);
  }
}

function takeDescriptors(incoming: Message, descriptors: number[]): void {
  const found = incoming.readDescriptors();
  if ((incoming.flags & MSG_CTRUNC) === 0) {
    descriptors.push(...found);
    return;
  }
  for (const descriptor of found) closeStranger(descriptor);
  const detail = `descriptors were cut off after ${found.length}: more than ${RECEIVE_DESCRIPTORS_MAX}, or than may be open`;
  throw systemError('recvmsg', EMSGSIZE, detail);
}

/** Ends both directions: whoever waits for the peer's bytes sees the end. The socket is still to be closed. */
export function shutdownSocket(socket: number): void {
  if (calls().shutdown(socket, SHUT_RDWR) === 0) return;
  const errno = libc().errno();
  if (errno !== ENOTCONN) throw systemError('shutdown', errno);
}
