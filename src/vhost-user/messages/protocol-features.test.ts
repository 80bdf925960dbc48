/** The numbers of the protocol's feature bits, and what depends on which. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { featureWord } from '../../ring/feature-word.ts';
import { REQUEST_NAMES } from './message.ts';
import * as protocol from './protocol.ts';
import { lonelyFeatures, missingFeature, withoutLonely } from './protocol-features.ts';

/** By number, as the specification lists them. */
const BITS = [
  'MQ',
  'LOG_SHMFD',
  'RARP',
  'REPLY_ACK',
  'NET_MTU',
  'BACKEND_REQ',
  'CROSS_ENDIAN',
  'CRYPTO_SESSION',
  'PAGEFAULT',
  'CONFIG',
  'BACKEND_SEND_FD',
  'HOST_NOTIFIER',
  'INFLIGHT_SHMFD',
  'RESET_DEVICE',
  'INBAND_NOTIFICATIONS',
  'CONFIGURE_MEM_SLOTS',
  'STATUS',
  'XEN_MMAP',
  'SHARED_OBJECT',
  'DEVICE_STATE',
  'GET_VRING_BASE_INFLIGHT',
  'GPA_ADDRESSES',
  'SHMEM',
  'GET_VRING_BASE_SKIP_DRAIN',
];

test('protocol features: each bit of the specification under its number, and no other', () => {
  const ours = Object.entries(protocol).filter(([name]) => name.startsWith('VHOST_USER_PROTOCOL_F_'));
  assert.deepEqual(
    Object.fromEntries(ours),
    Object.fromEntries(BITS.map((name, number) => [`VHOST_USER_PROTOCOL_F_${name}`, number])),
  );
});

const [REPLY_ACK, BACKEND_REQ, SEND_FD, HOST_NOTIFIER, INFLIGHT, INBAND, SUSPEND, SKIP_DRAIN] = [
  3, 5, 10, 11, 12, 14, 20, 23,
].map((number) => featureWord(number)) as [bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint];

const WORDS: readonly (readonly [what: string, word: bigint, lonely: bigint, without: bigint])[] = [
  ['nothing', 0n, 0n, 0n],
  ['calls by message, complete', INBAND | BACKEND_REQ | REPLY_ACK, 0n, INBAND | BACKEND_REQ | REPLY_ACK],
  ['calls by message without a channel for them', INBAND | REPLY_ACK, INBAND, REPLY_ACK],
  ['calls by message without acknowledgements', INBAND | BACKEND_REQ, INBAND, BACKEND_REQ],
  ['calls by message alone', INBAND, INBAND, 0n],
  ['descriptors for a channel that is not there', SEND_FD | HOST_NOTIFIER, SEND_FD | HOST_NOTIFIER, 0n],
  ['descriptors for a channel', SEND_FD | HOST_NOTIFIER | BACKEND_REQ, 0n, SEND_FD | HOST_NOTIFIER | BACKEND_REQ],
  ['requests in flight without their area', SUSPEND, SUSPEND, 0n],
  ['one that goes leaves another alone', SKIP_DRAIN | SUSPEND, SKIP_DRAIN | SUSPEND, 0n],
  ['requests in flight, complete', SKIP_DRAIN | SUSPEND | INFLIGHT, 0n, SKIP_DRAIN | SUSPEND | INFLIGHT],
];
for (const [what, word, lonely, without] of WORDS)
  test(`protocol features: ${what}`, () => {
    assert.equal(lonelyFeatures(word), lonely);
    assert.equal(withoutLonely(word), without);
  });

test('protocol features: a request that belongs to a bit is missing it alone', () => {
  for (const name of REQUEST_NAMES) {
    const bit = missingFeature(name, 0n);
    if (bit === null) continue;
    assert.equal(missingFeature(name, featureWord(bit)), null, name);
    assert.equal(missingFeature(name, ~featureWord(bit) & 0xffffffffn), bit, name);
  }
  assert.equal(missingFeature('GET_FEATURES', 0n), null);
  assert.equal(missingFeature('SET_CONFIG', 0n), protocol.VHOST_USER_PROTOCOL_F_CONFIG);
});
