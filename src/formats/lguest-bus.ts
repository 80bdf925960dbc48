/**
 * The launcher's bus: one page of guest memory that describes all devices. The machine writes it, guests read it.
 *
 *     device page: descriptors one behind the other, unaligned; a type of 0 or the end of the page ends them
 *       +0 type (8 bits, virtio device number)   +1 config_len (8 bits, bytes of all its fields)
 *       +2 status (8 bits, the guest's to write)   +3 fields
 *
 *     field
 *       +0 type (8 bits)   +1 length (8 bits, of its value)   +2 value
 *
 *     value of a VIRTQUEUE field: 8 bytes; queues are numbered in the order of their fields
 *       +0 num (16 bits, descriptors)   +2 irq (16 bits, from 1)   +4 pfn (32 bits, page number of the ring)
 *
 *     value of a DEVICE field: 8 bytes
 *       +0 feature bits offered (32 bits)   +4 bits accepted (32 bits, the guest's to write before DRIVER_OK)
 *
 * Values are unaligned and little-endian: read and written through a DataView.
 */

/** Pages of guest memory, bytes; a page number times this is an address. */
export const LGUEST_PAGE_SIZE = 4096;

/** Pages behind the guest's memory that devices are placed in; the first is the device page. */
export const LGUEST_DEVICE_PAGES = 256;

/** A descriptor. */
export const LGUEST_DESC_TYPE = 0;
export const LGUEST_DESC_CONFIG_LEN = 1;
export const LGUEST_DESC_STATUS = 2;
export const LGUEST_DESC_SIZE = 3;
/** What one descriptor's fields can take together, bytes. */
export const LGUEST_CONFIG_LEN_MAX = 255;

/** A field, without its value. */
export const LGUEST_FIELD_TYPE = 0;
export const LGUEST_FIELD_LENGTH = 1;
export const LGUEST_FIELD_HEADER_SIZE = 2;

/** Field types of every device; VIRTQUEUE may come several times. */
export const VIRTIO_CONFIG_F_VIRTIO = 1;
export const VIRTIO_CONFIG_F_VIRTQUEUE = 2;

/** Feature bits of the device's own kind, below 32; absent: none. */
export const VIRTIO_CONFIG_F_DEVICE = 0x40;
/** Fields of one kind of device. */
export const VIRTIO_CONFIG_NET_MAC_F = 0x41;
export const VIRTIO_CONFIG_BLK_F_CAPACITY = 0x41;
export const VIRTIO_CONFIG_BLK_F_SEG_MAX = 0x43;

/** The value of a VIRTQUEUE field. */
export const LGUEST_VQ_NUM = 0;
export const LGUEST_VQ_IRQ = 2;
export const LGUEST_VQ_PFN = 4;
export const LGUEST_VQ_SIZE = 8;

/** The value of a DEVICE field. */
export const LGUEST_FEATURES_OFFERED = 0;
export const LGUEST_FEATURES_ACCEPTED = 4;
export const LGUEST_FEATURES_SIZE = 8;

/** The other values: a MAC address, sectors in 64 bits, segments in 32 bits. */
export const LGUEST_NET_MAC_SIZE = 6;
export const LGUEST_BLK_CAPACITY_SIZE = 8;
export const LGUEST_BLK_SEG_MAX_SIZE = 4;

/** Descriptors of every queue, and where the used ring of the legacy layout is aligned to, bytes. */
export const LGUEST_VIRTQUEUE_NUM = 128;
export const LGUEST_RING_ALIGN = LGUEST_PAGE_SIZE;

/** Interrupt line 0 is the timer's. */
export const LGUEST_FIRST_IRQ = 1;

/** Status bits [virtio-v1.2 §2.1]. */
export const VIRTIO_CONFIG_S_ACKNOWLEDGE = 1;
export const VIRTIO_CONFIG_S_DRIVER = 2;
export const VIRTIO_CONFIG_S_DRIVER_OK = 4;
export const VIRTIO_CONFIG_S_FAILED = 0x80;
