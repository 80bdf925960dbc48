/** Where each queue's part of an in-flight area lies, and what a session tells its queues of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aFile, FakeDevice, play, type Step } from './test-session.ts';

const USER = 0x7f00_0000_0000n;
const PROTOCOL = 1n << 30n;
/** INFLIGHT_SHMFD, RESET_DEVICE. */
const PROTOCOL_FEATURES = (1n << 12n) | (1n << 13n);

const negotiated: readonly Step[] = [
  { request: 'SET_PROTOCOL_FEATURES', value: PROTOCOL_FEATURES },
  { request: 'SET_FEATURES', value: PROTOCOL },
];
const memTable = (): Step => ({
  request: 'SET_MEM_TABLE',
  regions: [{ guestAddress: 0n, sizeBytes: 0x10000n, userAddress: USER, mmapOffset: 0n }],
  handles: [aFile()],
});
const num = (size: number, index = 0): Step => ({ request: 'SET_VRING_NUM', index, num: size });
const addr = (index = 0): Step => ({
  request: 'SET_VRING_ADDR',
  index,
  flags: 0,
  desc: USER,
  avail: USER + 0x1000n,
  used: USER + 0x2000n,
  log: 0n,
});
const kick = (index = 0): Step => ({ request: 'SET_VRING_KICK', index, noDescriptor: false, handles: [aFile()] });
const enable = (index = 0): Step => ({ request: 'SET_VRING_ENABLE', index, num: 1 });
const stop = (index = 0): Step => ({ request: 'GET_VRING_BASE', index, num: 0 });
const inflight = (queues: number, queueSize: number, sizeBytes = 8192n): Step => ({
  request: 'SET_INFLIGHT_FD',
  sizeBytes,
  offsetBytes: 0n,
  queues,
  queueSize,
  handles: [aFile()],
});

/** Where a queue's part lies in an area, by the size of its ring; areas of 2 queues of 8 descriptors. */
const PARTS: readonly [what: string, sizeBytes: bigint, size: number, index: number, part: object | null][] = [
  // Each has 192 bytes in front.
  ['a ring of the size that was told', 384n, 8, 1, { offsetBytes: 192, sizeBytes: 192, entries: 8, forgotten: [] }],
  ['a smaller ring', 384n, 2, 0, { offsetBytes: 0, sizeBytes: 192, entries: 8, forgotten: [] }],
  ['a larger ring, and no room for it', 384n + 2n * 524352n - 1n, 16, 0, null],
  [
    'a larger ring in an area of our making',
    384n + 2n * 524352n,
    16,
    1,
    {
      offsetBytes: 384 + 524352,
      sizeBytes: 524352,
      entries: 16,
      forgotten: [{ offsetBytes: 192, sizeBytes: 192 }],
    },
  ],
  [
    'a smaller one in it',
    384n + 2n * 524352n,
    4,
    1,
    {
      offsetBytes: 192,
      sizeBytes: 192,
      entries: 8,
      forgotten: [{ offsetBytes: 384 + 524352, sizeBytes: 524352 }],
    },
  ],
];
for (const [what, sizeBytes, size, index, part] of PARTS)
  test(`in-flight shape: the part of an in-flight area: ${what}`, async () => {
    const steps = [memTable(), num(size, index), addr(index), kick(index), enable(index)];
    const { device, ended, events } = await play([...negotiated, inflight(2, 8, sizeBytes), ...steps]);
    assert.equal(ended, null);
    const places = JSON.stringify(device.runner(index).setup!.inflight, (key, value) =>
      key === 'handle' ? undefined : value,
    );
    assert.deepEqual(JSON.parse(places), part);
    assert.deepEqual(events, part === null ? [{ kind: 'untracked', index, size, room: 8 }] : []);
  });

test('in-flight shape: a queue that the in-flight area does not know is served, and told once', async () => {
  const again = [stop(), kick(), stop(1), kick(1)];
  const both = [num(16, 1), addr(1), kick(1), enable(1), kick(), enable()];
  const { events, ended } = await play([
    ...negotiated,
    inflight(1, 16),
    memTable(),
    num(16),
    addr(),
    ...both,
    ...again,
  ]);
  assert.equal(ended, null);
  assert.deepEqual(events, [{ kind: 'untracked', index: 1, size: 16, room: 0 }]);
});

test('in-flight shape: after RESET_DEVICE nothing is in flight, until the ring is in service again', async () => {
  const device = new FakeDevice();
  const forgotten: number[] = [];
  const look: Step = { run: () => forgotten.push(device.runner(0).setup!.inflight!.forgotten.length) };
  const start = [num(16), addr(), kick(), enable()];
  await play(
    [
      ...[...negotiated, inflight(2, 16), memTable(), ...start, look, { request: 'RESET_DEVICE' } as Step],
      ...[...start, look, stop(), kick(), look],
    ],
    { device },
  );
  assert.deepEqual(forgotten, [0, 1, 0]);
});
