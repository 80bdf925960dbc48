/**
 * Event descriptors: a counter in the kernel that any thread adds to and one thread takes, to wait for with `poll`.
 * They do not block. No 64-bit number is made on the way: `eventfd_write` returns an int, and what `read` returns fits
 * one (`eventfd_read` would not tell an end from an error).
 */
import { constants } from 'node:os';
import { systemError } from './errors.ts';
import { lazyCalls, libc } from './libc.ts';

interface Calls {
  eventfd(initial: number, flags: number): number;
  eventfd_write(descriptor: number, value: number): number;
  read(descriptor: number, value: Uint8Array, sizeBytes: number): number;
  close(descriptor: number): number;
}

const calls = lazyCalls<Calls>({
  eventfd: 'int eventfd(unsigned int initial, int flags)',
  eventfd_write: 'int eventfd_write(int descriptor, uint64_t value)',
  read: 'int read(int descriptor, void *value, uint64_t size)',
  close: 'int close(int descriptor)',
});

const { EAGAIN, EINVAL } = constants.errno;
const EFD_NONBLOCK = 0o4000;
const EFD_CLOEXEC = 0o2000000;

/** What was counted is not told: that it was is enough. */
const taken = new Uint8Array(8);

/** A new one, counting 0, of the whole process. */
export function openEventfd(): number {
  const descriptor = calls().eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (descriptor < 0) throw systemError('eventfd', libc().errno());
  return descriptor;
}

/** Adds 1. A counter that is full stays so: it can be taken as any other. */
export function addEventfd(descriptor: number): void {
  if (calls().eventfd_write(descriptor, 1) === 0) return;
  const errno = libc().errno();
  if (errno !== EAGAIN) throw systemError('eventfd_write', errno);
}

/** Takes all that was added, if anything was: true. @throws SystemError EINVAL for what is no event descriptor */
export function takeEventfd(descriptor: number): boolean {
  const count = calls().read(descriptor, taken, taken.length);
  if (count === taken.length) return true;
  if (count >= 0) throw systemError('read', EINVAL, `${count} bytes of an event descriptor`);
  const errno = libc().errno();
  if (errno !== EAGAIN) throw systemError('read', errno);
  return false;
}

/** Through libc, which opened it: in a worker, Node warns of descriptors that it did not open itself. */
export function closeEventfd(descriptor: number): void {
  if (calls().close(descriptor) < 0) throw systemError('close', libc().errno());
}
