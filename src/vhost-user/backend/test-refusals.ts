/** For tests: every reason for which a session refuses a request: what comes before it, the request, the error's code. */
import type { ProtocolErrorCode } from '../messages/errors.ts';
import { aBigFile, aFile, aSocket, FakeDevice, FILE_SIZE, type Step } from './test-session.ts';
import {
  addRegion,
  addr,
  base,
  bit,
  CONFIG,
  call,
  EVENT_IDX,
  enable,
  err,
  features,
  GUEST,
  INBAND,
  inflight,
  kick,
  kickless,
  LOG_64_END,
  LOG_ALL,
  log,
  memTable,
  negotiated,
  next,
  num,
  OFFERED,
  PROTOCOL,
  protocolFeatures,
  REPLY_ACK,
  RINGS_AT_THE_END,
  ready,
  region,
  running,
  SIZE,
  USER,
  VERSION_1,
} from './test-steps.ts';

const END = 2n ** 64n;
const bigRegion = region({ guestAddress: 2n ** 40n, userAddress: 2n ** 40n, sizeBytes: 2n ** 32n + 8n });

/** What it is, what comes before, the request, why it is refused. */
export type Refusal = readonly [
  what: string,
  before: () => Step[],
  step: () => Step,
  code: ProtocolErrorCode,
  device?: () => FakeDevice,
];

const netDevice = () => new FakeDevice(1, bit(5));

/** Refused whether or not an answer is asked for; nothing has changed then. */
export const REFUSALS: readonly Refusal[] = [
  ['a feature that was not offered', negotiated, () => features(bit(34)), 'feature-not-offered'],
  [
    'a protocol feature that was not offered',
    negotiated,
    () => protocolFeatures(OFFERED | bit(17)),
    'feature-not-offered',
  ],
  [
    'calls by message without a channel for them',
    negotiated,
    () => protocolFeatures(INBAND | REPLY_ACK),
    'feature-alone',
  ],
  [
    'calls by message without acknowledgements, while a ring runs',
    running,
    () => protocolFeatures(INBAND | bit(5) | CONFIG),
    'feature-alone',
  ],
  [
    'the end of a postcopy migration without its feature',
    () => [protocolFeatures(REPLY_ACK)],
    () => ({ request: 'POSTCOPY_END' }),
    'feature-not-negotiated',
  ],
  ['ring features while a ring runs', running, () => features(VERSION_1 | PROTOCOL | EVENT_IDX), 'queue-running'],
  ['an empty region', negotiated, () => memTable(region({ sizeBytes: 0n })), 'region-empty'],
  ['a guest address that wraps', negotiated, () => memTable(region({ guestAddress: END - 8n })), 'region-wraps'],
  ['a user address that wraps', negotiated, () => memTable(region({ userAddress: END - SIZE + 8n })), 'region-wraps'],
  ['an offset that wraps', negotiated, () => memTable(region({ mmapOffset: END - 8n })), 'region-wraps'],
  ['a size beyond every address', negotiated, () => memTable(region({ sizeBytes: 2n ** 60n })), 'address-too-large'],
  ['an address above 2^53', negotiated, () => memTable(region({ guestAddress: 2n ** 53n })), 'address-too-large'],
  ['a guest address of no word', negotiated, () => memTable(region({ guestAddress: GUEST + 4n })), 'region-misaligned'],
  ['a size of no word', negotiated, () => memTable(region({ sizeBytes: SIZE - 1n })), 'region-misaligned'],
  [
    'guest addresses that overlap',
    negotiated,
    () => memTable(region(), { ...next, guestAddress: GUEST + SIZE - 8n }),
    'region-overlaps',
  ],
  [
    'user addresses that overlap',
    negotiated,
    () => memTable({ ...next, userAddress: USER }, region()),
    'region-overlaps',
  ],
  [
    'a file that is too short',
    negotiated,
    () => memTable(region({ mmapOffset: BigInt(FILE_SIZE) - SIZE + 8n })),
    'file-too-short',
  ],
  ['a socket as memory', negotiated, () => addRegion(region(), aSocket()), 'file-too-short'],
  [
    'a slot that overlaps',
    () => [...negotiated(), addRegion(region())],
    () => addRegion(region({ userAddress: 0n })),
    'region-overlaps',
  ],
  [
    'a slot more than there are',
    () => [...negotiated(), ...manySlots(256)],
    () => addRegion(slot(256)),
    'too-many-regions',
  ],
  [
    'a slot that is not there',
    () => [...negotiated(), addRegion(region())],
    () => ({ request: 'REM_MEM_REG', region: next }),
    'region-unknown',
  ],
  ['the slot that a ring lies in', running, () => ({ request: 'REM_MEM_REG', region: region() }), 'region-in-use'],
  ['a table without a ring that runs', running, () => memTable(next), 'address-outside-memory'],
  [
    'slots without their feature',
    () => [protocolFeatures(REPLY_ACK)],
    () => addRegion(region()),
    'feature-not-negotiated',
  ],
  ['queue 2 of 2', negotiated, () => num(16, 2), 'queue-out-of-range'],
  ['base of a queue beyond', negotiated, () => base(0, 255), 'queue-out-of-range'],
  ['enable of a queue beyond', negotiated, () => enable(1, 2), 'queue-out-of-range'],
  ['kick of a queue beyond', negotiated, () => kick(2), 'queue-out-of-range'],
  ['call of a queue beyond', negotiated, () => call(2), 'queue-out-of-range'],
  ['err of a queue beyond', negotiated, () => err(255), 'queue-out-of-range'],
  ['enable by another number', negotiated, () => enable(2), 'bad-value'],
  ['a size of 0', negotiated, () => num(0), 'bad-queue-size'],
  ['a size of no power of two', negotiated, () => num(12), 'bad-queue-size'],
  ['a size above 32768', negotiated, () => num(65536), 'bad-queue-size'],
  ['another size while it runs', running, () => num(32), 'queue-running'],
  ['a position while it runs', running, () => base(5), 'queue-running'],
  ['other addresses while it runs', running, () => addr({ avail: USER + 0x4000n }), 'queue-running'],
  ['a position of more than 16 bits', negotiated, () => base(65536), 'bad-ring-index'],
  ['addresses before memory', negotiated, () => addr(), 'no-memory-table'],
  ['addresses outside memory', ready, () => addr({ desc: USER + SIZE }), 'address-outside-memory'],
  [
    'a used ring that ends with its memory, with events',
    () => [...ready(), features(VERSION_1 | PROTOCOL | EVENT_IDX)],
    () => addr({ used: RINGS_AT_THE_END.used }),
    'address-outside-memory',
  ],
  [
    'an available ring that ends with its memory, with events',
    () => [...ready(), features(VERSION_1 | PROTOCOL | EVENT_IDX)],
    () => addr({ avail: USER + SIZE - 36n }),
    'address-outside-memory',
  ],
  [
    'a used ring that ends with the log, with events',
    () => [
      ...ready(),
      log(64n),
      features(VERSION_1 | PROTOCOL | EVENT_IDX | LOG_ALL),
      addr({ flags: 1, log: LOG_64_END - 132n }),
    ],
    () => kick(),
    'bad-log-area',
  ],
  ['a ring that ends outside memory', ready, () => addr({ used: USER + SIZE - 16n }), 'address-outside-memory'],
  ['an address above 2^53 of a ring', ready, () => addr({ used: END - 4n }), 'address-too-large'],
  ['descriptors that are misaligned', ready, () => addr({ desc: USER + 8n }), 'bad-ring-address'],
  ['an available ring that is misaligned', ready, () => addr({ avail: USER + 0x1001n }), 'bad-ring-address'],
  ['a used ring that is misaligned', ready, () => addr({ used: USER + 0x2002n }), 'bad-ring-address'],
  ['parts that overlap', ready, () => addr({ avail: USER + 0xf0n }), 'bad-ring-address'],
  ['unknown address flags', ready, () => addr({ flags: 2 }), 'bad-value'],
  [
    'a kick before addresses',
    () => [...negotiated(), memTable(region()), num(16)],
    () => kick(),
    'kick-before-addresses',
  ],
  [
    'a kick before the size',
    () => [...negotiated(), memTable(region()), addr()],
    () => kick(),
    'kick-before-addresses',
  ],
  [
    'a kick by message before addresses',
    negotiated,
    () => ({ request: 'VRING_KICK', index: 0, num: 0 }),
    'kick-before-addresses',
  ],
  [
    'a kick by message without its feature',
    () => [protocolFeatures(REPLY_ACK)],
    () => ({ request: 'VRING_KICK', index: 0, num: 0 }),
    'feature-not-negotiated',
  ],
  ['a log beyond its file', negotiated, () => log(64n, BigInt(FILE_SIZE)), 'bad-log-area'],
  ['a log whose end wraps', negotiated, () => log(END - 8n, 16n), 'address-too-large'],
  ['a log of nothing', negotiated, () => log(0n), 'bad-log-area'],
  [
    'a log that does not cover memory',
    () => [...negotiated(), memTable(region({ guestAddress: 0x1000000n }))],
    () => log(8n),
    'bad-log-area',
  ],
  ['a socket as log', negotiated, () => log(64n, 0n, aSocket()), 'bad-log-area'],
  [
    'a log without descriptor',
    negotiated,
    () => ({ request: 'SET_LOG_BASE', sizeBytes: 8n, offsetBytes: 0n }),
    'too-few-descriptors',
  ],
  [
    'memory that the log does not cover',
    () => [protocolFeatures(OFFERED), features(VERSION_1 | LOG_ALL), log(8n)],
    () => memTable(region({ guestAddress: 0x1000000n })),
    'bad-log-area',
  ],
  [
    'logging by a log that is too small',
    () => [...negotiated(), log(8n), memTable(region({ guestAddress: 0x1000000n }))],
    () => features(VERSION_1 | PROTOCOL | LOG_ALL),
    'bad-log-area',
  ],
  [
    'logging by a log that is too small, and other features of the device',
    () => [...negotiated(), log(8n), memTable(region({ guestAddress: 0x1000000n }))],
    () => features(PROTOCOL | LOG_ALL),
    'bad-log-area',
  ],
  [
    'features that were not offered, among others of the device',
    () => [protocolFeatures(OFFERED), features(PROTOCOL)],
    () => features(VERSION_1 | PROTOCOL | bit(34)),
    'feature-not-offered',
  ],
  ['enabled where its memory is gone', movedAway, () => enable(), 'address-outside-memory'],
  ['kicked where its memory is gone', movedAway, () => kick(), 'address-outside-memory'],
  ['kicked without a handle where its memory is gone', movedAway, () => kickless(), 'address-outside-memory'],
  ['logged where its memory is gone', movedAway, () => addr({ flags: 1, log: GUEST }), 'address-outside-memory'],
  [
    'enabled where the log ends before its place',
    () => [
      ...ready(),
      kick(),
      addr({ flags: 1, log: 0x10000000n }),
      log(64n),
      features(VERSION_1 | PROTOCOL | LOG_ALL),
    ],
    () => enable(),
    'bad-log-area',
  ],
  [
    'a used ring logged beyond the log',
    () => [...running(), log(64n), features(VERSION_1 | PROTOCOL | LOG_ALL)],
    () => addr({ flags: 1, log: 0x10000000n }),
    'bad-log-area',
  ],
  ['an in-flight area for more queues than there are', negotiated, () => inflight(3, 16), 'bad-inflight-area'],
  ['an in-flight area for no queue', negotiated, () => inflight(0, 16), 'bad-inflight-area'],
  ['an in-flight area that is too small', negotiated, () => inflight(2, 64, 2175n), 'bad-inflight-area'],
  [
    'an in-flight area beyond its file',
    negotiated,
    () => inflight(1, 16, 8192n, BigInt(FILE_SIZE) - 64n),
    'bad-inflight-area',
  ],
  ['an in-flight area that is misaligned', negotiated, () => inflight(1, 16, 8192n, 4n), 'bad-inflight-area'],
  ['an in-flight area for queues of no size', negotiated, () => inflight(1, 17), 'bad-queue-size'],
  ['an in-flight area while a ring runs', running, () => inflight(2, 64), 'queue-running'],
  [
    'an area asked for too many queues',
    negotiated,
    () => ({ request: 'GET_INFLIGHT_FD', sizeBytes: 0n, offsetBytes: 0n, queues: 9, queueSize: 16 }),
    'bad-inflight-area',
  ],
  [
    'configuration beyond its end',
    negotiated,
    () => ({ request: 'SET_CONFIG', offset: 3, flags: 0, bytes: Uint8Array.of(1, 2) }),
    'config-refused',
  ],
  [
    'an MTU that the device does not take',
    netNegotiated,
    () => ({ request: 'NET_SET_MTU', value: 2001n }),
    'refused',
    netDevice,
  ],
  [
    'a RARP that the device has no room for',
    () => [...netNegotiated(), { request: 'SEND_RARP', value: 1n }, { request: 'SEND_RARP', value: 2n }],
    () => ({ request: 'SEND_RARP', value: 3n }),
    'refused',
    netDevice,
  ],
  ['an MTU of 67', netNegotiated, () => ({ request: 'NET_SET_MTU', value: 67n }), 'bad-value', netDevice],
  [
    'a RARP of a device without a network',
    negotiated,
    () => ({ request: 'SEND_RARP', value: 1n }),
    'feature-not-negotiated',
  ],
  ['a status of more than 8 bits', negotiated, () => ({ request: 'SET_STATUS', value: 256n }), 'bad-value'],
  ['listening before postcopy was advised', negotiated, () => ({ request: 'POSTCOPY_LISTEN' }), 'refused'],
  [
    'advising twice',
    () => [...negotiated(), { request: 'POSTCOPY_ADVISE' }],
    () => ({ request: 'POSTCOPY_ADVISE' }),
    'refused',
  ],
  [
    'listening with memory',
    () => [...negotiated(), { request: 'POSTCOPY_ADVISE' }, memTable(region())],
    () => ({ request: 'POSTCOPY_LISTEN' }),
    'refused',
  ],
  ['memory of which no one address can be told', listening, () => bigTable(), 'memory-too-large'],
  [
    'a slot of which no one address can be told',
    () => [...listening(), addRegion(region())],
    () => addRegion(bigRegion, aBigFile()),
    'memory-too-large',
  ],
  [
    'an IOTLB message',
    negotiated,
    () => ({ request: 'IOTLB_MSG', iova: 0n, sizeBytes: 0n, userAddress: 0n, access: 0, type: 0 }),
    'unsupported-request',
  ],
  ['another endianness', negotiated, () => ({ request: 'SET_VRING_ENDIAN', index: 0, num: 1 }), 'unsupported-request'],
  ['a GPU socket', negotiated, () => ({ request: 'GPU_SET_SOCKET', handles: [aSocket()] }), 'unsupported-request'],
];

/** Queue 0 is kicked and not enabled, and the memory that it lies in has gone. */
function movedAway(): Step[] {
  return [...ready(), kick(), memTable(next)];
}
/** Memory comes page by page. */
function listening(): Step[] {
  return [...negotiated(), { request: 'POSTCOPY_ADVISE' }, { request: 'POSTCOPY_LISTEN' }];
}
function bigTable(): Step {
  return { request: 'SET_MEM_TABLE', regions: [region(), bigRegion], handles: [aFile(), aBigFile()] };
}
function slot(i: number) {
  return region({ guestAddress: BigInt(i) * 16n, userAddress: BigInt(i) * 16n, sizeBytes: 8n });
}
function manySlots(count: number): Step[] {
  return Array.from({ length: count }, (_, i) => addRegion(slot(i)));
}
export function netNegotiated(): Step[] {
  return [protocolFeatures(OFFERED | bit(2) | bit(4)), features()];
}

/** A device whose queue 0 can be put into service a few times, and then no more. */
const failingAfter = (goodStarts: number) => () => {
  const device = new FakeDevice();
  device.runner(0).fails = new Error('no memory');
  device.runner(0).goodStarts = goodStarts;
  return device;
};
const [failing, failingAgain] = [failingAfter(0), failingAfter(1)];

/** Requests that are refused because the runner of queue 0 fails: what comes before, the request, the device. */
export const UNSERVED: readonly Refusal[] = [
  ['a kick', () => [...ready(), enable()], () => kick(), 'queue-failed', failing],
  ['a kick without a handle', () => [...ready(), enable()], () => kickless(), 'queue-failed', failing],
  [
    'a kick by message',
    () => [...ready(), enable()],
    () => ({ request: 'VRING_KICK', index: 0, num: 0 }),
    'queue-failed',
    failing,
  ],
  ['enabled', () => [...ready(), kick()], () => enable(), 'queue-failed', failing],
  ['another kick while it runs', running, () => kick(), 'queue-failed', failingAgain],
  [
    'another place in the log while it runs',
    running,
    () => addr({ flags: 1, log: GUEST }),
    'queue-failed',
    failingAgain,
  ],
];
