import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VIRTIO_F_VERSION_1, VIRTIO_RING_F_EVENT_IDX, VIRTIO_RING_F_INDIRECT_DESC } from './constants.ts';
import { featuresFromBits, featuresToBits, NO_FEATURES, type RingFeatures } from './features.ts';

const cases: [string, bigint, RingFeatures][] = [
  ['none', 0n, NO_FEATURES],
  ['indirect', 0x1000_0000n, { ...NO_FEATURES, indirect: true }],
  ['event index', 0x2000_0000n, { ...NO_FEATURES, eventIdx: true }],
  ['version 1', 0x1_0000_0000n, { ...NO_FEATURES, version1: true }],
  ['all', 0x1_3000_0000n, { indirect: true, eventIdx: true, version1: true }],
];
for (const [what, bits, features] of cases)
  test(`features: ${what}`, () => {
    assert.deepEqual(featuresFromBits(bits), features);
    assert.equal(featuresToBits(features), bits);
  });

test("features: a device's own bits are ignored", () => {
  assert.deepEqual(featuresFromBits(0xffff_ffff_ffff_ffffn & ~0x1_3000_0000n), NO_FEATURES);
});

test('features: bit numbers of the specification', () => {
  assert.deepEqual([VIRTIO_RING_F_INDIRECT_DESC, VIRTIO_RING_F_EVENT_IDX, VIRTIO_F_VERSION_1], [28, 29, 32]);
});
