/** The ordered access to a split ring, whose parts need not lie in one region. Either thread. */
import type { SplitRing } from '../ring/split-layout.ts';
import type { Ordering, SharedFields } from './ordering.ts';

/** A fence of either orders the accesses through both. */
export interface RingFields {
  /** For `availFlags`, `availIdx` and `usedEvent`: what the guest writes. */
  readonly avail: SharedFields;
  /** For `usedFlags`, `usedIdx` and `availEvent`: what the host writes. */
  readonly used: SharedFields;
}

/** Where both parts lie in one region, both fields are one object. */
export function bindRing(ordering: Ordering, ring: SplitRing): RingFields {
  const { avail, used } = ring.places;
  const availFields = ordering.bind(avail.region);
  return { avail: availFields, used: used.region === avail.region ? availFields : ordering.bind(used.region) };
}
