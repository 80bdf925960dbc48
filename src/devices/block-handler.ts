/**
 * What a block device does with the requests of one queue. On the queue's own thread.
 *
 * Header, data and status may be cut anywhere. The header is the first 16 readable bytes, the status the last writable
 * one, and data is what lies between. The used length counts the bytes written from the first writable one on
 * [virtio-v1.4 §2.7.8.2]: a request that fails has a status and, where data was to come before it, a used length of 0.
 *
 * A disk that works in this thread is given no more than a piece of a request at a time, and a longer request is served
 * in several turns. Where service ends between two of them, the request begins anew with the next service: no sector
 * and no byte of the guest's is then other than it would have been.
 *
 * A legacy guest's barriers are kept, if they are offered: what came before is on the medium, what comes after waits.
 */

import * as blk from '../formats/block.ts';
import type { ElementList } from '../host/element-list.ts';
import type { Request } from '../host/queue.ts';
import { ADDRESS_HIGH_UNIT } from '../memory/region.ts';
import { BlockTransfer } from './block-transfer.ts';
import { type Disk, SECTOR_SIZE } from './disk.ts';
import { nextRound } from './in-service.ts';
import { LATER, MORE, NOT_NOW, type RequestHandler } from './request-loop.ts';
import { PIECE_BYTES_MAX, type Turn } from './turn.ts';

export interface BlockHandlerOptions {
  disk: Disk;
  serial: Uint8Array;
  writeThrough: boolean;
  barriers: boolean;
  onWritePastEnd: (offsetBytes: number, lengthBytes: number) => void;
  onUnsupported: (type: number) => void;
  wake: () => void;
  finish: (request: Request, written: number) => void;
}

export class BlockHandler implements RequestHandler {
  failures = 0;
  bytes = 0;
  private readonly disk: Disk;
  private readonly serial: Uint8Array;
  private readonly writeThrough: boolean;
  private readonly barriers: boolean;
  private readonly onWritePastEnd: (offsetBytes: number, lengthBytes: number) => void;
  private readonly onUnsupported: (type: number) => void;
  private readonly wake: () => void;
  private readonly finish: (request: Request, written: number) => void;
  private readonly capacitySectors: number;
  /** The most that the disk is asked for in one call, bytes. */
  private readonly pieceBytesMax: number;
  private readonly header = new Uint8Array(blk.BLK_HEADER_SIZE);
  private readonly headerWords = new Uint32Array(this.header.buffer);
  private readonly segments = new Uint8Array(blk.BLK_SEGMENT_SIZE * blk.WRITE_ZEROES_SEGMENTS_MAX);
  private readonly segmentWords = new Uint32Array(this.segments.buffer);
  private readonly status = new Uint8Array(1);
  /** Of the request at hand, or free for the next one. */
  private transfer = new BlockTransfer();
  /** The request at hand is begun, and goes on at the next turn. */
  private isUnderWay = false;
  /** Transfers that are done, to be used again. */
  private readonly spare: BlockTransfer[] = [];
  /** The barrier under way: what comes after it stays in the ring. */
  private fence: Request | null = null;

  constructor(options: BlockHandlerOptions) {
    this.disk = options.disk;
    this.serial = options.serial;
    this.writeThrough = options.writeThrough;
    this.barriers = options.barriers;
    this.onWritePastEnd = options.onWritePastEnd;
    this.onUnsupported = options.onUnsupported;
    this.wake = options.wake;
    this.finish = options.finish;
    this.capacitySectors = options.disk.sizeBytes / SECTOR_SIZE;
    this.pieceBytesMax = options.disk.pieceBytesMax ?? PIECE_BYTES_MAX;
  }

  serve(request: Request, turn: Turn): number {
    if (this.fence !== null) return NOT_NOW;
    if (this.isUnderWay) return this.goOn(request, turn);
    const { readable, writable } = request;
    const room = writable.totalBytes();
    if (room === 0) {
      // Not even a place for the status.
      this.failures++;
      return 0;
    }
    const sentBytes = readable.totalBytes() - blk.BLK_HEADER_SIZE;
    if (sentBytes < 0) return this.answer(writable, room, blk.VIRTIO_BLK_S_IOERR, 0);
    readable.pull(this.header, 0, blk.BLK_HEADER_SIZE);
    const type = this.headerWords[0]!;
    const sector = this.headerWords[3]! * ADDRESS_HIGH_UNIT + this.headerWords[2]!;
    const isBarrier = this.barriers && type >= blk.VIRTIO_BLK_T_BARRIER;
    const action = isBarrier ? type - blk.VIRTIO_BLK_T_BARRIER : type;
    if (action === blk.VIRTIO_BLK_T_OUT && !this.disk.readOnly) this.checkEnd(sector, sentBytes);
    return isBarrier
      ? this.barrier(request, room, action, sector, sentBytes, turn)
      : this.act(request, room, action, sector, sentBytes, turn);
  }

  private checkEnd(sector: number, lengthBytes: number): void {
    const offsetBytes = sector * SECTOR_SIZE;
    if (offsetBytes + lengthBytes > this.disk.sizeBytes) this.onWritePastEnd(offsetBytes, lengthBytes);
  }

  private act(request: Request, room: number, type: number, sector: number, sentBytes: number, turn: Turn): number {
    switch (type) {
      case blk.VIRTIO_BLK_T_IN:
        if (!this.within(sector, room - 1)) return this.answer(request.writable, room, blk.VIRTIO_BLK_S_IOERR, 0);
        return this.begin(request, room, type, sector, room - 1, turn);
      case blk.VIRTIO_BLK_T_OUT:
        if (this.disk.readOnly || !this.within(sector, sentBytes))
          return this.answer(request.writable, room, blk.VIRTIO_BLK_S_IOERR, 0);
        return this.begin(request, room, type, sector, sentBytes, turn);
      case blk.VIRTIO_BLK_T_FLUSH:
        return this.flush(request, room, 0);
      case blk.VIRTIO_BLK_T_GET_ID:
        return this.getId(request.writable, room);
      case blk.VIRTIO_BLK_T_WRITE_ZEROES:
        return this.writeZeroes(request, room, sentBytes, turn);
      default:
        this.onUnsupported(type);
        return this.answer(request.writable, room, blk.VIRTIO_BLK_S_UNSUPP, 0);
    }
  }

  /** What came before goes to the medium, then this request is served, then what came after. */
  private barrier(request: Request, room: number, type: number, sector: number, sentBytes: number, turn: Turn): number {
    let flushing: undefined | Promise<void>;
    try {
      flushing = this.disk.flush();
    } catch (error) {
      return this.failed(error, request.writable, room);
    }
    if (flushing === undefined) return this.act(request, room, type, sector, sentBytes, turn);
    this.fence = request;
    flushing.then(
      async () => {
        let written = this.act(request, room, type, sector, sentBytes, turn);
        // Nothing else is served meanwhile: the transfer stays this request's.
        for (; written === MORE; written = this.goOn(request, turn)) await nextRound();
        if (written !== LATER) this.done(request, written);
      },
      (error: unknown) => this.done(request, this.failed(error, request.writable, room)),
    );
    return LATER;
  }

  /** Gives back a request that was answered LATER. */
  private done(request: Request, written: number): void {
    if (request === this.fence) {
      this.fence = null;
      this.wake();
    }
    this.finish(request, written);
  }

  /** A read or a write. */
  private begin(request: Request, room: number, type: number, sector: number, lengthBytes: number, turn: Turn): number {
    this.transfer.begin(type, room);
    this.transfer.add(sector * SECTOR_SIZE, lengthBytes);
    return this.goOn(request, turn);
  }

  /** As much of the request at hand as a turn allows. */
  private goOn(request: Request, turn: Turn): number {
    const { transfer, disk } = this;
    this.isUnderWay = false;
    try {
      for (let left = this.pieceBytesMax; !transfer.isDone; left -= transfer.stepBytes) {
        if (left === 0) {
          this.isUnderWay = true;
          return MORE;
        }
        const pending = transfer.step(disk, request, left);
        if (pending !== undefined) return this.goOnLater(request, pending);
        turn.spend(transfer.stepBytes);
      }
    } catch (error) {
      return this.failed(error, request.writable, transfer.room);
    }
    return this.moved(request, transfer);
  }

  /** The disk answers later. */
  private goOnLater(request: Request, pending: Promise<void>): typeof LATER {
    const { transfer } = this;
    this.transfer = this.spare.pop() ?? new BlockTransfer();
    const end = (written: number) => {
      this.spare.push(transfer);
      this.done(request, written);
    };
    const moving = transfer.isDone ? pending : this.rest(request, transfer, pending);
    moving.then(
      () => {
        const written = this.moved(request, transfer);
        if (written !== LATER) end(written);
        else this.spare.push(transfer);
      },
      (error: unknown) => end(this.failed(error, request.writable, transfer.room)),
    );
    return LATER;
  }

  /** What is left of a transfer whose disk answers later, its next step under way. */
  private async rest(request: Request, transfer: BlockTransfer, pending: Promise<void>): Promise<void> {
    await pending;
    while (!transfer.isDone) await (transfer.step(this.disk, request, this.pieceBytesMax) ?? nextRound());
  }

  /** All data is moved. What a guest writes that does not flush must last before it is answered. */
  private moved(request: Request, { type, room, totalBytes }: BlockTransfer): number {
    const isData = type !== blk.VIRTIO_BLK_T_WRITE_ZEROES;
    if (type === blk.VIRTIO_BLK_T_IN || !this.writeThrough) {
      if (isData) this.bytes += totalBytes;
      return this.answer(request.writable, room, blk.VIRTIO_BLK_S_OK, type === blk.VIRTIO_BLK_T_IN ? totalBytes : 0);
    }
    return this.flush(request, room, isData ? totalBytes : 0);
  }

  /** What was written before, `movedBytes` of it by this request, will last. */
  private flush(request: Request, room: number, movedBytes: number): number {
    const { writable } = request;
    try {
      const pending = this.disk.flush();
      if (pending !== undefined) {
        pending.then(
          () => {
            this.bytes += movedBytes;
            this.done(request, this.answer(writable, room, blk.VIRTIO_BLK_S_OK, 0));
          },
          (error: unknown) => this.done(request, this.failed(error, writable, room)),
        );
        return LATER;
      }
    } catch (error) {
      return this.failed(error, writable, room);
    }
    this.bytes += movedBytes;
    return this.answer(writable, room, blk.VIRTIO_BLK_S_OK, 0);
  }

  private getId(writable: ElementList, room: number): number {
    const length = Math.min(room - 1, blk.VIRTIO_BLK_ID_BYTES);
    writable.push(this.serial, 0, length);
    return this.answer(writable, room, blk.VIRTIO_BLK_S_OK, length);
  }

  /** All segments are checked before the first is written. The limit of sectors is that of one [§5.2.4]. */
  private writeZeroes(request: Request, room: number, sentBytes: number, turn: Turn): number {
    const { segmentWords, transfer } = this;
    const count = sentBytes / blk.BLK_SEGMENT_SIZE;
    if (this.disk.readOnly || !Number.isInteger(count) || count < 1 || count > blk.WRITE_ZEROES_SEGMENTS_MAX)
      return this.answer(request.writable, room, blk.VIRTIO_BLK_S_IOERR, 0);
    request.readable.pull(this.segments, 0, sentBytes);
    transfer.begin(blk.VIRTIO_BLK_T_WRITE_ZEROES, room);
    for (let word = 0; word < 4 * count; word += 4) {
      if ((segmentWords[word + 3]! & ~blk.VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP) !== 0)
        return this.answer(request.writable, room, blk.VIRTIO_BLK_S_UNSUPP, 0);
      const sectors = segmentWords[word + 2]!;
      const sector = segmentWords[word + 1]! * ADDRESS_HIGH_UNIT + segmentWords[word]!;
      if (sectors > blk.WRITE_ZEROES_SECTORS_MAX || !this.within(sector, sectors * SECTOR_SIZE))
        return this.answer(request.writable, room, blk.VIRTIO_BLK_S_IOERR, 0);
      transfer.add(sector * SECTOR_SIZE, sectors * SECTOR_SIZE);
    }
    return this.goOn(request, turn);
  }

  /** Whole sectors, none of them past the end. */
  private within(sector: number, lengthBytes: number): boolean {
    const count = lengthBytes / SECTOR_SIZE;
    return Number.isInteger(count) && sector <= this.capacitySectors - count;
  }

  private failed(error: unknown, writable: ElementList, room: number): number {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    return this.answer(writable, room, blk.VIRTIO_BLK_S_IOERR, 0);
  }

  /** Writes the status. Returns the used length, with `dataBytes` written from the first writable byte on. */
  private answer(writable: ElementList, room: number, status: number, dataBytes: number): number {
    if (status !== blk.VIRTIO_BLK_S_OK) this.failures++;
    writable.rewind();
    writable.skip(room - 1);
    this.status[0] = status;
    writable.push(this.status, 0, 1);
    // A status behind bytes that were not written does not count.
    return dataBytes === room - 1 ? room : dataBytes;
  }
}
