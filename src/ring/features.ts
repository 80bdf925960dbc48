/** The negotiated features that change how a ring works; either side. */
import { VIRTIO_F_VERSION_1, VIRTIO_RING_F_EVENT_IDX, VIRTIO_RING_F_INDIRECT_DESC } from './constants.ts';

export interface RingFeatures {
  /** VIRTIO_RING_F_INDIRECT_DESC: a descriptor may refer to a table of descriptors. */
  readonly indirect: boolean;
  /** VIRTIO_RING_F_EVENT_IDX: each side names the index at which it wants to be notified. */
  readonly eventIdx: boolean;
  /** VIRTIO_F_VERSION_1: fields are little-endian whatever the guest is (no difference on the hosts we run on). */
  readonly version1: boolean;
}

export const NO_FEATURES: RingFeatures = { indirect: false, eventIdx: false, version1: false };

const BITS: readonly (readonly [keyof RingFeatures, bigint])[] = [
  ['indirect', 1n << BigInt(VIRTIO_RING_F_INDIRECT_DESC)],
  ['eventIdx', 1n << BigInt(VIRTIO_RING_F_EVENT_IDX)],
  ['version1', 1n << BigInt(VIRTIO_F_VERSION_1)],
];

/** The ring's part of a 64-bit feature word. */
export function featuresFromBits(bits: bigint): RingFeatures {
  const features = { ...NO_FEATURES };
  for (const [name, bit] of BITS) features[name] = (bits & bit) !== 0n;
  return features;
}

/** The feature word of a ring's features. */
export function featuresToBits(features: RingFeatures): bigint {
  let bits = 0n;
  for (const [name, bit] of BITS) if (features[name]) bits |= bit;
  return bits;
}
