/**
 * What requests carry here: each a number of its own both ways, and an answer whose length tells it, too. The host
 * wants every element just where the guest put it.
 */
import { CheckFailed, expectEqual } from '../../bench/check-failed.ts';
import type { GuestWorkload, HostWorkload } from '../../bench/loops/js/workload.ts';
import { ScatterList } from '../../src/guest/scatter-list.ts';
import type { ElementList } from '../../src/host/element-list.ts';
import type { Request } from '../../src/host/queue.ts';
import type { MemoryRegion } from '../../src/memory/region.ts';
import type { Shape } from './scenarios.ts';

/** Where slots begin in the region, and what each takes, bytes. */
export const SLOTS = 1024;
export const SLOT_BYTES = 16;
/** Where in a slot the room for an answer is, and how long it is. */
const ANSWER = 8;
const ANSWER_BYTES = 2;

/** What request `x` carries to the host, and back; how long the host says the answer is. */
const question = (x: number) => x + 1;
const answer = (x: number) => 0x40 + x;
const answerLength = (x: number) => 1 + (x & 1);

export class CountingGuest implements GuestWorkload {
  private readonly elements = new ScatterList(2);
  private readonly shape: Shape;
  private readonly region: MemoryRegion;

  constructor(shape: Shape, region: MemoryRegion) {
    this.shape = shape;
    this.region = region;
  }

  fill(x: number, slot: number): ScatterList {
    const { elements, region } = this;
    const at = SLOTS + SLOT_BYTES * slot;
    elements.reset();
    if (asks(this.shape, x)) {
      region.u8[at] = question(x);
      elements.addOut(region, at, 1);
    }
    if (answers(this.shape, x)) elements.addIn(region, at + ANSWER, ANSWER_BYTES);
    return elements;
  }

  verify(x: number, slot: number, usedLength: number): boolean {
    if (!answers(this.shape, x)) return usedLength === 0;
    return usedLength === answerLength(x) && this.region.u8[SLOTS + SLOT_BYTES * slot + ANSWER] === answer(x);
  }

  explain(x: number, slot: number, usedLength: number): never {
    const wanted = answers(this.shape, x) ? answerLength(x) : 0;
    if (usedLength !== wanted) throw new CheckFailed(`request ${x}: used length`, wanted, usedLength);
    const found = this.region.u8[SLOTS + SLOT_BYTES * slot + ANSWER]!;
    throw new CheckFailed(`request ${x}: answer`, answer(x), found);
  }
}

export class CountingHost implements HostWorkload {
  private readonly shape: Shape;
  private readonly slotCount: number;
  private readonly buffer = new Uint8Array(1);
  private served = 0;

  constructor(shape: Shape, slotCount: number) {
    this.shape = shape;
    this.slotCount = slotCount;
  }

  serve({ readable, writable }: Request): number {
    const x = this.served++;
    const at = SLOTS + SLOT_BYTES * (x % this.slotCount);
    expectElement(`request ${x}: readable`, readable, asks(this.shape, x), at, 1);
    expectElement(`request ${x}: writable`, writable, answers(this.shape, x), at + ANSWER, ANSWER_BYTES);
    if (asks(this.shape, x)) {
      readable.pull(this.buffer, 0, 1);
      expectEqual(`request ${x}: question`, this.buffer[0]!, question(x));
    }
    if (!answers(this.shape, x)) return 0;
    this.buffer[0] = answer(x);
    writable.push(this.buffer, 0, 1);
    return answerLength(x);
  }
}

const asks = (shape: Shape, x: number) => shape === 'out' || shape === 'both' || (shape === 'alternate' && x % 2 === 0);
const answers = (shape: Shape, x: number) =>
  shape === 'in' || shape === 'both' || (shape === 'alternate' && x % 2 === 1);

/** @throws CheckFailed unless the list has the one element that the guest described, or none. */
function expectElement(what: string, list: ElementList, present: boolean, offset: number, length: number): void {
  expectEqual(`${what} elements`, list.count, present ? 1 : 0);
  if (!present) return;
  expectEqual(`${what} element's place`, list.offsets[0]!, offset);
  expectEqual(`${what} element's length`, list.lengths[0]!, length);
}
