/**
 * A disk in a file whose thread never waits for the medium: what would wait is done by the engine's I/O threads, on
 * guest memory itself, so that several requests are under way at once and are answered in whatever order they end.
 *
 * What does not wait is done at once, by one call: a read that the page cache can answer, which the kernel tells
 * (RWF_NOWAIT), and a write, which goes no further than the page cache. Whether a write waits there nobody can tell
 * before: one that took long sends those after it to the threads, ever more of them while it goes on so. Another thread
 * costs some three times of a call that does not wait. Without koffi all goes to the threads.
 *
 * The engine's threads are those of the whole process: four, unless UV_THREADPOOL_SIZE says else.
 */
import { closeSync, fdatasync, readv, write, writev } from 'node:fs';
import { performance } from 'node:perf_hooks';
import type { ElementList } from '../host/element-list.ts';
import { whyUnavailable } from '../native/libc.ts';
import { CANNOT_TELL } from '../native/vectored-io.ts';
import type { Disk } from './disk.ts';
import { ElementVector } from './element-vector.ts';
import { type FileDiskOptions, openImage, shortened, ZEROES } from './file-disk.ts';

/** More bytes than this at once go to a thread: copying them is work enough to share. */
const AT_ONCE_MAX = 2 ** 20;

/** A thread does no more than this in one call, bytes: other requests get the thread in between. */
const THREAD_BYTES_MAX = 2 ** 24;

/** A write that took so long has waited. */
const SLOW_MS = 2;
/** So many writes go to the threads after a slow one: twice as many each time, up to the limit. */
const SLOW_WRITES_MIN = 64;
const SLOW_WRITES_MAX = 4096;

type Done = (error: Error | null, count: number) => void;

/** What is done on other threads: Node's own calls. */
export interface FileCalls {
  readv(descriptor: number, into: Uint8Array[], position: number, done: Done): void;
  writev(descriptor: number, from: Uint8Array[], position: number, done: Done): void;
  write(descriptor: number, from: Uint8Array, offset: number, length: number, position: number, done: Done): void;
  fdatasync(descriptor: number, done: (error: Error | null) => void): void;
}

const NODE: FileCalls = { readv, writev, write, fdatasync };

export interface AsyncDiskOptions extends FileDiskOptions {
  /** What does not wait is done by this thread itself. Default: where libc can be called. */
  atOnce?: boolean;
  /** For tests. Default: Node's. */
  calls?: FileCalls;
}

export class AsyncDisk implements Disk {
  readonly sizeBytes: number;
  readonly spareBytes: number;
  readonly readOnly: boolean;
  readonly pieceBytesMax = Infinity;
  /** Requests answered by this thread itself, and those that went to others. */
  atOnceCount = 0;
  threadedCount = 0;
  private readonly calls: FileCalls;
  private readonly vector: ElementVector | null;
  private descriptor: number;
  /** False once the file system has said that it cannot tell whether a read would wait. */
  private tellsReads = true;
  /** Writes that still go to the threads, and how many the next slow one will send there. */
  private slowWrites = 0;
  private slowWritesNext = SLOW_WRITES_MIN;
  /** What other threads are doing, and those of it that a flush must wait for. */
  private underWay = 0;
  private readonly writes = new Set<Promise<void>>();
  private closing = false;

  /** @throws as `openImage`; NativeUnavailable for `atOnce` without libc */
  constructor(options: AsyncDiskOptions) {
    this.calls = options.calls ?? NODE;
    this.vector = (options.atOnce ?? whyUnavailable() === null) ? new ElementVector() : null;
    this.readOnly = options.readOnly ?? false;
    const { descriptor, sizeBytes, spareBytes } = openImage(options);
    this.descriptor = descriptor;
    this.sizeBytes = sizeBytes;
    this.spareBytes = spareBytes;
  }

  read(into: ElementList, offsetBytes: number, lengthBytes: number): undefined | Promise<void> {
    const done = this.vector === null ? 0 : this.readNow(this.vector, into, offsetBytes, lengthBytes);
    if (done < lengthBytes) return this.threaded(this.readLater(into, offsetBytes + done, lengthBytes - done));
    this.atOnceCount++;
    return undefined;
  }

  write(from: ElementList, offsetBytes: number, lengthBytes: number): undefined | Promise<void> {
    const done = this.vector === null ? 0 : this.writeNow(this.vector, from, offsetBytes, lengthBytes);
    if (done < lengthBytes) return this.written(this.writeLater(from, offsetBytes + done, lengthBytes - done));
    this.atOnceCount++;
    return undefined;
  }

  writeZeroes(offsetBytes: number, lengthBytes: number): undefined | Promise<void> {
    return this.written(this.writeZeroesLater(offsetBytes, lengthBytes));
  }

  /** Of all that was asked for before, whether it was answered or not. */
  flush(): Promise<void> {
    return this.threaded(this.flushLater());
  }

  /** What is under way is still done: the file is closed behind it. */
  close(): void {
    this.closing = true;
    this.closeIfIdle();
  }

  /** What the page cache has of it: how many bytes. */
  private readNow(vector: ElementVector, into: ElementList, offsetBytes: number, lengthBytes: number): number {
    if (!this.tellsReads || lengthBytes > AT_ONCE_MAX || lengthBytes === 0) return 0;
    vector.gather(into, lengthBytes);
    const count = vector.io.readNow(this.descriptor, offsetBytes);
    if (count === CANNOT_TELL) this.tellsReads = false;
    if (count <= 0) return 0;
    into.skipWritten(count);
    return count;
  }

  /** All of it, or nothing if writes wait these days. */
  private writeNow(vector: ElementVector, from: ElementList, offsetBytes: number, lengthBytes: number): number {
    if (lengthBytes > AT_ONCE_MAX || lengthBytes === 0) return 0;
    if (this.slowWrites > 0) {
      this.slowWrites--;
      return 0;
    }
    vector.gather(from, lengthBytes);
    const start = performance.now();
    const count = vector.io.write(this.descriptor, offsetBytes);
    if (performance.now() - start < SLOW_MS) {
      this.slowWritesNext = SLOW_WRITES_MIN;
    } else {
      this.slowWrites = this.slowWritesNext;
      this.slowWritesNext = Math.min(2 * this.slowWritesNext, SLOW_WRITES_MAX);
    }
    from.skip(count);
    return count;
  }

  private async readLater(into: ElementList, offsetBytes: number, lengthBytes: number): Promise<void> {
    const { descriptor } = this;
    for (let done = 0; done < lengthBytes; ) {
      const views = viewsOf(into, Math.min(lengthBytes - done, THREAD_BYTES_MAX));
      const count = await moved((end) => this.calls.readv(descriptor, views, offsetBytes + done, end));
      if (count === 0) throw shortened(offsetBytes + done);
      into.skipWritten(count);
      done += count;
    }
  }

  private async writeLater(from: ElementList, offsetBytes: number, lengthBytes: number): Promise<void> {
    const { descriptor } = this;
    for (let done = 0; done < lengthBytes; ) {
      const views = viewsOf(from, Math.min(lengthBytes - done, THREAD_BYTES_MAX));
      const count = await moved((end) => this.calls.writev(descriptor, views, offsetBytes + done, end));
      from.skip(count);
      done += count;
    }
  }

  private async writeZeroesLater(offsetBytes: number, lengthBytes: number): Promise<void> {
    const { descriptor } = this;
    for (let done = 0; done < lengthBytes; ) {
      const wanted = Math.min(ZEROES.length, lengthBytes - done);
      done += await moved((end) => this.calls.write(descriptor, ZEROES, 0, wanted, offsetBytes + done, end));
    }
  }

  private async flushLater(): Promise<void> {
    const { descriptor } = this;
    // What fails among them is told to whoever asked for it.
    if (this.writes.size > 0) await Promise.allSettled(this.writes);
    await moved((end) => this.calls.fdatasync(descriptor, (error) => end(error, 0)));
  }

  /** Counts what other threads do, until it is done. */
  private async threaded(work: Promise<void>): Promise<void> {
    this.threadedCount++;
    this.underWay++;
    try {
      await work;
    } finally {
      this.underWay--;
      this.closeIfIdle();
    }
  }

  /** The same for writes: a flush waits for them. */
  private written(work: Promise<void>): Promise<void> {
    const writing = this.threaded(work);
    this.writes.add(writing);
    const forget = () => this.writes.delete(writing);
    writing.then(forget, forget);
    return writing;
  }

  /** A number that is closed may be another file's soon: never while a thread may still use it. */
  private closeIfIdle(): void {
    if (!this.closing || this.underWay > 0 || this.descriptor < 0) return;
    closeSync(this.descriptor);
    this.descriptor = -1;
  }
}

/** A call of Node's as a promise of what it moved. */
function moved(call: (done: Done) => void): Promise<number> {
  return new Promise((resolve, reject) => {
    call((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

/** The next `length` bytes of a list, in guest memory itself; or as many as it has elements for. */
function viewsOf(list: ElementList, length: number): Uint8Array[] {
  const views: Uint8Array[] = [];
  let left = length;
  let skipped = list.moved;
  for (let i = list.position; i < list.count && left > 0; i++) {
    const part = Math.min(list.lengths[i]! - skipped, left);
    const start = list.offsets[i]! + skipped;
    views.push(list.bytesOf(i).subarray(start, start + part));
    skipped = 0;
    left -= part;
  }
  if (left === length) throw new RangeError(`a list that ends ${left} bytes too early`);
  return views;
}
