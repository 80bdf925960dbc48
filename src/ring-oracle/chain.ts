/**
 * Reads a descriptor chain as the specification and the table of hostile input say: one descriptor after the other,
 * all that is wrong with it listed, no caches. Of several wrong things a reader may name any.
 */
import { VRING_DESC_F_INDIRECT, VRING_DESC_F_NEXT, VRING_DESC_F_WRITE } from '../ring/constants.ts';
import type { RingErrorCode } from '../ring/errors.ts';
import { type OracleRegion, type Piece, translate } from './memory.ts';
import { Disagreement, type Reads, type Visit, visitOf } from './reads.ts';

const DESCRIPTOR_BYTES = 16;
const REQUEST_BYTES_MAX = 0x1_0000_0000;

/** What may be said of it: a code, where, and the number that was wrong. */
export interface Wrong {
  readonly code: RingErrorCode;
  readonly index: number;
  readonly value: number;
}

/** What a kind of reader lets pass. */
export interface ChainRules {
  /** The feature was negotiated. */
  readonly indirect: boolean;
  readonly indirectWithNext: boolean;
  readonly emptyElements: boolean;
  readonly indirectBehindHead: boolean;
  readonly elementsMax: number;
  /** The caller takes elements of this kind. */
  readonly readable: boolean;
  readonly writable: boolean;
}

export interface Chain {
  readonly readable: readonly Piece[];
  readonly writable: readonly Piece[];
  /** Empty: the chain is right. */
  readonly wrong: readonly Wrong[];
}

export interface Table {
  /** Where descriptor 0 lies in the fuzzed memory. */
  readonly at: number;
  readonly length: number;
}

export class ChainOracle {
  private readonly reads: Reads;
  private readonly regions: readonly OracleRegion[];
  private readonly rules: ChainRules;
  private readonly readable: Piece[] = [];
  private readonly writable: Piece[] = [];
  private sawWritable = false;
  private elements = 0;
  private bytes = 0;

  constructor(reads: Reads, regions: readonly OracleRegion[], rules: ChainRules) {
    this.reads = reads;
    this.regions = regions;
    this.rules = rules;
  }

  read(ring: Table, head: number): Chain {
    const wrong = this.walk(ring, head);
    return { readable: this.readable, writable: this.writable, wrong };
  }

  private walk(ring: Table, head: number): Wrong[] {
    let index = head;
    for (let visits = 1; ; visits++) {
      const visit = this.reads.visit(ring.at + DESCRIPTOR_BYTES * index);
      const isTable = (visit.flags & VRING_DESC_F_INDIRECT) !== 0;
      const wrong = isTable ? this.readTable(visit, index, visits === 1) : this.element(visit, index);
      if (wrong.length > 0) return wrong;
      if ((visit.flags & VRING_DESC_F_NEXT) === 0) return [];
      const lost = behind(visit, index, ring.length, visits, { code: 'descriptor-loop', index: head });
      if (lost.length > 0) return lost;
      index = visit.next;
    }
  }

  private readTable(visit: Visit, index: number, isHead: boolean): Wrong[] {
    const { rules } = this;
    const { flags, length, address } = visit;
    const wrong: Wrong[] = [];
    if (!rules.indirect) wrong.push({ code: 'indirect-not-negotiated', index, value: flags });
    if ((flags & VRING_DESC_F_NEXT) !== 0 && !rules.indirectWithNext)
      wrong.push({ code: 'indirect-next', index, value: flags });
    if (!isHead && !rules.indirectBehindHead) wrong.push({ code: 'indirect-behind-head', index, value: flags });
    if (length === undefined) return known(wrong, 'length', index);
    const count = length / DESCRIPTOR_BYTES;
    if (count === 0 || !Number.isInteger(count) || count > rules.elementsMax)
      wrong.push({ code: 'indirect-table-size', index, value: length });
    if (address === undefined) return known(wrong, 'address', index);
    if (wrong.length > 0) return wrong;
    const { pieces, outside } = translate(this.regions, address, length);
    const copy = this.copyOf(pieces, outside !== null);
    if (outside !== null) return [{ code: 'address-outside-memory', index, value: Number(outside) }];
    return this.walkTable(copy, pieces, index, count);
  }

  /** The bytes of a table, where they were copied one by one. Of one that leaves memory some may have been. */
  private copyOf(pieces: readonly Piece[], leaves: boolean): DataView | null {
    const first = pieces[0];
    if (first === undefined || !this.reads.isCopyOf(first.at)) return null;
    const bytes: number[] = [];
    for (const { at, length } of pieces)
      for (let i = 0; i < length; i++) {
        if (leaves && !this.reads.isCopyOf(at + i)) return null;
        bytes.push(this.reads.take(at + i, 1));
      }
    return new DataView(Uint8Array.from(bytes).buffer);
  }

  private walkTable(copy: DataView | null, pieces: readonly Piece[], index: number, count: number): Wrong[] {
    if (copy === null && pieces.length !== 1)
      throw new Disagreement('a table in several pieces was not copied before it was looked at');
    const at = pieces[0]!.at;
    let entry = 0;
    for (let visits = 1; ; visits++) {
      const place = DESCRIPTOR_BYTES * entry;
      const visit =
        copy === null
          ? this.reads.visit(at + place)
          : visitOf(
              [0, 4, 8, 12].map((word) => copy.getUint32(place + word, true)),
              at + place,
            );
      const nested = (visit.flags & VRING_DESC_F_INDIRECT) !== 0;
      if (nested) return [{ code: 'indirect-nested', index: entry, value: visit.flags }];
      const wrong = this.element(visit, entry);
      if (wrong.length > 0) return wrong;
      if ((visit.flags & VRING_DESC_F_NEXT) === 0) return [];
      const lost = behind(visit, entry, count, visits, { code: 'descriptor-loop', index });
      if (lost.length > 0) return lost;
      entry = visit.next;
    }
  }

  private element(visit: Visit, index: number): Wrong[] {
    const { rules } = this;
    const { flags, length, address } = visit;
    const writable = (flags & VRING_DESC_F_WRITE) !== 0;
    const wrong: Wrong[] = [];
    this.elements++;
    if (this.elements > rules.elementsMax) wrong.push({ code: 'chain-too-long', index, value: this.elements });
    if (length === undefined) return known(wrong, 'length', index);
    if (writable && !rules.writable) wrong.push({ code: 'unexpected-writable', index, value: length });
    if (!writable && !rules.readable) wrong.push({ code: 'unexpected-readable', index, value: length });
    if (!writable && this.sawWritable) wrong.push({ code: 'readable-after-writable', index, value: length });
    if (writable) this.sawWritable = true;
    if (length === 0 && !rules.emptyElements) wrong.push({ code: 'element-of-length-0', index, value: length });
    this.bytes += length;
    if (this.bytes > REQUEST_BYTES_MAX) wrong.push({ code: 'request-too-long', index, value: this.bytes });
    if (length === 0) return wrong;
    if (address === undefined) return known(wrong, 'address', index);
    const { pieces, outside } = translate(this.regions, address, length);
    if (outside !== null) wrong.push({ code: 'address-outside-memory', index, value: Number(outside) });
    (writable ? this.writable : this.readable).push(...pieces);
    return wrong;
  }
}

/** What is wrong with going on to `next` after so many visits to a table. */
function behind(
  { next }: Visit,
  index: number,
  length: number,
  visits: number,
  loop: Pick<Wrong, 'code' | 'index'>,
): Wrong[] {
  const wrong: Wrong[] = [];
  if (next >= length) wrong.push({ code: 'next-out-of-range', index, value: next });
  if (visits === length) wrong.push({ ...loop, value: next });
  return wrong;
}

/** What can be wrong without a field that nobody looked at; at least something must be. */
function known(wrong: Wrong[], missing: string, index: number): Wrong[] {
  if (wrong.length === 0) throw new Disagreement(`decided without the ${missing} of descriptor ${index}`);
  return wrong;
}
