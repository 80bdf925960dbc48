/** Elements of a request as a vector for libc: by their addresses, in guest memory itself. It needs koffi. */
import type { ElementList } from '../host/element-list.ts';
import { libc } from '../native/libc.ts';
import { IO_VECTOR_MAX, IoVector } from '../native/vectored-io.ts';

export class ElementVector {
  readonly io = new IoVector();
  /** The region used last, and where it lies: most requests lie in one. Held, so that the address stays true. */
  private region: Uint8Array | null = null;
  private address = 0;

  /**
   * The vector's pieces: the next elements of the list, `length` bytes of them or as many as one call takes. Returns
   * how many bytes; the list stays where it is.
   */
  gather(list: ElementList, length: number): number {
    const { io } = this;
    io.reset();
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
      io.append(this.address, list.offsets[i]! + moved, part);
      moved = 0;
      left -= part;
    }
    if (left === length) throw new RangeError(`a list that ends ${left} bytes too early`);
    return io.sizeBytes;
  }
}
