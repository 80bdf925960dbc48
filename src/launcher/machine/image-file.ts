/**
 * Bytes of an image: a file, or whatever a test puts in its place. Launcher's main thread.
 *
 * Reads are whole or an error, and never reach outside what the image had when it was opened: a file that was cut since
 * ends in an error too.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { LauncherError } from '../errors.ts';

/** The most one call reads: Node takes lengths of 31 bits. */
const PIECE_MAX = 2 ** 30;

export interface Image {
  /** For messages. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Fills `target` from `offset` on. @throws LauncherError `image-truncated` if the image ends before. */
  read(offset: number, target: Uint8Array): void;
}

/** `what` is being read, for the message. @throws LauncherError `image-truncated` */
export function readBytes(image: Image, what: string, offset: number, sizeBytes: number): Uint8Array<ArrayBuffer> {
  checkInside(image, what, offset, sizeBytes);
  const bytes = new Uint8Array(sizeBytes);
  image.read(offset, bytes);
  return bytes;
}

/** @throws LauncherError `image-truncated` unless the image holds these bytes. */
export function checkInside(image: Image, what: string, offset: number, sizeBytes: number): void {
  if (offset < 0 || offset > image.sizeBytes || sizeBytes > image.sizeBytes - offset)
    throw new LauncherError(
      'image-truncated',
      offset,
      ` ${what}: ${sizeBytes} bytes at ${offset} of ${image.name}, which has ${image.sizeBytes}`,
    );
}

/** An image in memory. */
export class BytesImage implements Image {
  readonly name: string;
  private readonly bytes: Uint8Array;

  constructor(name: string, bytes: Uint8Array) {
    this.name = name;
    this.bytes = bytes;
  }

  get sizeBytes(): number {
    return this.bytes.length;
  }

  read(offset: number, target: Uint8Array): void {
    checkInside(this, 'image', offset, target.length);
    target.set(this.bytes.subarray(offset, offset + target.length));
  }
}

/** An image in a regular file; `close` it. */
export class ImageFile implements Image {
  readonly name: string;
  readonly sizeBytes: number;
  private readonly descriptor: number;

  /** @throws LauncherError `image-unreadable` for what cannot be opened or is no regular file. */
  constructor(path: string) {
    this.name = path;
    // A FIFO without a writer must not hold the launcher up.
    this.descriptor = attempt(path, () => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
    try {
      const stats = fstatSync(this.descriptor);
      if (!stats.isFile()) throw new LauncherError('image-unreadable', null, ` ${path}: it is no regular file`);
      this.sizeBytes = stats.size;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  read(offset: number, target: Uint8Array): void {
    checkInside(this, 'image', offset, target.length);
    for (let done = 0; done < target.length; ) {
      const wanted = Math.min(target.length - done, PIECE_MAX);
      const count = attempt(this.name, () => readSync(this.descriptor, target, done, wanted, offset + done));
      if (count === 0)
        throw new LauncherError('image-truncated', offset + done, ` ${this.name}: it ended at ${offset + done}`);
      done += count;
    }
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

/** A system call; its error becomes one of the launcher's. */
function attempt<T>(path: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw new LauncherError('image-unreadable', null, ` ${path}: ${error instanceof Error ? error.message : error}`);
  }
}
