/** For tests: of every message the legal forms, with the ends of what their fields can hold. */
import type { Handle } from './handle.ts';
import type { ReplyToSend, RequestName, RequestToSend } from './message.ts';

type Stated<T> = T extends unknown ? Omit<T, 'request' | 'needsReply'> : never;

export interface Samples<N extends RequestName> {
  readonly requests: readonly Stated<RequestToSend<N>>[];
  readonly replies: readonly Stated<ReplyToSend<N>>[];
  /** What may ride along; it stands in one of the samples. */
  readonly kinds?: readonly Handle['kind'][];
  /** It may also stay away. */
  readonly optional?: boolean;
  /** Sizes of an answer that are let pass and never sent. */
  readonly toleratedSizes?: readonly number[];
  /** A payload may be longer than what it counts, up to this. Bytes. */
  readonly roomBytes?: number;
}

const MAX32 = 2 ** 32 - 1;
const MAX64 = 2n ** 64n - 1n;

/** Any descriptor: the codec looks at no number. */
const file: Handle = { kind: 'descriptor', descriptor: 7 };
const one = { handles: [file] };
const AREAS = ['descriptor', 'memory'] as const;
const EVENTS = ['descriptor', 'doorbell'] as const;
const FILES = ['descriptor'] as const;

const words = [{ value: 0n }, { value: 0x0123456789abcdefn }, { value: MAX64 }];
const done = [{ value: 0n }, { value: 1n }, { value: MAX64 }];
const states = [
  { index: 0, num: MAX32 },
  { index: MAX32, num: 0 },
];
const files = [
  { index: 0, noDescriptor: false, ...one },
  { index: 255, noDescriptor: false, ...one },
  { index: 255, noDescriptor: true },
];
const areas = [
  { sizeBytes: 1n, offsetBytes: MAX64 },
  { sizeBytes: MAX64, offsetBytes: 0n },
];
const inflights = areas.map((area) => ({ ...area, queues: 0xffff, queueSize: 0 }));
const region = { guestAddress: 2n ** 63n, sizeBytes: MAX64, userAddress: 1n, mmapOffset: 0n };
const regions = Array.from({ length: 8 }, (_, index) => ({ ...region, guestAddress: BigInt(index) }));
const tables = regions.map((_, index) => ({
  regions: regions.slice(0, index + 1),
  handles: regions.slice(0, index + 1).map(() => file),
}));
const iotlbs = [
  { iova: MAX64, sizeBytes: 0n, userAddress: 1n, access: 255, type: 0 },
  { iova: 0n, sizeBytes: MAX64, userAddress: 2n, access: 0, type: 255 },
];
const configs = [0, 1, 60, 255, 256].map((sizeBytes) => ({
  offset: MAX32,
  flags: MAX32,
  bytes: new Uint8Array(sizeBytes).fill(0xa5),
}));
const uuid = Uint8Array.from({ length: 16 }, (_, at) => 0xf0 + at);
const blobs = [0, 1, 4096].map((sizeBytes) => ({ bytes: new Uint8Array(sizeBytes).fill(0x5a) }));
const shmems = [
  { shmid: 255, fileOffset: MAX64, shmOffset: 0n, sizeBytes: 1n, flags: 0n },
  { shmid: 0, fileOffset: 0n, shmOffset: MAX64, sizeBytes: 2n, flags: MAX64 },
];

const EMPTY = [{}];
const plain = { requests: EMPTY, replies: done };
const withWord = { requests: words, replies: done };
const withState = { requests: states, replies: done };
const withFile = { requests: files, replies: done, kinds: EVENTS };
const asksWord = { requests: EMPTY, replies: words };

export const SAMPLES: { readonly [N in RequestName]: Samples<N> } = {
  GET_FEATURES: asksWord,
  SET_FEATURES: withWord,
  SET_OWNER: plain,
  RESET_OWNER: plain,
  SET_MEM_TABLE: {
    requests: tables,
    replies: [
      ...done.map((ack) => ({ ...ack, regions: [] })),
      ...tables.map((table) => ({ value: 0n, regions: table.regions })),
    ],
    kinds: AREAS,
    roomBytes: 8 + 8 * 32,
  },
  SET_LOG_BASE: {
    requests: areas.map((area) => ({ ...area, ...one })),
    replies: done,
    kinds: AREAS,
    optional: true,
    toleratedSizes: [0],
  },
  SET_LOG_FD: { requests: [one], replies: done, kinds: EVENTS },
  SET_VRING_NUM: withState,
  SET_VRING_ADDR: {
    requests: [{ index: MAX32, flags: MAX32, desc: MAX64, used: 0n, avail: 1n, log: 2n ** 53n }],
    replies: done,
  },
  SET_VRING_BASE: withState,
  GET_VRING_BASE: { requests: states, replies: states },
  SET_VRING_KICK: withFile,
  SET_VRING_CALL: withFile,
  SET_VRING_ERR: withFile,
  GET_PROTOCOL_FEATURES: asksWord,
  SET_PROTOCOL_FEATURES: withWord,
  GET_QUEUE_NUM: asksWord,
  SET_VRING_ENABLE: withState,
  SEND_RARP: withWord,
  NET_SET_MTU: withWord,
  SET_BACKEND_REQ_FD: { requests: [one], replies: done, kinds: FILES },
  IOTLB_MSG: { requests: iotlbs, replies: done },
  SET_VRING_ENDIAN: withState,
  GET_CONFIG: { requests: configs, replies: [{ offset: 0, flags: 0, bytes: null }, ...configs], roomBytes: 12 + 256 },
  SET_CONFIG: { requests: configs, replies: done, roomBytes: 12 + 256 },
  CREATE_CRYPTO_SESSION: { requests: blobs, replies: blobs },
  CLOSE_CRYPTO_SESSION: withWord,
  POSTCOPY_ADVISE: { requests: EMPTY, replies: [one], kinds: FILES },
  POSTCOPY_LISTEN: plain,
  POSTCOPY_END: plain,
  GET_INFLIGHT_FD: {
    requests: inflights,
    replies: [...inflights.map((area) => ({ ...area, ...one })), { ...inflights[0]!, sizeBytes: 0n }],
    kinds: AREAS,
  },
  SET_INFLIGHT_FD: { requests: inflights.map((area) => ({ ...area, ...one })), replies: done, kinds: AREAS },
  GPU_SET_SOCKET: { requests: [one], replies: done, kinds: FILES },
  RESET_DEVICE: plain,
  VRING_KICK: withState,
  GET_MAX_MEM_SLOTS: asksWord,
  ADD_MEM_REG: {
    requests: [{ region, ...one }],
    replies: [
      { value: 1n, region: null },
      { value: 0n, region },
    ],
    kinds: AREAS,
  },
  REM_MEM_REG: { requests: [{ region, ...one }], replies: done, kinds: AREAS, optional: true },
  SET_STATUS: withWord,
  GET_STATUS: asksWord,
  GET_SHARED_OBJECT: {
    requests: [{ uuid }],
    replies: [
      { uuid, ...one },
      { uuid: null, ...one },
    ],
    kinds: FILES,
    optional: true,
  },
  SET_DEVICE_STATE_FD: {
    requests: [{ direction: MAX32, phase: 0, ...one }],
    replies: [
      { error: 0, noDescriptor: false, ...one },
      { error: 0, noDescriptor: true },
      { error: 255, noDescriptor: true },
      { error: 1, noDescriptor: false },
    ],
    kinds: FILES,
  },
  CHECK_DEVICE_STATE: plain,
  GET_SHMEM_CONFIG: {
    requests: EMPTY,
    replies: [
      { count: 0, sizes: new BigUint64Array(256) },
      { count: 256, sizes: new BigUint64Array(256).fill(MAX64) },
    ],
  },
  GET_VRING_BASE_SKIP_DRAIN: { requests: states, replies: states },
  BACKEND_IOTLB_MSG: { requests: iotlbs, replies: done },
  BACKEND_CONFIG_CHANGE_MSG: plain,
  BACKEND_VRING_HOST_NOTIFIER_MSG: {
    requests: files.map((word) => ({ ...word, sizeBytes: MAX64, offsetBytes: 4096n })),
    replies: done,
    kinds: FILES,
  },
  BACKEND_VRING_CALL: withState,
  BACKEND_VRING_ERR: withState,
  BACKEND_SHARED_OBJECT_ADD: { requests: [{ uuid }], replies: done },
  BACKEND_SHARED_OBJECT_REMOVE: { requests: [{ uuid }], replies: done },
  BACKEND_SHARED_OBJECT_LOOKUP: {
    requests: [{ uuid }],
    replies: [{ value: 0n, ...one }, { value: MAX64 }],
    kinds: FILES,
  },
  BACKEND_SHMEM_MAP: { requests: shmems.map((map) => ({ ...map, ...one })), replies: done, kinds: AREAS },
  BACKEND_SHMEM_UNMAP: { requests: shmems, replies: done },
};
