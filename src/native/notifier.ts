/**
 * Descriptors that a stranger sends to be rung by, or to ring: eventfds, pipes and sockets. Nothing else is taken. A
 * file or a device may be served by a process of the stranger's, and a call on it then waits for that process, past
 * every flag and signal.
 */
import { readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { setNonBlocking } from './descriptors.ts';
import { systemError } from './errors.ts';
import { boundBlockedCalls } from './interrupts.ts';

const { EBADF, EINVAL } = constants.errno;

/** Names that the kernel gives to what lies in no directory; those of files begin with a slash. */
const NOTIFIER = /^(anon_inode:\[eventfd\]|pipe:\[\d+\]|socket:\[\d+\])$/;

/** What a descriptor stands for, as /proc names it, without a call on the file itself; null: /proc is not there. */
export function nameOfDescriptor(descriptor: number): string | null {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch (error) {
    try {
      readlinkSync('/proc/self');
    } catch {
      return null;
    }
    throw Object.assign(systemError('readlink', EBADF, `descriptor ${descriptor}`), { cause: error });
  }
}

/**
 * Before a stranger's descriptor is read, written or watched by this thread. From now on neither blocks it for longer
 * than `BLOCKED_AT_MOST_MS`.
 * @throws SystemError EINVAL for what is no notifier
 */
export function adoptNotifier(descriptor: number): void {
  const name = nameOfDescriptor(descriptor);
  if (name !== null && !NOTIFIER.test(name))
    throw systemError('fcntl', EINVAL, `descriptor ${descriptor} is ${name}, no eventfd, pipe or socket`);
  setNonBlocking(descriptor);
  boundBlockedCalls();
}
