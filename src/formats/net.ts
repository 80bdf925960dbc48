/**
 * The network device's constants and configuration space [virtio-v1.2 §5.1].
 *
 *     configuration space, bytes
 *       0 mac (6 bytes)   6 status (16 bits)   8 max_virtqueue_pairs (16 bits)   10 mtu (16 bits)
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

/** Status bits. */
export const VIRTIO_NET_S_LINK_UP = 1;

/** Queues, without MQ. */
export const NET_RECEIVE_QUEUE = 0;
export const NET_TRANSMIT_QUEUE = 1;

/** Headers, bytes. */
export const NET_HEADER_SIZE_LEGACY = 10;
export const NET_HEADER_SIZE = 12;
export const NET_NUM_BUFFERS_OFFSET = 10;

/** The shortest and the longest frame: an Ethernet header, and the largest MTU behind one with a VLAN tag. Bytes. */
export const ETH_HEADER_SIZE = 14;
export const FRAME_MAX = 65535 + 18;

/** MTU, bytes [§5.1.4.1]: what frames carry where the device says nothing else, and what it can say. */
export const MTU_DEFAULT = 1500;
export const MTU_MIN = 68;
export const MTU_MAX = 65535;

/** Places in the configuration space, and its size, bytes. */
export const NET_CONFIG_MAC = 0;
export const NET_CONFIG_STATUS = 6;
const NET_CONFIG_MAX_PAIRS = 8;
export const NET_CONFIG_MTU = 10;
export const NET_CONFIG_SIZE = 12;
export const MAC_SIZE = 6;

/** What a device says of itself. */
export interface NetConfigFields {
  /** 6 bytes; null: the guest chooses. */
  mac: Uint8Array | null;
  /** 0: not said. */
  mtu: number;
}

export function netConfig({ mac, mtu }: NetConfigFields): Uint8Array {
  const config = new Uint8Array(NET_CONFIG_SIZE);
  const view = new DataView(config.buffer);
  if (mac !== null) config.set(mac, NET_CONFIG_MAC);
  view.setUint16(NET_CONFIG_STATUS, VIRTIO_NET_S_LINK_UP, true);
  view.setUint16(NET_CONFIG_MAX_PAIRS, 1, true);
  view.setUint16(NET_CONFIG_MTU, mtu, true);
  return config;
}
