/**
 * Descriptors in the thread's ordinary event loop: a callback while one can be read, or written to. Level-triggered:
 * a callback that leaves something is called again in the loop's next turn. Every thread has its own.
 *
 * One epoll descriptor stands for all of them, and the engine polls only that: epoll answers a bad descriptor, a file
 * or one that is watched already by an error, the engine's own polling by aborting the process. The engine's callback
 * only asks for a turn of its own; the watchers are called there, so that what they throw is an ordinary uncaught
 * exception, and promises they settle go on at once.
 *
 * The engine's callback aborts the process if it is called in a thread that is ending, where no JavaScript runs any
 * more. So the polling ends at the thread's `exit`; a thread that another one terminates has none, and is muted first
 * (`muteWatcher`).
 *
 *     struct epoll_event   u32 events | (pad, but for x64) | u64 data: the descriptor, and which watch of it this is
 */
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { isMainThread } from 'node:worker_threads';
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
  /** The thread is ending: nothing is polled any more. */
  private ended = false;
  /** Where this thread says which descriptor its epoll is: its own memory, unless `publishWatcher` gave another. */
  published: Int32Array = new Int32Array(1);

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
    if (this.polling === null) this.open();
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
    if (this.ended) throw new TypeError('the thread is ending: nothing can be watched');
    if (this.epoll < 0) this.openNumber();
    this.poll();
  }

  private openNumber(): void {
    this.epoll = openEpoll();
    Atomics.store(this.published, 0, this.epoll);
    process.once('exit', this.end);
  }

  private poll(): void {
    // Kept: a handle that is collected is closed.
    this.polling ??= libc().poll(this.epoll, this.onReady);
  }

  private stopPolling(): void {
    this.polling?.close();
    this.polling = null;
  }

  /** With what is watched still; what is no longer open is dropped by the kernel's word. */
  private reopen(): void {
    this.stopPolling();
    withEpoll((epoll) => replace(this.epoll, epoll));
    this.poll();
    for (const watch of this.watches.values())
      if (this.control(EPOLL_CTL_ADD, watch) !== 0) this.watches.delete(watch.descriptor);
  }

  /**
   * Nothing watched keeps the loop alive. The main thread then closes the descriptor too; a worker keeps its number to
   * its end, so that it means the same to a thread that mutes it.
   */
  private closeIfUnused(): void {
    if (this.watches.size > 0 || this.dispatching) return;
    this.stopPolling();
    if (!isMainThread || this.epoll < 0) return;
    process.off('exit', this.end);
    closeSync(this.epoll);
    this.epoll = -1;
  }

  private readonly end = (): void => {
    this.ended = true;
    this.stopPolling();
  };

  /** In the engine's callback: nothing is done here that can throw. */
  private readonly onReady = (): void => {
    if (this.turnAsked) return;
    this.turnAsked = true;
    setImmediate(this.takeTurn);
  };

  private readonly takeTurn = (): void => {
    this.turnAsked = false;
    if (this.polling === null) return;
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
  return withEpoll((epoll) => {
    const descriptor = openSync('/dev/null', 'r');
    try {
      replace(descriptor, epoll);
      return descriptor;
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  });
}

/** With a new epoll, whose number is closed afterwards. */
function withEpoll<T>(body: (epoll: number) => T): T {
  const epoll = calls().epoll_create1(CLOEXEC);
  if (epoll < 0) throw systemError('epoll_create1', libc().errno());
  try {
    return body(epoll);
  } finally {
    closeDescriptor(epoll);
  }
}

/** `descriptor` becomes another number for what `by` stands for; what it was is closed. */
function replace(descriptor: number, by: number): void {
  if (calls().dup3(by, descriptor, CLOEXEC) < 0) throw systemError('dup3', libc().errno());
}

const watcher = new EpollWatcher();

/** This thread's. */
export function threadWatcher(): Watcher {
  return watcher;
}

/** Bytes of the place where a thread publishes its watcher. */
export const WATCHER_WORD_SIZE = 4;

/** In a worker, before it watches anything: other threads can mute its watcher through `word`. */
export function publishWatcher(word: SharedArrayBuffer): void {
  watcher.published = new Int32Array(word);
}

/**
 * Before a worker is terminated, by the thread that does it: nothing that it watches is reported to it any more, but for
 * what its engine has taken already in its turn of the loop. So a worker does what may never come back in a turn of its
 * own (`setImmediate`), not in a callback of a message. A worker that has published nothing has watched nothing.
 */
export function muteWatcher(word: SharedArrayBuffer): void {
  // 0 is standard input's number: never a worker's epoll.
  const epoll = Atomics.load(new Int32Array(word), 0);
  if (epoll === 0) return;
  // Its open file is closed by this, and so leaves the engine's polling by itself. What takes its place can be polled,
  // which the engine may be about to begin.
  withEpoll((nothing) => replace(epoll, nothing));
}
