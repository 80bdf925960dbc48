/**
 * Where the parts of a ring lie in the shared memory, for the engine of either side: byte addresses, found by the
 * `SplitRing` of `split-layout.ts`. AssemblyScript.
 */

/** Number of descriptors, and the mask of a position. */
export let size: u32 = 0;
export let mask: u32 = 0;
/** The three tables. */
export let desc: usize = 0;
export let availRing: usize = 0;
export let usedRing: usize = 0;
/** The shared fields, read and written as sequentially consistent atomics only. */
export let availFlagsAt: usize = 0;
export let availIdxAt: usize = 0;
export let usedEventAt: usize = 0;
export let usedFlagsAt: usize = 0;
export let usedIdxAt: usize = 0;
export let availEventAt: usize = 0;

export function setRing(
  descriptors: u32,
  descTable: usize,
  availTable: usize,
  usedTable: usize,
  availFlags: usize,
  availIdx: usize,
  usedEvent: usize,
  usedFlags: usize,
  usedIdx: usize,
  availEvent: usize,
): void {
  size = descriptors;
  mask = descriptors - 1;
  desc = descTable;
  availRing = availTable;
  usedRing = usedTable;
  availFlagsAt = availFlags;
  availIdxAt = availIdx;
  usedEventAt = usedEvent;
  usedFlagsAt = usedFlags;
  usedIdxAt = usedIdx;
  availEventAt = availEvent;
}
