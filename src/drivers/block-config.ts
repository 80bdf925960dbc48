/** A block device's configuration space, as its driver reads it [virtio-v1.2 §5.2.4]. */
import {
  BLK_CONFIG_BLK_SIZE,
  BLK_CONFIG_CAPACITY,
  BLK_CONFIG_NUM_QUEUES,
  BLK_CONFIG_SEG_MAX,
  BLK_CONFIG_SIZE_MAX,
  SECTOR_SIZE,
  VIRTIO_BLK_F_BARRIER,
  VIRTIO_BLK_F_BLK_SIZE,
  VIRTIO_BLK_F_FLUSH,
  VIRTIO_BLK_F_MQ,
  VIRTIO_BLK_F_RO,
  VIRTIO_BLK_F_SEG_MAX,
  VIRTIO_BLK_F_SIZE_MAX,
} from '../formats/block.ts';
import { hasFeature } from '../ring/feature-word.ts';

/** As much of the space as is looked at, bytes. */
export const BLOCK_CONFIG_SIZE = 36;

/** A block's size is a power of two up to this, bytes. */
const BLOCK_SIZE_MAX = 2 ** 20;

/** The longest element that a descriptor can describe, bytes. */
const UNBOUNDED = 0xffffffff;

/** What a driver needs to know of the disk. */
export interface BlockConfig {
  readonly capacitySectors: number;
  readonly sizeBytes: number;
  /** What requests should be multiples of, bytes. */
  readonly blockSizeBytes: number;
  readonly readOnly: boolean;
  /** The device takes FLUSH: completed writes may be in a cache until then. */
  readonly canFlush: boolean;
  /** The device takes writes as barriers: a legacy one. */
  readonly canBarrier: boolean;
  /** Longest element of data, bytes; and the most of them in a request. */
  readonly elementBytesMax: number;
  readonly elementsMax: number;
  /** Most data of one request, bytes. */
  readonly requestBytesMax: number;
  /** Queues that the device has. */
  readonly queues: number;
}

/** A configuration space that no device can mean. */
export class BlockConfigError extends Error {
  constructor(field: string, value: number | bigint) {
    super(`the block device's configuration makes no sense: ${field} ${value}`);
    this.name = 'BlockConfigError';
  }
}

/** @throws BlockConfigError */
export function readBlockConfig(config: Uint8Array, features: bigint): BlockConfig {
  const view = new DataView(config.buffer, config.byteOffset, config.byteLength);
  const has = (bit: number) => hasFeature(features, bit);
  const field32 = (bit: number, offset: number, absent: number) => {
    if (!has(bit)) return absent;
    if (offset + 4 > config.byteLength) throw new BlockConfigError('length', config.byteLength);
    return view.getUint32(offset, true);
  };
  if (config.byteLength < BLK_CONFIG_CAPACITY + 8) throw new BlockConfigError('length', config.byteLength);
  const capacity = view.getBigUint64(BLK_CONFIG_CAPACITY, true);
  if (capacity * BigInt(SECTOR_SIZE) > BigInt(Number.MAX_SAFE_INTEGER))
    throw new BlockConfigError('capacity', capacity);
  const blockSizeBytes = field32(VIRTIO_BLK_F_BLK_SIZE, BLK_CONFIG_BLK_SIZE, SECTOR_SIZE);
  if (blockSizeBytes < SECTOR_SIZE || blockSizeBytes > BLOCK_SIZE_MAX || (blockSizeBytes & (blockSizeBytes - 1)) !== 0)
    throw new BlockConfigError('blk_size', blockSizeBytes);
  // 0 from a device that offers the feature is no bound: qemu-storage-daemon does so, and takes any.
  const elementBytesMax = field32(VIRTIO_BLK_F_SIZE_MAX, BLK_CONFIG_SIZE_MAX, UNBOUNDED) || UNBOUNDED;
  if (elementBytesMax < SECTOR_SIZE) throw new BlockConfigError('size_max', elementBytesMax);
  const elementsMax = field32(VIRTIO_BLK_F_SEG_MAX, BLK_CONFIG_SEG_MAX, 1);
  if (elementsMax === 0) throw new BlockConfigError('seg_max', elementsMax);
  const several = has(VIRTIO_BLK_F_MQ) && config.byteLength >= BLK_CONFIG_NUM_QUEUES + 2;
  return {
    capacitySectors: Number(capacity),
    sizeBytes: Number(capacity) * SECTOR_SIZE,
    blockSizeBytes,
    readOnly: has(VIRTIO_BLK_F_RO),
    canFlush: has(VIRTIO_BLK_F_FLUSH),
    canBarrier: has(VIRTIO_BLK_F_BARRIER),
    elementBytesMax,
    elementsMax,
    requestBytesMax: elementBytesMax * elementsMax,
    queues: several ? Math.max(1, view.getUint16(BLK_CONFIG_NUM_QUEUES, true)) : 1,
  };
}
