/**
 * A disk in a file or on a block device, by a call for each element of a request: bytes go between the file and guest memory with no copy
 * between. Each call blocks its thread until the system answers, mostly out of its page cache; for more at once there
 * are more queues, each in its thread, each with its own disk over the same file. It locks nothing, for
 * that reason: who serves an image claims it once, by `lockImage`.
 */
import { closeSync, fdatasyncSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import type { ElementList } from '../host/element-list.ts';
import { sizeOfFile } from '../native/descriptors.ts';
import { type Disk, SECTOR_SIZE } from './disk.ts';

/** The most one call moves: Node takes lengths of 31 bits. */
const PIECE_MAX = 2 ** 30;

/** What is written where zeroes are asked for, in pieces of this size. */
export const ZEROES = new Uint8Array(2 ** 18);

export interface FileDiskOptions {
  path: string;
  /** Opened for reading alone. Default false. */
  readOnly?: boolean;
}

/** A file, or a block device, as a disk's. */
export interface Image {
  readonly descriptor: number;
  /** Whole sectors, of which there may be none, and what is left behind them. */
  readonly sizeBytes: number;
  readonly spareBytes: number;
}

/**
 * @throws what `open` throws; Error for what is no disk, or has 2^53 bytes or more; NativeUnavailable for a block device
 *   without libc
 */
export function openImage({ path, readOnly = false }: FileDiskOptions): Image {
  const descriptor = openSync(path, readOnly ? 'r' : 'r+');
  try {
    const stats = fstatSync(descriptor, { bigint: true });
    if (!stats.isFile() && !stats.isBlockDevice())
      throw new Error(`${path} is neither a regular file nor a block device`);
    const exactBytes = stats.isFile() ? stats.size : BigInt(sizeOfFile(descriptor));
    // A number does not tell all places behind from each other.
    if (exactBytes > BigInt(Number.MAX_SAFE_INTEGER))
      throw new Error(`${path} is too large a disk: it has ${exactBytes} bytes, 2^53 or more`);
    const allBytes = Number(exactBytes);
    const spareBytes = allBytes % SECTOR_SIZE;
    return { descriptor, sizeBytes: allBytes - spareBytes, spareBytes };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

export class FileDisk implements Disk {
  /** The file's or device's whole sectors; `spareBytes` behind them are out of reach. */
  readonly sizeBytes: number;
  readonly spareBytes: number;
  readonly readOnly: boolean;
  protected descriptor: number;

  /** @throws as `openImage` */
  constructor(options: FileDiskOptions) {
    const { descriptor, sizeBytes, spareBytes } = openImage(options);
    this.readOnly = options.readOnly ?? false;
    this.descriptor = descriptor;
    this.sizeBytes = sizeBytes;
    this.spareBytes = spareBytes;
  }

  read(into: ElementList, offsetBytes: number, lengthBytes: number): undefined {
    for (let done = 0; done < lengthBytes; ) {
      const wanted = pieceOf(into, lengthBytes - done);
      const count = readSync(
        this.descriptor,
        into.bytesOf(into.position),
        into.pieceOffset,
        wanted,
        offsetBytes + done,
      );
      if (count === 0) throw shortened(offsetBytes + done);
      into.skipWritten(count);
      done += count;
    }
  }

  write(from: ElementList, offsetBytes: number, lengthBytes: number): undefined {
    for (let done = 0; done < lengthBytes; ) {
      const wanted = pieceOf(from, lengthBytes - done);
      const count = writeSync(
        this.descriptor,
        from.bytesOf(from.position),
        from.pieceOffset,
        wanted,
        offsetBytes + done,
      );
      from.skip(count);
      done += count;
    }
  }

  writeZeroes(offsetBytes: number, lengthBytes: number): undefined {
    for (let done = 0; done < lengthBytes; ) {
      const wanted = Math.min(ZEROES.length, lengthBytes - done);
      done += writeSync(this.descriptor, ZEROES, 0, wanted, offsetBytes + done);
    }
  }

  flush(): undefined {
    fdatasyncSync(this.descriptor);
  }

  close(): void {
    if (this.descriptor < 0) return;
    closeSync(this.descriptor);
    this.descriptor = -1;
  }
}

/** How much of `length` one call can move at the list's position. */
function pieceOf(list: ElementList, length: number): number {
  const piece = Math.min(list.pieceLength, length, PIECE_MAX);
  if (piece === 0) throw new RangeError(`a list that ends ${length} bytes too early`);
  return piece;
}

/** The file has become shorter than the disk. */
export function shortened(offsetBytes: number): Error {
  return Object.assign(new Error(`EIO: the image ends before byte ${offsetBytes}, read`), {
    code: 'EIO',
    syscall: 'read',
  });
}
