/**
 * The elements of one direction of a request, as the host sees them: pieces of regions, in order, with a position.
 * Host thread. What it writes it notes in the memory's dirty log, if there is one. It starts with room for two and grows by doubling; it only forgets its elements, never its room.
 */

import { copyBytes } from '../memory/copy.ts';
import type { DirtyLog } from '../memory/dirty-log.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';

const CAPACITY_START = 2;

/** By element: index into `GuestMemory.regions`, byte offset in that region, length in bytes. */
export interface ElementArrays {
  regions: Uint16Array;
  offsets: Uint32Array;
  lengths: Uint32Array;
}

export class ElementList implements ElementArrays {
  /** Number of elements. */
  count = 0;
  regions: Uint16Array;
  offsets: Uint32Array;
  lengths: Uint32Array;
  /** The element that the next `pull` or `push` starts in; `count` when all bytes are moved. */
  position = 0;
  /** Bytes of that element already moved: what is left of it starts at `offsets[position] + moved`. */
  moved = 0;
  private readonly memory: GuestMemory;
  private readonly bytes: readonly Uint8Array[];

  /** @param kept where its elements are kept, as many as the arrays hold. Default: arrays of its own, which grow. */
  constructor(memory: GuestMemory, kept?: ElementArrays) {
    this.memory = memory;
    this.bytes = memory.bytes;
    this.regions = kept?.regions ?? new Uint16Array(CAPACITY_START);
    this.offsets = kept?.offsets ?? new Uint32Array(CAPACITY_START);
    this.lengths = kept?.lengths ?? new Uint32Array(CAPACITY_START);
  }

  get capacity(): number {
    return this.offsets.length;
  }

  /** The sum of all lengths, bytes. */
  totalBytes(): number {
    let sum = 0;
    for (let i = 0; i < this.count; i++) sum += this.lengths[i]!;
    return sum;
  }

  /** Forgets the elements and the position. */
  reset(): void {
    this.count = 0;
    this.rewind();
  }

  /** Goes back to the first byte. */
  rewind(): void {
    this.position = 0;
    this.moved = 0;
  }

  append(region: number, offset: number, length: number): void {
    const at = this.count;
    if (at === this.offsets.length) this.grow();
    this.regions[at] = region;
    this.offsets[at] = offset;
    this.lengths[at] = length;
    this.count = at + 1;
  }

  /** Moves up to `length` bytes from guest memory to `target` at `targetOffset`. Returns how many it moved. */
  pull(target: Uint8Array, targetOffset: number, length: number): number {
    return this.move(target, targetOffset, length, false);
  }

  /** Moves up to `length` bytes from `source` at `sourceOffset` to guest memory. Returns how many it moved. */
  push(source: Uint8Array, sourceOffset: number, length: number): number {
    return this.move(source, sourceOffset, length, true);
  }

  /** The bytes of the region that an element, by its number, lies in. */
  bytesOf(element: number): Uint8Array {
    return this.bytes[this.regions[element]!]!;
  }

  /** Where the next byte to move lies in the current element's region. Only while `pieceLength` is not 0. */
  get pieceOffset(): number {
    return this.offsets[this.position]! + this.moved;
  }

  /** Bytes of the current element that are not moved yet; 0 when all elements are. */
  get pieceLength(): number {
    return this.position < this.count ? this.lengths[this.position]! - this.moved : 0;
  }

  /** Goes on behind up to `length` bytes that others have read in place. Returns how many it passed. */
  skip(length: number): number {
    return this.pass(length, null);
  }

  /** The same for bytes that others have written in place: they are noted as if pushed. */
  skipWritten(length: number): number {
    return this.pass(length, this.memory.dirtyLog);
  }

  private pass(length: number, log: DirtyLog | null): number {
    let done = 0;
    while (done < length && this.position < this.count) {
      const position = this.position;
      const left = this.lengths[position]! - this.moved;
      const part = Math.min(length - done, left);
      if (log !== null) log.mark(this.addressOf(position) + this.moved, part);
      done += part;
      this.moved += part;
      if (part === left) {
        this.position = position + 1;
        this.moved = 0;
      }
    }
    return done;
  }

  /** The guest address of an element. */
  addressOf(element: number): number {
    return this.memory.regions[this.regions[element]!]!.guestBase + this.offsets[element]!;
  }

  private move(local: Uint8Array, localOffset: number, length: number, toGuest: boolean): number {
    const wanted = Math.min(length, local.length - localOffset);
    const { offsets, lengths } = this;
    const log = toGuest ? this.memory.dirtyLog : null;
    let position = this.position;
    let moved = this.moved;
    let done = 0;
    while (done < wanted && position < this.count) {
      const elementLength = lengths[position]!;
      const left = elementLength - moved;
      const part = Math.min(wanted - done, left);
      const guest = this.bytes[this.regions[position]!]!;
      const from = offsets[position]! + moved;
      const at = localOffset + done;
      if (toGuest) copyBytes(local, at, guest, from, part);
      else copyBytes(guest, from, local, at, part);
      if (log !== null) log.mark(this.addressOf(position) + moved, part);
      done += part;
      moved += part;
      if (moved === elementLength) {
        position++;
        moved = 0;
      }
    }
    this.position = position;
    this.moved = moved;
    return done;
  }

  /** Doubles the room, one array after the other so that little is held twice. */
  private grow(): void {
    const capacity = 2 * this.offsets.length;
    const { regions, offsets, lengths } = this;
    this.regions = new Uint16Array(capacity);
    this.regions.set(regions);
    this.offsets = new Uint32Array(capacity);
    this.offsets.set(offsets);
    this.lengths = new Uint32Array(capacity);
    this.lengths.set(lengths);
  }
}
