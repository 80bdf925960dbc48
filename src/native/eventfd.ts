/**
 * Event descriptors: a counter in the kernel that any thread adds to and one thread takes, to wait for with `poll`.
 * They do not block. No 64-bit number is made on the way: `eventfd_write` returns an int, and what `preadv2` returns
 * fits one (`eventfd_read` would not tell an end from an error).
 *
 * One that is shared with a stranger blocks if the stranger wants it. Reading never waits all the same: RWF_NOWAIT is of
 * the call, not of the file. The kernel has no such write for an event descriptor, and no such read before Linux 5.8
 * (before 6.4 for a pipe): there `boundBlockedCalls` bounds the call, which then fails with EINTR.
 *
 *     struct iovec   void *base | u64 size
 */
import { constants } from 'node:os';
import { systemError } from './errors.ts';
import { lazyCalls, libc } from './libc.ts';

interface Calls {
  eventfd(initial: number, flags: number): number;
  eventfd_write(descriptor: number, value: number): number;
  read(descriptor: number, value: Uint8Array, sizeBytes: number): number;
  preadv2(descriptor: number, vector: number, count: number, position: number, flags: number): number;
  close(descriptor: number): number;
}

const calls = lazyCalls<Calls>({
  eventfd: 'int eventfd(unsigned int initial, int flags)',
  eventfd_write: 'int eventfd_write(int descriptor, uint64_t value)',
  read: 'int read(int descriptor, void *value, uint64_t size)',
  preadv2: 'int preadv2(int descriptor, uint64_t vector, int count, int64_t position, int flags)',
  close: 'int close(int descriptor)',
});

const { EAGAIN, EINTR, EINVAL, ENOSYS, EOPNOTSUPP } = constants.errno;
const EFD_NONBLOCK = 0o4000;
const EFD_CLOEXEC = 0o2000000;

/** Fail rather than wait. */
const RWF_NOWAIT = 8;
/** Where the file stands, as `read` does. */
const NO_POSITION = -1;

/** What was counted is not told: that it was is enough. */
const taken = new Uint8Array(new ArrayBuffer(8));
/** One piece: `taken`. */
const vector = new BigUint64Array(new ArrayBuffer(16));
let vectorAddress = 0;

/** A new one, counting 0, of the whole process. */
export function openEventfd(): number {
  const descriptor = calls().eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (descriptor < 0) throw systemError('eventfd', libc().errno());
  return descriptor;
}

/**
 * Adds 1. A counter that is full stays so: it can be taken as any other.
 * @throws SystemError EINTR for one that is full and was made to block
 */
export function addEventfd(descriptor: number): void {
  if (calls().eventfd_write(descriptor, 1) === 0) return;
  const errno = libc().errno();
  if (errno !== EAGAIN) throw systemError('eventfd_write', errno, errno === EINTR ? blocks(descriptor) : undefined);
}

/** Takes all that was added, if anything was: true. @throws SystemError EINVAL for what is no event descriptor */
export function takeEventfd(descriptor: number): boolean {
  if (vectorAddress === 0) {
    vectorAddress = libc().addressOf(vector.buffer);
    vector[0] = BigInt(libc().addressOf(taken.buffer));
    vector[1] = 8n;
  }
  const count = calls().preadv2(descriptor, vectorAddress, 1, NO_POSITION, RWF_NOWAIT);
  if (count === taken.length) return true;
  const errno = errnoOf(count);
  if (errno === EAGAIN) return false;
  if (errno === EOPNOTSUPP || errno === ENOSYS) return readEventfd(descriptor);
  throw systemError('read', errno);
}

/** Waits as the file's flags say: for kernels that know no better. */
function readEventfd(descriptor: number): boolean {
  const count = calls().read(descriptor, taken, taken.length);
  if (count === taken.length) return true;
  const errno = errnoOf(count);
  if (errno === EAGAIN) return false;
  throw systemError('read', errno, errno === EINTR ? blocks(descriptor) : undefined);
}

/** Of a read that has not taken a whole counter. */
function errnoOf(count: number): number {
  if (count < 0) return libc().errno();
  throw systemError('read', EINVAL, `${count} bytes of an event descriptor`);
}

const blocks = (descriptor: number): string => `descriptor ${descriptor} was made to block by a peer that shares it`;

/** Through libc, which opened it: in a worker, Node warns of descriptors that it did not open itself. */
export function closeEventfd(descriptor: number): void {
  if (calls().close(descriptor) < 0) throw systemError('close', libc().errno());
}
