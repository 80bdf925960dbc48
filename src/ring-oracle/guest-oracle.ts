/**
 * What the driver side of a split ring must answer, and write, whatever its host does: a plain model of requests added,
 * shown and taken back. Where the driver may choose (which descriptors, table or chain) it only wants the choice legal.
 *
 * Outstanding is what was added and not taken back, shown or not: as in the kernel's driver.
 */
import {
  VRING_AVAIL_F_NO_INTERRUPT,
  VRING_DESC_F_INDIRECT,
  VRING_DESC_F_NEXT,
  VRING_DESC_F_WRITE,
  VRING_USED_F_NO_NOTIFY,
} from '../ring/constants.ts';
import type { Expected } from './answer.ts';
import type { Wrong } from './chain.ts';
import { type Fields, fieldsOf, passes, type RingPlan, store, wrap } from './fields.ts';
import { type Access, Disagreement, type Reads, type Visit, visitOf } from './reads.ts';

export interface OraclePool {
  /** Where the first table lies in the fuzzed memory, and at which guest address. */
  readonly at: number;
  readonly address: bigint;
  readonly tableCount: number;
  /** Entries. */
  readonly tableLength: number;
}

export interface GuestOracleOptions {
  readonly ring: RingPlan;
  readonly eventIdx: boolean;
  /** Null: every request is a chain. */
  readonly pool: OraclePool | null;
  readonly startIndex: number;
}

export interface OracleElement {
  readonly address: bigint;
  readonly length: number;
  readonly writable: boolean;
}

interface Outstanding {
  readonly token: number;
  readonly descriptors: readonly number[];
  readonly table: number | null;
  readonly writableBytes: number;
}

/** What was written to a place during the call; of an end that cannot be watched, what stands there. */
export type WritesTo = (at: number, width: number) => readonly Access[];

interface GuestExpected extends Expected {
  /** How often the doorbell is rung. */
  readonly rings: number;
}

const EMPTY = -1;
const NONE: Expected['writes'] = [];
const USED_LENGTH_MAX = 0xffff_ffff;

export class GuestOracle {
  broken: Wrong | null = null;
  usedLength = 0;
  claimedLength = 0;
  clampedLengths = 0;
  /** By head. */
  readonly outstanding = new Map<number, Outstanding>();
  private readonly options: GuestOracleOptions;
  private readonly fields: Fields;
  private readonly size: number;
  private avail: number;
  private shown: number;
  /** Up to where the host was told, or found not to want it. */
  private told: number;
  private lastUsed: number;
  private seenUsed: number;
  private callsOn = true;
  /** Completions taken back, and the one that a call was asked for behind last: counted from the start, without end. */
  private takenBack = 0;
  private callBehind = 0;

  constructor(options: GuestOracleOptions) {
    const { ring, startIndex } = options;
    this.options = options;
    this.fields = fieldsOf(ring);
    this.size = ring.size;
    this.avail = startIndex;
    this.shown = startIndex;
    this.told = startIndex;
    this.lastUsed = startIndex;
    this.seenUsed = startIndex;
  }

  /** What the driver writes before its first call, into a ring whose indices stand already. */
  setUp(): Expected {
    const { usedFlags, availFlags, usedEvent } = this.fields;
    const { eventIdx, startIndex } = this.options;
    const event = eventIdx ? [store(usedEvent, 2, startIndex)] : [];
    return { writes: [[store(availFlags, 2, 0), store(usedFlags, 2, 0), ...event]] };
  }

  freeDescriptors(): number {
    let used = 0;
    for (const { descriptors } of this.outstanding.values()) used += descriptors.length;
    return this.size - used;
  }

  /** After the call: what it returned and wrote says what was chosen. */
  add(
    elements: readonly OracleElement[],
    token: number,
    { added, deferred, writes, reads }: { added: boolean; deferred: boolean; writes: WritesTo; reads: Reads },
  ): GuestExpected {
    if (this.broken !== null) return this.refuse();
    if (!added) return this.noRoom(elements, reads);
    const head = this.entry(writes);
    const chosen = this.chainFrom(head, elements, writes);
    this.outstanding.set(head, {
      ...chosen,
      token,
      writableBytes: elements.reduce((bytes, { length, writable }) => bytes + (writable ? length : 0), 0),
    });
    const put = [...chosen.writes, store(this.fields.availEntry(this.avail), 2, head)];
    this.avail = wrap(this.avail + 1);
    return { returns: true, writes: deferred ? [put] : [put, ...this.publish().writes], rings: 0 };
  }

  publish(): GuestExpected {
    if (this.shown === this.avail) return { writes: NONE, rings: 0 };
    this.shown = this.avail;
    return { writes: [[store(this.fields.availIdx, 2, this.avail)]], rings: 0 };
  }

  /** `kick`, or only the question whether it is needed. */
  kick(reads: Reads, rings = true): GuestExpected {
    if (this.broken !== null) return this.refuse();
    const { told, fields } = this;
    this.told = this.shown;
    const needed = this.options.eventIdx
      ? passes(told, this.shown, reads.take(fields.availEvent, 2))
      : (reads.take(fields.usedFlags, 2) & VRING_USED_F_NO_NOTIFY) === 0;
    return { returns: needed, writes: NONE, rings: needed && rings ? 1 : 0 };
  }

  look(reads: Reads): GuestExpected {
    if (this.broken !== null) return this.refuse();
    const index = this.lastUsed;
    const seen = reads.take(this.fields.usedIdx, 2);
    const finished = wrap(seen - index);
    if (finished > wrap(this.shown - index)) return this.breakWith('used-index-jump', index, seen);
    if (finished > 0) this.seenUsed = seen;
    return { returns: wrap(this.seenUsed - index), writes: NONE, rings: 0 };
  }

  getBuf(reads: Reads): GuestExpected {
    if (this.broken !== null) return this.refuse();
    const index = this.lastUsed;
    if (index === this.seenUsed) {
      const seen = reads.take(this.fields.usedIdx, 2);
      if (seen === index) return { returns: EMPTY, writes: NONE, rings: 0 };
      if (wrap(seen - index) > wrap(this.shown - index)) return this.breakWith('used-index-jump', index, seen);
      this.seenUsed = seen;
    }
    const head = reads.take(this.fields.usedId(index), 4);
    const length = reads.take(this.fields.usedLength(index), 4);
    if (head >= this.size) return this.breakWith('used-id-out-of-range', index, head);
    const request = this.outstanding.get(head);
    if (request === undefined) return this.breakWith('used-id-not-outstanding', index, head);
    this.outstanding.delete(head);
    const room = Math.min(request.writableBytes, USED_LENGTH_MAX);
    if (length > room) this.clampedLengths++;
    this.usedLength = Math.min(length, room);
    this.claimedLength = length;
    this.lastUsed = wrap(index + 1);
    this.takenBack++;
    const asks = this.options.eventIdx && this.callsOn;
    if (asks) this.callBehind = this.takenBack;
    const writes = asks ? [[store(this.fields.usedEvent, 2, this.lastUsed)]] : NONE;
    return { returns: request.token, writes, rings: 0 };
  }

  disableCalls(): GuestExpected {
    if (!this.callsOn) return { writes: NONE, rings: 0 };
    this.callsOn = false;
    const { availFlags } = this.fields;
    const writes = this.options.eventIdx ? NONE : [[store(availFlags, 2, VRING_AVAIL_F_NO_INTERRUPT)]];
    return { writes, rings: 0 };
  }

  enableCalls(reads: Reads): GuestExpected {
    const writes = this.askCall(0);
    if (this.broken !== null) return { ...this.refuse(), writes };
    return { returns: reads.take(this.fields.usedIdx, 2) === this.lastUsed, writes, rings: 0 };
  }

  /** The first half of `enableCalls`; returns what `poll` is given. */
  prepareCalls(): GuestExpected {
    return { returns: this.lastUsed, writes: this.askCall(0), rings: 0 };
  }

  poll(reads: Reads, prepared: number): GuestExpected {
    if (this.broken !== null) return this.refuse();
    return { returns: reads.take(this.fields.usedIdx, 2) !== prepared, writes: NONE, rings: 0 };
  }

  /** Asks for a call after three quarters of what the host has. */
  enableCallsDelayed(reads: Reads): GuestExpected {
    if (this.broken !== null) return this.refuse();
    const ahead = Math.floor((wrap(this.shown - this.lastUsed) * 3) / 4);
    const writes = this.askCall(ahead);
    const finished = wrap(reads.take(this.fields.usedIdx, 2) - this.lastUsed);
    return { returns: finished <= ahead, writes, rings: 0 };
  }

  callDue(reads: Reads): GuestExpected {
    const finished = wrap(reads.take(this.fields.usedIdx, 2) - this.lastUsed);
    const behind = Math.max(this.callBehind, this.takenBack);
    return { returns: this.takenBack + finished > behind, writes: NONE, rings: 0 };
  }

  /** The token of whatever is outstanding, as the call chose. */
  detachUnused(token: number): GuestExpected {
    const found = [...this.outstanding].find(([, request]) => request.token === token);
    if (found !== undefined) this.outstanding.delete(found[0]);
    else if (token !== EMPTY || this.outstanding.size > 0) throw new Disagreement(`took back token ${token}`);
    return { returns: token, writes: NONE, rings: 0 };
  }

  private askCall(ahead: number): Expected['writes'] {
    const wasOff = !this.callsOn;
    const { usedEvent, availFlags } = this.fields;
    this.callsOn = true;
    this.callBehind = this.takenBack + ahead;
    if (this.options.eventIdx) return [[store(usedEvent, 2, wrap(this.lastUsed + ahead))]];
    return wasOff ? [[store(availFlags, 2, 0)]] : NONE;
  }

  /** It is said that there is no room: then there must be none, and the host is shown and told what it has. */
  private noRoom(elements: readonly OracleElement[], reads: Reads): GuestExpected {
    const free = this.freeDescriptors();
    const { pool } = this.options;
    const mayUseTable = pool !== null && free > 0 && elements.length > 1 && elements.length <= pool.tableLength;
    if (elements.length <= free || (mayUseTable && this.freeTables() > 0))
      throw new Disagreement(`refused ${elements.length} elements with ${free} descriptors free`);
    const pending = this.avail !== this.told;
    const { writes } = this.publish();
    if (elements.some(({ writable }) => !writable)) return { returns: false, writes, rings: 1 };
    return { returns: false, writes, rings: pending ? this.kick(reads).rings : 0 };
  }

  private freeTables(): number {
    const taken = [...this.outstanding.values()].filter(({ table }) => table !== null).length;
    return (this.options.pool?.tableCount ?? 0) - taken;
  }

  /** The head that the next available entry was made. */
  private entry(writes: WritesTo): number {
    const at = this.fields.availEntry(this.avail);
    const heads = writes(at, 2);
    const head = heads[0]?.value;
    if (heads.length !== 1 || head === undefined || head >= this.size)
      throw new Disagreement(`made ${heads.length} heads available, the first ${head}`);
    return head;
  }

  /** Follows what was written from `head`: descriptors and table that were free, and exactly these elements. */
  private chainFrom(head: number, elements: readonly OracleElement[], writes: WritesTo) {
    const first = written(writes, this.fields.descriptor(head));
    if ((first.visit.flags & VRING_DESC_F_INDIRECT) === 0)
      return { ...this.follow(this.fields.descriptor(0), this.size, head, elements, writes), table: null };
    const { pool } = this.options;
    if (pool === null) throw new Disagreement('used an indirect table that was not negotiated');
    this.wantFree([head]);
    const stride = 16 * pool.tableLength;
    const table = Number((first.visit.address ?? -1n) - pool.address) / stride;
    if (!Number.isInteger(table) || table < 0 || table >= pool.tableCount)
      throw new Disagreement(`the table at ${first.visit.address} is none of the pool`);
    if ([...this.outstanding.values()].some((one) => one.table === table))
      throw new Disagreement(`table ${table} is in use`);
    if (first.visit.flags !== VRING_DESC_F_INDIRECT || first.visit.length !== 16 * elements.length)
      throw new Disagreement(`a table of ${first.visit.length} bytes, flags ${first.visit.flags}`);
    const rest = this.follow(pool.at + table * stride, elements.length, 0, elements, writes);
    return { descriptors: [head], table, writes: [...first.writes, ...rest.writes] };
  }

  private follow(at: number, length: number, start: number, elements: readonly OracleElement[], writes: WritesTo) {
    const descriptors: number[] = [];
    const found: Access[] = [];
    let index = start;
    for (const [i, { address, length: bytes, writable }] of elements.entries()) {
      if (index >= length || descriptors.includes(index)) throw new Disagreement(`descriptor ${index} in a chain`);
      const { visit, writes: words } = written(writes, at + 16 * index);
      const flags = (writable ? VRING_DESC_F_WRITE : 0) | (i < elements.length - 1 ? VRING_DESC_F_NEXT : 0);
      if (visit.flags !== flags || visit.length !== bytes || visit.address !== address)
        throw new Disagreement(
          `element ${i} became flags ${visit.flags}, ${visit.length} bytes at ${visit.address}, not ${flags}, ${bytes} at ${address}`,
        );
      descriptors.push(index);
      found.push(...words);
      index = visit.next;
    }
    if (at === this.fields.descriptor(0)) this.wantFree(descriptors);
    return { descriptors, writes: found };
  }

  private wantFree(descriptors: readonly number[]): void {
    for (const { descriptors: used } of this.outstanding.values())
      for (const one of descriptors)
        if (used.includes(one)) throw new Disagreement(`descriptor ${one} is in use by another request`);
  }

  private refuse(): GuestExpected {
    return { wrong: [this.broken!], writes: NONE, rings: 0 };
  }

  private breakWith(code: Wrong['code'], index: number, value: number): GuestExpected {
    this.broken = { code, index, value };
    return this.refuse();
  }
}

/** The descriptor that was written at a place, whole, each word once. */
function written(writes: WritesTo, at: number): { visit: Visit; writes: readonly Access[] } {
  const words = [0, 4, 8, 12].map((word) => writes(at + word, 4));
  if (words.some((found) => found.length !== 1)) throw new Disagreement(`wrote no whole descriptor at ${at}`);
  const found = words.map(([write]) => write!);
  return {
    visit: visitOf(
      found.map(({ value }) => value),
      at,
    ),
    writes: found,
  };
}
