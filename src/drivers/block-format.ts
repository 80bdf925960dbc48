/** Constants of the block device that its driver needs, spelled as in the specification [virtio-v1.2 §5.2]. */

/** Feature bit numbers. */
export const VIRTIO_BLK_F_SIZE_MAX = 1;
export const VIRTIO_BLK_F_SEG_MAX = 2;
export const VIRTIO_BLK_F_RO = 5;
export const VIRTIO_BLK_F_BLK_SIZE = 6;
export const VIRTIO_BLK_F_FLUSH = 9;
export const VIRTIO_BLK_F_MQ = 12;

/** Request types. */
export const VIRTIO_BLK_T_IN = 0;
export const VIRTIO_BLK_T_OUT = 1;
export const VIRTIO_BLK_T_FLUSH = 4;
export const VIRTIO_BLK_T_GET_ID = 8;

/** Statuses. */
export const VIRTIO_BLK_S_OK = 0;
export const VIRTIO_BLK_S_IOERR = 1;
export const VIRTIO_BLK_S_UNSUPP = 2;

/** Bytes of what GET_ID answers: text, ended by a NUL where it is shorter. */
export const VIRTIO_BLK_ID_BYTES = 20;

/** What capacities and positions are counted in, whatever the block size, bytes. */
export const SECTOR_SIZE = 512;
