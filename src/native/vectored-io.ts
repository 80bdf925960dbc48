/**
 * Files read into and written from mapped memory by its addresses, scattered as it may be, in one call: nothing is
 * copied on the way, and nothing is allocated. It blocks its thread as the file does.
 *
 * Whoever appends vouches for the range: it is within a mapping whose buffer is held until the call is over. An address
 * where nothing is mapped is EFAULT; one where something else is, is overwritten.
 *
 *     struct iovec   void *base | u64 size
 */
import { constants } from 'node:os';
import { systemError } from './errors.ts';
import { lazyCalls, libc } from './libc.ts';

interface Calls {
  preadv(file: number, vector: number, count: number, position: number): number;
  pwritev(file: number, vector: number, count: number, position: number): number;
  fdatasync(file: number): number;
}

// A position below 2^53 and what is transferred are numbers both ways.
const calls = lazyCalls<Calls>({
  preadv: 'int64_t preadv(int file, uint64_t vector, int count, int64_t position)',
  pwritev: 'int64_t pwritev(int file, uint64_t vector, int count, int64_t position)',
  fdatasync: 'int fdatasync(int file)',
});

interface NowCalls {
  preadv2(file: number, vector: number, count: number, position: number, flags: number): number;
}

const nowCalls = lazyCalls<NowCalls>({
  preadv2: 'int64_t preadv2(int file, uint64_t vector, int count, int64_t position, int flags)',
});

const { EAGAIN, EINTR, EOPNOTSUPP } = constants.errno;
/** Answer with what is in the page cache. */
const RWF_NOWAIT = 8;

/** What `readNow` returns when it would have to wait, and when nobody can tell whether it would. */
export const WOULD_WAIT = -1;
export const CANNOT_TELL = -2;

/** The kernel takes no more pieces in one call: UIO_MAXIOV. */
export const IO_VECTOR_MAX = 1024;

const WORDS = 4;
const BASE = 0;
const BASE_HIGH = 1;
const SIZE = 2;
const SIZE_HIGH = 3;
const HIGH = 2 ** 32;

/** Pieces of memory, to be filled or written in their order. One is made once and used for every request. */
export class IoVector {
  private readonly words = new Uint32Array(new ArrayBuffer(IO_VECTOR_MAX * WORDS * 4));
  private readonly address = libc().addressOf(this.words.buffer);
  private count = 0;
  private totalBytes = 0;

  /** Bytes of all pieces. */
  get sizeBytes(): number {
    return this.totalBytes;
  }

  /** To no piece. */
  reset(): void {
    this.count = 0;
    this.totalBytes = 0;
  }

  /** The `length` bytes at `offset` from `address`, which a `Mapping` tells. */
  append(address: number, offset: number, length: number): void {
    if (this.count === IO_VECTOR_MAX) throw new RangeError(`more than ${IO_VECTOR_MAX} pieces of memory`);
    this.set(this.count, address + offset, length);
    this.count++;
    this.totalBytes += length;
  }

  /** Fills the pieces from `position` of the file on: how many bytes, fewer than all only where the file ends. */
  read(file: number, position: number): number {
    return this.transfer('preadv', file, position);
  }

  /**
   * The same without waiting for the medium: how many bytes, fewer than all where the page cache has no more of them or
   * the file ends; or WOULD_WAIT, or CANNOT_TELL, which the file system then says of the whole file.
   */
  readNow(file: number, position: number): number {
    const moved = nowCalls().preadv2(file, this.address, this.count, position, RWF_NOWAIT);
    if (moved >= 0) return moved;
    const errno = libc().errno();
    if (errno === EAGAIN || errno === EINTR) return WOULD_WAIT;
    if (errno === EOPNOTSUPP) return CANNOT_TELL;
    throw systemError('preadv2', errno, `at ${position}`);
  }

  /** Writes the pieces to `position` of the file on: how many bytes, which is all of them. */
  write(file: number, position: number): number {
    return this.transfer('pwritev', file, position);
  }

  private set(piece: number, address: number, length: number): void {
    const at = piece * WORDS;
    this.words[at + BASE] = address % HIGH;
    this.words[at + BASE_HIGH] = address / HIGH;
    this.words[at + SIZE] = length;
    this.words[at + SIZE_HIGH] = length / HIGH;
  }

  /** As often as it takes: a call may transfer less than it was given. Every repetition is one that made progress. */
  private transfer(call: 'preadv' | 'pwritev', file: number, position: number): number {
    let first = 0;
    let done = 0;
    while (done < this.totalBytes) {
      const moved = calls()[call](file, this.address + first * WORDS * 4, this.count - first, position + done);
      if (moved < 0) {
        const errno = libc().errno();
        if (errno === EINTR) continue;
        throw systemError(call, errno, `at ${position + done}`);
      }
      if (moved === 0) break;
      done += moved;
      if (done < this.totalBytes) first = this.skip(first, moved);
    }
    return done;
  }

  /** Leaves out the first `moved` bytes from piece `first` on: the piece to go on with. */
  private skip(first: number, moved: number): number {
    let piece = first;
    let left = moved;
    for (; left > 0; piece++) {
      const at = piece * WORDS;
      const length = this.words[at + SIZE]! + this.words[at + SIZE_HIGH]! * HIGH;
      if (left < length) {
        const address = this.words[at + BASE]! + this.words[at + BASE_HIGH]! * HIGH;
        this.set(piece, address + left, length - left);
        break;
      }
      left -= length;
    }
    return piece;
  }
}

/** Waits until what was written to the file is on its medium. */
export function fdatasync(file: number): void {
  while (calls().fdatasync(file) < 0) {
    const errno = libc().errno();
    if (errno !== EINTR) throw systemError('fdatasync', errno);
  }
}
