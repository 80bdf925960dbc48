/** Devices of the bus for people. */
import type { BusDevice } from '../../../drivers/bus.ts';
import { VIRTIO_ID_BLOCK, VIRTIO_ID_CONSOLE, VIRTIO_ID_NET, VIRTIO_ID_RNG } from '../../../formats/ids.ts';
import {
  LGUEST_BLK_CAPACITY_SIZE,
  LGUEST_NET_MAC_SIZE,
  VIRTIO_CONFIG_BLK_F_CAPACITY,
  VIRTIO_CONFIG_NET_MAC_F,
} from '../../../formats/lguest-bus.ts';
import { formatMac } from '../net/ethernet.ts';

const NAMES: Readonly<Record<number, string>> = {
  [VIRTIO_ID_NET]: 'net',
  [VIRTIO_ID_BLOCK]: 'block',
  [VIRTIO_ID_CONSOLE]: 'console',
  [VIRTIO_ID_RNG]: 'entropy',
};

/** What a kind of device says of itself beside its queues. */
const DETAILS: Readonly<Record<number, (device: BusDevice) => string>> = {
  [VIRTIO_ID_NET]: (device) => {
    const mac = device.field(VIRTIO_CONFIG_NET_MAC_F, LGUEST_NET_MAC_SIZE);
    return mac === null ? '' : `, MAC ${formatMac(mac)}`;
  },
  [VIRTIO_ID_BLOCK]: (device) => {
    const value = device.field(VIRTIO_CONFIG_BLK_F_CAPACITY, LGUEST_BLK_CAPACITY_SIZE);
    return value === null ? '' : `, ${new DataView(value.buffer).getBigUint64(0, true)} sectors`;
  },
};

/** One line. @throws BusError for a field of the wrong length */
export function describeDevice(device: BusDevice): string {
  const { index, id, queues, status } = device;
  const lines = queues.map(({ line }) => line).join(', ');
  const name = NAMES[id] ?? `device number ${id}`;
  return `${index}: ${name}${DETAILS[id]?.(device) ?? ''}, ${queues.length === 1 ? '1 queue' : `${queues.length} queues`}, interrupts ${lines}, status ${status}`;
}
