/** The load of the kernel's ringtest: one element, no payload. What is checked is the order and the used length. */
import type { ScatterList } from '../../../src/guest/scatter-list.ts';
import { CheckFailed } from '../../check-failed.ts';
import { SlotGuest, type Slots } from './slots.ts';
import type { GuestWorkload, HostWorkload, Workload } from './workload.ts';

const SLOT_BYTES = 4;
const ELEMENTS_MAX = 1;
/** The element's one byte, which nobody moves: devices may refuse elements of none. */
const ELEMENT_BYTES = 1;

class SingleGuest extends SlotGuest implements GuestWorkload {
  constructor(slots: Slots) {
    super(slots, SLOT_BYTES, ELEMENTS_MAX);
  }

  fill(_x: number, slot: number): ScatterList {
    return this.elements.reset().addOut(this.region, this.offsetOf(slot), ELEMENT_BYTES);
  }

  verify(_x: number, _slot: number, usedLength: number): boolean {
    return usedLength === 0;
  }

  explain(x: number, _slot: number, usedLength: number): never {
    throw new CheckFailed(`transfer ${x}: used length`, 0, usedLength);
  }
}

class SingleHost implements HostWorkload {
  serve(): number {
    return 0;
  }
}

export const single: Workload = {
  guest: (slots) => new SingleGuest(slots),
  host: () => new SingleHost(),
};
