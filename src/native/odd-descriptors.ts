/**
 * One descriptor of each kind that a peer could send instead of the one that is asked for: for tests and fuzzers, in
 * any thread. Those that can block do: it is up to the receiver not to be blocked by them.
 */
import { closeSync, constants as files, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { closeDescriptor } from './descriptors.ts';
import { systemError } from './errors.ts';
import { lazyCalls, libc } from './libc.ts';
import { fillAndBlock, fullTerminal, lingeringSocket } from './odd-blocking.ts';

interface Calls {
  pipe2(pair: Int32Array, flags: number): number;
  socketpair(domain: number, type: number, protocol: number, pair: Int32Array): number;
  eventfd(initial: number, flags: number): number;
  memfd_create(name: string, flags: number): number;
  ftruncate(descriptor: number, sizeBytes: number): number;
  epoll_create1(flags: number): number;
  fcntl(descriptor: number, command: number, argument: number): number;
  send(socket: number, bytes: Uint8Array, sizeBytes: number, flags: number): number;
  write(descriptor: number, bytes: Uint8Array, sizeBytes: number): number;
}

const calls = lazyCalls<Calls>({
  pipe2: 'int pipe2(void *pair, int flags)',
  socketpair: 'int socketpair(int domain, int type, int protocol, void *pair)',
  eventfd: 'int eventfd(unsigned int initial, int flags)',
  memfd_create: 'int memfd_create(const char *name, unsigned int flags)',
  ftruncate: 'int ftruncate(int descriptor, int64_t size)',
  epoll_create1: 'int epoll_create1(int flags)',
  fcntl: 'int fcntl(int descriptor, int command, unsigned long argument)',
  send: 'int64_t send(int socket, void *bytes, uint64_t size, int flags)',
  write: 'int64_t write(int descriptor, void *bytes, uint64_t size)',
});

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const CLOEXEC = 0o2000000;
const MFD_CLOEXEC = 1;
const MSG_DONTWAIT = 0x40;
const F_GETFL = 3;
const F_SETFL = 4;
const O_PATH = 0o10000000;
/** More than this machine's, or any, address space has room for. */
const HUGE = 2 ** 50;
const SMALL = 4096;

/** A descriptor, and the others that it takes to make it. */
export interface OddDescriptor {
  readonly descriptor: number;
  /** Closes all of them. */
  close(): void;
}

const checked = (call: string, result: number): number => {
  if (result < 0) throw systemError(call, libc().errno());
  return result;
};

function odd(descriptor: number, ...others: number[]): OddDescriptor {
  return {
    descriptor,
    close() {
      for (const open of [descriptor, ...others]) closeDescriptor(open);
    },
  };
}

/** One that Node has opened, which would count it as its own. */
function ofNode(path: string, flags: number): OddDescriptor {
  const descriptor = openSync(path, flags);
  return { descriptor, close: () => closeSync(descriptor) };
}

function pair(call: 'pipe2' | 'socketpair'): [number, number] {
  const both = new Int32Array(2);
  if (call === 'pipe2') checked(call, calls().pipe2(both, CLOEXEC));
  else checked(call, calls().socketpair(AF_UNIX, SOCK_STREAM | CLOEXEC, 0, both));
  return [both[0]!, both[1]!];
}

function memfd(sizeBytes: number): number {
  const descriptor = checked('memfd_create', calls().memfd_create('odd', MFD_CLOEXEC));
  checked('ftruncate', calls().ftruncate(descriptor, sizeBytes));
  return descriptor;
}

function filled(descriptor: number, put: (bytes: Uint8Array) => number): number {
  while (put(new Uint8Array(SMALL)) > 0);
  return descriptor;
}

/** Writes to a pipe until it would block; its reader and its writer are open files of their own, so both block after. */
function fullPipe(): OddDescriptor {
  const [reader, writer] = pair('pipe2');
  const { fcntl, write } = calls();
  const flags = fcntl(writer, F_GETFL, 0);
  fcntl(writer, F_SETFL, flags | files.O_NONBLOCK);
  filled(writer, (bytes) => write(writer, bytes, bytes.length));
  fcntl(writer, F_SETFL, flags);
  return odd(writer, reader);
}

function regularFile(flags: number): OddDescriptor {
  const folder = mkdtempSync(join('/tmp', 'vringbench-odd-'));
  try {
    writeFileSync(join(folder, 'file'), new Uint8Array(SMALL));
    return ofNode(join(folder, 'file'), flags);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const ODD_DESCRIPTORS = {
  'a directory': () => ofNode('/', files.O_RDONLY),
  'a file': () => regularFile(files.O_RDWR),
  'a file to be read only': () => regularFile(files.O_RDONLY),
  'a file to be written only': () => regularFile(files.O_WRONLY),
  'a place and no file': () => ofNode('/', O_PATH),
  '/dev/null': () => ofNode('/dev/null', files.O_RDWR),
  '/dev/zero': () => ofNode('/dev/zero', files.O_RDWR),
  '/dev/urandom': () => ofNode('/dev/urandom', files.O_RDWR),
  'an eventfd that blocks': () => odd(checked('eventfd', calls().eventfd(0, CLOEXEC))),
  'an eventfd that is full and blocks'() {
    const descriptor = checked('eventfd', calls().eventfd(0, CLOEXEC));
    fillAndBlock(descriptor);
    return odd(descriptor);
  },
  'a pipe to be read': () => odd(...pair('pipe2')),
  'a pipe that has ended'() {
    const [reader, writer] = pair('pipe2');
    closeDescriptor(writer);
    return odd(reader);
  },
  'a pipe that nobody reads'() {
    const [reader, writer] = pair('pipe2');
    closeDescriptor(reader);
    return odd(writer);
  },
  'a pipe that is full and blocks': fullPipe,
  'a socket': () => odd(...pair('socketpair')),
  'a socket with three bytes'() {
    const [own, other] = pair('socketpair');
    checked('send', calls().send(other, new Uint8Array(3), 3, 0));
    return odd(own, other);
  },
  'a socket that has ended'() {
    const [own, other] = pair('socketpair');
    closeDescriptor(other);
    return odd(own);
  },
  'a socket that is full and blocks'() {
    const [own, other] = pair('socketpair');
    return odd(
      filled(own, (bytes) => calls().send(own, bytes, bytes.length, MSG_DONTWAIT)),
      other,
    );
  },
  'a TCP socket that is full and lingers': lingeringSocket,
  'a terminal that is full and blocks': fullTerminal,
  'an epoll descriptor': () => odd(checked('epoll_create1', calls().epoll_create1(CLOEXEC))),
  'an empty memfd': () => odd(memfd(0)),
  'a memfd': () => odd(memfd(SMALL)),
  'a memfd that nobody could map': () => odd(memfd(HUGE)),
} as const satisfies Record<string, () => OddDescriptor>;

export type OddDescriptorKind = keyof typeof ODD_DESCRIPTORS;

export const ODD_DESCRIPTOR_KINDS = Object.keys(ODD_DESCRIPTORS) as readonly OddDescriptorKind[];
