/** What a dead thread's record says of where its ring goes on, against a count kept by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../fuzz/random.ts';
import { MockDriver } from '../../guest/mock-driver.ts';
import { Request } from '../../host/queue.ts';
import { GuestMemory } from '../../memory/guest-memory.ts';
import { MemoryRegion } from '../../memory/region.ts';
import { bindRing } from '../../ordering/ring-fields.ts';
import { seqcst } from '../../ordering/seqcst.ts';
import { modernLayout, SplitRing } from '../../ring/split-layout.ts';
import { InflightArea, inflightBytes } from './inflight.ts';
import { VhostUserQueue } from './queue.ts';
import { QueueRecord } from './queue-record.ts';

const SIZE = 8;
const STEPS = 3000;
const wrap = (index: number) => index & 0xffff;

/** A ring that a thread serves, and what its guest knows of it: each entry's place is a number that never wraps. */
class Life {
  readonly memory: GuestMemory;
  readonly ring: SplitRing;
  readonly driver: MockDriver;
  readonly request: Request;
  queue: VhostUserQueue;
  record: QueueRecord;
  /** Entries offered so far, and where the one of each outstanding head is. */
  offered: number;
  readonly placeOf = new Map<number, number>();
  /** Entries with an element in the used ring that is shown. */
  readonly used = new Set<number>();
  readonly held: number[] = [];
  private readonly area: Uint8Array | null;

  constructor(start: number, tracked: boolean) {
    const region = new MemoryRegion({ guestBase: 4096, buffer: new SharedArrayBuffer(8192) });
    this.memory = new GuestMemory([region]);
    this.ring = SplitRing.within(region, 0, modernLayout(SIZE));
    this.driver = new MockDriver({ ring: this.ring, shared: bindRing(seqcst, this.ring), startIndex: wrap(start) });
    for (let head = 0; head < SIZE; head++) this.driver.writeDescriptor(head, { offset: 4096, length: 1 });
    this.request = new Request(this.memory);
    this.area = tracked ? new Uint8Array(inflightBytes(SIZE)) : null;
    this.offered = start;
    this.ring.places.used.region.u16[this.ring.usedIdx / 2] = wrap(start);
    this.record = this.newRecord();
    this.queue = this.newQueue(wrap(start));
  }

  /** The thread dies, and another one goes on where the record says. */
  die(): number {
    const resumeAt = this.record.resumeAt();
    this.held.length = 0;
    this.record = this.newRecord();
    this.queue = this.newQueue(resumeAt);
    return resumeAt;
  }

  /** The place of the entry at an available index: one of the last offered. */
  placeAt(index: number): number {
    return this.offered - wrap(this.driver.availIdx - index);
  }

  offer(random: Random): void {
    const free = Array.from({ length: SIZE }, (_, head) => head).filter((head) => !this.placeOf.has(head));
    if (free.length === 0) return;
    const head = random.pick(free);
    this.placeOf.set(head, this.offered++);
    this.driver.offer(head);
  }

  take(): void {
    if (this.queue.next(this.request)) this.held.push(this.request.head);
  }

  complete(random: Random): void {
    if (this.held.length === 0) return;
    const [head] = this.held.splice(random.below(this.held.length), 1);
    this.request.head = head!;
    this.queue.completeDeferred(this.request, 0);
  }

  giveBack(): void {
    const last = this.held.at(-1);
    if (last === undefined || last !== this.queue.lastHead) return;
    this.queue.rewind(1);
    this.queue.lastHead = SIZE;
    this.held.pop();
  }

  /** The guest takes back what is shown. */
  collect(): void {
    for (let used = this.driver.readUsed(); used !== null; used = this.driver.readUsed()) {
      const place = this.placeOf.get(used.id);
      assert.ok(place !== undefined, `head ${used.id} is used, and nobody waits for it`);
      this.placeOf.delete(used.id);
      this.used.add(place);
    }
  }

  private newRecord(): QueueRecord {
    return new QueueRecord(SIZE, new SharedArrayBuffer(QueueRecord.bytes(SIZE)));
  }

  private newQueue(availIdx: number): VhostUserQueue {
    return new VhostUserQueue({
      ring: this.ring,
      shared: bindRing(seqcst, this.ring),
      features: { indirect: false, eventIdx: false, version1: true },
      memory: this.memory,
      availIdx,
      usedIdx: null,
      inflight: this.area === null ? null : new InflightArea(this.area, SIZE, 'q'),
      record: this.record,
      name: 'q',
    });
  }
}

for (const tracked of [false, true])
  for (const start of [0, 65530])
    for (let seed = 1; seed <= 4; seed++)
      test(`queue record: ${tracked ? 'tracked' : 'untracked'}, from ${start}, seed ${seed}: no used entry is named again`, () => {
        const random = new Random(seed);
        const life = new Life(start, tracked);
        let deaths = 0;
        let kept = 0;
        let begun = start;
        for (let step = 0; step < STEPS; step++) {
          const choice = random.below(12);
          if (choice < 4) life.offer(random);
          else if (choice < 8) life.take();
          else if (choice < 10) life.complete(random);
          else if (choice === 10) life.giveBack();
          else life.queue.publish();
          life.collect();
          if (!random.oneIn(40)) continue;
          const from = life.placeAt(life.die());
          for (let place = from; place < life.offered; place++)
            assert.ok(!life.used.has(place), `death ${deaths}: entry ${place} was used, and is named again`);
          deaths++;
          if (tracked) continue;
          const lowest = Math.max(begun, ...[...life.used].map((place) => place + 1));
          assert.equal(from, lowest, `death ${deaths}: nothing is lost without need`);
          begun = from;
          // What an index has no word for is lost: its guest gives it up.
          for (const [head, place] of life.placeOf) {
            if (place >= from) kept++;
            else life.placeOf.delete(head);
          }
        }
        assert.ok(deaths > 20 && (tracked || kept > 20), `${deaths} deaths, ${kept} requests handed on`);
      });
