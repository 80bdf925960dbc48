/**
 * A disk in a file whose requests take one call of libc each, however many elements they have: what `FileDisk` does
 * with a call an element. It costs the same for one element, and a seventh for eight. It needs koffi.
 */
import type { ElementList } from '../host/element-list.ts';
import { ElementVector } from './element-vector.ts';
import { FileDisk, type FileDiskOptions, shortened } from './file-disk.ts';

export class VectoredDisk extends FileDisk {
  private readonly vector: ElementVector;

  /** @throws also NativeUnavailable */
  constructor(options: FileDiskOptions) {
    // First, so that no file is left open where it is missing.
    const vector = new ElementVector();
    super(options);
    this.vector = vector;
  }

  override read(into: ElementList, offsetBytes: number, lengthBytes: number): undefined {
    for (let done = 0; done < lengthBytes; ) {
      const wanted = this.vector.gather(into, lengthBytes - done);
      const count = this.vector.io.read(this.descriptor, offsetBytes + done);
      into.skipWritten(count);
      if (count < wanted) throw shortened(offsetBytes + done + count);
      done += count;
    }
  }

  override write(from: ElementList, offsetBytes: number, lengthBytes: number): undefined {
    for (let done = 0; done < lengthBytes; ) {
      this.vector.gather(from, lengthBytes - done);
      const count = this.vector.io.write(this.descriptor, offsetBytes + done);
      from.skip(count);
      done += count;
    }
  }
}
