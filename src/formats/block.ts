/**
 * The block device's constants and configuration space [virtio-v1.2 §5.2].
 *
 *     configuration space, bytes
 *       0 capacity (64 bits, sectors)   8 size_max   12 seg_max   16 geometry   20 blk_size   24 topology
 *       32 writeback (8 bits)   34 num_queues (16 bits)   36 max_discard_sectors   40 max_discard_seg
 *       44 discard_sector_alignment   48 max_write_zeroes_sectors   52 max_write_zeroes_seg
 *       56 write_zeroes_may_unmap (8 bits)
 *
 *     request: header, then data, then status; how they are cut into elements is the guest's
 *       +0 type (32 bits)   +8 sector (64 bits)
 */

/** Feature bit numbers. BARRIER is of legacy devices [virtio-v1.2 §5.2.3.1]. */
export const VIRTIO_BLK_F_BARRIER = 0;
export const VIRTIO_BLK_F_SIZE_MAX = 1;
export const VIRTIO_BLK_F_SEG_MAX = 2;
export const VIRTIO_BLK_F_RO = 5;
export const VIRTIO_BLK_F_BLK_SIZE = 6;
export const VIRTIO_BLK_F_FLUSH = 9;
export const VIRTIO_BLK_F_MQ = 12;
export const VIRTIO_BLK_F_WRITE_ZEROES = 14;

/** Request types. */
export const VIRTIO_BLK_T_IN = 0;
export const VIRTIO_BLK_T_OUT = 1;
export const VIRTIO_BLK_T_SCSI_CMD = 2;
export const VIRTIO_BLK_T_FLUSH = 4;
export const VIRTIO_BLK_T_GET_ID = 8;
export const VIRTIO_BLK_T_GET_LIFETIME = 10;
export const VIRTIO_BLK_T_DISCARD = 11;
export const VIRTIO_BLK_T_WRITE_ZEROES = 13;
/** A bit beside the type [legacy]: everything earlier is on disk before it. */
export const VIRTIO_BLK_T_BARRIER = 0x8000_0000;

/** Status bytes. */
export const VIRTIO_BLK_S_OK = 0;
export const VIRTIO_BLK_S_IOERR = 1;
export const VIRTIO_BLK_S_UNSUPP = 2;

/** Bytes of a request's header, of the answer to GET_ID, of one segment of WRITE_ZEROES. */
export const BLK_HEADER_SIZE = 16;
export const VIRTIO_BLK_ID_BYTES = 20;
export const BLK_SEGMENT_SIZE = 16;

/** The flag of a WRITE_ZEROES segment: the device may unmap it. */
export const VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP = 1;

/** Most sectors of one segment of WRITE_ZEROES, and most segments of one request [virtio-v1.4 §5.2.6.2]. */
export const WRITE_ZEROES_SECTORS_MAX = 32768;
export const WRITE_ZEROES_SEGMENTS_MAX = 16;

/** What capacities and positions are counted in, whatever the block size, bytes. */
export const SECTOR_SIZE = 512;

/** Places in the configuration space, bytes. */
export const BLK_CONFIG_CAPACITY = 0;
export const BLK_CONFIG_SIZE_MAX = 8;
export const BLK_CONFIG_SEG_MAX = 12;
export const BLK_CONFIG_BLK_SIZE = 20;
export const BLK_CONFIG_NUM_QUEUES = 34;
const BLK_CONFIG_WRITEBACK = 32;
const BLK_CONFIG_MAX_WRITE_ZEROES_SECTORS = 48;
const BLK_CONFIG_MAX_WRITE_ZEROES_SEG = 52;
const CONFIG_SIZE = 60;

/** What a device says of itself. */
export interface BlockConfigFields {
  capacitySectors: number;
  /** Largest element and most elements of a request's data; 0: not said. */
  sizeMax: number;
  segMax: number;
  blockSizeBytes: number;
  queueCount: number;
  writeZeroes: boolean;
}

export function blockConfig(config: BlockConfigFields): Uint8Array {
  const view = new DataView(new ArrayBuffer(CONFIG_SIZE));
  view.setBigUint64(BLK_CONFIG_CAPACITY, BigInt(config.capacitySectors), true);
  view.setUint32(BLK_CONFIG_SIZE_MAX, config.sizeMax, true);
  view.setUint32(BLK_CONFIG_SEG_MAX, config.segMax, true);
  view.setUint32(BLK_CONFIG_BLK_SIZE, config.blockSizeBytes, true);
  view.setUint8(BLK_CONFIG_WRITEBACK, 1);
  view.setUint16(BLK_CONFIG_NUM_QUEUES, config.queueCount, true);
  if (config.writeZeroes) {
    view.setUint32(BLK_CONFIG_MAX_WRITE_ZEROES_SECTORS, WRITE_ZEROES_SECTORS_MAX, true);
    view.setUint32(BLK_CONFIG_MAX_WRITE_ZEROES_SEG, WRITE_ZEROES_SEGMENTS_MAX, true);
  }
  return new Uint8Array(view.buffer);
}
