/**
 * A folder that is held for a moment, by one process at a time: for what takes several calls and must not be seen, or
 * begun, in between. The lock is the kernel's, on the folder itself: no file is left, and it ends with its process. It
 * is advisory: what does not ask for it is not kept out. Any thread, which it blocks for WAIT_MS at most.
 */
import { closeSync, constants as files, openSync } from 'node:fs';
import { constants } from 'node:os';
import { lazyCalls, libc } from './libc.ts';

interface Calls {
  flock(descriptor: number, operation: number): number;
}

const calls = lazyCalls<Calls>({ flock: 'int flock(int descriptor, int operation)' });

const { EAGAIN, EINTR } = constants.errno;
const LOCK_EX = 2;
const LOCK_NB = 4;

/** Milliseconds. A holder of ours is done within microseconds: in this time thousands have had their turn. */
const WAIT_MS = 2000;
/** Milliseconds between two tries. */
const RETRY_MS = 1;

const never = new Int32Array(new SharedArrayBuffer(4));

/**
 * Runs `act` while this process alone holds `folder`. It runs without the lock where there is none to have: the folder
 * is not there, may not be read, or its file system knows no locks. It also does if another process keeps the lock for
 * longer than WAIT_MS: that one may be any user's, who must not be able to refuse us the folder.
 * @throws what `act` throws
 */
export function holdingFolder<T>(folder: string, act: () => T): T {
  const descriptor = openFolder(folder);
  if (descriptor === null) return act();
  try {
    waitForLock(descriptor);
    return act();
  } finally {
    closeSync(descriptor);
  }
}

function openFolder(folder: string): number | null {
  try {
    return openSync(folder, files.O_RDONLY | files.O_DIRECTORY);
  } catch {
    return null;
  }
}

/** Until the lock is ours, or cannot be had. */
function waitForLock(descriptor: number): void {
  const { flock } = calls();
  const deadline = performance.now() + WAIT_MS;
  while (flock(descriptor, LOCK_EX | LOCK_NB) < 0) {
    const errno = libc().errno();
    if ((errno !== EINTR && errno !== EAGAIN) || performance.now() >= deadline) return;
    Atomics.wait(never, 0, 0, RETRY_MS);
  }
}
