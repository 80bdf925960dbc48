/**
 * The parallel test of Linux 4.4: even transfers carry their own number to the host, odd ones bring the number of
 * the one before back. Four bytes, cut into 3, 2, 1 or 4 elements in turn of four.
 */
import type { ScatterList } from '../../../src/guest/scatter-list.ts';
import type { Request } from '../../../src/host/queue.ts';
import { CheckFailed } from '../../check-failed.ts';
import { SlotGuest, type Slots } from './slots.ts';
import type { GuestWorkload, HostWorkload, Workload } from './workload.ts';

const SLOT_BYTES = 4;
const ELEMENTS_MAX = 4;
/** What an in buffer holds until the host writes it. */
const UNWRITTEN = -1;

class AlternateGuest extends SlotGuest implements GuestWorkload {
  constructor(slots: Slots) {
    super(slots, SLOT_BYTES, ELEMENTS_MAX);
  }

  fill(x: number, slot: number): ScatterList {
    const { elements } = this;
    const at = this.offsetOf(slot);
    const out = (x & 1) === 0;
    this.numbers[at >>> 2] = out ? x : UNWRITTEN;
    elements.reset();
    switch ((x >>> 2) & 3) {
      case 0:
        this.append(out, at, 1);
        this.append(out, at + 1, 2);
        this.append(out, at + 3, 1);
        break;
      case 1:
        this.append(out, at, 1);
        this.append(out, at + 1, 3);
        break;
      case 2:
        this.append(out, at, 4);
        break;
      default:
        for (let i = 0; i < 4; i++) this.append(out, at + i, 1);
    }
    return elements;
  }

  verify(x: number, slot: number, usedLength: number): boolean {
    const actual = this.numbers[this.offsetOf(slot) >>> 2]!;
    const odd = x & 1;
    return actual === ((x - odd) | 0) && usedLength === odd * SLOT_BYTES;
  }

  explain(x: number, slot: number, usedLength: number): never {
    const actual = this.numbers[this.offsetOf(slot) >>> 2]!;
    const written = (x & 1) * SLOT_BYTES;
    if (usedLength !== written) throw new CheckFailed(`transfer ${x}: used length`, written, usedLength);
    throw new CheckFailed(`transfer ${x}: payload`, x - (x & 1), actual);
  }

  private append(out: boolean, offset: number, length: number): void {
    if (out) this.elements.addOut(this.region, offset, length);
    else this.elements.addIn(this.region, offset, length);
  }
}

class AlternateHost implements HostWorkload {
  /** One more byte than a request may carry, so that a longer one shows. */
  private readonly kept = new Uint8Array(SLOT_BYTES + 1);

  serve(request: Request): number {
    const { readable, writable } = request;
    if (readable.count !== 0) {
      const pulled = readable.pull(this.kept, 0, SLOT_BYTES + 1);
      if (pulled !== SLOT_BYTES) throw new CheckFailed('bytes pulled from a request', SLOT_BYTES, pulled);
      return 0;
    }
    const pushed = writable.push(this.kept, 0, SLOT_BYTES);
    if (pushed !== SLOT_BYTES) throw new CheckFailed('bytes pushed into a request', SLOT_BYTES, pushed);
    if (writable.position !== writable.count)
      throw new CheckFailed('writable elements filled', writable.count, writable.position);
    return pushed;
  }
}

export const alternate: Workload = {
  guest: (slots) => new AlternateGuest(slots),
  host: () => new AlternateHost(),
};
