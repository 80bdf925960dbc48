/**
 * The block device [virtio-v1.2 §5.2]: sectors of a `Disk`. On each queue's own thread; queues share nothing but the
 * disk. It offers no DISCARD and no CONFIG_WCE: a guest that acknowledges FLUSH decides by flushing what must last,
 * and for one that does not every write lasts before it is answered.
 *
 * A legacy guest's barriers are kept, if they are offered: what came before is on the medium, what comes after waits.
 *
 * Header, data and status may be cut anywhere. The header is the first 16 readable bytes, the status the last writable
 * one, and data is what lies between.
 */

import * as blk from '../formats/block.ts';
import { VIRTIO_ID_BLOCK } from '../formats/ids.ts';
import type { ElementList } from '../host/element-list.ts';
import type { Request } from '../host/queue.ts';
import { ADDRESS_HIGH_UNIT } from '../memory/region.ts';
import { featureWord, hasFeature } from '../ring/feature-word.ts';
import type { Device, DeviceQueue, QueueService } from './device.ts';
import { type Disk, SECTOR_SIZE } from './disk.ts';
import { LATER, NOT_NOW, type RequestHandler, RequestLoop } from './request-loop.ts';

/** Together with header and status they fill a queue of 128, which is what most guests have at least. */
const SEG_MAX_DEFAULT = 126;
const QUEUES_MAX = 1024;

export interface BlockDeviceOptions {
  /** Closed with the device. */
  disk: Disk;
  /** Request queues; more than one with MQ. Default 1. */
  queues?: number;
  /** What GET_ID answers, 20 bytes of ASCII at most. */
  serial?: string;
  /** Most elements of a request's data, as the guest is told. Default 126. */
  segMax?: number;
  /** Largest element, bytes, as the guest is told. Default: not said. */
  sizeMax?: number;
  /** Requests may be barriers, as those of legacy guests. Default false: such a type is not supported. */
  barriers?: boolean;
  /** Told of a write past the end, before it is answered with an error; what it throws, `serve` throws. */
  onWritePastEnd?: (offsetBytes: number, lengthBytes: number) => void;
  /** Told of a request of a type that there is none of, before it is answered so. */
  onUnsupported?: (type: number) => void;
}

export class BlockDevice implements Device {
  readonly id = VIRTIO_ID_BLOCK;
  readonly name = 'block';
  readonly features: bigint;
  readonly queueCount: number;
  readonly config: Uint8Array;
  private readonly disk: Disk;
  /** Padded with zeroes, as GET_ID answers it. */
  private readonly serial = new Uint8Array(blk.VIRTIO_BLK_ID_BYTES);
  private readonly barriers: boolean;
  private readonly onWritePastEnd: NonNullable<BlockDeviceOptions['onWritePastEnd']>;
  private readonly onUnsupported: NonNullable<BlockDeviceOptions['onUnsupported']>;
  private writeThrough = true;

  /** @throws RangeError */
  constructor(options: BlockDeviceOptions) {
    const { disk, queues = 1, serial = 'vringbench', segMax = SEG_MAX_DEFAULT, sizeMax = 0 } = options;
    if (!Number.isInteger(queues) || queues < 1 || queues > QUEUES_MAX)
      throw new RangeError(`a block device has 1 to ${QUEUES_MAX} queues, not ${queues}`);
    const serialBytes = new TextEncoder().encode(serial);
    if (serialBytes.length > blk.VIRTIO_BLK_ID_BYTES)
      throw new RangeError(`a disk's serial has ${blk.VIRTIO_BLK_ID_BYTES} bytes at most, not ${serialBytes.length}`);
    this.serial.set(serialBytes);
    this.disk = disk;
    this.barriers = options.barriers ?? false;
    this.onWritePastEnd = options.onWritePastEnd ?? (() => {});
    this.onUnsupported = options.onUnsupported ?? (() => {});
    this.queueCount = queues;
    const writeZeroes = !disk.readOnly;
    this.features = featureWord(
      blk.VIRTIO_BLK_F_SEG_MAX,
      blk.VIRTIO_BLK_F_BLK_SIZE,
      blk.VIRTIO_BLK_F_FLUSH,
      ...(this.barriers ? [blk.VIRTIO_BLK_F_BARRIER] : []),
      ...(sizeMax > 0 ? [blk.VIRTIO_BLK_F_SIZE_MAX] : []),
      ...(queues > 1 ? [blk.VIRTIO_BLK_F_MQ] : []),
      disk.readOnly ? blk.VIRTIO_BLK_F_RO : blk.VIRTIO_BLK_F_WRITE_ZEROES,
    );
    this.config = blk.blockConfig({
      capacitySectors: disk.sizeBytes / SECTOR_SIZE,
      sizeMax,
      segMax,
      blockSizeBytes: SECTOR_SIZE,
      queueCount: queues,
      writeZeroes,
    });
  }

  acknowledge(features: bigint): void {
    this.writeThrough = !hasFeature(features, blk.VIRTIO_BLK_F_FLUSH);
  }

  writeConfig(): boolean {
    return false;
  }

  start(index: number, queue: DeviceQueue): QueueService {
    if (index >= this.queueCount) throw new RangeError(`a block device of ${this.queueCount} queues has no ${index}`);
    const { disk, serial, writeThrough, barriers, onWritePastEnd, onUnsupported } = this;
    const handler = new BlockHandler({
      ...{ disk, serial, writeThrough, barriers, onWritePastEnd, onUnsupported },
      wake: queue.wake,
      finish: (request, written) => loop.finish(request, written),
    });
    const loop = new RequestLoop(queue, handler);
    return loop;
  }

  close(): void {
    this.disk.close();
  }
}

interface BlockHandlerOptions {
  disk: Disk;
  serial: Uint8Array;
  writeThrough: boolean;
  barriers: boolean;
  onWritePastEnd: (offsetBytes: number, lengthBytes: number) => void;
  onUnsupported: (type: number) => void;
  wake: () => void;
  finish: (request: Request, written: number) => void;
}

class BlockHandler implements RequestHandler {
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
  private readonly header = new Uint8Array(blk.BLK_HEADER_SIZE);
  private readonly headerWords = new Uint32Array(this.header.buffer);
  private readonly segments = new Uint8Array(blk.BLK_SEGMENT_SIZE * blk.WRITE_ZEROES_SEGMENTS_MAX);
  private readonly segmentWords = new Uint32Array(this.segments.buffer);
  private readonly status = new Uint8Array(1);
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
  }

  serve(request: Request): number {
    if (this.fence !== null) return NOT_NOW;
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
      ? this.barrier(request, room, action, sector, sentBytes)
      : this.act(request, room, action, sector, sentBytes);
  }

  private checkEnd(sector: number, lengthBytes: number): void {
    const offsetBytes = sector * SECTOR_SIZE;
    if (offsetBytes + lengthBytes > this.disk.sizeBytes) this.onWritePastEnd(offsetBytes, lengthBytes);
  }

  private act(request: Request, room: number, type: number, sector: number, sentBytes: number): number {
    switch (type) {
      case blk.VIRTIO_BLK_T_IN:
        return this.read(request, room, sector, room - 1);
      case blk.VIRTIO_BLK_T_OUT:
        return this.write(request, room, sector, sentBytes);
      case blk.VIRTIO_BLK_T_FLUSH:
        return this.flush(request, room);
      case blk.VIRTIO_BLK_T_GET_ID:
        return this.getId(request.writable, room);
      case blk.VIRTIO_BLK_T_WRITE_ZEROES:
        return this.writeZeroes(request, room, sentBytes);
      default:
        this.onUnsupported(type);
        return this.answer(request.writable, room, blk.VIRTIO_BLK_S_UNSUPP, 0);
    }
  }

  /** What came before goes to the medium, then this request is served, then what came after. */
  private barrier(request: Request, room: number, type: number, sector: number, sentBytes: number): number {
    let flushing: undefined | Promise<void>;
    try {
      flushing = this.disk.flush();
    } catch (error) {
      return this.failed(error, request.writable, room);
    }
    if (flushing === undefined) return this.act(request, room, type, sector, sentBytes);
    this.fence = request;
    flushing.then(
      () => {
        const written = this.act(request, room, type, sector, sentBytes);
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

  private read(request: Request, room: number, sector: number, lengthBytes: number): number {
    if (!this.within(sector, lengthBytes)) return this.answer(request.writable, room, blk.VIRTIO_BLK_S_IOERR, 0);
    try {
      const pending = this.disk.read(request.writable, sector * SECTOR_SIZE, lengthBytes);
      if (pending !== undefined) return this.later(pending, request, room, lengthBytes, lengthBytes);
    } catch (error) {
      return this.failed(error, request.writable, room);
    }
    this.bytes += lengthBytes;
    return this.answer(request.writable, room, blk.VIRTIO_BLK_S_OK, lengthBytes);
  }

  private write(request: Request, room: number, sector: number, lengthBytes: number): number {
    if (this.disk.readOnly || !this.within(sector, lengthBytes))
      return this.answer(request.writable, room, blk.VIRTIO_BLK_S_IOERR, 0);
    try {
      const pending = this.disk.write(request.readable, sector * SECTOR_SIZE, lengthBytes);
      if (pending !== undefined) return this.later(this.lasting(pending), request, room, 0, lengthBytes);
      const flushing = this.writeThrough ? this.disk.flush() : undefined;
      if (flushing !== undefined) return this.later(flushing, request, room, 0, lengthBytes);
    } catch (error) {
      return this.failed(error, request.writable, room);
    }
    this.bytes += lengthBytes;
    return this.answer(request.writable, room, blk.VIRTIO_BLK_S_OK, 0);
  }

  private flush(request: Request, room: number): number {
    try {
      const pending = this.disk.flush();
      if (pending !== undefined) return this.later(pending, request, room, 0, 0);
    } catch (error) {
      return this.failed(error, request.writable, room);
    }
    return this.answer(request.writable, room, blk.VIRTIO_BLK_S_OK, 0);
  }

  private getId(writable: ElementList, room: number): number {
    const length = Math.min(room - 1, blk.VIRTIO_BLK_ID_BYTES);
    writable.push(this.serial, 0, length);
    return this.answer(writable, room, blk.VIRTIO_BLK_S_OK, length);
  }

  /** All segments are checked before the first is written. */
  private writeZeroes(request: Request, room: number, sentBytes: number): number {
    const { segmentWords } = this;
    const count = sentBytes / blk.BLK_SEGMENT_SIZE;
    if (this.disk.readOnly || !Number.isInteger(count) || count < 1 || count > blk.WRITE_ZEROES_SEGMENTS_MAX)
      return this.answer(request.writable, room, blk.VIRTIO_BLK_S_IOERR, 0);
    request.readable.pull(this.segments, 0, sentBytes);
    let sectors = 0;
    for (let word = 0; word < 4 * count; word += 4) {
      if ((segmentWords[word + 3]! & ~blk.VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP) !== 0)
        return this.answer(request.writable, room, blk.VIRTIO_BLK_S_UNSUPP, 0);
      sectors += segmentWords[word + 2]!;
      const sector = segmentWords[word + 1]! * ADDRESS_HIGH_UNIT + segmentWords[word]!;
      if (sectors > blk.WRITE_ZEROES_SECTORS_MAX || !this.within(sector, segmentWords[word + 2]! * SECTOR_SIZE))
        return this.answer(request.writable, room, blk.VIRTIO_BLK_S_IOERR, 0);
    }
    try {
      const pending: Promise<void>[] = [];
      for (let word = 0; word < 4 * count; word += 4) {
        const sector = segmentWords[word + 1]! * ADDRESS_HIGH_UNIT + segmentWords[word]!;
        const one = this.disk.writeZeroes(sector * SECTOR_SIZE, segmentWords[word + 2]! * SECTOR_SIZE);
        if (one !== undefined) pending.push(one);
      }
      if (pending.length > 0) return this.later(this.lasting(Promise.all(pending)), request, room, 0, 0);
      const flushing = this.writeThrough ? this.disk.flush() : undefined;
      if (flushing !== undefined) return this.later(flushing, request, room, 0, 0);
    } catch (error) {
      return this.failed(error, request.writable, room);
    }
    return this.answer(request.writable, room, blk.VIRTIO_BLK_S_OK, 0);
  }

  /** Whole sectors, none of them past the end. */
  private within(sector: number, lengthBytes: number): boolean {
    const count = lengthBytes / SECTOR_SIZE;
    return Number.isInteger(count) && sector <= this.capacitySectors - count;
  }

  /** What a write still needs, for a guest that does not flush. */
  private async lasting(written: Promise<unknown>): Promise<void> {
    await written;
    if (this.writeThrough) await this.disk.flush();
  }

  /** The disk answers later: with `writtenBytes` in the request, and `movedBytes` of data moved. */
  private later(
    pending: Promise<void>,
    request: Request,
    room: number,
    writtenBytes: number,
    movedBytes: number,
  ): typeof LATER {
    pending.then(
      () => {
        this.bytes += movedBytes;
        this.done(request, this.answer(request.writable, room, blk.VIRTIO_BLK_S_OK, writtenBytes));
      },
      (error: unknown) => this.done(request, this.failed(error, request.writable, room)),
    );
    return LATER;
  }

  private failed(error: unknown, writable: ElementList, room: number): number {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    return this.answer(writable, room, blk.VIRTIO_BLK_S_IOERR, 0);
  }

  /** Writes the status. Returns what is to be said as written: it and the data before it. */
  private answer(writable: ElementList, room: number, status: number, dataBytes: number): number {
    if (status !== blk.VIRTIO_BLK_S_OK) this.failures++;
    writable.rewind();
    writable.skip(room - 1);
    this.status[0] = status;
    writable.push(this.status, 0, 1);
    return dataBytes + 1;
  }
}
