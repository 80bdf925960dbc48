import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MockDriver } from '../../guest/mock-driver.ts';
import { Request } from '../../host/queue.ts';
import { GuestMemory } from '../../memory/guest-memory.ts';
import { MemoryRegion } from '../../memory/region.ts';
import { bindRing } from '../../ordering/ring-fields.ts';
import { seqcst } from '../../ordering/seqcst.ts';
import { RingError, type RingErrorCode } from '../../ring/errors.ts';
import { modernLayout, SplitRing } from '../../ring/split-layout.ts';
import { InflightArea, inflightBytes } from './inflight.ts';
import { VhostUserQueue } from './queue.ts';
import { byHand, entry, SIZE } from './test-inflight-area.ts';

const DATA = 4096;
const MEMORY_BYTES = 8192;
const wrap = (index: number) => index & 0xffff;

for (const [size, bytes] of [
  [1, 64],
  [2, 64],
  [3, 64],
  [4, 128],
  [128, 2112],
  [256, 4160],
  [32768, 524352],
] as const)
  test(`in-flight area: ${size} descriptors take ${bytes} bytes`, () => {
    assert.equal(inflightBytes(size), bytes);
    new InflightArea(new Uint8Array(bytes), size, 'q');
  });

test('in-flight area: too short or misaligned bytes are refused', () => {
  assert.throws(() => new InflightArea(new Uint8Array(16 + 16 * SIZE - 1), SIZE, 'q'), RangeError);
  assert.throws(() => new InflightArea(new Uint8Array(new ArrayBuffer(1024), 4, 512), SIZE, 'q'), RangeError);
  assert.throws(() => new InflightArea(new Uint8Array(0), 1, 'q'), RangeError);
  assert.throws(() => new InflightArea(new Uint8Array(1024), 8, 'q', 7), RangeError);
  assert.throws(() => new InflightArea(new Uint8Array(1024), 8, 'q', 64), RangeError);
});

test('in-flight area: a fresh one is set up from the used index', () => {
  const bytes = new Uint8Array(inflightBytes(SIZE)).fill(0xff);
  bytes[8] = 0;
  bytes[9] = 0;
  const area = new InflightArea(bytes, SIZE, 'q');
  assert.equal(area.recover(0x1234), null, 'it knows nothing');
  const view = new DataView(bytes.buffer);
  assert.deepEqual(
    [view.getBigUint64(0, true), ...[8, 10, 12, 14].map((offset) => view.getUint16(offset, true))],
    [0n, 1, SIZE, 0, 0x1234],
  );
  assert.ok(bytes.subarray(16, 16 + 16 * SIZE).every((byte) => byte === 0));
});

test('in-flight area: what it writes, by offset', () => {
  const bytes = new Uint8Array(inflightBytes(SIZE));
  const area = new InflightArea(bytes, SIZE, 'q');
  const view = new DataView(bytes.buffer);
  area.recover(0);
  for (const head of [3, 5, 1]) area.take(head);
  const flags = () => Array.from({ length: SIZE }, (_, head) => view.getUint8(16 + 16 * head));
  assert.deepEqual(flags(), [0, 1, 0, 1, 0, 1, 0, 0]);
  assert.deepEqual(
    [3, 5, 1].map((head) => view.getBigUint64(16 + 16 * head + 8, true)),
    [0n, 1n, 2n],
  );
  area.link(5);
  area.link(3);
  assert.deepEqual(
    [view.getUint16(12, true), view.getUint16(16 + 16 * 3 + 6, true), view.getUint16(16 + 16 * 5 + 6, true)],
    [3, 5, 0],
  );
  area.clear(5);
  area.clear(3);
  area.finish(2);
  assert.deepEqual(flags(), [0, 1, 0, 0, 0, 0, 0, 0]);
  assert.equal(view.getUint16(14, true), 2);
  area.giveBack(1);
  assert.deepEqual(flags(), [0, 0, 0, 0, 0, 0, 0, 0]);
});

const orders: [string, [number, bigint][], number[], bigint][] = [
  // what, head and counter, order, counter of the next request
  ['nothing', [], [], 0n],
  ['one', [[4, 7n]], [4], 8n],
  [
    'by counter, not by head',
    [
      [0, 9n],
      [3, 2n],
      [5, 5n],
    ],
    [3, 5, 0],
    10n,
  ],
  [
    'counters of more than 32 bits',
    [
      [0, 2n ** 32n],
      [1, 2n ** 32n - 1n],
      [2, 2n ** 33n - 1n],
    ],
    [1, 0, 2],
    2n ** 33n,
  ],
  [
    'counters of more than 53 bits',
    [
      [0, 2n ** 60n + 1n],
      [1, 2n ** 60n],
    ],
    [1, 0],
    2n ** 60n + 2n,
  ],
  ['the last counter of all', [[6, 2n ** 64n - 1n]], [6], 0n],
];
for (const [what, taken, order, next] of orders)
  test(`recovery: in order of the counter: ${what}`, () => {
    const { bytes, area } = byHand((view) => {
      for (const [head, counter] of taken) entry(view, head, 1, counter);
      entry(view, 7, 0, 2n ** 64n - 1n);
    });
    assert.deepEqual([...area.recover(0)!], order);
    area.take(7);
    assert.equal(new DataView(bytes.buffer, 64).getBigUint64(16 + 16 * 7 + 8, true), next);
  });

const batches: [string, number, number, number[], number[]][] = [
  // what, used index in the area, in the ring, the linked list from last_batch_head, what stays in flight of 1 to 5
  ['none open', 9, 9, [1, 2], [1, 2, 3, 4, 5]],
  ['one of one', 9, 10, [3], [1, 2, 4, 5]],
  ['two of a longer list', 9, 11, [3, 5, 1], [1, 2, 4]],
  ['over the wrap', 65535, 1, [2, 4, 1], [1, 3, 5]],
  ['a list that loops', 9, 12, [3, 3], [1, 2, 4, 5]],
];
for (const [what, before, usedIdx, list, left] of batches)
  test(`recovery: the last batch: ${what}`, () => {
    const { bytes, area } = byHand((view) => {
      for (const head of [1, 2, 3, 4, 5]) entry(view, head, 1, BigInt(head));
      for (const [i, head] of list.entries()) view.setUint16(16 + 16 * head + 6, list[i + 1] ?? 0, true);
      view.setUint16(12, list[0]!, true);
      view.setUint16(14, before, true);
    });
    assert.deepEqual([...area.recover(usedIdx)!], left);
    assert.equal(new DataView(bytes.buffer, 64).getUint16(14, true), usedIdx);
    assert.deepEqual([...new InflightArea(bytes, SIZE, 'q').recover(usedIdx)!], left, 'a second time');
  });

/** With a request in flight, which a ring must fit. */
const held = (write: (view: DataView) => void) => (view: DataView) => {
  entry(view, 2, 1, 5n);
  write(view);
};

const lies: [string, (view: DataView) => void, number, RingErrorCode, number, number][] = [
  // what, area, used index, code, index, value
  ['another version', (v) => v.setUint16(8, 2, true), 0, 'inflight-version', 0, 2],
  ['another version, all bits', (v) => v.setUint16(8, 0xffff, true), 0, 'inflight-version', 0, 0xffff],
  ['fewer descriptors', held((v) => v.setUint16(10, SIZE - 1, true)), 0, 'inflight-size', 0, SIZE - 1],
  ['more descriptors', held((v) => v.setUint16(10, 0xffff, true)), 0, 'inflight-size', 0, 0xffff],
  ['a used index far off', held((v) => v.setUint16(14, 100, true)), 100 + SIZE + 1, 'inflight-used-index', 100, 109],
  ['a used index ahead', held((v) => v.setUint16(14, 1, true)), 0, 'inflight-used-index', 1, 0],
  ['a last head outside', held((v) => v.setUint16(12, SIZE, true)), 1, 'inflight-head-out-of-range', 0, SIZE],
  ['a next head outside', (v) => entry(v, 0, 1, 0n, 0xffff), 2, 'inflight-head-out-of-range', 1, 0xffff],
];
for (const [what, write, usedIdx, code, index, value] of lies)
  test(`recovery: ${what} is refused`, () => {
    assert.throws(
      () => byHand(write).area.recover(usedIdx),
      (error) => {
        assert.ok(error instanceof RingError);
        assert.deepEqual([error.code, error.queue, error.index, error.value], [code, 'q', index, value]);
        return true;
      },
    );
  });

test('recovery: whatever stands in the area, it ends with heads of the ring or a typed error', () => {
  const random = generator(7);
  for (let round = 0; round < 2000; round++) {
    const { area } = byHand((view) => {
      for (let offset = 12; offset < 16 + 16 * SIZE; offset++)
        view.setUint8(offset, random(4) === 0 ? random(256) : random(3));
    });
    try {
      const heads = area.recover(random(12))!;
      assert.ok(heads.every((head) => head < SIZE) && new Set(heads).size === heads.length);
    } catch (error) {
      assert.ok(error instanceof RingError, `${error}`);
    }
  }
});

/** Numbers from 0 to `end` - 1, the same for the same seed. */
function generator(seed: number): (end: number) => number {
  let state = seed;
  return (end) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * end);
  };
}

/** All that outlives a backend. */
interface Memory {
  guest: ArrayBuffer;
  area: ArrayBuffer;
}

/** A backend over such memory, started as after a kill. */
function start({ guest, area }: Memory, availIdx: number) {
  const region = new MemoryRegion({ guestBase: 2 ** 40, buffer: guest });
  const ring = SplitRing.within(region, 0, modernLayout(SIZE));
  const shared = bindRing(seqcst, ring);
  const memory = new GuestMemory([region]);
  const queue = new VhostUserQueue({
    ring,
    shared,
    features: { indirect: false, eventIdx: true, version1: true },
    memory,
    availIdx,
    usedIdx: null,
    inflight: new InflightArea(new Uint8Array(area), SIZE, 'q'),
    name: 'q',
  });
  return { ring, shared, queue, request: new Request(memory), spare: new Request(memory) };
}

/** Where the guest stands: what it offered and did not see finished, how often each was served so far. */
interface Guest {
  /** What the frontend says whenever it connects: it counts only before there is an area. */
  base: number;
  availIdx: number;
  lastUsedIdx: number;
  outstanding: Set<number>;
}

/**
 * What holds after a kill at any moment: a successor over `memory` serves all that the guest waits for, each once.
 */
function assertRecovers(memory: Memory, guest: Guest, what: string): void {
  const { ring, shared, queue, request } = start(memory, guest.base);
  const waiting = new Set(guest.outstanding);
  const usedBefore = shared.used.load16(ring.usedIdx);
  let usedIdx = guest.lastUsedIdx;
  const see = (end: number) => {
    for (; usedIdx !== end; usedIdx = wrap(usedIdx + 1))
      assert.ok(
        waiting.delete(ring.usedRing[2 * (usedIdx & (SIZE - 1))]!),
        `${what}: finished, and nobody waits for it`,
      );
  };
  see(usedBefore);
  for (const expected = waiting.size; queue.next(request); ) {
    assert.ok(waiting.has(request.head), `${what}: served again though finished`);
    queue.complete(request, 0);
    see(shared.used.load16(ring.usedIdx));
    assert.ok(waiting.size < expected);
  }
  assert.deepEqual([...waiting], [], `${what}: lost`);
  assert.equal(shared.used.load16(ring.usedIdx), guest.availIdx, what);
  assert.deepEqual(queue.state(), { availIdx: guest.availIdx, usedIdx: guest.availIdx });
}

const copy = ({ guest, area }: Memory): Memory => ({ guest: guest.slice(0), area: area.slice(0) });

/** Runs `steps` of a backend; before each store that others can see, `killed` gets what a kill there would leave. */
function run(
  memory: Memory,
  guest: Guest,
  seed: number,
  steps: number,
  killed: (left: Memory, guest: Guest) => void,
): void {
  const random = generator(seed);
  const store = Atomics.store;
  const spy = (array: Uint32Array, index: number, value: number) => {
    Atomics.store = store;
    killed(copy(memory), { ...guest, outstanding: new Set(guest.outstanding) });
    Atomics.store = spy as typeof store;
    return store(array, index, value);
  };
  try {
    Atomics.store = spy as typeof store;
    const { ring, shared, queue, request } = start(memory, guest.base);
    // The guest's stores are not the backend's: nobody is killed at them.
    const driver = (act: () => void) => {
      Atomics.store = store;
      act();
      Atomics.store = spy as typeof store;
    };
    const offered = bindRing(seqcst, ring);
    const taken: number[] = [];
    for (let step = 0; step < steps; step++) {
      const choice = random(12);
      if (choice < 4) {
        driver(() => {
          const free = Array.from({ length: SIZE }, (_, head) => head).filter((head) => !guest.outstanding.has(head));
          if (free.length === 0) return;
          const head = free[random(free.length)]!;
          ring.availRing[guest.availIdx & (SIZE - 1)] = head;
          guest.outstanding.add(head);
          guest.availIdx = wrap(guest.availIdx + 1);
          offered.avail.store16(ring.availIdx, guest.availIdx);
        });
      } else if (choice < 8) {
        if (queue.next(request)) taken.push(request.head);
      } else if (choice < 10 && taken.length > 0) {
        request.head = taken.splice(random(taken.length), 1)[0]!;
        queue.completeDeferred(request, 0);
      } else if (choice === 10) {
        queue.publish();
      } else if (random(3) === 0) {
        const count = random(3);
        try {
          queue.rewind(count);
          taken.splice(taken.length - count, count);
        } catch (error) {
          assert.ok(error instanceof RangeError, 'some of them are finished');
        }
      }
      driver(() => {
        if (random(3) > 0) return;
        for (const end = shared.used.load16(ring.usedIdx); guest.lastUsedIdx !== end; ) {
          assert.ok(guest.outstanding.delete(ring.usedRing[2 * (guest.lastUsedIdx & (SIZE - 1))]!));
          guest.lastUsedIdx = wrap(guest.lastUsedIdx + 1);
        }
      });
    }
  } finally {
    Atomics.store = store;
  }
}

/** Fresh memory, both indices at `index`, and one readable byte behind each descriptor. */
function fresh(index: number): { memory: Memory; guest: Guest } {
  const memory = { guest: new ArrayBuffer(MEMORY_BYTES), area: new ArrayBuffer(inflightBytes(SIZE)) };
  const region = new MemoryRegion({ guestBase: 2 ** 40, buffer: memory.guest });
  const ring = SplitRing.within(region, 0, modernLayout(SIZE));
  const shared = bindRing(seqcst, ring);
  const driver = new MockDriver({ ring, shared, startIndex: index });
  shared.used.store16(ring.usedIdx, index);
  for (let head = 0; head < SIZE; head++) driver.writeDescriptor(head, { offset: DATA + head, length: 1 });
  return { memory, guest: { base: index, availIdx: index, lastUsedIdx: index, outstanding: new Set() } };
}

for (const index of [0, 65520])
  for (let seed = 1; seed <= 4; seed++)
    test(`a kill at any moment loses nothing and doubles nothing, from ${index}, seed ${seed}`, () => {
      const { memory, guest } = fresh(index);
      let kills = 0;
      run(memory, guest, seed, 2000, (left, then) => assertRecovers(left, then, `kill ${++kills}`));
      assert.ok(kills > 1000, `${kills} kills`);
    });

for (const index of [3, 65533])
  test(`a kill of the successor, and of its successor, from ${index}`, () => {
    const { memory, guest } = fresh(index);
    let kills = 0;
    let deeper = 0;
    run(memory, guest, 11, 200, (left, then) => {
      if (++kills % 5 !== 0) return;
      run(left, then, kills, 60, (again, thenAgain) => {
        if (++deeper % 7 === 0)
          run(copy(again), { ...thenAgain, outstanding: new Set(thenAgain.outstanding) }, deeper, 30, () => {});
        assertRecovers(again, thenAgain, `kill ${kills}, then ${deeper}`);
      });
    });
    assert.ok(deeper > 1000, `${deeper} kills`);
  });

/** Three requests taken of which the middle one is finished, a fourth not taken yet; then the backend dies. */
function died() {
  const { memory, guest } = fresh(65534);
  const first = start(memory, 65534);
  const driver = new MockDriver({ ring: first.ring, shared: first.shared, startIndex: 65534 });
  for (const head of [6, 2, 4, 1]) driver.offer(head);
  const { queue, request } = first;
  for (let i = 0; i < 3; i++) queue.next(request);
  queue.completeHead(2, 0);
  return { memory, guest, driver };
}
const heads = (queue: VhostUserQueue, request: Request, count: number) =>
  Array.from({ length: count }, () => (queue.next(request) ? request.head : -1));

test('successor: takes what was in flight first, in order, then what is new', () => {
  const { memory, driver } = died();
  const { queue, request } = start(memory, 0);
  assert.equal(queue.isEmpty(), false);
  assert.deepEqual(queue.getAvailBytes(99, 99), { inBytes: 0, outBytes: 3 });
  assert.deepEqual(heads(queue, request, 4), [6, 4, 1, -1]);
  assert.deepEqual(queue.state(true), { availIdx: 2, usedIdx: 65535 });
  for (const head of [1, 6, 4]) queue.completeHead(head, 9);
  const used = Array.from({ length: 4 }, () => driver.readUsed()!.id);
  assert.deepEqual(used, [2, 1, 6, 4]);
});

test('successor: what it hands back of it stays in flight, what is new does not', () => {
  const { memory } = died();
  const { queue, request } = start(memory, 0);
  heads(queue, request, 3);
  queue.rewind(2);
  assert.throws(() => queue.state(), RangeError);
  assert.deepEqual(queue.state(true), { availIdx: 1, usedIdx: 65535 });
  const heir = start(copy(memory), 0);
  assert.deepEqual(heads(heir.queue, heir.request, 4), [6, 4, 1, -1]);
  assert.deepEqual(heads(queue, request, 3), [4, 1, -1]);
});

test('successor: long after, what it hands back is its own', () => {
  const { memory, driver } = died();
  const { queue, request } = start(memory, 0);
  heads(queue, request, 3);
  for (const head of [6, 4, 1]) queue.completeHead(head, 0);
  // Once around the index, so that it stands where the predecessor's requests ended.
  for (let i = 0; i < 65536; i++) {
    driver.offer(i % SIZE);
    assert.equal(queue.takeHead(), i % SIZE);
    queue.completeHead(i % SIZE, 0);
  }
  driver.offer(5);
  driver.offer(3);
  assert.deepEqual(heads(queue, request, 2), [5, 3]);
  queue.rewind(2);
  assert.deepEqual([...new InflightArea(new Uint8Array(memory.area), SIZE, 'q').recover(wrap(65536 + 2))!], []);
  assert.deepEqual(heads(queue, request, 2), [5, 3]);
});

test('successor: an available index behind what was taken already breaks the ring', () => {
  for (const look of ['next', 'getAvailBytes'] as const) {
    const { memory, driver } = died();
    const { queue, request } = start(memory, 0);
    driver.setAvailIdx(65535);
    const use = look === 'next' ? () => heads(queue, request, 4) : () => queue.getAvailBytes(9, 9);
    if (look === 'next') assert.throws(use, { code: 'avail-index-jump' });
    else assert.deepEqual(use(), { inBytes: 0, outBytes: 2 });
    driver.setAvailIdx(0);
    if (look === 'getAvailBytes') assert.throws(use, { code: 'avail-index-jump' });
    assert.equal(queue.isBroken, true);
  }
});

test('successor: a head in flight that the guest offers again breaks the ring', () => {
  const { memory, driver } = died();
  const { queue, request } = start(memory, 0);
  driver.offer(4);
  assert.throws(() => heads(queue, request, 5), { code: 'avail-head-in-flight', value: 4 });
});

test('start: a fresh area knows nothing, and the next available index is the one given', () => {
  const { memory } = fresh(7);
  assert.deepEqual(start(memory, 9).queue.state(), { availIdx: 9, usedIdx: 7 });
  assert.deepEqual(start(memory, 9).queue.state(), { availIdx: 7, usedIdx: 7 }, 'now it knows');
});
