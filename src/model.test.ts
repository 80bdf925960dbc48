/**
 * Properties of both ends together, by random sequences of their calls against a plain model (`test-model.ts`).
 * VRINGBENCH_MODEL_RUNS=N plays more of them, VRINGBENCH_MODEL_SEED=N others.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { IndirectPool } from './guest/indirect-pool.ts';
import { ScatterList } from './guest/scatter-list.ts';
import { SplitVirtqueue, type SplitVirtqueueOptions } from './guest/split-virtqueue.ts';
import type { SplitHostQueue, SplitHostQueueOptions } from './host/split-host-queue.ts';
import { Vringh } from './host/vringh.ts';
import { GuestMemory } from './memory/guest-memory.ts';
import { slowRange, wholeRange } from './memory/range.ts';
import { allocateShared, MemoryRegion } from './memory/region.ts';
import { bindRing } from './ordering/ring-fields.ts';
import { seqcst } from './ordering/seqcst.ts';
import { GuardedRing } from './test-guarded-ring.ts';
import { commandArbitraries, drain, ELEMENTS_MAX, Model, type Real, SLOT_BYTES } from './test-model.ts';
import { VhostUserQueue } from './vhost-user/queues/queue.ts';

const RUNS = Number(process.env.VRINGBENCH_MODEL_RUNS ?? 600);
const SEED = Number(process.env.VRINGBENCH_MODEL_SEED ?? 7);
const COMMANDS_MAX = 100;
/** Slots, then tables, then the ring. */
const SIZE_MAX = 64;
const TABLES_AT = SLOT_BYTES * (SIZE_MAX + 1);
const TABLES = 4;
const RING_AT = TABLES_AT + 8192;
const REGION_BYTES = RING_AT + 8192;

interface Ends {
  readonly kickAsItGoes: boolean;
  readonly host: (options: SplitHostQueueOptions) => SplitHostQueue;
  readonly guest: (options: SplitVirtqueueOptions) => SplitVirtqueue;
}

const guest = (options: SplitVirtqueueOptions) => new SplitVirtqueue(options);
const ENDS: Record<string, Ends> = {
  vringh: { kickAsItGoes: false, host: (options) => new Vringh(options), guest },
  'vhost-user': {
    kickAsItGoes: true,
    host: (options) => new VhostUserQueue({ ...options, ...options.state! }),
    guest,
  },
};

/** Made once: each run overwrites what it uses. */
const region = new MemoryRegion({
  guestBase: 2 ** 33 - 32768,
  buffer: allocateShared(REGION_BYTES),
  sizeBytes: REGION_BYTES,
});
const memory = new GuestMemory([region]);

const configurations = fc.record({
  size: fc.integer({ min: 0, max: 6 }).map((bits) => 2 ** bits),
  startIndex: fc.oneof(fc.constant(0), fc.integer({ min: 65536 - 64, max: 65535 })),
  tableLength: fc.constantFrom(0, 2, ELEMENTS_MAX),
  eventIdx: fc.boolean(),
  slow: fc.boolean(),
});
type Configuration = typeof configurations extends fc.Arbitrary<infer T> ? T : never;

function setUp(ends: Ends, { size, startIndex, tableLength, eventIdx, slow }: Configuration) {
  const guarded = new GuardedRing(region, RING_AT, size, eventIdx);
  const { ring } = guarded;
  const shared = bindRing(seqcst, ring);
  shared.avail.store16(ring.availIdx, startIndex);
  shared.used.store16(ring.usedIdx, startIndex);
  const indirect = tableLength > 0;
  const features = { indirect, eventIdx, version1: true };
  let rings = 0;
  const doorbell = {
    ring: () => {
      rings++;
    },
    rings: 0,
    wakeSyscalls: 0,
    resetCounters: () => {},
  };
  const pool = indirect
    ? { indirectPool: new IndirectPool({ region, offset: TABLES_AT, tableCount: TABLES, tableLength }) }
    : {};
  const state = { availIdx: startIndex, usedIdx: startIndex };
  const real: Real = {
    guest: ends.guest({ ring, shared, features, doorbell, startIndex, ...pool }),
    host: ends.host({ ring, shared, features, memory, getRange: (slow ? slowRange : wholeRange)(memory), state }),
    memory,
    region,
    list: new ScatterList(ELEMENTS_MAX),
    rings: () => rings,
    guarded,
  };
  const { kickAsItGoes } = ends;
  const model = new Model({ size, eventIdx, tableLength, tables: indirect ? TABLES : 0, kickAsItGoes });
  return { model, real };
}

/** The same property for any ends; what passed is counted, so that a test sees that something did. */
const property = (ends: Ends, counts = { requests: 0, calls: 0 }) =>
  fc.property(
    configurations,
    fc.commands(commandArbitraries, { maxCommands: COMMANDS_MAX, size: 'max' }),
    (configuration, commands) => {
      const both = setUp(ends, configuration);
      fc.modelRun(() => both, commands);
      drain(both.model, both.real);
      counts.requests += both.model.added.length;
      counts.calls += [...commands].length;
    },
  );

for (const [name, ends] of Object.entries(ENDS))
  test(`model: ${name}, ${RUNS} sequences of seed ${SEED}`, () => {
    const counts = { requests: 0, calls: 0 };
    fc.assert(property(ends, counts), { seed: SEED, numRuns: RUNS });
    assert.ok(counts.requests > 4 * RUNS && counts.calls > 25 * RUNS, JSON.stringify(counts));
  });

class NeverKicking extends SplitVirtqueue {
  override kickPrepare(): boolean {
    super.kickPrepare();
    return false;
  }
}
class LastFirst extends Vringh {
  override publish(): void {
    const at = (this.publishedIdx & this.mask) * 2;
    if (((this.usedIdx - this.publishedIdx) & 0xffff) === 2 && this.size > 2 && at + 4 <= this.usedRing.length) {
      const [a, b] = [this.usedRing.slice(at, at + 2), this.usedRing.slice(at + 2, at + 4)];
      this.usedRing.set(b, at);
      this.usedRing.set(a, at + 2);
    }
    super.publish();
  }
}
class Eventful extends Vringh {
  override disableKicks(): void {
    super.disableKicks();
    if (!this.eventIdx) this.usedFields.store16(this.ring.availEvent, this.lastAvailIdx);
  }
}
class Hasty extends Vringh {
  override enableKicks(): boolean {
    super.enableKicks();
    return true;
  }
}

for (const [what, ends, why] of [
  ['a guest that never kicks', { guest: (options) => new NeverKicking(options) }, /a kick|rings of/],
  ['completions in another order', { host: (options) => new LastFirst(options) }, /token/],
  ['avail_event without events', { host: (options) => new Eventful(options) }, /outside of the ring was written/],
  ['a host that waits though something came', { host: (options) => new Hasty(options) }, /safe to wait/],
] as readonly [string, Partial<Ends>, RegExp][])
  test(`model: ${what}: found`, () => {
    const found = fc.check(property({ ...ENDS.vringh!, ...ends }), { seed: SEED, numRuns: RUNS });
    assert.ok(found.failed);
    assert.match(String(found.errorInstance), why);
    assert.ok(String(found.counterexample![1]).split(',').length <= 12, String(found.counterexample));
  });
