/**
 * Which pages of guest memory the host has written, for a peer that copies them while the guest runs: one bit a page
 * of guest addresses from 0 on, low bit first [vhost-user, Migration]. Any thread: bits are only ever set here, and
 * cleared by the peer. It notes; whoever writes calls it, after the bytes are written.
 */

/** Bytes that one bit stands for. */
export const LOG_PAGE_SIZE = 4096;

/** A write that the log has no bits for. Whoever gives a queue its log checks first that it covers its memory. */
export class DirtyLogError extends Error {
  readonly code = 'dirty-log-too-short';
  readonly address: number;
  readonly length: number;

  constructor(address: number, length: number, pageCount: number) {
    super(`a write of ${length} bytes at ${address} is outside a dirty log of ${pageCount} pages`);
    this.name = 'DirtyLogError';
    this.address = address;
    this.length = length;
  }
}

export class DirtyLog {
  readonly pageCount: number;
  private readonly bits: Uint8Array;
  private marked = false;

  /** @throws RangeError if there is no bit in `bits`. */
  constructor(bits: Uint8Array) {
    if (bits.length === 0) throw new RangeError('a dirty log of 0 bytes');
    this.bits = bits;
    this.pageCount = 8 * bits.length;
  }

  /** True if every address below `endAddress` has its bit. */
  covers(endAddress: number): boolean {
    return endAddress <= this.pageCount * LOG_PAGE_SIZE;
  }

  /** Notes every page that the bytes touch. @throws DirtyLogError, nothing noted, if one of them has no bit. */
  mark(guestAddress: number, length: number): void {
    if (length === 0) return;
    const first = Math.floor(guestAddress / LOG_PAGE_SIZE);
    const last = Math.floor((guestAddress + length - 1) / LOG_PAGE_SIZE);
    if (!(first >= 0 && last >= first && last < this.pageCount))
      throw new DirtyLogError(guestAddress, length, this.pageCount);
    this.marked = true;
    // An atomic or even where the bit stands already: it is also the fence between the bytes and the peer's clearing.
    for (let page = first; page <= last; page++) Atomics.or(this.bits, Math.floor(page / 8), 1 << (page & 7));
  }

  /** True if something was noted since the last time this was asked: the peer may want to be told. */
  takeMarked(): boolean {
    const { marked } = this;
    this.marked = false;
    return marked;
  }
}
