/**
 * What a block device keeps its sectors in. Data moves straight between the disk and the elements of a request, so
 * that a disk in a file needs no buffer of its own.
 */
import type { ElementList } from '../host/element-list.ts';

/** Disks are addressed in sectors of so many bytes, whatever their block size is [virtio-v1.2 §5.2.4]. */
export const SECTOR_SIZE = 512;

/**
 * Ranges lie within the disk and lists have as many bytes left as are asked for: that is the caller's to check. A disk
 * that answers with a promise works on several requests at once, and leaves the order among them open.
 * Whatever fails in the system is an Error with `syscall`, as Node's own.
 */
export interface Disk {
  /** A multiple of SECTOR_SIZE. */
  readonly sizeBytes: number;
  readonly readOnly: boolean;
  /**
   * The most bytes that it is asked for in one call; a longer request comes in pieces, one a turn of its queue. Infinity:
   * it answers what is longer by a promise, and blocks no thread for it. Default: PIECE_BYTES_MAX (`turn.ts`).
   */
  readonly pieceBytesMax?: number;
  /** Fills the next `lengthBytes` of `into` from the disk at `offsetBytes`; what was written is marked by `skipWritten`. */
  read(into: ElementList, offsetBytes: number, lengthBytes: number): undefined | Promise<void>;
  /** Writes the next `lengthBytes` of `from` to the disk at `offsetBytes`. */
  write(from: ElementList, offsetBytes: number, lengthBytes: number): undefined | Promise<void>;
  writeZeroes(offsetBytes: number, lengthBytes: number): undefined | Promise<void>;
  /** Returns when all that was written before will survive a loss of power. */
  flush(): undefined | Promise<void>;
  close(): void;
}
