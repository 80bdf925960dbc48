/** For tests: a disk in an array, answering at once or later, and failing when it is told to. */
import type { ElementList } from '../host/element-list.ts';
import type { Disk } from './disk.ts';

export class ArrayDisk implements Disk {
  readonly sizeBytes: number;
  readonly bytes: Uint8Array;
  readonly readOnly: boolean;
  flushes = 0;
  /** Bytes of each read, write, and range of zeroes, as they were asked for. */
  readonly moved: number[] = [];
  closed = false;
  /** What the next access fails with. */
  failure: Error | null = null;
  /** With `later`: what waits to be done, in the order it was asked for. */
  readonly waiting: (() => void)[] = [];
  private readonly later: boolean;

  constructor({ sectors = 64, readOnly = false, later = false } = {}) {
    this.sizeBytes = 512 * sectors;
    this.bytes = new Uint8Array(this.sizeBytes);
    this.readOnly = readOnly;
    this.later = later;
  }

  read(into: ElementList, offsetBytes: number, lengthBytes: number): undefined | Promise<void> {
    this.moved.push(lengthBytes);
    return this.answer(() => {
      into.push(this.bytes, offsetBytes, lengthBytes);
    });
  }

  write(from: ElementList, offsetBytes: number, lengthBytes: number): undefined | Promise<void> {
    this.moved.push(lengthBytes);
    return this.answer(() => {
      from.pull(this.bytes, offsetBytes, lengthBytes);
    });
  }

  writeZeroes(offsetBytes: number, lengthBytes: number): undefined | Promise<void> {
    this.moved.push(lengthBytes);
    return this.answer(() => {
      this.bytes.fill(0, offsetBytes, offsetBytes + lengthBytes);
    });
  }

  flush(): undefined | Promise<void> {
    return this.answer(() => {
      this.flushes++;
    });
  }

  close(): void {
    this.closed = true;
  }

  private answer(work: () => void): undefined | Promise<void> {
    const { failure } = this;
    this.failure = null;
    if (!this.later) {
      if (failure !== null) throw failure;
      work();
      return;
    }
    return new Promise((resolve, reject) => {
      this.waiting.push(() => {
        if (failure !== null) reject(failure);
        else {
          work();
          resolve();
        }
      });
    });
  }
}

/** As the system fails. */
export const systemFailure = (code = 'EIO') => Object.assign(new Error(`${code}: planted`), { code, syscall: 'read' });
