/**
 * A network device's configuration space, as its driver reads it [virtio-v1.2 §5.1.4]:
 *
 *     +0 mac (6 bytes)  +6 status (16 bits)  +8 max_virtqueue_pairs (16 bits)  +10 mtu (16 bits)
 */
import {
  MTU_MIN,
  VIRTIO_NET_F_MAC,
  VIRTIO_NET_F_MTU,
  VIRTIO_NET_F_STATUS,
  VIRTIO_NET_S_LINK_UP,
} from './net-format.ts';

const MAC = 0;
const MAC_SIZE = 6;
const STATUS = 6;
const MTU = 10;
/** As much of the space as is looked at, bytes. */
export const NET_CONFIG_SIZE = 12;

/** What a driver needs to know of the interface. */
export interface NetConfig {
  /** 6 bytes; null: the driver chooses. */
  readonly mac: Uint8Array | null;
  /** Bytes; null: not said. */
  readonly mtu: number | null;
  /** Also where the device cannot say. */
  readonly linkUp: boolean;
}

/** A configuration space that no device can mean. */
export class NetConfigError extends Error {
  constructor(field: string, value: number) {
    super(`the network device's configuration makes no sense: ${field} ${value}`);
    this.name = 'NetConfigError';
  }
}

/**
 * An empty space is one that could not be read, as where a vhost-user backend has none: then nothing is known,
 * whatever the features say.
 * @throws NetConfigError
 */
export function readNetConfig(config: Uint8Array, features: bigint): NetConfig {
  const { byteLength } = config;
  const view = new DataView(config.buffer, config.byteOffset, byteLength);
  const has = (bit: number, end: number) => {
    if (byteLength === 0 || (features & (1n << BigInt(bit))) === 0n) return false;
    if (end > byteLength) throw new NetConfigError('length', byteLength);
    return true;
  };
  const mtu = has(VIRTIO_NET_F_MTU, MTU + 2) ? view.getUint16(MTU, true) : null;
  if (mtu !== null && mtu < MTU_MIN) throw new NetConfigError('mtu', mtu);
  return {
    mac: has(VIRTIO_NET_F_MAC, MAC + MAC_SIZE) ? config.slice(MAC, MAC + MAC_SIZE) : null,
    mtu,
    linkUp: !has(VIRTIO_NET_F_STATUS, STATUS + 2) || (view.getUint16(STATUS, true) & VIRTIO_NET_S_LINK_UP) !== 0,
  };
}
