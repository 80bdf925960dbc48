/**
 * Memory as a file without a name, to be mapped by whoever is given its descriptor. Its size is sealed: a peer that
 * could shrink it would kill whoever touches what is gone.
 */
import { closeDescriptor } from './descriptors.ts';
import { systemError } from './errors.ts';
import { lazyCalls, libc } from './libc.ts';

interface Calls {
  memfd_create(name: string, flags: number): number;
  ftruncate(descriptor: number, sizeBytes: number): number;
  fcntl(descriptor: number, command: number, argument: number): number;
}

const calls = lazyCalls<Calls>({
  memfd_create: 'int memfd_create(const char *name, unsigned int flags)',
  ftruncate: 'int ftruncate(int descriptor, int64_t size)',
  fcntl: 'int fcntl(int descriptor, int command, unsigned long argument)',
});

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const F_ADD_SEALS = 1033;
const F_SEAL_SEAL = 1;
const F_SEAL_SHRINK = 2;
const F_SEAL_GROW = 4;

/** A new one of zeroes. `name` is only for people who look into /proc. */
export function openMemfd(name: string, sizeBytes: number): number {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) throw new RangeError(`a memfd of ${sizeBytes} bytes`);
  const { memfd_create, ftruncate, fcntl } = calls();
  const descriptor = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (descriptor < 0) throw systemError('memfd_create', libc().errno());
  const undo = (call: string) => {
    const error = systemError(call, libc().errno());
    closeDescriptor(descriptor);
    return error;
  };
  if (ftruncate(descriptor, sizeBytes) < 0) throw undo('ftruncate');
  if (fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) throw undo('fcntl');
  return descriptor;
}
