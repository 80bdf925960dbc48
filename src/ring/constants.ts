/** Constants of the split virtqueue, spelled and valued as in the specification [virtio-v1.2 §2.7, appendix A]. */

/** The descriptor continues at its `next` field. */
export const VRING_DESC_F_NEXT = 1;
/** The host writes this element (otherwise it reads it). */
export const VRING_DESC_F_WRITE = 2;
/** The element is a table of descriptors. */
export const VRING_DESC_F_INDIRECT = 4;

/** The host asks the guest not to kick; used ring's flags, only without EVENT_IDX. */
export const VRING_USED_F_NO_NOTIFY = 1;
/** The guest asks the host not to call; available ring's flags, only without EVENT_IDX. */
export const VRING_AVAIL_F_NO_INTERRUPT = 1;

/** Feature bit numbers. NOTIFY_ON_EMPTY is of legacy devices [virtio-v1.2 §6.3]. */
export const VIRTIO_F_NOTIFY_ON_EMPTY = 24;
export const VIRTIO_RING_F_INDIRECT_DESC = 28;
export const VIRTIO_RING_F_EVENT_IDX = 29;
export const VIRTIO_F_VERSION_1 = 32;

/** One descriptor, bytes and 32-bit words. */
export const VRING_DESC_SIZE = 16;
export const VRING_DESC_WORDS = 4;

/** Largest queue size [virtio-v1.2 §2.7]. */
export const VRING_SIZE_MAX = 32768;

/** Longest request, all its elements together, bytes [virtio-v1.2 §2.7.5.2]. */
export const REQUEST_SIZE_MAX = 2 ** 32;

/** Alignment of the used ring in the legacy layout of the kernel's test programs, bytes. */
export const VRING_LEGACY_ALIGN = 4096;
