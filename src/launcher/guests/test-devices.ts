/** For tests: devices as the launcher puts them on its bus. */
import { BlockDevice } from '../../devices/block.ts';
import { ConsoleDevice } from '../../devices/console.ts';
import type { Disk } from '../../devices/disk.ts';
import { NetDevice } from '../../devices/net.ts';
import type { PacketLink } from '../../devices/packet-link.ts';
import { VIRTIO_BLK_F_BARRIER, VIRTIO_BLK_F_FLUSH } from '../../formats/block.ts';
import {
  VIRTIO_CONFIG_BLK_F_CAPACITY,
  VIRTIO_CONFIG_BLK_F_SEG_MAX,
  VIRTIO_CONFIG_F_DEVICE,
  VIRTIO_CONFIG_NET_MAC_F,
} from '../../formats/lguest-bus.ts';
import { featureWord } from '../../ring/feature-word.ts';
import type { TestDevice, TestPort } from './test-machine.ts';

const BLOCK_FEATURES = featureWord(VIRTIO_BLK_F_BARRIER, VIRTIO_BLK_F_FLUSH);

/** With features that it offers; the guest takes all of them. */
export function testBlock(disk: Disk): TestDevice {
  const offered = new Uint8Array(8);
  new DataView(offered.buffer).setUint32(0, Number(BLOCK_FEATURES), true);
  const capacity = new Uint8Array(8);
  new DataView(capacity.buffer).setBigUint64(0, BigInt(disk.sizeBytes / 512), true);
  return {
    device: new BlockDevice({ disk, barriers: true }),
    fields: [
      { type: VIRTIO_CONFIG_BLK_F_CAPACITY, value: capacity },
      { type: VIRTIO_CONFIG_BLK_F_SEG_MAX, value: Uint8Array.of(126, 0, 0, 0) },
      { type: VIRTIO_CONFIG_F_DEVICE, value: offered },
    ],
    features: BLOCK_FEATURES,
  };
}

export function testNet(link: PacketLink, mac: Uint8Array): TestDevice {
  return { device: new NetDevice({ link }), fields: [{ type: VIRTIO_CONFIG_NET_MAC_F, value: mac }] };
}

export function testConsole(port: TestPort): TestDevice {
  return { device: new ConsoleDevice({ port }), fields: [] };
}
