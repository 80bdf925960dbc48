/** A network device's configuration space, as its driver reads it [virtio-v1.2 §5.1.4]. */
import {
  MAC_SIZE,
  MTU_MIN,
  NET_CONFIG_MAC,
  NET_CONFIG_MTU,
  NET_CONFIG_STATUS,
  VIRTIO_NET_F_MAC,
  VIRTIO_NET_F_MTU,
  VIRTIO_NET_F_STATUS,
  VIRTIO_NET_S_LINK_UP,
} from '../formats/net.ts';
import { hasFeature } from '../ring/feature-word.ts';

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
    if (byteLength === 0 || !hasFeature(features, bit)) return false;
    if (end > byteLength) throw new NetConfigError('length', byteLength);
    return true;
  };
  const mtu = has(VIRTIO_NET_F_MTU, NET_CONFIG_MTU + 2) ? view.getUint16(NET_CONFIG_MTU, true) : null;
  if (mtu !== null && mtu < MTU_MIN) throw new NetConfigError('mtu', mtu);
  return {
    mac: has(VIRTIO_NET_F_MAC, NET_CONFIG_MAC + MAC_SIZE)
      ? config.slice(NET_CONFIG_MAC, NET_CONFIG_MAC + MAC_SIZE)
      : null,
    mtu,
    linkUp:
      !has(VIRTIO_NET_F_STATUS, NET_CONFIG_STATUS + 2) ||
      (view.getUint16(NET_CONFIG_STATUS, true) & VIRTIO_NET_S_LINK_UP) !== 0,
  };
}
