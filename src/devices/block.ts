/**
 * The block device [virtio-v1.2 §5.2]: sectors of a `Disk`. On each queue's own thread; queues share nothing but the
 * disk. It offers no DISCARD and no CONFIG_WCE: a guest that acknowledges FLUSH decides by flushing what must last,
 * and for one that does not every write lasts before it is answered. What it does with a request is `BlockHandler`'s.
 */

import * as blk from '../formats/block.ts';
import { VIRTIO_ID_BLOCK } from '../formats/ids.ts';
import { featureWord, hasFeature } from '../ring/feature-word.ts';
import { BlockHandler } from './block-handler.ts';
import type { Device, DeviceQueue, QueueService } from './device.ts';
import { type Disk, SECTOR_SIZE } from './disk.ts';
import { RequestLoop } from './request-loop.ts';

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
    if (!Number.isSafeInteger(disk.sizeBytes) || disk.sizeBytes % SECTOR_SIZE !== 0)
      throw new RangeError(`a disk has whole sectors and less than 2^53 bytes, not ${disk.sizeBytes}`);
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
