/**
 * What the protocol's feature bits depend on: bits that say nothing without others, and the bit that each request
 * belongs to. Both roles ask here, so that neither sends what the other has to refuse.
 */
import { featureWord, hasFeature } from '../../ring/feature-word.ts';
import type { RequestName } from './message.ts';
import * as protocol from './protocol.ts';

/** Bits that may be acknowledged only together with others [vhost-user, Protocol features]. */
const COMPANIONS: readonly (readonly [bit: number, companions: bigint])[] = [
  // Calls by message travel over the backend's channel, and only acknowledgements bound how many are on their way.
  [
    protocol.VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS,
    featureWord(protocol.VHOST_USER_PROTOCOL_F_BACKEND_REQ, protocol.VHOST_USER_PROTOCOL_F_REPLY_ACK),
  ],
  // They are about that channel.
  [protocol.VHOST_USER_PROTOCOL_F_BACKEND_SEND_FD, featureWord(protocol.VHOST_USER_PROTOCOL_F_BACKEND_REQ)],
  [protocol.VHOST_USER_PROTOCOL_F_HOST_NOTIFIER, featureWord(protocol.VHOST_USER_PROTOCOL_F_BACKEND_REQ)],
  // They are about requests that the in-flight area has a record of.
  [protocol.VHOST_USER_PROTOCOL_F_GET_VRING_BASE_INFLIGHT, featureWord(protocol.VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD)],
  [
    protocol.VHOST_USER_PROTOCOL_F_GET_VRING_BASE_SKIP_DRAIN,
    featureWord(protocol.VHOST_USER_PROTOCOL_F_GET_VRING_BASE_INFLIGHT, protocol.VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD),
  ],
];

/** The bits of a word that stand in it without their companions; 0 if there are none. */
export function lonelyFeatures(features: bigint): bigint {
  const lonely = COMPANIONS.filter(
    ([bit, companions]) => hasFeature(features, bit) && (features & companions) !== companions,
  );
  return featureWord(...lonely.map(([bit]) => bit));
}

/** The word without the bits whose companions it does not have. */
export function withoutLonely(features: bigint): bigint {
  // One that goes can leave another alone.
  for (let lonely = lonelyFeatures(features); lonely !== 0n; lonely = lonelyFeatures(features)) features &= ~lonely;
  return features;
}

/** The bit that a request belongs to. A request that is not here belongs to none. */
const OWNERS: { readonly [N in RequestName]?: number } = {
  SET_LOG_BASE: protocol.VHOST_USER_PROTOCOL_F_LOG_SHMFD,
  GET_QUEUE_NUM: protocol.VHOST_USER_PROTOCOL_F_MQ,
  SEND_RARP: protocol.VHOST_USER_PROTOCOL_F_RARP,
  NET_SET_MTU: protocol.VHOST_USER_PROTOCOL_F_NET_MTU,
  SET_BACKEND_REQ_FD: protocol.VHOST_USER_PROTOCOL_F_BACKEND_REQ,
  SET_VRING_ENDIAN: protocol.VHOST_USER_PROTOCOL_F_CROSS_ENDIAN,
  GET_CONFIG: protocol.VHOST_USER_PROTOCOL_F_CONFIG,
  SET_CONFIG: protocol.VHOST_USER_PROTOCOL_F_CONFIG,
  CREATE_CRYPTO_SESSION: protocol.VHOST_USER_PROTOCOL_F_CRYPTO_SESSION,
  CLOSE_CRYPTO_SESSION: protocol.VHOST_USER_PROTOCOL_F_CRYPTO_SESSION,
  POSTCOPY_ADVISE: protocol.VHOST_USER_PROTOCOL_F_PAGEFAULT,
  POSTCOPY_LISTEN: protocol.VHOST_USER_PROTOCOL_F_PAGEFAULT,
  POSTCOPY_END: protocol.VHOST_USER_PROTOCOL_F_PAGEFAULT,
  GET_INFLIGHT_FD: protocol.VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD,
  SET_INFLIGHT_FD: protocol.VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD,
  RESET_DEVICE: protocol.VHOST_USER_PROTOCOL_F_RESET_DEVICE,
  VRING_KICK: protocol.VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS,
  GET_MAX_MEM_SLOTS: protocol.VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS,
  ADD_MEM_REG: protocol.VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS,
  REM_MEM_REG: protocol.VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS,
  SET_STATUS: protocol.VHOST_USER_PROTOCOL_F_STATUS,
  GET_STATUS: protocol.VHOST_USER_PROTOCOL_F_STATUS,
  GET_SHARED_OBJECT: protocol.VHOST_USER_PROTOCOL_F_SHARED_OBJECT,
  SET_DEVICE_STATE_FD: protocol.VHOST_USER_PROTOCOL_F_DEVICE_STATE,
  CHECK_DEVICE_STATE: protocol.VHOST_USER_PROTOCOL_F_DEVICE_STATE,
  GET_SHMEM_CONFIG: protocol.VHOST_USER_PROTOCOL_F_SHMEM,
  GET_VRING_BASE_SKIP_DRAIN: protocol.VHOST_USER_PROTOCOL_F_GET_VRING_BASE_SKIP_DRAIN,
};

/** The bit that a request needs and that was not negotiated, or null: it may be sent. */
export function missingFeature(request: RequestName, negotiated: bigint): number | null {
  const owner = OWNERS[request];
  return owner === undefined || hasFeature(negotiated, owner) ? null : owner;
}
