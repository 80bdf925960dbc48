/**
 * A folder that is held for a moment, by one process at a time: for what takes several calls and must not be seen, or
 * begun, in between. The lock is the kernel's, on the folder itself: no file is left, and it ends with its process. It
 * is advisory: what does not ask for it is not kept out. Any thread, which it blocks for WAIT_MS at most.
 */
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { systemError } from './errors.ts';
import { lazyCalls, libc } from './libc.ts';

interface Calls {
  flock(descriptor: number, operation: number): number;
}

const calls = lazyCalls<Calls>({ flock: 'int flock(int descriptor, int operation)' });

const { EAGAIN, EINTR } = constants.errno;
const LOCK_EX = 2;
const LOCK_NB = 4;

/** Each holder is done within microseconds: in this time thousands have had their turn. */
const WAIT_MS = 2000;
const RETRY_MS = 1;

const never = new Int32Array(new SharedArrayBuffer(4));

/**
 * Runs `act` while this process alone holds `folder`. One that is not there, or may not be read, is not held: `act`
 * runs all the same, and says itself what it lacks.
 * @throws SystemError EAGAIN if another process does not let go of it; what `act` throws
 */
export function holdingFolder<T>(folder: string, act: () => T): T {
  const descriptor = openFolder(folder);
  if (descriptor === null) return act();
  try {
    take(descriptor, folder);
    return act();
  } finally {
    closeSync(descriptor);
  }
}

function openFolder(folder: string): number | null {
  try {
    return openSync(folder, 'r');
  } catch {
    return null;
  }
}

function take(descriptor: number, folder: string): void {
  const { flock } = calls();
  const deadline = performance.now() + WAIT_MS;
  while (flock(descriptor, LOCK_EX | LOCK_NB) < 0) {
    const errno = libc().errno();
    if (errno !== EINTR && (errno !== EAGAIN || performance.now() >= deadline))
      throw systemError('flock', errno, `another process holds ${folder}`);
    Atomics.wait(never, 0, 0, RETRY_MS);
  }
}
