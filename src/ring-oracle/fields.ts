/**
 * Where the fields of a split ring lie in the fuzzed memory, by the specification's own figures [virtio-v1.2 §2.7],
 * and when a side must be notified, entry by entry.
 */

export interface RingPlan {
  readonly size: number;
  /** The three parts, by their places in the fuzzed memory. */
  readonly desc: number;
  readonly avail: number;
  readonly used: number;
}

/** Indices have 16 bits. */
export const wrap = (index: number) => ((index % 0x10000) + 0x10000) % 0x10000;

export const fieldsOf = ({ size, desc, avail, used }: RingPlan) => ({
  descriptor: (index: number) => desc + 16 * index,
  availFlags: avail,
  availIdx: avail + 2,
  availEntry: (index: number) => avail + 4 + 2 * (index % size),
  usedEvent: avail + 4 + 2 * size,
  usedFlags: used,
  usedIdx: used + 2,
  usedId: (index: number) => used + 4 + 8 * (index % size),
  usedLength: (index: number) => used + 8 + 8 * (index % size),
  availEvent: used + 4 + 8 * size,
});

export type Fields = ReturnType<typeof fieldsOf>;

/** An entry from `from` to before `to` was put where the other side asked to be told [§2.7.7.2, §2.7.10.1]. */
export function passes(from: number, to: number, event: number): boolean {
  for (let index = from; index !== to; index = wrap(index + 1)) if (index === event) return true;
  return false;
}

export const store = (at: number, width: number, value: number) => ({ at, width, value });
