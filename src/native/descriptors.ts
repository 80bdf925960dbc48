/**
 * Descriptors of any kind: closing, duplicating, how large the file behind one is. Closing goes through libc: in a
 * worker, Node warns of descriptors that it did not open itself.
 */
import { fstatSync } from 'node:fs';
import { constants } from 'node:os';
import { systemError } from './errors.ts';
import { lazyCalls, libc } from './libc.ts';

interface Calls {
  close(descriptor: number): number;
  fcntl(descriptor: number, command: number, argument: number): number;
  lseek(descriptor: number, offset: number, whence: number): number;
}

const calls = lazyCalls<Calls>({
  close: 'int close(int descriptor)',
  fcntl: 'int fcntl(int descriptor, int command, unsigned long argument)',
  lseek: 'int64_t lseek(int descriptor, int64_t offset, int whence)',
});

const { EINTR, ESPIPE } = constants.errno;

const F_DUPFD_CLOEXEC = 1030;
const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;
const SEEK_END = 2;

/** A close that a signal interrupted has closed: it is not repeated, another thread may have the number by then. */
export function closeDescriptor(descriptor: number): void {
  if (calls().close(descriptor) === 0) return;
  const errno = libc().errno();
  if (errno !== EINTR) throw systemError('close', errno);
}

/** Another number for the same open file, which children do not inherit. */
export function duplicateDescriptor(descriptor: number): number {
  const duplicate = calls().fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  if (duplicate < 0) throw systemError('fcntl', libc().errno());
  return duplicate;
}

/** From now on nobody who reads or writes the open file behind it blocks: not we, nor who else has it. */
export function setNonBlocking(descriptor: number): void {
  const { fcntl } = calls();
  const flags = fcntl(descriptor, F_GETFL, 0);
  if (flags < 0) throw systemError('fcntl', libc().errno());
  if ((flags & O_NONBLOCK) !== 0) return;
  if (fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) < 0) throw systemError('fcntl', libc().errno());
}

/** Bytes of a file or of a block device. @throws SystemError ESPIPE for anything else: it has no size. */
export function sizeOfFile(descriptor: number): number {
  const status = fstatSync(descriptor);
  if (status.isFile()) return status.size;
  if (!status.isBlockDevice()) throw systemError('fstat', ESPIPE, `descriptor ${descriptor} has no size`);
  const size = calls().lseek(descriptor, 0, SEEK_END);
  if (size < 0) throw systemError('lseek', libc().errno());
  return size;
}
