/**
 * What the driver of a network device needs of its format, spelled as in the specification [virtio-v1.2 §5.1].
 *
 *     header before each packet, 10 bytes, or 12 with VERSION_1 or MRG_RXBUF
 *       +0 flags  +1 gso_type  +2 hdr_len  +4 gso_size  +6 csum_start  +8 csum_offset  +10 num_buffers (16 bits)
 */

/** Feature bit numbers. ANY_LAYOUT is of legacy devices [virtio-v1.2 §6.3]. */
export const VIRTIO_NET_F_MTU = 3;
export const VIRTIO_NET_F_MAC = 5;
export const VIRTIO_NET_F_MRG_RXBUF = 15;
export const VIRTIO_NET_F_STATUS = 16;
export const VIRTIO_F_ANY_LAYOUT = 27;

/** Status bit. */
export const VIRTIO_NET_S_LINK_UP = 1;

/** Queues, without MQ. */
export const NET_RECEIVE_QUEUE = 0;
export const NET_TRANSMIT_QUEUE = 1;

/** Headers, bytes. */
export const NET_HEADER_SIZE_LEGACY = 10;
export const NET_HEADER_SIZE = 12;
export const NET_NUM_BUFFERS_OFFSET = 10;

/** An Ethernet header: the shortest frame. Bytes. */
export const ETH_HEADER_SIZE = 14;
/** What frames carry where the device says nothing else; and the least that a device can say, bytes. */
export const MTU_DEFAULT = 1500;
export const MTU_MIN = 68;
