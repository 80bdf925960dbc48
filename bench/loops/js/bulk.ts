/**
 * Transfers of a chosen size: even ones carry a pattern of their own to the host, odd ones bring the bytes of the one
 * before back, one element each. What came out wrong comes back wrong, so that the guest checks every byte once, in
 * words of 32 bits: one pass over the bytes to make them, one to check them, besides the host's two copies.
 */
import type { ScatterList } from '../../../src/guest/scatter-list.ts';
import type { Request } from '../../../src/host/queue.ts';
import { CheckFailed } from '../../check-failed.ts';
import { SlotGuest, type Slots } from './slots.ts';
import type { GuestWorkload, HostWorkload, Workload } from './workload.ts';

const WORD_BYTES = 4;
const ELEMENTS_MAX = 1;
/** Odd, so that patterns of different transfers differ in every word: what an earlier one left is never taken for right. */
const PATTERN_STEP = 0x9e3779b1;

/** The first word of a transfer's pattern; each next one is one more, so that words in wrong places show, too. */
const firstWord = (x: number) => (Math.imul(x, PATTERN_STEP) + 1) | 0;

class BulkGuest extends SlotGuest implements GuestWorkload {
  private readonly sizeBytes: number;
  private readonly words: number;

  constructor(slots: Slots, sizeBytes: number) {
    super(slots, sizeBytes, ELEMENTS_MAX);
    this.sizeBytes = sizeBytes;
    this.words = sizeBytes / WORD_BYTES;
  }

  fill(x: number, slot: number): ScatterList {
    const { numbers, words, region, sizeBytes } = this;
    const at = this.offsetOf(slot);
    const elements = this.elements.reset();
    if ((x & 1) !== 0) return elements.addIn(region, at, sizeBytes);
    writePattern(numbers, at >>> 2, words, firstWord(x));
    return elements.addOut(region, at, sizeBytes);
  }

  verify(x: number, slot: number, usedLength: number): boolean {
    return (x & 1) === 0 ? usedLength === 0 : usedLength === this.sizeBytes && this.broughtBack(x, slot);
  }

  explain(x: number, slot: number, usedLength: number): never {
    const expected = (x & 1) * this.sizeBytes;
    if (usedLength !== expected) throw new CheckFailed(`transfer ${x}: used length`, expected, usedLength);
    const first = firstWord(x - 1);
    const start = this.offsetOf(slot) >>> 2;
    const wrong = this.numbers.subarray(start, start + this.words).findIndex((word, i) => word !== ((first + i) | 0));
    throw new CheckFailed(`transfer ${x}: payload word ${wrong}`, (first + wrong) | 0, this.numbers[start + wrong]!);
  }

  private broughtBack(x: number, slot: number): boolean {
    return holdsPattern(this.numbers, this.offsetOf(slot) >>> 2, this.words, firstWord(x - 1));
  }
}

/** Four words at a time: half the time of one by one. */
function writePattern(numbers: Int32Array, start: number, words: number, first: number): void {
  const fours = words & ~3;
  for (let i = 0; i < fours; i += 4) {
    const at = start + i;
    const word = (first + i) | 0;
    numbers[at] = word;
    numbers[at + 1] = (word + 1) | 0;
    numbers[at + 2] = (word + 2) | 0;
    numbers[at + 3] = (word + 3) | 0;
  }
  for (let i = fours; i < words; i++) numbers[start + i] = (first + i) | 0;
}

function holdsPattern(numbers: Int32Array, start: number, words: number, first: number): boolean {
  const fours = words & ~3;
  let wrong = 0;
  for (let i = 0; i < fours; i += 4) {
    const at = start + i;
    const word = (first + i) | 0;
    wrong |= numbers[at]! ^ word;
    wrong |= numbers[at + 1]! ^ (word + 1);
    wrong |= numbers[at + 2]! ^ (word + 2);
    wrong |= numbers[at + 3]! ^ (word + 3);
  }
  for (let i = fours; i < words; i++) wrong |= numbers[start + i]! ^ (first + i);
  return wrong === 0;
}

class BulkHost implements HostWorkload {
  private readonly sizeBytes: number;
  /** One more byte than a request may carry, so that a longer one shows. */
  private readonly kept: Uint8Array;

  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
    this.kept = new Uint8Array(sizeBytes + 1);
  }

  serve(request: Request): number {
    const { readable, writable } = request;
    const { kept, sizeBytes } = this;
    const out = readable.count !== 0;
    const moved = out ? readable.pull(kept, 0, sizeBytes + 1) : writable.push(kept, 0, sizeBytes + 1);
    if (moved !== sizeBytes) throw new CheckFailed(out ? 'bytes pulled' : 'bytes pushed', sizeBytes, moved);
    return out ? 0 : moved;
  }
}

export const bulk: Workload = {
  guest: (slots, sizeBytes) => new BulkGuest(slots, sizeBytes),
  host: (sizeBytes) => new BulkHost(sizeBytes),
};
