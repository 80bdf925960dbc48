/** Plays a case on a host half: each step done to it and asked of the oracle. */
import { MockDriver } from '../guest/mock-driver.ts';
import type { ElementList } from '../host/element-list.ts';
import { Request } from '../host/queue.ts';
import type { Vringh } from '../host/vringh.ts';
import { type RangeCallback, slowRange, wholeRange } from '../memory/range.ts';
import { bindRing } from '../ordering/ring-fields.ts';
import { seqcst } from '../ordering/seqcst.ts';
import { compareOutcome, type Expected, outcomeOf, same } from '../ring-oracle/answer.ts';
import { FACE_RULES, type Held, HostOracle, sum } from '../ring-oracle/host-oracle.ts';
import { joined, type Piece } from '../ring-oracle/memory.ts';
import { Disagreement, type Reads } from '../ring-oracle/reads.ts';
import { VhostUserQueue } from '../vhost-user/queues/queue.ts';
import type { Halves, HostHalf } from './halves.ts';
import { actAsGuest } from './peers.ts';
import type { HostCall, HostCase, RangeName } from './ring-case.ts';
import type { World } from './world.ts';

/** Of what was sent so much is compared. */
const PULL_BYTES_MAX = 4096;
const CUT_BYTES = 40;

/** Calls of the kernel's interface alone. */
type WithLists = Pick<Vringh, 'getdesc' | 'completeMulti'>;
const hasLists = (queue: object): queue is WithLists => 'getdesc' in queue;

/** A call to be made, and what the oracle says of it afterwards. */
interface Trial {
  readonly act: () => unknown;
  readonly expect: (reads: Reads) => Expected & { readonly breaks?: boolean };
  /** What else must be so. */
  readonly after?: () => void;
}

const RANGES: Record<Exclude<RangeName, 'none'>, (world: World) => RangeCallback> = {
  whole: ({ memory }) => wholeRange(memory),
  slow: ({ memory }) => slowRange(memory),
  cut: ({ memory }) => {
    const whole = wholeRange(memory);
    return (range) => {
      if (!whole(range)) return false;
      const behind = Math.floor((range.wanted - range.start) / CUT_BYTES) * CUT_BYTES;
      range.end = Math.min(range.end, range.start + behind + CUT_BYTES);
      range.start += behind;
      range.offset += behind;
      return true;
    };
  },
};

export class HostPlayer {
  /** Requests taken and answered. */
  requests = 0;
  /** What went wrong for the guest's sake, how often. */
  readonly refusals: string[] = [];
  private readonly world: World;
  private readonly watched: boolean;
  /** The end asks the range callback; code that has memory itself does not. */
  private readonly refuses: boolean;
  private readonly driver: MockDriver;
  private readonly queue: HostHalf;
  private readonly oracle: HostOracle;
  /** By head; those not in use wait in `spare`. */
  private readonly requestOf = new Map<number, Request>();
  private readonly spare: Request[] = [];
  /** The most elements that a list had. */
  private mostElements = 0;

  constructor(world: World, one: HostCase, halves: Halves) {
    const { face, startIndex, indirect, eventIdx } = one;
    this.world = world;
    this.watched = halves.watched;
    this.refuses = halves.watched && one.range !== 'none';
    world.reset(accessesMax(one));
    const { ring, plan, seen } = world.ring(one, halves.watched);
    const shared = bindRing(seqcst, ring);
    this.driver = new MockDriver({ ring, shared, startIndex });
    const takenOver = one.takenOver || startIndex !== 0 || face === 'vhost-user';
    shared.avail.store16(ring.availFlags, 0);
    // What a predecessor asked for may be anything; so may be what the guest keeps where no events are.
    if (!takenOver) shared.used.store16(ring.usedFlags, 0);
    if (eventIdx) shared.avail.store16(ring.usedEvent, 0);
    if (eventIdx && !takenOver) shared.used.store16(ring.availEvent, 0);
    shared.used.store16(ring.usedIdx, startIndex);
    world.adopt();
    const regions = world.oracleRegions();
    this.oracle = new HostOracle({ face, ring: plan, indirect, eventIdx, regions, startIndex, takenOver });
    world.begin([]);
    this.queue = halves.host[face]({
      ring: seen.ring,
      shared: seen.shared,
      features: { indirect, eventIdx, version1: true },
      memory: seen.memory,
      privateArea: world.privateArea(),
      ...(one.range === 'none' ? {} : { getRange: this.refusing(RANGES[one.range](world)) }),
      ...(takenOver ? { state: { availIdx: startIndex, usedIdx: startIndex } } : {}),
    });
    world.end(this.watched, world.readsOf(this.watched), this.oracle.setUp().writes);
  }

  /** @throws Disagreement */
  play(step: HostCase['steps'][number]): void {
    if ('act' in step && step.act === 'withdraw') {
      if (this.refuses) this.oracle.withdrawn = step.region;
      return;
    }
    if ('act' in step) {
      this.world.peer(() => actAsGuest(this.driver, step));
      return;
    }
    const trial = this.trial(step);
    if (trial === null) return;
    const { world, oracle, queue } = this;
    const during = this.watched ? (step.during ?? []) : [];
    world.begin(during.map(({ at, act }) => ({ at, act: () => actAsGuest(this.driver, act) })));
    const outcome = outcomeOf(trial.act);
    const reads = world.readsOf(this.watched);
    const expected = trial.expect(reads);
    const wrong = compareOutcome(outcome, expected);
    world.end(this.watched, reads, expected.writes);
    if (wrong !== null) this.refusals.push(wrong.code);
    if (wrong !== null && expected.breaks === true) oracle.broken = wrong;
    trial.after?.();
    same('isBroken', queue.isBroken, oracle.broken !== null);
    same('lastHead', queue.lastHead, oracle.lastHead);
  }

  /** The callback, but for the region that is withdrawn. */
  private refusing(answer: RangeCallback): RangeCallback {
    const { world } = this;
    return world.range((range) => {
      const { withdrawn } = this.oracle;
      return (withdrawn === null || world.memory.find(range.wanted) !== indexOf(world, withdrawn)) && answer(range);
    });
  }

  /** Null: nothing to be done, now that the steps before left it so. */
  private trial(step: HostCall): Trial | null {
    const { queue, oracle } = this;
    switch (step.call) {
      case 'next':
        return this.next();
      case 'getdesc':
        return hasLists(queue) ? this.getdesc(queue, step.readable, step.writable) : null;
      case 'takeHead':
        return { act: () => queue.takeHead(), expect: (reads) => oracle.takeHead(reads) };
      case 'serve':
        return this.serve(step.pick, step.bytes);
      case 'complete':
      case 'completeDeferred':
        return this.complete(step.pick, step.length, step.call === 'completeDeferred');
      case 'completeMulti':
        return hasLists(queue) ? this.completeMulti(queue, step.count, step.length) : null;
      case 'fill':
        return queue instanceof VhostUserQueue ? this.fill(queue, step.pick, step.length, step.offset) : null;
      case 'flush': {
        if (!(queue instanceof VhostUserQueue)) return null;
        const count = Math.min(step.count, oracle.flushable());
        return { act: () => queue.flush(count), expect: () => oracle.flush(count), after: () => this.forget() };
      }
      case 'publish':
        return { act: () => queue.publish(), expect: () => oracle.publish(), after: () => this.forget() };
      case 'rewind': {
        const count = Math.min(step.count, oracle.rewindable());
        return { act: () => queue.rewind(count), expect: () => oracle.rewind(count), after: () => this.forget() };
      }
      case 'needsCall':
        return { act: () => queue.needsCall(), expect: (reads) => oracle.needsCall(reads) };
      case 'enableKicks':
        return { act: () => queue.enableKicks(), expect: (reads) => oracle.enableKicks(reads) };
      case 'disableKicks':
        return { act: () => queue.disableKicks(), expect: () => oracle.disableKicks() };
      case 'look':
        return { act: () => queue.look(), expect: (reads) => oracle.look(reads) };
      case 'hasAvailable':
        return { act: () => queue.hasAvailable(), expect: (reads) => oracle.hasAvailable(reads) };
      case 'state':
        return { act: () => text(queue.state(true), 'availIdx', 'usedIdx'), expect: () => oracle.state() };
      case 'isEmpty':
        if (!(queue instanceof VhostUserQueue)) return null;
        return { act: () => queue.isEmpty(), expect: (reads) => oracle.isEmpty(reads) };
      case 'getAvailBytes': {
        if (!(queue instanceof VhostUserQueue)) return null;
        const { inMax, outMax } = step;
        const act = () => text(queue.getAvailBytes(inMax, outMax), 'inBytes', 'outBytes');
        return { act, expect: (reads) => oracle.availBytes(reads, inMax, outMax) };
      }
    }
  }

  private next(): Trial {
    const { queue, oracle } = this;
    const spare = this.spare.pop() ?? new Request(this.world.memory);
    // Filled in place every other time.
    const own = this.requests % 2 === 0 ? queue.request : undefined;
    const request = own ?? spare;
    let taken: ReturnType<HostOracle['take']> | null = null;
    return {
      act: () => queue.next(request),
      expect: (reads) => {
        taken = oracle.take(reads);
        return taken.wrong === undefined ? { ...taken, returns: taken.head !== null } : taken;
      },
      after: () => {
        const { head, chain, breaks } = taken!;
        const { readable, writable } = request;
        this.mostElements = Math.max(this.mostElements, readable.count, writable.count);
        for (const list of [spare.readable, spare.writable]) this.wantBounded(list);
        same('request.head', request.head, head === null || breaks ? queue.size : head);
        if (head === null) {
          this.spare.push(spare);
          return;
        }
        this.requestOf.set(head, spare);
        if (chain === undefined) return;
        this.requests++;
        same('readable', this.pieces(readable), piecesText(chain.readable));
        same('writable', this.pieces(writable), piecesText(chain.writable));
        // The next request takes its place.
        if (own !== undefined) copyRequest(own, spare);
      },
    };
  }

  private getdesc(vringh: WithLists, wantsReadable: boolean, wantsWritable: boolean): Trial {
    const { readable, writable } = new Request(this.world.memory);
    let taken: ReturnType<HostOracle['take']> | null = null;
    return {
      act: () => vringh.getdesc(wantsReadable ? readable : null, wantsWritable ? writable : null),
      expect: (reads) => {
        taken = this.oracle.take(reads, wantsReadable, wantsWritable);
        return taken;
      },
      after: () => {
        const chain = taken!.chain;
        if (chain === undefined) return;
        same('readable', this.pieces(readable), piecesText(chain.readable));
        same('writable', this.pieces(writable), piecesText(chain.writable));
      },
    };
  }

  /** What the guest sent is read, and bytes are answered, through the lists of a request that is open. */
  private serve(pick: number, bytes: number): Trial | null {
    const held = pickOf(
      this.oracle.open().filter(({ head, chain }) => chain !== null && this.requestOf.has(head)),
      pick,
    );
    if (held === null || this.oracle.broken !== null) return null;
    const { readable, writable } = this.requestOf.get(held.head)!;
    const chain = held.chain!;
    const answer = Uint8Array.from({ length: bytes }, (_, i) => (i * 13 + held.head) & 0xff);
    const sent = new Uint8Array(Math.min(PULL_BYTES_MAX, sum(chain.readable)));
    const wanted = Buffer.concat(chain.readable.map(({ at, length }) => this.world.bytes(at, length)));
    return {
      act: () => {
        readable.rewind();
        writable.rewind();
        const first = readable.pull(sent, 0, sent.length >> 1);
        const moved = first + readable.pull(sent, first, sent.length - first);
        return `${moved}/${writable.push(answer, 0, answer.length)}`;
      },
      expect: () => {
        const written = Math.min(bytes, sum(chain.writable));
        let done = 0;
        for (const { at, length } of chain.writable) {
          const part = Math.min(length, written - done);
          this.world.expect(at, answer.subarray(done, done + part));
          done += part;
        }
        return { returns: `${sent.length}/${written}`, writes: [] };
      },
      after: () => same('bytes sent', Buffer.compare(sent, wanted.subarray(0, sent.length)), 0),
    };
  }

  private complete(pick: number, length: number, deferred: boolean): Trial | null {
    const open = this.opened(pick);
    if (open === null || !this.oracle.canPut(0, true)) return null;
    const { held, request } = open;
    return {
      act: () => (deferred ? this.queue.completeDeferred(request, length) : this.queue.complete(request, length)),
      expect: () => this.oracle.complete([{ held, length }], deferred),
      after: () => this.forget(),
    };
  }

  private fill(queue: VhostUserQueue, pick: number, length: number, offset: number): Trial | null {
    const open = this.opened(pick);
    if (open === null || !this.oracle.canPut(offset, false)) return null;
    const { held, request } = open;
    return { act: () => queue.fill(request, length, offset), expect: () => this.oracle.fill(held, length, offset) };
  }

  /** A request that can be completed; one whose chain was not read has a request of its own made for it. */
  private opened(pick: number): { held: Held; request: Request } | null {
    const held = pickOf(this.oracle.open(), pick);
    if (held === null) return null;
    const request = this.requestOf.get(held.head) ?? new Request(this.world.memory);
    request.head = held.head;
    return { held, request };
  }

  private completeMulti(vringh: WithLists, count: number, length: number): Trial | null {
    const some = this.oracle.open().slice(0, count);
    if (some.length === 0) return null;
    const used = Uint32Array.from(some.flatMap(({ head }) => [head, length]));
    return {
      act: () => vringh.completeMulti(used, some.length),
      expect: () =>
        this.oracle.complete(
          some.map((held) => ({ held, length })),
          false,
        ),
      after: () => this.forget(),
    };
  }

  /** The lists of requests that are no longer held serve others. */
  private forget(): void {
    const heads = new Set(this.oracle.held.map(({ head }: Held) => head));
    for (const [head, request] of this.requestOf)
      if (!heads.has(head)) {
        this.requestOf.delete(head);
        this.spare.push(request);
      }
  }

  /** A list grows by doubling and for what it holds alone. */
  private wantBounded(list: ElementList): void {
    const bound = Math.max(2, 2 * this.mostElements);
    if (list.capacity > bound) throw new Disagreement(`a list has room for ${list.capacity}, not at most ${bound}`);
  }

  private pieces(list: ElementList): string {
    const regions = this.world.memory.regions;
    return piecesText(
      Array.from({ length: list.count }, (_, i) => ({
        at: regions[list.regions[i]!]!.byteOffset + list.offsets[i]!,
        length: list.lengths[i]!,
      })),
    );
  }
}

/** Every descriptor of every chain a table that is copied byte by byte; of vhost-user's one, but for all requests. */
const accessesMax = ({ face, size }: HostCase): number =>
  1000 + 20 * size * (face === 'vhost-user' ? FACE_RULES[face].elementsMax : 2 * size);

const piecesText = (pieces: readonly Piece[]) =>
  joined(pieces)
    .map(({ at, length }) => `${length} at 0x${at.toString(16)}`)
    .join(', ');

function copyRequest(from: Request, to: Request): void {
  for (const [list, copy] of [
    [from.readable, to.readable],
    [from.writable, to.writable],
  ] as const) {
    copy.reset();
    for (let i = 0; i < list.count; i++) copy.append(list.regions[i]!, list.offsets[i]!, list.lengths[i]!);
  }
}

/** Of a region that cases name by number: its place in the order of addresses. */
const indexOf = ({ memory, regions }: World, region: number): number => memory.regions.indexOf(regions[region]!);

const pickOf = <T>(all: readonly T[], pick: number): T | null => (all.length === 0 ? null : all[pick % all.length]!);

const text = <K extends string>(value: Readonly<Record<K, number>>, first: K, second: K) =>
  `${value[first]}/${value[second]}`;
