/** The backend's state machine without an operating system: legal orders, every refusal, and that no handle is lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProtocolErrorCode } from '../messages/errors.ts';
import { decodeReply, encode, type Reply, type RequestName } from '../messages/message.ts';
import { netNegotiated } from './test-refusals.ts';
import { aFile, aSocket, FakeDevice, type Played, play, type Step } from './test-session.ts';
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
  MQ,
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
  stop,
  USER,
  VERSION_1,
} from './test-steps.ts';

const replyTo = <N extends RequestName>(request: N, { sent }: Played): Reply<N> => decodeReply(request, sent.at(-1)!);
const notes = ({ device }: Played, index = 0) => device.runner(index).notes.join(' ');

test('backend session: features, protocol features, queues', async () => {
  const offered = await play([{ request: 'GET_FEATURES' }]);
  assert.equal(offered.lastValue, 1n | bit(24) | LOG_ALL | bit(28) | EVENT_IDX | PROTOCOL | VERSION_1);
  assert.equal((await play([{ request: 'GET_PROTOCOL_FEATURES' }])).lastValue, OFFERED);
  assert.equal((await play([{ request: 'GET_QUEUE_NUM' }])).lastValue, 2n);
  const ofNet = async (deviceFeatures: bigint, announces = true) => {
    const device = new FakeDevice(1, deviceFeatures, announces);
    return (await play([{ request: 'GET_PROTOCOL_FEATURES' }], { device })).lastValue;
  };
  const mute = OFFERED & ~CONFIG;
  assert.equal(await ofNet(bit(15) | bit(16), false), mute, 'only what the device does');
  const plainNet = mute | bit(2) | bit(4);
  // Only a card that was given an address or an MTU has something to say that the virtual machine does not.
  assert.equal(await ofNet(bit(15) | bit(16)), plainNet);
  assert.equal(await ofNet(bit(5)), plainNet | CONFIG);
  assert.equal(await ofNet(bit(3)), plainNet | CONFIG);
  assert.equal((await play([{ request: 'GET_QUEUE_NUM' }], { device: new FakeDevice(1) })).lastValue, 1n);
  const acknowledged = await play([features(VERSION_1 | EVENT_IDX | bit(27) | 1n)]);
  assert.deepEqual(
    [acknowledged.ended, acknowledged.device.acknowledged],
    [null, VERSION_1 | EVENT_IDX | bit(27) | 1n],
  );
});

test('backend session: what one frontend has acknowledged is not the next one’s', async () => {
  const device = new FakeDevice();
  await play([features(VERSION_1)], { device });
  assert.equal(device.acknowledged, VERSION_1);
  await play([memTable(region()), num(16), addr(), kick()], { device });
  assert.equal(device.acknowledged, 0n);
});

/** Orders that end with queue 0 in service, whatever the order. */
const orders: [string, () => Step[]][] = [
  ['as QEMU does it', running],
  ['enabled first', () => [...negotiated(), enable(), memTable(region()), num(16), base(5), addr(), kick()]],
  [
    'call and err at the very start',
    () => [call(), err(), ...negotiated(), memTable(region()), num(16), base(5), addr(), enable(), kick()],
  ],
  ['addresses, base, size', () => [...negotiated(), memTable(region()), addr(), base(5), num(16), kick(), enable()]],
  [
    'without PROTOCOL_FEATURES there is nothing to enable',
    () => [features(VERSION_1), memTable(region()), num(16), base(5), addr(), kick()],
  ],
  ['never any features', () => [memTable(region()), num(16), base(5), addr(), kick()]],
  [
    'memory by slots',
    () => [...negotiated(), addRegion(region()), addRegion(next), num(16), base(5), addr(), kick(), enable()],
  ],
  [
    'memory told twice',
    () => [...negotiated(), memTable(region()), memTable(region(), next), num(16), base(5), addr(), kick(), enable()],
  ],
  ['without a kick descriptor', () => [...ready(), kickless(), enable()]],
  ['rings that end with their memory, without events', () => [...ready(), addr(RINGS_AT_THE_END), kick(), enable()]],
  ['kicked by message', () => [...ready(), enable(), { request: 'VRING_KICK', index: 0, num: 0 }]],
  [
    'set up anew over an old set-up',
    () => [
      ...negotiated(),
      memTable(region()),
      num(8),
      num(16),
      addr({ desc: USER + 0x3000n }),
      addr(),
      base(9),
      base(5),
      kick(),
      enable(),
    ],
  ],
];
for (const [what, steps] of orders)
  test(`backend session: a queue is in service: ${what}`, async () => {
    const played = await play(steps());
    assert.equal(played.ended, null);
    assert.equal(notes(played), 'start stop');
    const setup = played.device.runner(0).setup!;
    assert.deepEqual(
      [setup.index, setup.size, setup.availIdx, setup.usedIdx, setup.desc, setup.log, setup.inflight],
      [0, 16, 5, null, Number(USER), null, null],
    );
  });

/** Orders in which it is not. */
const idle: [string, () => Step[]][] = [
  ['not kicked', () => [...ready(), enable()]],
  ['not enabled', () => [...ready(), kick()]],
  ['disabled before its kick', () => [...ready(), enable(), enable(0), kick()]],
  [
    'enabled by default, until PROTOCOL_FEATURES is acknowledged',
    () => [memTable(region()), num(16), addr(), features(), kick()],
  ],
  ['after RESET_OWNER', () => [...ready(), enable(), { request: 'RESET_OWNER' }, kick()]],
];
for (const [what, steps] of idle)
  test(`backend session: a queue is not in service: ${what}`, async () => {
    const played = await play(steps());
    assert.deepEqual([played.ended, notes(played)], [null, '']);
  });

/** What running queues see of changes: the notes of queue 0 between its start and the end. */
const changes: [string, () => Step[], string][] = [
  ['stopped and started again', () => [stop(), kick()], 'start stop start stop'],
  ['stopped twice', () => [stop(), stop()], 'start stop'],
  ['disabled and enabled', () => [enable(0), enable(1), enable(1)], 'start stop start stop'],
  ['another kick', () => [kick()], 'start stop start stop'],
  [
    'another call',
    () => [call(), { request: 'SET_VRING_CALL', index: 0, noDescriptor: true }],
    'start call no call stop',
  ],
  ['another err', () => [err()], 'start stop'],
  ['more memory', () => [addRegion(next)], 'start stop start stop'],
  [
    'less memory',
    () => [addRegion(next), { request: 'REM_MEM_REG', region: next }],
    'start stop start stop start stop',
  ],
  ['another table', () => [memTable(region())], 'start stop start stop'],
  ['the same addresses', () => [addr()], 'start stop start stop'],
  ['a log, which nobody acknowledged', () => [log()], 'start stop start stop'],
  [
    'a migration begins',
    () => [log(), features(VERSION_1 | PROTOCOL | LOG_ALL), addr({ flags: 1, log: GUEST })],
    'start stop start stop start stop start stop',
  ],
  [
    'a used ring that ends with the log, without events',
    () => [log(64n), features(VERSION_1 | PROTOCOL | LOG_ALL), addr({ flags: 1, log: LOG_64_END - 132n })],
    'start stop start stop start stop start stop',
  ],
  ['the same features', () => [features()], 'start stop'],
  ['a kick by message', () => [{ request: 'VRING_KICK', index: 0, num: 0 }], 'start kick stop'],
  ['RESET_OWNER', () => [{ request: 'RESET_OWNER' }], 'start stop'],
  ['RESET_DEVICE', () => [{ request: 'RESET_DEVICE' }], 'start stop'],
  [
    'status 0',
    () => [
      { request: 'SET_STATUS', value: 15n },
      { request: 'SET_STATUS', value: 0n },
    ],
    'start stop',
  ],
  [
    'the other queue',
    () => [
      num(8, 1),
      addr({ desc: USER + 0x4000n, avail: USER + 0x5000n, used: USER + 0x6000n }, 1),
      kick(1),
      enable(1, 1),
      stop(1),
    ],
    'start stop',
  ],
];
for (const [what, steps, expected] of changes)
  test(`backend session: of a running queue: ${what}`, async () => {
    const played = await play([...running(), ...steps()]);
    assert.deepEqual([played.ended, notes(played)], [null, expected]);
  });

test('backend session: GET_VRING_BASE says where the queue stands, running or not', async () => {
  const stopped = await play([...running(), stop()]);
  assert.deepEqual(replyTo('GET_VRING_BASE', stopped), { request: 'GET_VRING_BASE', handles: [], index: 0, num: 8 });
  assert.equal(replyTo('GET_VRING_BASE', await play([...ready(), stop()])).num, 5);
  assert.equal(replyTo('GET_VRING_BASE', await play([...running(), enable(0), stop()])).num, 8);
  assert.equal(replyTo('GET_VRING_BASE', await play([stop(1)])).num, 0);
  // A frontend may reset the device before it asks.
  const status = (value: bigint): Step => ({ request: 'SET_STATUS', value });
  assert.equal(replyTo('GET_VRING_BASE', await play([...running(), status(15n), status(0n), stop()])).num, 8);
  assert.equal(replyTo('GET_VRING_BASE', await play([...running(), { request: 'RESET_DEVICE' }, stop()])).num, 0);
  // What was paused goes on exactly there; what the frontend stopped, where the used ring stands.
  const paused = await play([...running(), addRegion(next)]);
  assert.deepEqual([paused.device.runner(0).setup!.availIdx, paused.device.runner(0).setup!.usedIdx], [8, 8]);
  const again = await play([...running(), stop(), base(8), kick()]);
  assert.equal(again.device.runner(0).setup!.usedIdx, null);
});

test('backend session: a setup carries what was agreed on', async () => {
  const acknowledged = VERSION_1 | PROTOCOL | LOG_ALL;
  const { device, ended } = await play(
    [
      protocolFeatures(OFFERED),
      features(acknowledged),
      memTable(region()),
      inflight(2, 64),
      num(16, 1),
      addr({ flags: 1, log: GUEST + 0x100n }, 1),
      log(64n, 128n),
      { request: 'SET_LOG_FD', handles: [aFile()] },
      kickless(1),
      enable(1, 1),
    ],
    { hooks: { isInOrder: (index) => index === 1 } },
  );
  assert.equal(ended, null);
  const setup = device.runner(1).setup!;
  assert.deepEqual(
    [setup.features, setup.inOrder, setup.byMessage, setup.kick, setup.call, setup.usedLogAddress],
    [acknowledged, true, true, null, null, Number(GUEST) + 0x100],
  );
  assert.deepEqual([setup.log!.offsetBytes, setup.log!.sizeBytes, setup.logCall!.kind], [128, 64, 'descriptor']);
  // Parts of 16 + 16 × 64 bytes, rounded up to 64.
  assert.deepEqual([setup.inflight!.offsetBytes, setup.inflight!.sizeBytes], [1088, 1088]);
  const [mapped] = setup.regions;
  assert.deepEqual(
    [mapped!.guestBase, mapped!.userBase, mapped!.sizeBytes],
    [Number(GUEST), Number(USER), Number(SIZE)],
  );
});

/** No message at all: the end, also for those who ask for an answer. */
const broken: [string, Step, ProtocolErrorCode][] = [
  [
    'an unknown request',
    { raw: { request: 99, flags: 9, payload: new Uint8Array(8), handles: [aFile()] } },
    'unknown-request',
  ],
  [
    'another version',
    { raw: { request: 1, flags: 10, payload: new Uint8Array(0), handles: [aFile()] } },
    'bad-version',
  ],
  ['a payload too much', { raw: { request: 3, flags: 9, payload: new Uint8Array(1), handles: [] } }, 'wrong-size'],
  [
    'a descriptor too much',
    { raw: { request: 3, flags: 9, payload: new Uint8Array(0), handles: [aFile(), aFile()] } },
    'too-many-descriptors',
  ],
  [
    'a descriptor too few',
    {
      raw: {
        ...encode({ request: 'SET_VRING_KICK', index: 0, noDescriptor: true }),
        payload: new Uint8Array(8),
        handles: [],
      },
    },
    'too-few-descriptors',
  ],
];
for (const [what, step, code] of broken)
  test(`backend session: the end: ${what}`, async () => {
    const played = await play([...running(), step, { request: 'GET_FEATURES' }]);
    assert.deepEqual([played.ended, played.sent.length], [code, 0]);
  });

test('backend session: acknowledgements only where they were agreed on and asked for', async () => {
  const owner: Step = { request: 'SET_OWNER', needsReply: true };
  assert.equal((await play([owner])).sent.length, 0);
  const played = await play([protocolFeatures(REPLY_ACK), owner, { request: 'SET_OWNER' }]);
  assert.deepEqual([played.sent.length, played.lastValue], [1, 0n]);
  assert.equal((await play([{ ...protocolFeatures(REPLY_ACK), needsReply: true } as Step])).sent.length, 1);
  assert.equal((await play([...negotiated(), log()])).lastValue, 0n);
});

test('backend session: the configuration space', async () => {
  const get = (offset: number, sizeBytes: number): Step => ({
    request: 'GET_CONFIG',
    offset,
    flags: 0,
    bytes: new Uint8Array(sizeBytes),
  });
  const read = async (...steps: Step[]) => {
    const { bytes } = replyTo('GET_CONFIG', await play([protocolFeatures(CONFIG), ...steps]));
    return bytes === null ? null : [...bytes];
  };
  assert.deepEqual(await read(get(1, 2)), [2, 3]);
  assert.deepEqual(await read(get(2, 4)), [3, 4, 0, 0]);
  assert.deepEqual(
    await read({ request: 'SET_CONFIG', offset: 1, flags: 0, bytes: Uint8Array.of(9) }, get(0, 3)),
    [1, 9, 3],
  );
  assert.equal(await read(get(255, 2)), null);
  // Without the feature: the answer that says no.
  assert.equal(replyTo('GET_CONFIG', await play([get(0, 1)])).bytes, null);
});

test('backend session: an in-flight area is made, handed out and taken back', async () => {
  const played = await play([
    ...negotiated(),
    { request: 'GET_INFLIGHT_FD', sizeBytes: 0n, offsetBytes: 0n, queues: 2, queueSize: 64 },
  ]);
  const { sizeBytes, offsetBytes, queues, queueSize, handles } = replyTo('GET_INFLIGHT_FD', played);
  // Two parts of 64 descriptors, and behind them two of 32768.
  const expected = [2n * 1088n + 2n * 524352n, 0n, 2, 64, 1];
  assert.deepEqual([sizeBytes, offsetBytes, queues, queueSize, handles.length], expected);
});

test('backend session: a ring that breaks is told once, by its err handle or by message, and recovers', async () => {
  const device = new FakeDevice();
  const breaks = (): Step => ({
    run: () => {
      for (let i = 0; i < 2; i++) device.runner(0).events!.broken(new Error('the ring lies'));
    },
  });
  const status: Step = { request: 'GET_STATUS' };
  const played = await play([...running(), breaks(), status], { device });
  assert.deepEqual([played.rung.length, played.lastValue], [1, 64n]);
  assert.deepEqual(
    played.events.map(({ kind }) => kind),
    ['queue-broken'],
  );

  const other = new FakeDevice();
  const recovered = await play(
    [
      ...running(),
      { run: () => other.runner(0).events!.broken(new Error('once')) },
      addRegion(next),
      stop(),
      kick(),
      status,
    ],
    { device: other },
  );
  assert.deepEqual([notes(recovered), recovered.lastValue], ['start stop start stop', 0n]);
});

test('backend session: a queue that cannot be put into service', async () => {
  const device = new FakeDevice();
  device.runner(0).fails = new Error('no memory');
  const played = await play(
    [...ready(), enable(), { ...kick(), needsReply: true } as Step, { request: 'GET_STATUS' }],
    { device },
  );
  assert.deepEqual([played.ended, played.rung.length, played.lastValue], [null, 1, 64n]);
  assert.deepEqual(
    played.events.map(({ kind }) => kind),
    ['queue-broken', 'refused'],
  );
  const ended = await play([...ready(), enable(), kick()], { device });
  assert.equal(ended.ended, 'queue-failed');
});

test('backend session: calls, errors and configuration changes go over the backend channel', async () => {
  const device = new FakeDevice();
  const steps: Step[] = [
    protocolFeatures(OFFERED),
    features(),
    { request: 'SET_BACKEND_REQ_FD', handles: [aSocket()] },
    memTable(region()),
    num(16),
    addr(),
    kickless(),
    enable(),
    {
      run: () => {
        const { events } = device.runner(0);
        for (let i = 0; i < 3; i++) events!.called();
        events!.broken(new Error('broken'));
      },
    },
    { request: 'SET_OWNER' },
  ];
  const { backendChannels, rung } = await play(steps, { device });
  const sent = backendChannels[0]!.sent.map(({ request, payload }) => [request, payload[0]]);
  // Two of the calls came before the first could be sent.
  assert.deepEqual(sent, [
    [4, 0],
    [4, 0],
    [5, 0],
  ]);
  assert.equal(rung.length, 0);
});

test('backend session: postcopy: addresses go out, and pages are waited for once they are known', async () => {
  const steps = (): Step[] => [
    ...negotiated(),
    { request: 'POSTCOPY_ADVISE' },
    { request: 'POSTCOPY_LISTEN' },
    { ...memTable(region(), next), needsReply: true } as Step,
  ];
  const known: Step = { raw: { request: 5, flags: 1, payload: new Uint8Array(8), handles: [] } };
  const told = await play(steps());
  const addresses = replyTo('SET_MEM_TABLE', told).regions.map(({ userAddress }) => userAddress);
  assert.deepEqual(addresses, [USER + 0x1000n, USER + SIZE + 0x1000n]);
  assert.equal(told.postcopies[0]!.armed, 0);
  const armed = await play([...steps(), known]);
  assert.deepEqual([armed.postcopies[0]!.armed, armed.sent.length, armed.lastValue], [1, 4, 0n]);
  const refused = await play([
    ...steps(),
    { raw: { request: 5, flags: 1, payload: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0), handles: [] } },
  ]);
  assert.equal(refused.ended, 'request-failed');
  const ended = await play([...steps(), known, { request: 'POSTCOPY_END' }, memTable(region())]);
  assert.deepEqual([ended.ended, ended.lastValue], [null, 0n]);
  const slots = await play([
    ...negotiated(),
    { request: 'POSTCOPY_ADVISE' },
    { request: 'POSTCOPY_LISTEN' },
    addRegion(region()),
    addRegion(next),
    { raw: { request: 37, flags: 1, payload: new Uint8Array(8), handles: [] } },
  ]);
  assert.equal(replyTo('ADD_MEM_REG', slots).region!.userAddress, USER + SIZE + 0x1000n);
  assert.equal(slots.postcopies[0]!.armed, 1);
});

test('backend session: the device author’s callbacks', async () => {
  const seen: unknown[] = [];
  const played = await play(
    [
      { request: 'GET_FEATURES' },
      { request: 'GET_PROTOCOL_FEATURES' },
      protocolFeatures(MQ | CONFIG | bit(2) | bit(4)),
      features(VERSION_1),
      memTable(region()),
      num(16),
      addr(),
      kick(),
      { request: 'SEND_RARP', value: 0x060504030201n },
      { request: 'NET_SET_MTU', value: 1500n },
      { request: 'SET_CONFIG', offset: 7, flags: 1, bytes: Uint8Array.of(5) },
      { raw: { request: 1000, flags: 1, payload: new Uint8Array(3), handles: [] } },
      stop(),
    ],
    {
      device: new FakeDevice(1, bit(5)),
      hooks: {
        offerFeatures: (value) => value | bit(5),
        offerProtocolFeatures: (value) => value & ~INBAND,
        featuresSet: (value) => seen.push(['features', value]),
        protocolFeaturesSet: (value) => seen.push(['protocol', value]),
        processMessage: ({ request }) => request === 1000 && seen.push(['message', request]) > 0,
        queueStarted: (index, started) => seen.push(['queue', index, started]),
        writeConfig: (offset, bytes, flags) => seen.push(['config', offset, bytes[0], flags]) > 0,
        announce: (mac) => seen.push(['announce', ...mac]),
        setMtu: (mtu) => seen.push(['mtu', mtu]) > 0,
      },
    },
  );
  assert.equal(played.ended, null);
  assert.deepEqual(seen, [
    ['protocol', MQ | CONFIG | bit(2) | bit(4)],
    ['features', VERSION_1],
    ['queue', 0, true],
    ['announce', 1, 2, 3, 4, 5, 6],
    ['mtu', 1500],
    ['config', 7, 5, 1],
    ['message', 1000],
    ['queue', 0, false],
  ]);
  const [offered, protocol] = played.sent;
  assert.equal(offered!.payload[0]! & 0x20, 0x20);
  assert.equal(protocol!.payload[1]! & 0x40, 0);
});

test('backend session: a net device does what it offers itself where no callback is given', async () => {
  const { device, ended } = await play(
    [...netNegotiated(), { request: 'SEND_RARP', value: 0x060504030201n }, { request: 'NET_SET_MTU', value: 1500n }],
    { device: new FakeDevice(1, bit(5)) },
  );
  assert.deepEqual(
    [ended, device.told],
    [
      null,
      [
        ['announce', 1, 2, 3, 4, 5, 6],
        ['mtu', 1500],
      ],
    ],
  );
});

for (const [what, steps, resets] of [
  ['a pause', [stop()], 1],
  ['RESET_DEVICE', [{ request: 'RESET_DEVICE' }], 2],
  ['a status of 0, after which a device may go on', [{ request: 'SET_STATUS', value: 0n }], 1],
] as const)
  test(`backend session: a device is reset at the end of a session; ${resets - 1} times more by ${what}`, async () => {
    const { device, ended } = await play([...running(), ...steps]);
    assert.deepEqual([ended, device.resets], [null, resets]);
  });
