/**
 * What the device side of a split ring must answer, and write, whatever its guest does: a plain model of requests
 * taken, completed and shown. One call at a time, from the words that the end under test read in it.
 */
import { VRING_AVAIL_F_NO_INTERRUPT, VRING_USED_F_NO_NOTIFY } from '../ring/constants.ts';
import type { Expected } from './answer.ts';
import { type Chain, ChainOracle, type ChainRules, type Wrong } from './chain.ts';
import { type Fields, fieldsOf, passes, type RingPlan, store, wrap } from './fields.ts';
import type { OracleRegion, Piece } from './memory.ts';
import type { Access, Reads } from './reads.ts';

/** How the faces of the host half differ. */
interface FaceRules extends Pick<ChainRules, 'indirectWithNext' | 'emptyElements' | 'indirectBehindHead'> {
  /** Null: as many as the ring has descriptors. */
  readonly elementsMax: number | null;
  /** A broken request is the ring's end. */
  readonly requestBreaksRing: boolean;
  /** Taking a request asks for a kick at the next one. */
  readonly kickAsItGoes: boolean;
}

/** By the face's name: the kernel's vringh, libvhost-user, lguest's Launcher. */
export const FACE_RULES = {
  vringh: {
    indirectWithNext: true,
    emptyElements: true,
    indirectBehindHead: true,
    elementsMax: null,
    requestBreaksRing: false,
    kickAsItGoes: false,
  },
  'vhost-user': {
    indirectWithNext: false,
    emptyElements: false,
    indirectBehindHead: false,
    elementsMax: 1024,
    requestBreaksRing: false,
    kickAsItGoes: true,
  },
  lguest: {
    indirectWithNext: false,
    emptyElements: true,
    indirectBehindHead: false,
    elementsMax: null,
    requestBreaksRing: true,
    kickAsItGoes: false,
  },
} as const satisfies Record<string, FaceRules>;

export type FaceName = keyof typeof FACE_RULES;

export interface HostOracleOptions {
  readonly face: FaceName;
  readonly ring: RingPlan;
  readonly indirect: boolean;
  readonly eventIdx: boolean;
  readonly regions: readonly OracleRegion[];
  readonly startIndex: number;
  /** From a predecessor: nobody knows what the guest was told. */
  readonly takenOver: boolean;
}

/** A request with the device. */
export interface Held {
  readonly head: number;
  completed: boolean;
  /** Null: its chain was not read, or is broken. */
  chain: { readonly readable: readonly Piece[]; readonly writable: readonly Piece[] } | null;
}

/** A head and its request, or why there is none. */
interface Taken extends Expected {
  readonly head: number | null;
  readonly chain?: Chain;
  /** The ring is broken by what is wrong. */
  readonly breaks: boolean;
}

const NO_HEAD = -1;
const NONE: Expected['writes'] = [];

export class HostOracle {
  readonly rules: FaceRules;
  /** In the order they were taken; gone when the guest sees them completed. */
  readonly held: Held[] = [];
  broken: Wrong | null = null;
  lastHead: number;
  /** A region, by its number, that is no memory for the requests to come; null: all are. */
  withdrawn: number | null = null;
  /** All that were ever taken, in that order, without those handed back. */
  private readonly taken: Held[] = [];
  private readonly options: HostOracleOptions;
  private readonly fields: Fields;
  private readonly size: number;
  private lastAvail: number;
  /** The guest's index as read last; read again when all up to it is taken. */
  private seenAvail: number;
  private used: number;
  private shown: number;
  /** Up to where the guest was told. Null: nobody knows. */
  private told: number | null;
  private kicksOff = false;
  /** What stands in used entries that the guest does not see yet, by index. */
  private readonly put = new Map<number, Held>();

  constructor(options: HostOracleOptions) {
    const { startIndex, ring } = options;
    this.options = options;
    this.rules = FACE_RULES[options.face];
    this.fields = fieldsOf(ring);
    this.size = ring.size;
    this.lastHead = ring.size;
    this.lastAvail = startIndex;
    this.seenAvail = startIndex;
    this.used = startIndex;
    this.shown = startIndex;
    this.told = options.takenOver ? null : startIndex;
  }

  /** What the device writes before its first call: what a predecessor asked for is not known, so kicks are on. */
  setUp(): Expected {
    const { takenOver, eventIdx, startIndex } = this.options;
    if (!takenOver) return { writes: NONE };
    const { usedFlags, availEvent } = this.fields;
    return { writes: [[store(usedFlags, 2, 0), ...(eventIdx ? [store(availEvent, 2, startIndex)] : [])]] };
  }

  /** Requests that can be completed. */
  open(): Held[] {
    return this.held.filter(({ completed }) => !completed);
  }

  /** How many of the requests taken last can be handed back. */
  rewindable(): number {
    const last = this.taken.findLastIndex(({ completed }) => completed);
    return this.taken.length - 1 - last;
  }

  takeHead(reads: Reads): Taken {
    this.lastHead = this.size;
    if (this.broken !== null) return this.refuse([this.broken]);
    if (this.lastAvail === this.seenAvail) {
      const wrong = this.readIndex(reads);
      if (wrong !== null) return this.refuse([wrong]);
      if (this.lastAvail === this.seenAvail) return { head: null, returns: NO_HEAD, writes: NONE, breaks: false };
    }
    const index = this.lastAvail;
    const head = reads.take(this.fields.availEntry(index), 2);
    if (head >= this.size) return this.refuse([{ code: 'avail-head-out-of-range', index, value: head }]);
    if (this.held.some((one) => one.head === head))
      return this.refuse([{ code: 'avail-head-in-flight', index, value: head }]);
    const held = { head, completed: false, chain: null };
    this.held.push(held);
    this.taken.push(held);
    this.lastHead = head;
    this.lastAvail = wrap(index + 1);
    const asks = this.rules.kickAsItGoes && this.options.eventIdx && !this.kicksOff;
    const writes = asks ? [[store(this.fields.availEvent, 2, this.lastAvail)]] : NONE;
    return { head, returns: head, writes, breaks: false };
  }

  /** A head and its chain. Of lists that the caller leaves out elements are wrong. */
  take(reads: Reads, readable = true, writable = true): Taken {
    const taken = this.takeHead(reads);
    if (taken.head === null) return taken;
    const chain = this.readChain(reads, taken.head, readable, writable);
    if (chain.wrong.length > 0) return { ...taken, wrong: chain.wrong, breaks: this.rules.requestBreaksRing };
    this.held.at(-1)!.chain = chain;
    return { ...taken, chain };
  }

  /** Writable and readable bytes of what can be taken, up to the request with which both limits are reached. */
  availBytes(reads: Reads, inMax: number, outMax: number): Expected & { breaks: boolean } {
    if (this.broken !== null) return this.refuse([this.broken]);
    const wrong = this.readIndex(reads);
    if (wrong !== null) return this.refuse([wrong]);
    let [inBytes, outBytes] = [0, 0];
    for (let index = this.lastAvail; index !== this.seenAvail; index = wrap(index + 1)) {
      const head = reads.take(this.fields.availEntry(index), 2);
      if (head >= this.size) break;
      const chain = this.readChain(reads, head, true, true);
      if (chain.wrong.length > 0) break;
      inBytes += sum(chain.writable);
      outBytes += sum(chain.readable);
      if (inBytes >= inMax && outBytes >= outMax) break;
    }
    return { returns: `${inBytes}/${outBytes}`, writes: NONE, breaks: false };
  }

  isEmpty(reads: Reads): Expected {
    if (this.broken !== null) return this.refuse([this.broken]);
    const none = this.lastAvail === this.seenAvail && reads.take(this.fields.availIdx, 2) === this.lastAvail;
    return { returns: none, writes: NONE };
  }

  look(reads: Reads): Expected & { breaks?: boolean } {
    if (this.broken !== null) return this.refuse([this.broken]);
    const wrong = this.readIndex(reads);
    if (wrong !== null) return this.refuse([wrong]);
    return { returns: wrap(this.seenAvail - this.lastAvail), writes: NONE };
  }

  hasAvailable(reads: Reads): Expected {
    return { returns: reads.take(this.fields.availIdx, 2) !== this.lastAvail, writes: NONE };
  }

  /** Completes requests that are open, and shows them unless `deferred`. Only while `canPut(0, true)`. */
  complete(requests: readonly { held: Held; length: number }[], deferred: boolean): Expected {
    if (this.broken !== null) return this.refuse([this.broken]);
    const writes: Access[] = [];
    for (const { held, length } of requests) {
      writes.push(...this.putUsed(this.used, held, length));
      this.used = wrap(this.used + 1);
    }
    return deferred ? { writes: [writes] } : { writes: [writes, ...this.publish().writes] };
  }

  /** A used entry is empty: so many behind what the guest sees, or behind all that was completed in order. */
  canPut(offset: number, inOrder: boolean): boolean {
    return offset < this.size && !this.put.has(wrap((inOrder ? this.used : this.shown) + offset));
  }

  /** As many used entries as are there to be shown without a gap. */
  flushable(): number {
    let count = 0;
    while (this.put.has(wrap(this.shown + count))) count++;
    return count;
  }

  fill(held: Held, length: number, offset: number): Expected {
    if (this.broken !== null) return this.refuse([this.broken]);
    return { writes: [this.putUsed(wrap(this.shown + offset), held, length)] };
  }

  /** Shows so many, at most `flushable`; what was completed in order behind them waits. */
  flush(count: number): Expected {
    if (this.broken !== null) return this.refuse([this.broken]);
    const { used } = this;
    const ahead = wrap(used - this.shown);
    this.used = wrap(this.shown + count);
    const expected = this.publish();
    if (ahead > count) this.used = used;
    return expected;
  }

  /** A broken ring shows what was completed before, too. */
  publish(): Expected {
    if (this.shown === this.used) return { writes: NONE };
    for (; this.shown !== this.used; this.shown = wrap(this.shown + 1)) {
      this.held.splice(this.held.indexOf(this.put.get(this.shown)!), 1);
      this.put.delete(this.shown);
    }
    return { writes: [[store(this.fields.usedIdx, 2, this.used)]] };
  }

  rewind(count: number): Expected {
    const back = this.taken.splice(this.taken.length - count, count);
    this.held.splice(0, this.held.length, ...this.held.filter((one) => !back.includes(one)));
    this.lastAvail = wrap(this.lastAvail - count);
    return { writes: NONE };
  }

  needsCall(reads: Reads): Expected {
    if (this.broken !== null) return this.refuse([this.broken]);
    const { told } = this;
    if (told === this.shown) return { returns: false, writes: NONE };
    this.told = this.shown;
    if (!this.options.eventIdx) {
      const flags = reads.take(this.fields.availFlags, 2);
      return { returns: (flags & VRING_AVAIL_F_NO_INTERRUPT) === 0, writes: NONE };
    }
    if (told === null) return { returns: true, writes: NONE };
    return { returns: passes(told, this.shown, reads.take(this.fields.usedEvent, 2)), writes: NONE };
  }

  disableKicks(): Expected {
    if (this.kicksOff) return { writes: NONE };
    this.kicksOff = true;
    return { writes: this.options.eventIdx ? NONE : [[store(this.fields.usedFlags, 2, VRING_USED_F_NO_NOTIFY)]] };
  }

  enableKicks(reads: Reads): Expected {
    if (this.broken !== null) return this.refuse([this.broken]);
    this.kicksOff = false;
    const { availEvent, usedFlags, availIdx } = this.fields;
    const wish = this.options.eventIdx ? store(availEvent, 2, this.lastAvail) : store(usedFlags, 2, 0);
    return { returns: reads.take(availIdx, 2) === this.lastAvail, writes: [[wish]] };
  }

  state(): Expected {
    return { returns: `${this.lastAvail}/${this.shown}`, writes: NONE };
  }

  private readChain(reads: Reads, head: number, readable: boolean, writable: boolean): Chain {
    const { ring, indirect } = this.options;
    const { rules } = this;
    const elementsMax = rules.elementsMax ?? this.size;
    const regions = this.options.regions.filter((_, i) => i !== this.withdrawn);
    const oracle = new ChainOracle(reads, regions, { ...rules, indirect, elementsMax, readable, writable });
    return oracle.read({ at: ring.desc, length: this.size }, head);
  }

  private putUsed(index: number, held: Held, length: number): Access[] {
    held.completed = true;
    this.put.set(index, held);
    return [store(this.fields.usedId(index), 4, held.head), store(this.fields.usedLength(index), 4, length)];
  }

  /** Reads the guest's index into `seenAvail`, unless it is wrong. */
  private readIndex(reads: Reads): Wrong | null {
    const seen = reads.take(this.fields.availIdx, 2);
    const index = this.lastAvail;
    const added = wrap(seen - index);
    const inFlight = added + this.held.length;
    if (added > this.size) return { code: 'avail-index-jump', index, value: seen };
    if (added > 0 && inFlight > this.size) return { code: 'too-many-in-flight', index, value: inFlight };
    if (added > 0) this.seenAvail = seen;
    return null;
  }

  private refuse(wrong: readonly Wrong[]): Taken {
    return { head: null, wrong, writes: NONE, breaks: true };
  }
}

export const sum = (pieces: readonly Piece[]) => pieces.reduce((total, { length }) => total + length, 0);
