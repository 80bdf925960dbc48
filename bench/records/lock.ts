/**
 * A lock between processes that dies with its owner. It is a symbolic link that leads nowhere: made in one step,
 * whole or not at all, its target says who holds it. Main thread; the waits block it.
 *
 * Who finds the lock of a dead owner takes it away, which must not hit the lock that somebody else made meanwhile:
 * it first takes the lock of that lock's own name (every lock has a name that is used once), looks again, and only
 * then removes it. That second lock is one like any other and so dies with its owner, too.
 */
import { createHash, randomBytes } from 'node:crypto';
import { lstatSync, readFileSync, readlinkSync, symlinkSync, unlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** The longest wait for a living owner, which needs the lock for less than a millisecond. */
const LOCK_WAIT_MS = 10_000;
/**
 * A lock of another machine or container whose time is farther than this from now is taken for left behind: its
 * processes cannot be asked after. Into the future, too: a clock that is wrong would keep it for ever.
 */
const FOREIGN_LOCK_MS = 5000;
const FIRST_PAUSE_MS = 0.2;
const LONGEST_PAUSE_MS = 10;
const NONCE_BYTES = 6;
/** Place of the start among the fields of /proc/PID/stat, counted from the state: that is field 3, the start 22. */
const STARTED_AFTER_STATE = 19;

/** Who holds a lock: `scope.pid.started.nonce`. */
interface Owner {
  /** Where the process number means something: machine, boot, container. */
  scope: string;
  pid: number;
  /** When the process began, in the kernel's ticks, since numbers are used again; '' where unknown. */
  started: string;
  nonce: string;
}

const NOT_THERE = 'ENOENT';
const THERE = 'EEXIST';
/** Why there is no lock. */
export class LockError extends Error {}

/** Does `act` while no other process holds the lock `path`. @throws LockError if the lock cannot be had */
export function withLock<Result>(path: string, act: () => Result, waitMs = LOCK_WAIT_MS): Result {
  const target = acquire(path, performance.now() + waitMs);
  try {
    return act();
  } finally {
    release(path, target);
  }
}

/** The target of our lock. */
function acquire(path: string, deadlineMs: number): string {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
    const made = make(path) ?? makeInPlace(path, deadlineMs);
    if (made !== null) return made;
    const found = readLock(path);
    if (performance.now() > deadlineMs)
      throw new LockError(`${path} was held too long${found === null ? '' : ` by process ${ownerOf(found).pid}`}`);
    if (found !== null) pause(pauseMs * (0.5 + Math.random()));
  }
}

/** Null: somebody has it. @throws LockError where there can be none */
function make(path: string): string | null {
  const { scope, pid, started } = ourselves();
  const target = [scope, pid, started, randomBytes(NONCE_BYTES).toString('hex')].join('.');
  try {
    symlinkSync(target, path);
    return target;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === THERE) return null;
    throw new LockError((error as Error).message);
  }
}

/** In place of one that was left behind, however late it is: who holds it will not release it. Null: somebody has it. */
function makeInPlace(path: string, deadlineMs: number): string | null {
  const found = readLock(path);
  if (found === null || !isLeftBehind(path, found)) return null;
  takeAway(path, found, deadlineMs);
  return make(path);
}

/** Its target; null: it was released. @throws LockError if there is something else of that name */
function readLock(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === NOT_THERE) return null;
    throw new LockError(`${path} is no lock`);
  }
}

function ownerOf(target: string): Owner {
  const [scope = '', pid = '', started = '', nonce = ''] = target.split('.');
  return { scope, pid: Number(pid), started, nonce };
}

function isLeftBehind(path: string, target: string): boolean {
  const owner = ownerOf(target);
  if (owner.scope !== ourselves().scope || !Number.isInteger(owner.pid) || owner.pid <= 0) {
    const madeMs = lstatSync(path, { throwIfNoEntry: false })?.mtimeMs;
    return madeMs !== undefined && Math.abs(Date.now() - madeMs) > FOREIGN_LOCK_MS;
  }
  const started = startOf(owner.pid);
  // A zombie holds nothing any more. Other users' processes may be hidden.
  if (started !== null && owner.started !== '') return started !== owner.started;
  try {
    process.kill(owner.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Removes the lock if it is still the one that was found. */
function takeAway(path: string, found: string, deadlineMs: number): void {
  const right = `${path}.${ownerOf(found).nonce}`;
  const target = acquire(right, deadlineMs);
  try {
    release(path, found);
  } finally {
    release(right, target);
  }
}

/** Removes a lock unless somebody took it away and made another. Never fails: what it guarded is done. */
function release(path: string, target: string): void {
  try {
    if (readlinkSync(path) === target) unlinkSync(path);
  } catch {
    // It is gone, or it is left behind, which the next one sees.
  }
}

let us: Omit<Owner, 'nonce'> | undefined;

function ourselves(): Omit<Owner, 'nonce'> {
  us ??= { scope: scopeHere(), pid: process.pid, started: startOf(process.pid) ?? '' };
  return us;
}

/** Process numbers of the same text are of the same processes. */
function scopeHere(): string {
  const boot = textOf(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'));
  const space = textOf(() => readlinkSync('/proc/self/ns/pid'));
  const where = JSON.stringify([hostname(), boot, space]);
  return createHash('sha256').update(where).digest('hex').slice(0, 12);
}

/** When a process began, in ticks since the boot; '' of a zombie, null where the kernel does not tell. */
function startOf(pid: number): string | null {
  const stat = textOf(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  // The program's name, in brackets, may hold anything.
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' || state === 'X' ? '' : (fields[STARTED_AFTER_STATE - 1] ?? null);
}

function textOf(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

const never = new Int32Array(new SharedArrayBuffer(4));
const pause = (ms: number) => Atomics.wait(never, 0, 0, ms);
