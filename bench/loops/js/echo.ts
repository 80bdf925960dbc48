/**
 * The parallel test of 2013: each request carries four bytes out and room for four in; the host copies. Cut into
 * 3 + 3, 2 + 2 or 1 + 1 elements in turn of four.
 */
import type { ScatterList } from '../../../src/guest/scatter-list.ts';
import type { Request } from '../../../src/host/queue.ts';
import { CheckFailed } from '../../check-failed.ts';
import { SlotGuest, type Slots } from './slots.ts';
import type { GuestWorkload, HostWorkload, Workload } from './workload.ts';

const PAYLOAD_BYTES = 4;
const SLOT_BYTES = 2 * PAYLOAD_BYTES;
const ELEMENTS_MAX = 6;
/** What the copy holds until the host writes it: never the number it must become. */
const UNWRITTEN = -1;

class EchoGuest extends SlotGuest implements GuestWorkload {
  constructor(slots: Slots) {
    super(slots, SLOT_BYTES, ELEMENTS_MAX);
  }

  fill(x: number, slot: number): ScatterList {
    const { elements, region } = this;
    const out = this.offsetOf(slot);
    const copy = out + PAYLOAD_BYTES;
    this.numbers[out >>> 2] = x;
    this.numbers[copy >>> 2] = UNWRITTEN;
    elements.reset();
    switch ((x >>> 2) % 3) {
      case 0:
        elements
          .addOut(region, out, 1)
          .addOut(region, out + 1, 2)
          .addOut(region, out + 3, 1);
        elements
          .addIn(region, copy, 1)
          .addIn(region, copy + 1, 2)
          .addIn(region, copy + 3, 1);
        break;
      case 1:
        elements.addOut(region, out, 1).addOut(region, out + 1, 3);
        elements.addIn(region, copy, 1).addIn(region, copy + 1, 3);
        break;
      default:
        elements.addOut(region, out, PAYLOAD_BYTES).addIn(region, copy, PAYLOAD_BYTES);
    }
    return elements;
  }

  verify(x: number, slot: number, usedLength: number): boolean {
    const at = this.offsetOf(slot) >>> 2;
    const number = x | 0;
    return this.numbers[at] === number && this.numbers[at + 1] === number && usedLength === PAYLOAD_BYTES;
  }

  explain(x: number, slot: number, usedLength: number): never {
    const at = this.offsetOf(slot) >>> 2;
    if (usedLength !== PAYLOAD_BYTES) throw new CheckFailed(`transfer ${x}: used length`, PAYLOAD_BYTES, usedLength);
    if (this.numbers[at] !== (x | 0)) throw new CheckFailed(`transfer ${x}: original`, x, this.numbers[at]!);
    throw new CheckFailed(`transfer ${x}: copy`, x, this.numbers[at + 1]!);
  }
}

class EchoHost implements HostWorkload {
  private readonly buffer = new Uint8Array(PAYLOAD_BYTES + 1);

  serve(request: Request): number {
    const { readable, writable } = request;
    const pulled = readable.pull(this.buffer, 0, PAYLOAD_BYTES + 1);
    const pushed = writable.push(this.buffer, 0, pulled);
    if (pushed !== pulled) throw new CheckFailed('bytes pushed into a request', pulled, pushed);
    if (writable.position !== writable.count)
      throw new CheckFailed('writable elements filled', writable.count, writable.position);
    return pushed;
  }
}

export const echo: Workload = {
  guest: (slots) => new EchoGuest(slots),
  host: () => new EchoHost(),
};
