/**
 * The two sides of a scenario, made anew for each run: the real queues, loops, orderings and doorbells, over memory
 * that is watched.
 */

import { CheckFailed } from '../../bench/check-failed.ts';
import { UNPACED } from '../../bench/latency/pace.ts';
import { NO_PROBE } from '../../bench/latency/round-trip.ts';
import { GuestLoop } from '../../bench/loops/js/guest-loop.ts';
import { HostLoop } from '../../bench/loops/js/host-loop.ts';
import type { LookingOptions } from '../../bench/loops/js/looking.ts';
import { type Loop, REACHED } from '../../bench/loops/loop.ts';
import type { Doorbell, DoorbellHandle, WaitSet } from '../../src/doorbell/doorbell.ts';
import { futex } from '../../src/doorbell/futex.ts';
import { IndirectPool } from '../../src/guest/indirect-pool.ts';
import { Request } from '../../src/host/queue.ts';
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import { MemoryRegion } from '../../src/memory/region.ts';
import type { Ordering } from '../../src/ordering/ordering.ts';
import { bindRing, type RingFields } from '../../src/ordering/ring-fields.ts';
import type { RingFeatures } from '../../src/ring/features.ts';
import { modernLayout, SplitRing } from '../../src/ring/split-layout.ts';
import { Interceptor } from './intercept.ts';
import { GUEST_BELL, HOST_BELL, Locations, namesOf } from './locations.ts';
import { type Change, type Fault, Mutator, type SideName, track } from './mutate.ts';
import { NO_ANSWER, type Performer } from './operation.ts';
import { PrivateState } from './private-state.ts';
import { guestQueue, hostQueue } from './queues.ts';
import type { Scenario } from './scenarios.ts';
import type { Side } from './side-graph.ts';
import { waitSet } from './waits.ts';
import { CountingGuest, CountingHost, SLOT_BYTES, SLOTS } from './workload.ts';

/** Where indirect tables begin in the region, bytes, and the descriptors of each. */
const TABLES = 512;
const TABLE_LENGTH = 2;
const REGION_BYTES = 4096;
/** Above 2^32, as in the benchmark: no offset can pass for an address. */
const GUEST_BASE = 2 ** 40;

/** Without a clock: as many looks as the scenario says, no time between them. */
const lookingOf = ({ ringLooks }: Scenario): LookingOptions => ({
  lookOn: {
    ...{ looks: ringLooks, idlePause: 0, busyPause: 0, us: 0 },
    calibrate() {},
    beginWait() {},
    endWait() {},
  },
  enough: 2,
  sharesCpu: false,
  pollsMax: 0,
});

/** One side as it is at the start of a run. */
interface Half {
  readonly loop: Loop;
  readonly waits: WaitSet;
  readonly tracked: readonly object[];
}

export class Stage {
  readonly locations: Locations;
  readonly sides: readonly [Side, Side];
  /** What memory holds once both sides are made, by place. */
  readonly initial = new Map<number, number>();
  private readonly scenario: Scenario;
  private readonly interceptor: Interceptor;
  private readonly region: MemoryRegion;
  private readonly ring: SplitRing;
  private readonly shared: RingFields;
  private readonly memory: GuestMemory;
  private readonly features: RingFeatures;
  private readonly guestBell: DoorbellHandle = futex.makeHandle();
  private readonly hostBell: DoorbellHandle = futex.makeHandle();
  private readonly privateState: PrivateState;

  constructor(scenario: Scenario, ordering: Ordering, fault: Fault | null) {
    this.scenario = scenario;
    const region = new MemoryRegion({ guestBase: GUEST_BASE, buffer: new SharedArrayBuffer(REGION_BYTES) });
    const ring = SplitRing.within(region, 0, modernLayout(scenario.ringSize));
    const places = { tables: TABLES, tableLength: TABLE_LENGTH, slots: SLOTS, slotBytes: SLOT_BYTES };
    this.locations = new Locations(namesOf(ring, places));
    this.interceptor = new Interceptor(this.locations);
    this.interceptor.watch(region.buffer, 0);
    this.interceptor.watch(this.guestBell.words, GUEST_BELL);
    this.interceptor.watch(this.hostBell.words, HOST_BELL);
    this.region = this.interceptor.region(region);
    this.ring = this.interceptor.ring(ring, this.region);
    this.shared = bindRing(ordering, this.ring);
    this.memory = new GuestMemory([this.region]);
    this.features = { indirect: scenario.indirect, eventIdx: scenario.eventIdx, version1: true };
    const { shared } = this;
    this.privateState = new PrivateState([
      this.region,
      this.ring,
      shared,
      shared.avail,
      this.memory,
      this.features,
      scenario,
    ]);
    const changeOf = (side: SideName) => (fault?.side === side ? fault.change : null);
    this.sides = [
      this.side('guest', () => this.guest(), changeOf('guest')),
      this.side('host', () => this.host(), changeOf('host')),
    ];
    this.setUp();
  }

  /** True as long as no access went past the checker, to the real bytes. */
  get untouched(): boolean {
    return new Uint8Array(this.region.buffer).every((byte) => byte === 0);
  }

  /** Notes what making the sides stores: that happens before either of them runs. */
  private setUp(): void {
    const { initial, scenario, locations, ring } = this;
    for (const field of [ring.availIdx, ring.usedIdx]) initial.set(locations.at(field, 2), scenario.startIndex);
    const performer: Performer = {
      perform({ location, value }) {
        initial.set(location, value);
        return NO_ANSWER;
      },
    };
    this.interceptor.during(performer, () => {
      this.guest();
      this.host();
    });
  }

  private side(name: SideName, build: () => Half, change: Change | null): Side {
    const { interceptor } = this;
    const settingUp: Performer = { perform: () => NO_ANSWER };
    return {
      name,
      run: (performer, checkpoint) => {
        const { loop, waits, tracked } = interceptor.during(settingUp, build);
        const mutator = new Mutator(change, this.locations.names, performer);
        const fields = { loop, waits, mutator: mutator.held };
        for (const target of tracked)
          track(target, interceptor, mutator, {
            before: (method) => {
              // Where a loop looks for work nothing but its fields decides what comes.
              if (method === 'getBuf' || method === 'next') checkpoint(() => this.privateState.textOf(fields));
            },
          });
        track(loop, interceptor, mutator, { only: ['flush'] });
        interceptor.site = '';
        interceptor.during(mutator, () => this.loop(loop, waits));
      },
    };
  }

  private loop(loop: Loop, waits: WaitSet): void {
    while (loop.advance(this.scenario.requests, true) !== REACHED) {
      const wake = waits.wait(Number.POSITIVE_INFINITY);
      if (wake !== 'rung') throw new CheckFailed('end of a wait', 'rung', wake as string);
      loop.woken();
    }
  }

  private guest(): Half {
    const { scenario, ring, shared, features, region } = this;
    const { startIndex, batch, outstanding, delayed } = scenario;
    const doorbell: Doorbell = futex.doorbell(this.hostBell);
    const queue = guestQueue(scenario, {
      ...{ ring, shared, features, doorbell },
      ...(startIndex === 0 ? {} : { startIndex }),
      indirectPool: new IndirectPool({ region, offset: TABLES, tableCount: ring.size, tableLength: TABLE_LENGTH }),
    });
    const loop = new GuestLoop({
      queue,
      workload: new CountingGuest(scenario.shape, region),
      slotCount: slotCount(scenario),
      verify: true,
      knobs: { batch, outstanding, delayedInterrupt: delayed },
      probe: NO_PROBE,
      pace: UNPACED,
      looking: lookingOf(scenario),
    });
    const waits = waitSet(scenario.wait, this.guestBell);
    return { loop, waits, tracked: [queue, doorbell, waits] };
  }

  private host(): Half {
    const { scenario, ring, shared, features, memory } = this;
    const { hostBatch } = scenario;
    const queue = hostQueue(scenario, { ring, shared, features, memory });
    const request = new Request(memory);
    const workload = new CountingHost(scenario.shape, slotCount(scenario));
    const bell = futex.doorbell(this.guestBell);
    const loop = new HostLoop({
      queue,
      request,
      workload,
      batch: hostBatch,
      bell,
      outstanding: queue.size,
      looking: lookingOf(scenario),
    });
    const waits = waitSet(scenario.wait, this.hostBell);
    return { loop, waits, tracked: [queue, bell, waits] };
  }
}

/** One more than the ring has descriptors, as in the benchmark: no slot is used again early. */
const slotCount = ({ ringSize }: Scenario) => ringSize + 1;
