/**
 * Descriptors that a peer has sent: what a thread may do with one without waiting for the peer.
 *
 * Closing may wait: a socket lingers, a file is flushed by the process that serves it, which may be the peer's. So only
 * what cannot wait is closed here; the rest in threads of its own that are nothing but the system call. A few of them at
 * most, so that a peer cannot fill the process with threads: what they have no time for stays open until they have.
 */
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { closeDescriptor } from './descriptors.ts';
import { systemError } from './errors.ts';
import { lazyCalls } from './libc.ts';
import { nameOfDescriptor } from './notifier.ts';

interface Calls {
  dlsym(library: number, name: string): number;
  pthread_create(thread: BigUint64Array, attributes: null, start: number, argument: number): number;
  pthread_tryjoin_np(thread: bigint, result: null): number;
  fcntl(descriptor: number, command: number, argument: number): number;
  getsockopt(socket: number, level: number, option: number, value: Int32Array, sizeBytes: Int32Array): number;
}

const calls = lazyCalls<Calls>({
  dlsym: 'uint64_t dlsym(uint64_t library, const char *name)',
  pthread_create: 'int pthread_create(void *thread, void *attributes, uint64_t start, uint64_t argument)',
  pthread_tryjoin_np: 'int pthread_tryjoin_np(uint64_t thread, void *result)',
  fcntl: 'int fcntl(int descriptor, int command, unsigned long argument)',
  getsockopt: 'int getsockopt(int socket, int level, int option, void *value, void *size)',
});

const { EBUSY, EINVAL } = constants.errno;
const F_GET_SEALS = 1034;
const SOL_SOCKET = 1;
const SO_DOMAIN = 39;
const AF_UNIX = 1;

/** Threads that close, at most. */
const CLOSERS_MAX = 8;
/** Descriptors that wait for a thread are looked at again after this time. Milliseconds. */
const AGAIN_MS = 50;

/** Threads that may be closing still. */
let closers: bigint[] = [];
/** Still open. */
const waiting: number[] = [];
/** A look at them is to come. */
let isAsked = false;

const thread = new BigUint64Array(1);
const domain = new Int32Array(1);
const domainSize = new Int32Array(1);

/** Closes a descriptor that a peer has sent, now or a little later, and never waits for it. */
export function closeStranger(descriptor: number): void {
  if (closesAtOnce(descriptor)) {
    closeDescriptor(descriptor);
    return;
  }
  waiting.push(descriptor);
  closeWaiting();
}

/** True for what the kernel alone has to do with. */
function closesAtOnce(descriptor: number): boolean {
  const name = nameOfDescriptor(descriptor);
  if (name === null) return false;
  if (name.startsWith('anon_inode:[eventfd]') || name.startsWith('pipe:[')) return true;
  return name.startsWith('socket:[') ? isLocalSocket(descriptor) : isSealable(descriptor);
}

function isLocalSocket(socket: number): boolean {
  domainSize[0] = domain.byteLength;
  return calls().getsockopt(socket, SOL_SOCKET, SO_DOMAIN, domain, domainSize) === 0 && domain[0] === AF_UNIX;
}

/** True for memory: memfd, tmpfs, huge pages. Nothing else has seals. */
function isSealable(descriptor: number): boolean {
  return calls().fcntl(descriptor, F_GET_SEALS, 0) >= 0;
}

/** By as many threads as there may be; again a little later while some wait. */
function closeWaiting(): void {
  const { pthread_create, dlsym } = calls();
  joinDone();
  while (waiting.length > 0 && closers.length < CLOSERS_MAX) {
    if (pthread_create(thread, null, dlsym(0, 'close'), waiting[0]!) !== 0) break;
    waiting.shift();
    closers.push(thread[0]!);
  }
  if (waiting.length === 0 || isAsked) return;
  isAsked = true;
  setTimeout(closeAgain, AGAIN_MS).unref();
}

function joinDone(): void {
  const { pthread_tryjoin_np } = calls();
  closers = closers.filter((closer) => pthread_tryjoin_np(closer, null) === EBUSY);
}

/** True while something that this thread has closed may be open still: for tests and fuzzers. */
export function areStrangersClosing(): boolean {
  joinDone();
  return closers.length + waiting.length > 0;
}

function closeAgain(): void {
  isAsked = false;
  closeWaiting();
}

/** File systems whose files no other process serves. */
const LOCAL_FILES = /^(ext[234]|xfs|btrfs|bcachefs|f2fs|zfs|overlay|tmpfs|devtmpfs|ramfs|hugetlbfs)$/;

/**
 * Before a peer's descriptor is asked for its size, or mapped: that no process serves its file, for which every touch
 * of the memory would wait.
 * @throws SystemError EINVAL for any other file system, or one that this process does not see
 */
export function demandLocalFile(descriptor: number): void {
  const name = nameOfDescriptor(descriptor);
  // What lies in no directory is the kernel's own; what it is, is asked for next.
  if (name === null || !name.startsWith('/') || isSealable(descriptor)) return;
  const kind = fileSystemOf(descriptor);
  if (kind === null || !LOCAL_FILES.test(kind))
    throw systemError('mmap', EINVAL, `descriptor ${descriptor}, ${name}, lies in a file system of kind ${kind}`);
}

/** Its kind, null if this process does not see where it is mounted. Nothing is asked of the file. */
function fileSystemOf(descriptor: number): string | null {
  const mount = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1];
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const line = mounts.find((text) => text.startsWith(`${mount} `));
  return line === undefined ? null : (/ - (\S+)/.exec(line)?.[1] ?? null);
}
