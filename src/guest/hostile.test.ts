/**
 * The table of hostile input, rows 30 to 34: what a host can do to the guest, and the answer it gets. Each line runs on
 * the guest half of every engine. Rows 1 to 22 are in src/host/hostile.test.ts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DOORBELLS } from '../doorbell/index.ts';
import { MockDevice } from '../host/mock-device.ts';
import { bindRing } from '../ordering/ring-fields.ts';
import { seqcst } from '../ordering/seqcst.ts';
import { VRING_USED_F_NO_NOTIFY } from '../ring/constants.ts';
import type { RingErrorCode } from '../ring/errors.ts';
import { NO_FEATURES } from '../ring/features.ts';
import { modernLayout, SplitRing } from '../ring/split-layout.ts';
import { caught } from '../ring/test-caught.ts';
import { ENGINES, type Engine, makeGuest, makeRegion } from '../test-engines.ts';
import { testTitles, whyNoTitle } from '../test-titles.ts';
import { EMPTY } from './queue.ts';
import { ScatterList } from './scatter-list.ts';

const SIZE = 8;
const POOL = 16384;
const DATA = 32768;

interface SetUp {
  startIndex?: number;
  eventIdx?: boolean;
  indirect?: boolean;
}
function setUp(half: Engine, { startIndex = 0, eventIdx = false, indirect = true }: SetUp = {}) {
  const region = makeRegion(2 ** 40, 65536);
  const ring = SplitRing.within(region, 0, modernLayout(SIZE), 'rx', eventIdx);
  const shared = bindRing(seqcst, ring);
  shared.avail.store16(ring.availIdx, startIndex);
  const doorbell = DOORBELLS.futex.doorbell(DOORBELLS.futex.makeHandle());
  const features = { ...NO_FEATURES, indirect, eventIdx };
  const tables = { region, offset: POOL, tableCount: SIZE, tableLength: 4 };
  const { queue } = makeGuest({ ring, shared, features, doorbell, tables, startIndex, name: 'rx' }, half);
  const device = new MockDevice({ ring, shared, startIndex });
  const list = new ScatterList(2).addOut(region, DATA + 64, 4).addIn(region, DATA, 8);
  return { region, ring, queue, device, doorbell, list };
}
type Hostile = ReturnType<typeof setUp>;

/** All memory but the available ring, which is the guest's to write. */
function bytesBesidesAvail({ region, ring }: Hostile): Buffer {
  const copy = Buffer.from(region.u8);
  copy.fill(0, ring.availFlags, ring.usedEvent + (ring.eventIdx ? 2 : 0));
  return copy;
}

/** A request like any other comes back. */
function takesGoodOne({ queue, device, list }: Hostile): void {
  assert.equal(queue.add(list, 4711), true);
  device.finish(device.takeAll().at(-1)!, 5);
  assert.deepEqual([queue.getBuf(), queue.usedLength, queue.getBuf()], [4711, 5, EMPTY]);
}

/** With flags and with events, requests in tables and in the ring. */
const SET_UPS: readonly SetUp[] = [
  { startIndex: 0 },
  { startIndex: 65534 },
  { startIndex: 65534, eventIdx: true },
  { startIndex: 65534, indirect: false },
];

interface BrokenQueue {
  row: number;
  what: string;
  /** Three requests are outstanding: by tables with the heads 0, 1 and 2, else with 0, 2 and 4, and 1, 3 and 5 behind them. */
  misbehave(device: MockDevice): void;
  code: RingErrorCode;
  /** Good used entries before the bad one. */
  good: number;
  /** The value, counted from the start index if `relative`. */
  value: number;
  relative?: boolean;
}
const broken: BrokenQueue[] = [
  {
    row: 30,
    what: 'used id = size',
    misbehave: (d) => d.finish(SIZE, 0),
    code: 'used-id-out-of-range',
    good: 0,
    value: SIZE,
  },
  {
    row: 30,
    what: 'used id of all bits',
    misbehave: (d) => d.finish(0xffffffff, 0),
    code: 'used-id-out-of-range',
    good: 0,
    value: 0xffffffff,
  },
  {
    row: 30,
    what: 'used id that is valid in its low 16 bits',
    misbehave: (d) => d.finish(0x10001, 0),
    code: 'used-id-out-of-range',
    good: 0,
    value: 0x10001,
  },
  {
    row: 30,
    what: 'a descriptor that is no head outstanding',
    misbehave: (d) => d.finish(5, 0),
    code: 'used-id-not-outstanding',
    good: 0,
    value: 5,
  },
  {
    row: 30,
    what: 'the same head twice',
    misbehave: (d) => {
      d.finish(0, 0);
      d.finish(0, 0);
    },
    code: 'used-id-not-outstanding',
    good: 1,
    value: 0,
  },
  {
    row: 31,
    what: 'index one more than what is outstanding',
    misbehave: (d) => d.moveUsedIdx(4),
    code: 'used-index-jump',
    good: 0,
    value: 4,
    relative: true,
  },
  {
    row: 31,
    what: 'index far ahead',
    misbehave: (d) => d.moveUsedIdx(0x8000),
    code: 'used-index-jump',
    good: 0,
    value: 0x8000,
    relative: true,
  },
  {
    row: 31,
    what: 'index one back',
    misbehave: (d) => d.moveUsedIdx(-1),
    code: 'used-index-jump',
    good: 0,
    value: -1,
    relative: true,
  },
];

for (const half of ENGINES)
  for (const { row, what, misbehave, code, good, value, relative = false } of broken)
    for (const options of SET_UPS)
      test(`hostile ${row}: ${what}: ${half}, ${JSON.stringify(options)}`, () => {
        const hostile = setUp(half, options);
        const { queue, device, doorbell, list } = hostile;
        const { startIndex = 0 } = options;
        const wrong = relative ? (startIndex + value) & 0xffff : value;
        for (const token of [7, 8, 9]) queue.add(list, token);
        misbehave(device);
        const before = bytesBesidesAvail(hostile);
        for (let i = 0; i < good; i++) assert.notEqual(queue.getBuf(), EMPTY);
        const first = caught(() => queue.getBuf());
        assert.deepEqual(
          [first.code, first.queue, first.index, first.value],
          [code, 'rx', (startIndex + good) & 0xffff, wrong],
        );
        assert.equal(queue.isBroken, true);
        for (const call of [
          () => queue.getBuf(),
          () => queue.look(),
          () => queue.add(list, 1),
          () => queue.addDeferred(list, 1),
          () => queue.kick(),
          () => queue.kickPrepare(),
          () => queue.enableCalls(),
          () => queue.enableCallsDelayed(),
          () => queue.poll(0),
        ])
          assert.equal(caught(call), first);
        queue.disableCalls();
        queue.callDue();
        assert.equal(doorbell.rings, 0);
        assert.ok(before.equals(bytesBesidesAvail(hostile)), 'memory is left alone');
        const left: number[] = [];
        for (let token = queue.detachUnused(); token !== EMPTY; token = queue.detachUnused()) left.push(token);
        assert.equal(left.length, 3 - good, 'what is outstanding can still be taken back');
        takesGoodOne(setUp(half, options));
      });

for (const half of ENGINES)
  test(`hostile 31: an index that goes back later is found when it is read again: ${half}`, () => {
    const { queue, device, list } = setUp(half, { startIndex: 65535 });
    for (const token of [7, 8, 9]) queue.add(list, token);
    device.finish(0, 0);
    device.finish(1, 0);
    assert.equal(queue.getBuf(), 7);
    device.setUsedIdx(65535);
    assert.equal(queue.getBuf(), 8);
    assert.throws(() => queue.getBuf(), { code: 'used-index-jump', index: 1, value: 65535 });
  });

const lengths: [string, number[], number[], number, number, number][] = [
  // what, out, in, used length, length told, clamped
  ['as long as the room', [], [8], 8, 8, 0],
  ['one more than the room', [], [8], 9, 8, 1],
  ['all bits', [], [8], 0xffffffff, 8, 1],
  ['more than the room of several elements', [4], [3, 5], 9, 8, 1],
  ['as long as the room of several elements', [4], [3, 5], 8, 8, 0],
  ['anything for a request without room', [4], [], 1, 0, 1],
];
for (const half of ENGINES)
  for (const [what, out, into, length, told, clamped] of lengths)
    test(`hostile 32: used length ${what}: ${half}`, () => {
      const hostile = setUp(half);
      const { region, queue, device } = hostile;
      const list = new ScatterList(4);
      for (const bytes of out) list.addOut(region, DATA, bytes);
      for (const bytes of into) list.addIn(region, DATA, bytes);
      queue.add(list, 5);
      device.finish(device.takeHead()!, length);
      assert.equal(queue.getBuf(), 5);
      assert.deepEqual([queue.usedLength, queue.clampedLengths, queue.isBroken], [told, clamped, false]);
      assert.equal(queue.claimedLength, length);
      takesGoodOne(hostile);
    });

for (const half of ENGINES)
  for (const eventIdx of [false, true])
    for (const value of [0, 1, 2, 0x7fff, 0x8000, 0xfffe, 0xffff])
      test(`hostile 33: flags and avail_event ${value}, ${eventIdx ? 'events' : 'flags'}: ${half}`, () => {
        const { queue, device, list, doorbell } = setUp(half, { startIndex: 65533, eventIdx });
        device.setUsedFlags(value);
        device.setAvailEvent(value);
        let kicks = 0;
        for (let token = 0; token < 20; token++) {
          queue.add(list, token);
          if (queue.kick()) kicks++;
          device.finish(device.takeHead()!, 1);
          assert.equal(queue.enableCalls(), false, 'it is not waited for');
          assert.equal(queue.getBuf(), token);
        }
        // By flags all or none; by event once, if its turn comes.
        const isPassed = ((value - 65533) & 0xffff) < 20;
        assert.equal(kicks, eventIdx ? Number(isPassed) : (value & VRING_USED_F_NO_NOTIFY) !== 0 ? 0 : 20);
        assert.equal(doorbell.rings, kicks);
      });

for (const half of ENGINES)
  test(`hostile 34: descriptors and tables rewritten by the host: ${half}`, () => {
    const { region, ring, queue, device } = setUp(half, { startIndex: 65534 });
    const list = new ScatterList(3)
      .addOut(region, DATA, 4)
      .addIn(region, DATA + 8, 4)
      .addIn(region, DATA + 16, 4);
    for (let round = 0; round < 50; round++) {
      while (queue.add(list, round)) {}
      const heads = device.takeAll();
      assert.ok(heads.length >= 1);
      device.scribbleDescriptors(round % 2 === 0 ? 0xffffffff : 0x00010001);
      region.u8.fill(0xff, POOL, DATA);
      for (const head of heads) device.finish(head, 100);
      for (const _ of heads) {
        assert.equal(queue.getBuf(), round);
        assert.equal(queue.usedLength, 8);
      }
      assert.equal(queue.getBuf(), EMPTY);
      assert.equal(queue.freeDescriptors, ring.size);
    }
    queue.add(list, 1);
    const chain = device.readChain(0, region.u32.subarray(POOL / 4));
    assert.equal(chain.length, 3, 'the next request is written anew');
  });

for (const half of ENGINES)
  test(`hostile 34: direct chains rewritten by the host: ${half}`, () => {
    const { region, ring, queue, device } = setUp(half);
    const list = new ScatterList(8);
    for (let i = 0; i < 5; i++) list.addOut(region, DATA + 8 * i, 8); // longer than a table
    for (let round = 0; round < 50; round++) {
      queue.add(list, round);
      const head = device.takeHead()!;
      assert.equal(device.readChain(head).length, 5);
      device.scribbleDescriptors(0xffffffff);
      device.finish(head, 0);
      assert.equal(queue.getBuf(), round);
      assert.equal(queue.freeDescriptors, ring.size);
    }
  });

/** The rest of row 33: no wait lasts for ever, and what was not rung for is counted. That is whoever waits. */
const WAITS = 'bench/run/faults.test.ts';
let waitTitles: string[] | null = null;
for (const title of [
  'run: lost wake-ups > rings of the host that wake nobody are counted, and the run goes on …',
  'run: a side that falls silent ends it, whatever the doorbell > host, …',
])
  test(`hostile 33: held by ${WAITS}: ${title}`, () => {
    waitTitles ??= testTitles([WAITS])[WAITS]!;
    assert.equal(whyNoTitle(waitTitles, title), null);
  });
