/** For tests: devices as the launcher puts them on its bus. */
import { BlockDevice } from '../../devices/block.ts';
import { ConsoleDevice } from '../../devices/console.ts';
import type { Disk } from '../../devices/disk.ts';
import { NetDevice } from '../../devices/net.ts';
import type { PacketLink } from '../../devices/packet-link.ts';
import { VIRTIO_BLK_F_FLUSH } from '../../formats/block.ts';
import {
  VIRTIO_CONFIG_BLK_F_CAPACITY,
  VIRTIO_CONFIG_BLK_F_SEG_MAX,
  VIRTIO_CONFIG_NET_MAC_F,
} from '../../formats/lguest-bus.ts';
import { featureWord } from '../../ring/feature-word.ts';
import type { TestDevice, TestPort } from './test-machine.ts';

export function testBlock(disk: Disk): TestDevice {
  const capacity = new Uint8Array(8);
  new DataView(capacity.buffer).setBigUint64(0, BigInt(disk.sizeBytes / 512), true);
  return {
    device: new BlockDevice({ disk }),
    fields: [
      { type: VIRTIO_CONFIG_BLK_F_CAPACITY, value: capacity },
      { type: VIRTIO_CONFIG_BLK_F_SEG_MAX, value: Uint8Array.of(126, 0, 0, 0) },
    ],
    features: featureWord(VIRTIO_BLK_F_FLUSH),
  };
}

export function testNet(link: PacketLink, mac: Uint8Array): TestDevice {
  return { device: new NetDevice({ link }), fields: [{ type: VIRTIO_CONFIG_NET_MAC_F, value: mac }] };
}

export function testConsole(port: TestPort): TestDevice {
  return { device: new ConsoleDevice({ port }), fields: [] };
}
