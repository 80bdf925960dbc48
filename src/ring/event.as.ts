/** Event arithmetic of EVENT_IDX, as in `event.ts`. AssemblyScript. */

/** True if moving an index from `previous` to `next` passed the entry that `event` names [virtio-v1.2 §2.7.7.2]. */
export function needEvent(event: u32, next: u32, previous: u32): bool {
  return ((next - event - 1) & 0xffff) < ((next - previous) & 0xffff);
}
