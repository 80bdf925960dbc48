/**
 * The way of one request's data to or from a disk, piece by piece: a read, a write, or the segments of zeroes. On the
 * queue's own thread. What is to be moved was checked before.
 */
import { VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT, WRITE_ZEROES_SEGMENTS_MAX } from '../formats/block.ts';
import type { Request } from '../host/queue.ts';
import type { Disk } from './disk.ts';

export class BlockTransfer {
  /** VIRTIO_BLK_T_IN, _OUT or _WRITE_ZEROES. */
  type = VIRTIO_BLK_T_IN;
  /** The request's writable bytes, the status included. */
  room = 0;
  /** Bytes of all ranges. */
  totalBytes = 0;
  /** Bytes of the last step. */
  stepBytes = 0;
  /** By range: where it starts on the disk, and its length. */
  private readonly offsetsBytes = new Float64Array(WRITE_ZEROES_SEGMENTS_MAX);
  private readonly lengthsBytes = new Float64Array(WRITE_ZEROES_SEGMENTS_MAX);
  private count = 0;
  /** The range of the next step, and how much of it is done. */
  private range = 0;
  private doneBytes = 0;

  begin(type: number, room: number): void {
    this.type = type;
    this.room = room;
    this.totalBytes = 0;
    this.count = 0;
    this.range = 0;
    this.doneBytes = 0;
  }

  /** A further range; one of no bytes is none. */
  add(offsetBytes: number, lengthBytes: number): void {
    if (lengthBytes === 0) return;
    this.offsetsBytes[this.count] = offsetBytes;
    this.lengthsBytes[this.count] = lengthBytes;
    this.count++;
    this.totalBytes += lengthBytes;
  }

  get isDone(): boolean {
    return this.range === this.count;
  }

  /** Has the disk do the next `bytesMax` bytes, or what is left of a range. Only while it is not done. */
  step(disk: Disk, { readable, writable }: Request, bytesMax: number): undefined | Promise<void> {
    const offset = this.offsetsBytes[this.range]! + this.doneBytes;
    const left = this.lengthsBytes[this.range]! - this.doneBytes;
    const bytes = Math.min(left, bytesMax);
    this.stepBytes = bytes;
    this.doneBytes += bytes;
    if (bytes === left) {
      this.range++;
      this.doneBytes = 0;
    }
    if (this.type === VIRTIO_BLK_T_IN) return disk.read(writable, offset, bytes);
    if (this.type === VIRTIO_BLK_T_OUT) return disk.write(readable, offset, bytes);
    return disk.writeZeroes(offset, bytes);
  }
}
