/**
 * Descriptors in the thread's ordinary event loop: a callback while one can be read, or written to. Level-triggered:
 * a callback that leaves something is called again in the loop's next turn. Every thread has its own.
 *
 * One epoll descriptor stands for all of them, and the engine polls only that: epoll answers a bad descriptor, a file
 * or one that is watched already by an error, the engine's own polling by aborting the process. The engine's callback
 * only asks for a turn of its own; the watchers are called there, so that what they throw is an ordinary uncaught
 * exception, and promises they settle go on at once.
 *
 *     struct epoll_event   u32 events | (pad, but for x64) | u64 data: the descriptor, and which watch of it this is
 */
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { closeDescriptor } from './descriptors.ts';
import { systemError } from './errors.ts';
import { lazyCalls, libc, type PollHandle } from './libc.ts';

interface Calls {
  epoll_create1(flags: number): number;
  epoll_ctl(epoll: number, operation: number, descriptor: number, event: Uint32Array): number;
  epoll_wait(epoll: number, events: Uint32Array, count: number, timeoutMs: number): number;
  dup3(from: number, to: number, flags: number): number;
}

const calls = lazyCalls<Calls>({
  epoll_create1: 'int epoll_create1(int flags)',
  epoll_ctl: 'int epoll_ctl(int epoll, int operation, int descriptor, void *event)',
  epoll_wait: 'int epoll_wait(int epoll, void *events, int count, int timeout)',
  dup3: 'int dup3(int from, int to, int flags)',
});

const { EBADF, EEXIST, EINTR, ENOENT } = constants.errno;

const CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
const EPOLLIN = 0x1;
const EPOLLOUT = 0x4;
const EPOLLERR = 0x8;
const EPOLLHUP = 0x10;
/** An end or an error is for whoever watches: a reader first, whose read tells what it is. */
const ENDED = EPOLLERR | EPOLLHUP;

/** Of struct epoll_event, in words of 32 bits: packed on x64 alone. */
const EVENT_WORDS = process.arch === 'x64' ? 3 : 4;
const DESCRIPTOR = EVENT_WORDS - 2;
const WATCH = EVENT_WORDS - 1;
/** Taken at a time. Others come in the next turn. */
const EVENTS = 64;

export interface Watcher {
  /**
   * Calls `onReadable` while `descriptor` can be read, has ended or failed: until `unwatch`.
   * @throws SystemError EEXIST if its readability is watched, EPERM for a file, EBADF
   */
  watch(descriptor: number, onReadable: () => void): void;
  /** Calls `onWritable` while it can be written to: for the time that something waits to be. */
  watchWritable(descriptor: number, onWritable: () => void): void;
  /** For reading and writing. Before the descriptor is closed; nothing if it is not watched. */
  unwatch(descriptor: number): void;
  unwatchWritable(descriptor: number): void;
}

interface Watch {
  readonly descriptor: number;
  /** Tells this watch from an earlier one of the same number, whose events may still be on their way. */
  readonly id: number;
  onReadable: (() => void) | null;
  onWritable: (() => void) | null;
}

const one = new Uint32Array(EVENT_WORDS);
const ready = new Uint32Array(EVENT_WORDS * EVENTS);

class EpollWatcher implements Watcher {
  private readonly watches = new Map<number, Watch>();
  private lastId = 0;
  private epoll = -1;
  private polling: PollHandle | null = null;
  private turnAsked = false;
  private dispatching = false;

  watch(descriptor: number, onReadable: () => void): void {
    const watch = this.watches.get(descriptor);
    if (watch === undefined) this.add({ descriptor, id: this.nextId(), onReadable, onWritable: null });
    else if (watch.onReadable !== null) throw systemError('epoll_ctl', EEXIST, `descriptor ${descriptor}`);
    else this.modify(watch, onReadable, watch.onWritable);
  }

  watchWritable(descriptor: number, onWritable: () => void): void {
    const watch = this.watches.get(descriptor);
    if (watch === undefined) this.add({ descriptor, id: this.nextId(), onReadable: null, onWritable });
    else if (watch.onWritable !== null) throw systemError('epoll_ctl', EEXIST, `descriptor ${descriptor}`);
    else this.modify(watch, watch.onReadable, onWritable);
  }

  unwatch(descriptor: number): void {
    const watch = this.watches.get(descriptor);
    if (watch !== undefined) this.remove(watch);
  }

  unwatchWritable(descriptor: number): void {
    const watch = this.watches.get(descriptor);
    if (watch === undefined || watch.onWritable === null) return;
    if (watch.onReadable === null) this.remove(watch);
    else this.modify(watch, watch.onReadable, null);
  }

  private nextId(): number {
    this.lastId = (this.lastId + 1) >>> 0;
    return this.lastId;
  }

  private add(watch: Watch): void {
    if (this.epoll < 0) this.open();
    const errno = this.control(EPOLL_CTL_ADD, watch);
    if (errno === 0) {
      this.watches.set(watch.descriptor, watch);
      return;
    }
    this.closeIfUnused();
    throw systemError('epoll_ctl', errno, `descriptor ${watch.descriptor}`);
  }

  private modify(watch: Watch, onReadable: Watch['onReadable'], onWritable: Watch['onWritable']): void {
    const errno = this.control(EPOLL_CTL_MOD, { ...watch, onReadable, onWritable });
    if (errno !== 0) throw systemError('epoll_ctl', errno, `descriptor ${watch.descriptor}`);
    watch.onReadable = onReadable;
    watch.onWritable = onWritable;
  }

  private remove(watch: Watch): void {
    watch.onReadable = null;
    watch.onWritable = null;
    this.watches.delete(watch.descriptor);
    const errno = this.control(EPOLL_CTL_DEL, watch);
    // It was closed before. If somebody else has the open file, epoll still has it too, and no number to remove it by.
    if ((errno === EBADF || errno === ENOENT) && this.watches.size > 0) this.reopen();
    this.closeIfUnused();
  }

  /** 0, or the errno. */
  private control(operation: number, { descriptor, id, onReadable, onWritable }: Watch): number {
    one[0] = (onReadable === null ? 0 : EPOLLIN) | (onWritable === null ? 0 : EPOLLOUT);
    one[DESCRIPTOR] = descriptor;
    one[WATCH] = id;
    return calls().epoll_ctl(this.epoll, operation, descriptor, one) === 0 ? 0 : libc().errno();
  }

  private open(): void {
    this.epoll = openEpoll();
    // Kept: a handle that is collected is closed.
    this.polling = libc().poll(this.epoll, this.onReady);
  }

  private close(): void {
    this.polling?.close();
    this.polling = null;
    closeSync(this.epoll);
    this.epoll = -1;
  }

  /** With what is watched still; what is no longer open is dropped by the kernel's word. */
  private reopen(): void {
    this.close();
    this.open();
    for (const watch of this.watches.values())
      if (this.control(EPOLL_CTL_ADD, watch) !== 0) this.watches.delete(watch.descriptor);
  }

  /** Nothing watched keeps neither the loop alive nor a descriptor open. */
  private closeIfUnused(): void {
    if (this.watches.size === 0 && this.epoll >= 0 && !this.dispatching) this.close();
  }

  /** In the engine's callback: nothing is done here that can throw. */
  private readonly onReady = (): void => {
    if (this.turnAsked) return;
    this.turnAsked = true;
    setImmediate(this.takeTurn);
  };

  private readonly takeTurn = (): void => {
    this.turnAsked = false;
    if (this.epoll < 0) return;
    const count = calls().epoll_wait(this.epoll, ready, EVENTS, 0);
    if (count < 0) {
      const errno = libc().errno();
      if (errno === EINTR) return;
      throw systemError('epoll_wait', errno);
    }
    this.dispatching = true;
    try {
      for (let i = 0; i < count; i++) this.dispatch(i * EVENT_WORDS);
    } finally {
      this.dispatching = false;
      this.closeIfUnused();
    }
  };

  /** One event. What an earlier one of the same turn has unwatched is not called. */
  private dispatch(at: number): void {
    const watch = this.watches.get(ready[at + DESCRIPTOR]!);
    if (watch === undefined || watch.id !== ready[at + WATCH]) return;
    const events = ready[at]!;
    const reader = watch.onReadable;
    if (reader !== null && (events & (EPOLLIN | ENDED)) !== 0) reader();
    if ((events & EPOLLOUT) !== 0 || (reader === null && (events & ENDED) !== 0)) watch.onWritable?.();
  }
}

/**
 * In a worker, Node closes what it opened itself when the thread ends, even by `terminate`: so the number is Node's,
 * and only then epoll's.
 */
function openEpoll(): number {
  const epoll = calls().epoll_create1(CLOEXEC);
  if (epoll < 0) throw systemError('epoll_create1', libc().errno());
  try {
    const descriptor = openSync('/dev/null', 'r');
    if (calls().dup3(epoll, descriptor, CLOEXEC) >= 0) return descriptor;
    const error = systemError('dup3', libc().errno());
    closeSync(descriptor);
    throw error;
  } finally {
    closeDescriptor(epoll);
  }
}

const watcher = new EpollWatcher();

/** This thread's. */
export function threadWatcher(): Watcher {
  return watcher;
}
