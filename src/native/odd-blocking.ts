/**
 * For tests and fuzzers: descriptors that block a careless caller, also in `close`, and how a peer makes one
 * that it shares do so afterwards. Their others are closed first: that ends what their close would wait for.
 *
 *     struct sockaddr_in   u16 family | u16 port | u8[4] address | pad to 16
 *     struct linger        int on | int seconds
 */
import { closeSync, constants as files, openSync } from 'node:fs';
import { constants } from 'node:os';
import { closeDescriptor, setNonBlocking } from './descriptors.ts';
import { systemError } from './errors.ts';
import { lazyCalls, libc } from './libc.ts';
import { closeStranger } from './strangers.ts';

interface Calls {
  socket(domain: number, type: number, protocol: number): number;
  bind(socket: number, address: Uint8Array, sizeBytes: number): number;
  listen(socket: number, backlog: number): number;
  getsockname(socket: number, address: Uint8Array, sizeBytes: Int32Array): number;
  connect(socket: number, address: Uint8Array, sizeBytes: number): number;
  accept4(socket: number, address: null, sizeBytes: null, flags: number): number;
  setsockopt(socket: number, level: number, option: number, value: Int32Array, sizeBytes: number): number;
  send(socket: number, bytes: Uint8Array, sizeBytes: number, flags: number): number;
  write(descriptor: number, bytes: Uint8Array, sizeBytes: number): number;
  ioctl(descriptor: number, request: number, argument: number): number;
  fcntl(descriptor: number, command: number, argument: number): number;
  eventfd_write(descriptor: number, value: number): number;
}

const calls = lazyCalls<Calls>({
  socket: 'int socket(int domain, int type, int protocol)',
  bind: 'int bind(int socket, void *address, uint32_t size)',
  listen: 'int listen(int socket, int backlog)',
  getsockname: 'int getsockname(int socket, void *address, void *size)',
  connect: 'int connect(int socket, void *address, uint32_t size)',
  accept4: 'int accept4(int socket, void *address, void *size, int flags)',
  setsockopt: 'int setsockopt(int socket, int level, int option, void *value, uint32_t size)',
  send: 'int64_t send(int socket, void *bytes, uint64_t size, int flags)',
  write: 'int64_t write(int descriptor, void *bytes, uint64_t size)',
  ioctl: 'int ioctl(int descriptor, unsigned long request, unsigned long argument)',
  fcntl: 'int fcntl(int descriptor, int command, unsigned long argument)',
  eventfd_write: 'int eventfd_write(int descriptor, uint64_t value)',
});

const AF_INET = 2;
const SOCK_STREAM = 1;
const CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_LINGER = 13;
const LINGER_SECONDS = 3600;
const TIOCSPTLCK = 0x40045431;
const TIOCGPTPEER = 0x5441;
const F_GETFL = 3;
const F_SETFL = 4;
const { EAGAIN, EINTR } = constants.errno;
/** The largest number of which each one below is exact. */
const EXACT_MAX = Number.MAX_SAFE_INTEGER;

const address = new Uint8Array(16);
const addressSize = new Int32Array(1);
const block = new Uint8Array(4096);
const unlocked = new Int32Array(new ArrayBuffer(4));

/** A descriptor, and those that must be closed before it. */
export interface BlockingDescriptor {
  readonly descriptor: number;
  close(): void;
  /** Closes the descriptor alone, once a peer has it; `close` then closes the others. Waits for nothing. */
  giveAway(): void;
}

function blocking(descriptor: number, closeOthers: () => void): BlockingDescriptor {
  let isOurs = true;
  return {
    descriptor,
    close() {
      closeOthers();
      if (isOurs) closeDescriptor(descriptor);
    },
    giveAway() {
      isOurs = false;
      closeStranger(descriptor);
    },
  };
}

function checked(call: keyof Calls, result: number): number {
  if (result < 0) throw systemError(call, libc().errno());
  return result;
}

function uninterrupted(call: () => number): number {
  for (;;) {
    const result = call();
    if (result >= 0 || libc().errno() !== EINTR) return result;
  }
}

function fill(put: () => number): void {
  while (put() > 0);
}

/** A TCP connection whose other end reads nothing: it is full, and its close waits for an hour. */
export function lingeringSocket(): BlockingDescriptor {
  const { socket, bind, listen, getsockname, connect, accept4, setsockopt, send } = calls();
  const [listener, own] = [0, 1].map(() => checked('socket', socket(AF_INET, SOCK_STREAM | CLOEXEC, 0)));
  address.fill(0);
  address[0] = AF_INET;
  address.set([127, 0, 0, 1], 4);
  addressSize[0] = address.length;
  const small = Int32Array.of(4096);
  setsockopt(listener!, SOL_SOCKET, SO_RCVBUF, small, 4);
  setsockopt(own!, SOL_SOCKET, SO_SNDBUF, small, 4);
  checked('bind', bind(listener!, address, address.length));
  checked('listen', listen(listener!, 1));
  checked('getsockname', getsockname(listener!, address, addressSize));
  // Interrupted it goes on by itself; the other end then comes a little later.
  if (connect(own!, address, address.length) < 0 && libc().errno() !== EINTR) checked('connect', -1);
  const other = checked(
    'accept4',
    uninterrupted(() => accept4(listener!, null, null, CLOEXEC)),
  );
  closeDescriptor(listener!);
  fill(() => send(own!, block, block.length, MSG_DONTWAIT));
  checked('setsockopt', setsockopt(own!, SOL_SOCKET, SO_LINGER, Int32Array.of(1, LINGER_SECONDS), 8));
  // What it has not read resets the connection.
  return blocking(own!, () => closeDescriptor(other));
}

/** A terminal whose output nothing reads: it is full, and blocks. */
export function fullTerminal(): BlockingDescriptor {
  const { ioctl, write } = calls();
  const master = openSync('/dev/ptmx', files.O_RDWR | files.O_NOCTTY);
  checked('ioctl', ioctl(master, TIOCSPTLCK, libc().addressOf(unlocked.buffer)));
  const flags = files.O_RDWR | files.O_NOCTTY | files.O_NONBLOCK | CLOEXEC;
  const descriptor = checked('ioctl', ioctl(master, TIOCGPTPEER, flags));
  fill(() => write(descriptor, block, block.length));
  makeBlocking(descriptor);
  return blocking(descriptor, () => closeSync(master));
}

/** Clears O_NONBLOCK of the open file: for all that share it. */
export function makeBlocking(descriptor: number): void {
  const { fcntl } = calls();
  const flags = checked('fcntl', fcntl(descriptor, F_GETFL, 0));
  checked('fcntl', fcntl(descriptor, F_SETFL, flags & ~files.O_NONBLOCK));
}

/** From empty to full, additions of EXACT_MAX and less, and as many again for what a peer takes meanwhile. */
const ADDITIONS_MAX = 2 * (2048 + 64);

/** Makes an event descriptor full (2^64 - 2) unless a peer empties it meanwhile, and block. */
export function fillAndBlock(descriptor: number): void {
  setNonBlocking(descriptor);
  // A peer may add, too: full is what nothing can be added to.
  for (let [value, left] = [EXACT_MAX, ADDITIONS_MAX]; value >= 1 && left > 0; left--) {
    if (calls().eventfd_write(descriptor, value) === 0) continue;
    const errno = libc().errno();
    if (errno !== EAGAIN) throw systemError('eventfd_write', errno);
    value = Math.floor(value / 2);
  }
  makeBlocking(descriptor);
}
