/**
 * What the launcher says over the shared devices: how its bus describes them to a guest, which of their features a
 * guest of 2007 has, and where a guest ends that they would only answer with an error. No device knows of it.
 */
import { BlockDevice, type BlockDeviceOptions } from '../devices/block.ts';
import type { Device } from '../devices/device.ts';
import {
  BLK_CONFIG_CAPACITY,
  BLK_CONFIG_SEG_MAX,
  VIRTIO_BLK_F_BARRIER,
  VIRTIO_BLK_F_FLUSH,
  VIRTIO_BLK_F_RO,
  VIRTIO_BLK_F_SEG_MAX,
  VIRTIO_BLK_T_SCSI_CMD,
} from '../formats/block.ts';
import { VIRTIO_ID_BLOCK, VIRTIO_ID_NET } from '../formats/ids.ts';
import {
  LGUEST_VIRTQUEUE_NUM,
  VIRTIO_CONFIG_BLK_F_CAPACITY,
  VIRTIO_CONFIG_BLK_F_SEG_MAX,
  VIRTIO_CONFIG_NET_MAC_F,
} from '../formats/lguest-bus.ts';
import { MAC_SIZE, NET_CONFIG_MAC, VIRTIO_NET_F_MAC } from '../formats/net.ts';
import { featureWord, hasFeature } from '../ring/feature-word.ts';
import { BadGuest } from './bad-guest.ts';

/** A field of a device's description, as the device page holds it. */
export interface ConfigField {
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** How a device's configuration space is cut into fields. */
interface Cut {
  readonly type: number;
  readonly offset: number;
  readonly length: number;
  readonly feature: number | null;
}

interface Policy {
  readonly fields: readonly Cut[];
  /** Bits that a guest has without choosing. A ring's are none; a network header is then the short one. */
  readonly features: bigint;
}

const NOTHING: Policy = { fields: [], features: 0n };

/** By device number. */
const POLICIES: Readonly<Record<number, Policy>> = {
  [VIRTIO_ID_BLOCK]: {
    fields: [
      { type: VIRTIO_CONFIG_BLK_F_CAPACITY, offset: BLK_CONFIG_CAPACITY, length: 8, feature: null },
      { type: VIRTIO_CONFIG_BLK_F_SEG_MAX, offset: BLK_CONFIG_SEG_MAX, length: 4, feature: VIRTIO_BLK_F_SEG_MAX },
    ],
    // With FLUSH, and barriers, a write may be answered before it is on the medium: as the original does.
    features: featureWord(VIRTIO_BLK_F_BARRIER, VIRTIO_BLK_F_SEG_MAX, VIRTIO_BLK_F_RO, VIRTIO_BLK_F_FLUSH),
  },
  [VIRTIO_ID_NET]: {
    fields: [{ type: VIRTIO_CONFIG_NET_MAC_F, offset: NET_CONFIG_MAC, length: MAC_SIZE, feature: VIRTIO_NET_F_MAC }],
    features: featureWord(VIRTIO_NET_F_MAC),
  },
};

/** What to acknowledge for the guest, before its queues start. */
export function guestFeatures({ id, features }: Pick<Device, 'id' | 'features'>): bigint {
  return features & (POLICIES[id] ?? NOTHING).features;
}

/** The fields of the device page behind the device's queues, in their order. */
export function configFields({ id, features, config }: Pick<Device, 'id' | 'features' | 'config'>): ConfigField[] {
  return (POLICIES[id] ?? NOTHING).fields
    .filter(({ feature }) => feature === null || hasFeature(features, feature))
    .map(({ type, offset, length }) => ({ type, bytes: config.slice(offset, offset + length) }));
}

/**
 * The block device of the bus. A guest that writes past the end is stopped, and the image stays as long as it was.
 * `warn`: told once of a command that there is none of.
 */
export function launcherBlock(
  { disk, serial }: Pick<BlockDeviceOptions, 'disk' | 'serial'>,
  warn: (line: string) => void = () => {},
): BlockDevice {
  let warned = false;
  return new BlockDevice({
    disk,
    ...(serial === undefined ? {} : { serial }),
    // Header and footer take two descriptors.
    segMax: LGUEST_VIRTQUEUE_NUM - 2,
    barriers: true,
    onWritePastEnd: (offsetBytes, lengthBytes) => {
      throw new BadGuest(`Write past end ${offsetBytes}+${lengthBytes}`);
    },
    onUnsupported: (type) => {
      if (warned || (type & VIRTIO_BLK_T_SCSI_CMD) === 0) return;
      warned = true;
      warn('Scsi commands unsupported');
    },
  });
}
