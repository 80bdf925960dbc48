/**
 * A disk in a file whose requests take one call of libc each, however many elements they have: what `FileDisk` does
 * with a call an element. It costs the same for one element, and a seventh for eight. It needs koffi.
 */
import type { ElementList } from '../host/element-list.ts';
import { libc } from '../native/libc.ts';
import { IO_VECTOR_MAX, IoVector } from '../native/vectored-io.ts';
import { FileDisk, type FileDiskOptions, shortened } from './file-disk.ts';

export class VectoredDisk extends FileDisk {
  private readonly vector: IoVector;
  /** The region used last, and where it lies: most requests lie in one. Held, so that the address stays true. */
  private region: Uint8Array | null = null;
  private address = 0;

  /** @throws also NativeUnavailable */
  constructor(options: FileDiskOptions) {
    // First, so that no file is left open where it is missing.
    const vector = new IoVector();
    super(options);
    this.vector = vector;
  }

  override read(into: ElementList, offsetBytes: number, lengthBytes: number): undefined {
    for (let done = 0; done < lengthBytes; ) {
      const wanted = this.gather(into, lengthBytes - done);
      const count = this.vector.read(this.descriptor, offsetBytes + done);
      into.skipWritten(count);
      if (count < wanted) throw shortened(offsetBytes + done + count);
      done += count;
    }
  }

  override write(from: ElementList, offsetBytes: number, lengthBytes: number): undefined {
    for (let done = 0; done < lengthBytes; ) {
      this.gather(from, lengthBytes - done);
      const count = this.vector.write(this.descriptor, offsetBytes + done);
      from.skip(count);
      done += count;
    }
  }

  /** The vector's pieces: the next elements of the list, `length` bytes of them or as many as one call takes. */
  private gather(list: ElementList, length: number): number {
    const { vector } = this;
    vector.reset();
    let left = length;
    let moved = list.moved;
    const end = Math.min(list.count, list.position + IO_VECTOR_MAX);
    for (let i = list.position; i < end && left > 0; i++) {
      const part = Math.min(list.lengths[i]! - moved, left);
      const region = list.bytesOf(i);
      if (region !== this.region) {
        this.address = libc().addressOf(region);
        this.region = region;
      }
      vector.append(this.address, list.offsets[i]! + moved, part);
      moved = 0;
      left -= part;
    }
    if (left === length) throw new RangeError(`a list that ends ${left} bytes too early`);
    return vector.sizeBytes;
  }
}
