/** For tests of the backend's state machine: each request with values that are right, and how far a session has come. */
import { aFile, type Step } from './test-session.ts';

export const bit = (number: number) => 1n << BigInt(number);
export const VERSION_1 = bit(32);
export const PROTOCOL = bit(30);
export const LOG_ALL = bit(26);
export const EVENT_IDX = bit(29);

export const GUEST = 0x10000n;
export const USER = 0x7f0000000000n;
export const SIZE = 0x10000n;
export const region = (
  over: Partial<{ guestAddress: bigint; sizeBytes: bigint; userAddress: bigint; mmapOffset: bigint }> = {},
) => ({
  guestAddress: GUEST,
  sizeBytes: SIZE,
  userAddress: USER,
  mmapOffset: 0n,
  ...over,
});
/** Rings of 16 descriptors without events: 36 and 132 bytes. */
export const RINGS_AT_THE_END = { used: USER + SIZE - 132n, avail: USER + SIZE - 132n - 36n };
/** Guest addresses below this have their bit in a log of 64 bytes. */
export const LOG_64_END = 64n * 8n * 4096n;
export const next = region({ guestAddress: GUEST + SIZE, userAddress: USER + SIZE, mmapOffset: SIZE });

export const memTable = (...regions: ReturnType<typeof region>[]): Step => ({
  request: 'SET_MEM_TABLE',
  regions,
  handles: regions.map(aFile),
});
export const addRegion = (one: ReturnType<typeof region>, handle = aFile()): Step => ({
  request: 'ADD_MEM_REG',
  region: one,
  handles: [handle],
});
export const num = (value: number, index = 0): Step => ({ request: 'SET_VRING_NUM', index, num: value });
export const base = (value: number, index = 0): Step => ({ request: 'SET_VRING_BASE', index, num: value });
export const addr = (
  over: Partial<{ desc: bigint; avail: bigint; used: bigint; log: bigint; flags: number }> = {},
  index = 0,
): Step => ({
  request: 'SET_VRING_ADDR',
  index,
  flags: 0,
  desc: USER,
  avail: USER + 0x1000n,
  used: USER + 0x2000n,
  log: 0n,
  ...over,
});
export const kick = (index = 0, handle = aFile()): Step => ({
  request: 'SET_VRING_KICK',
  index,
  noDescriptor: false,
  handles: [handle],
});
export const kickless = (index = 0): Step => ({ request: 'SET_VRING_KICK', index, noDescriptor: true });
export const call = (index = 0): Step => ({
  request: 'SET_VRING_CALL',
  index,
  noDescriptor: false,
  handles: [aFile()],
});
export const err = (index = 0): Step => ({ request: 'SET_VRING_ERR', index, noDescriptor: false, handles: [aFile()] });
export const enable = (on = 1, index = 0): Step => ({ request: 'SET_VRING_ENABLE', index, num: on });
export const stop = (index = 0): Step => ({ request: 'GET_VRING_BASE', index, num: 0 });
export const features = (value = VERSION_1 | PROTOCOL): Step => ({ request: 'SET_FEATURES', value });
export const log = (sizeBytes = 1024n, offsetBytes = 0n, handle = aFile()): Step => ({
  request: 'SET_LOG_BASE',
  sizeBytes,
  offsetBytes,
  handles: [handle],
});
export const inflight = (queues: number, queueSize: number, sizeBytes = 8192n, offsetBytes = 0n): Step => ({
  request: 'SET_INFLIGHT_FD',
  sizeBytes,
  offsetBytes,
  queues,
  queueSize,
  handles: [aFile()],
});
export const protocolFeatures = (value: bigint): Step => ({ request: 'SET_PROTOCOL_FEATURES', value });

/** All that a device without a network is offered. */
export const OFFERED = 0b1_1111_0011_0010_1011n;
export const [MQ, REPLY_ACK, CONFIG, INBAND] = [bit(0), bit(3), bit(9), bit(14)];

export const negotiated = () => [protocolFeatures(OFFERED), features()];
export const ready = () => [...negotiated(), memTable(region()), num(16), base(5), addr(), call(), err()];
export const running = () => [...ready(), kick(), enable()];
